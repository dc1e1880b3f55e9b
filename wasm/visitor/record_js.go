package main

import (
	"context"
	"io"
	"strings"

	"goop/shared/member"
	"goop/shared/peerid"
	"goop/shared/record"
	"goop/shared/wire"
	"goop/wasm/internal/curve"
	"goop/wasm/internal/dial"
	"goop/wasm/internal/identity"
	"goop/wasm/internal/jsx"
	"goop/wasm/internal/random"
)

// expectedPeer returns the peer id whose label a page's host name begins with.
func expectedPeer(host string) (wire.PeerID, error) {
	label, _, _ := strings.Cut(host, ".")
	peer, err := peerid.FromLabel(label)
	if err != nil {
		return "", &wire.Error{Code: wire.WrongHost, Message: "this address names no host: " + label, Err: err}
	}
	return peer, nil
}

// record asks the door for the host's record and returns what it says, once it has proved to be the host's own.
func (v *visitor) record(ctx context.Context) (wire.Descriptor, error) {
	if v.fault != nil {
		return wire.Descriptor{}, v.fault
	}
	answer, err := jsx.Await(ctx, v.ask.Invoke())
	if err != nil {
		return wire.Descriptor{}, err
	}
	envelope, err := jsx.Bytes(answer)
	if err != nil {
		return wire.Descriptor{}, err
	}
	r, err := record.Open(envelope, curve.Verify)
	if err != nil {
		return wire.Descriptor{}, &wire.Error{Code: wire.WrongHost, Message: "the door gave a record that the host has not signed", Err: err}
	}
	if r.Peer != v.expected {
		return wire.Descriptor{}, wire.E(wire.WrongHost, "the door gave the record of another host, ", string(r.Peer))
	}
	d := r.Descriptor()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.found = d
	return d, nil
}

// platform is this browser for a Dialer, but with the descriptor from the record, and a key for this connection
// alone: who reads pages need not be known to the host.
func (v *visitor) platform() dial.Platform {
	p := dial.Browser()
	p.Fetch = func(context.Context, string) ([]byte, error) { // of Dial, which connect calls
		v.mu.Lock()
		defer v.mu.Unlock()
		return v.found.Append(nil), nil
	}
	p.Key = func(context.Context, wire.PeerID) (*identity.Key, error, error) {
		var seed [curve.Size]byte
		random.Read(seed[:])
		return identity.FromSeed(identity.Memory, &seed), nil, nil
	}
	v.used = map[string]string{}
	if open := p.WebTransport; open != nil {
		p.WebTransport = func(ctx context.Context, url string, certHashes [][]byte) (dial.Session, error) {
			s, err := open(ctx, url, certHashes)
			if err == nil {
				v.reached(dial.WebTransport, url)
			}
			return s, err
		}
	}
	socket := p.WebSocket
	p.WebSocket = func(ctx context.Context, url string) (io.ReadWriteCloser, error) {
		c, err := socket(ctx, url)
		if err == nil {
			v.reached(dial.WebSocket, url)
		}
		return c, err
	}
	return p
}

func (v *visitor) reached(transport, url string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.used[transport] = url
}

// connect is the client's way to a connection.
func (v *visitor) connect(ctx context.Context) (member.Conn, error) {
	if _, err := v.record(ctx); err != nil {
		return nil, err
	}
	return v.dialer.Dial(ctx)
}
