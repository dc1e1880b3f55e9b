// Package dial makes the browser's connections to a host: it asks the host how it can be reached, tries
// WebTransport and then WebSocket, and has the host prove who it is before anything else is said. It is
// the member.Dialer of a page.
//
// The order of things is in plain files, behind the functions of a Platform; the browser itself is in
// the packages webtransport, websocket and identity. The package must not know what the streams carry.
//
// A Dialer is used by one goroutine at a time, but Descriptor and Key may be called from any; Dial
// waits for every goroutine that it starts.
package dial

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"time"

	"goop/shared/link"
	"goop/shared/member"
	"goop/shared/peerid"
	"goop/shared/wire"
	"goop/wasm/internal/identity"
)

// The transports, as Conn.Transport and Options.Transport name them.
const (
	WebTransport = "webtransport"
	WebSocket    = "websocket"
)

const (
	headStart    = 300 * time.Millisecond // of WebTransport
	wholeLimit   = 10 * time.Second       // for one Dial
	fetchLimit   = 5 * time.Second        // for the descriptor
	freshLimit   = time.Second            // for the descriptor, when there is an earlier one to go on with
	attemptLimit = 4 * time.Second        // for one URL, when others of its kind are left
	maxURLs      = 8                      // of each kind
)

// Options say which host is meant.
type Options struct {
	// Base is the origin of the host's HTTP front, such as "http://192.168.1.5:7780".
	Base string

	// Peer is the host's peer id, if it is known beforehand. Otherwise the first host that proves
	// itself stays the only one that is accepted.
	Peer wire.PeerID

	// Transport, if set, is the only one that is tried: WebTransport or WebSocket.
	Transport string

	// Store, if set, keeps which networks WebTransport does not get through, beyond the page.
	Store member.Store

	// Warn, if set, is told what a person might want to know, such as that no key can be stored.
	Warn func(message string)
}

// Platform is what a Dialer needs of the world.
type Platform struct {
	// Fetch returns the body of an HTTP resource, past every cache. One that is somewhere else now is an error with
	// code bad_message.
	Fetch func(ctx context.Context, url string) ([]byte, error)

	// WebTransport opens a session; the host must show a certificate with one of the SHA-256 hashes.
	// It is nil where there is no WebTransport.
	WebTransport func(ctx context.Context, url string, certHashes [][]byte) (Session, error)

	// WebSocket opens a WebSocket.
	WebSocket func(ctx context.Context, url string) (io.ReadWriteCloser, error)

	// Network returns what kind of line the page is on, such as "wifi"; "" where that is not known. It may be nil.
	Network func() string

	// Key returns this member's key for a host. why is set when it could not be stored.
	Key func(ctx context.Context, host wire.PeerID) (key *identity.Key, why error, err error)
}

// Session is a connection that carries streams. One that has datagrams also implements
// link.Datagrammer.
type Session interface {
	OpenStream(ctx context.Context) (link.Stream, error)
	Done() <-chan struct{}
	Close() error
}

// Dialer implements member.Dialer.
type Dialer struct {
	opts     Options
	platform Platform

	// Dial and Climb have the following, which are never called at once.
	networks networks
	recalled wire.PeerID // the host that networks is about

	// mu guards the following.
	mu         sync.Mutex
	host       wire.PeerID // the only one that is accepted, once it is known
	key        *identity.Key
	keyOf      wire.PeerID // the host that key is for
	descriptor wire.Descriptor
}

var _ member.Climber = (*Dialer)(nil)

// On returns a Dialer for a platform; New is the one for this browser.
func On(platform Platform, opts Options) *Dialer {
	return &Dialer{opts: opts, platform: platform, host: opts.Peer}
}

// Descriptor returns what the host said about itself at the last Dial.
func (d *Dialer) Descriptor() wire.Descriptor {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.descriptor
}

// Key returns the key that the last Dial used, and nil before.
func (d *Dialer) Key() *identity.Key {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.key
}

// Dial connects to the host. Its error has a code: offline or timeout when the host was not reached
// (the message lists what was tried), wrong_host when another one answered, invalid_value for Options
// that cannot work.
func (d *Dialer) Dial(ctx context.Context) (member.Conn, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, wholeLimit, wire.E(wire.Timeout, "the host did not answer in time"))
	defer cancel()
	switch d.opts.Transport {
	case "", WebTransport, WebSocket:
	default:
		return nil, wire.E(wire.InvalidValue, `transport "`, d.opts.Transport, `": there are `, WebTransport, " and ", WebSocket)
	}
	desc, err := d.meet(ctx, d.Descriptor())
	if err != nil {
		return nil, err
	}
	kept := d.readKept(ctx, desc.Peer)
	defer kept.end()
	c, err := d.race(ctx, &desc, kept)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.host = desc.Peer
	return c, nil
}

// Climb tries for WebTransport while the page is on WebSocket. See member.Climber.
func (d *Dialer) Climb(ctx context.Context, now member.Conn) (member.Conn, error) {
	if now.Transport() == WebTransport || d.platform.WebTransport == nil || d.opts.Transport == WebSocket {
		return nil, wire.E(wire.NotSupported, "this page has nothing better than ", now.Transport())
	}
	desc, err := d.meet(ctx, wire.Descriptor{})
	if err != nil {
		return nil, err
	}
	kept := d.readKept(ctx, desc.Peer)
	defer kept.end()
	webTransport, _ := d.attempts(&desc, kept.signer)
	if len(webTransport) == 0 {
		return nil, wire.E(wire.NotSupported, "the host does not offer WebTransport")
	}
	c, failures := d.try(ctx, webTransport, desc.Peer, kept)
	if c == nil {
		return nil, verdict(ctx, failures)
	}
	<-kept.recalled
	d.learn(ctx, desc.Peer, d.networkOf(&desc), true)
	return c, nil
}

// meet asks the host how it is reached. A known descriptor serves when there is no answer for a moment: after a change
// of address a browser may ask over a connection of the old one, while new ones get through.
func (d *Dialer) meet(ctx context.Context, known wire.Descriptor) (wire.Descriptor, error) {
	limit := fetchLimit
	if known.Peer != "" {
		limit = freshLimit
	}
	desc, err := d.describe(ctx, limit)
	if errors.Is(err, wire.Timeout) && known.Peer != "" && ctx.Err() == nil {
		return known, nil
	}
	return desc, err
}

// describe asks the host how it can be reached now.
func (d *Dialer) describe(ctx context.Context, limit time.Duration) (wire.Descriptor, error) {
	url := strings.TrimSuffix(d.opts.Base, "/") + wire.HostPath
	limited, cancel := context.WithTimeoutCause(ctx, limit, wire.E(wire.Timeout, "the host did not answer in time: ", url))
	defer cancel()
	body, err := d.platform.Fetch(limited, url)
	switch {
	case limited.Err() != nil:
		return wire.Descriptor{}, context.Cause(limited)
	case err != nil && !errors.Is(err, wire.BadMessage):
		return wire.Descriptor{}, &wire.Error{Code: wire.Offline, Message: "the host does not answer: " + url, Err: err}
	}
	var desc wire.Descriptor
	if err == nil {
		desc, err = wire.ParseDescriptor(body)
	}
	if err == nil {
		_, err = peerid.Key(desc.Peer)
	}
	if err != nil {
		return desc, &wire.Error{Code: wire.Offline, Message: "something else answers in the host's place, perhaps a network that wants a sign-in: " + url, Err: err}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.host != "" && d.host != desc.Peer {
		return desc, wire.E(wire.WrongHost, d.opts.Base, " is now the host ", string(desc.Peer), ", but ", string(d.host), " was expected")
	}
	d.descriptor = desc
	return desc, nil
}
