package node

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"goop/shared/door"
	"goop/shared/peerid"
	"goop/shared/record"
	"goop/shared/wire"
)

const (
	fetchTimeout  = 10 * time.Second
	maxDescriptor = 64 << 10 // bytes
)

// ErrDoor tells that an address is that of a door and not of a host.
var ErrDoor = errors.New("what is there is a door: each host has a name of its own below it, which begins with k51 and which goop serve --door prints")

// FetchDescriptor returns a function that reads the descriptor of the host whose site is at origin, such as
// "http://192.168.1.5:7780", or "https://<label>.door.example": a host's name at a door, where its signed record
// is read. The record is checked, and an error when it is not that host's own.
func FetchDescriptor(origin string) func(context.Context) (wire.Descriptor, error) {
	client := &http.Client{Timeout: fetchTimeout, Transport: &http.Transport{DisableKeepAlives: true, DialContext: dialHTTP}}
	origin = strings.TrimSuffix(origin, "/")
	if host, ok := AtDoor(origin); ok {
		return func(ctx context.Context) (wire.Descriptor, error) {
			b, err := fetch(ctx, client, origin+door.RecordPath, record.MaxSize+1)
			if err != nil {
				return wire.Descriptor{}, err
			}
			rec, err := record.Open(b, verify)
			if err != nil {
				return wire.Descriptor{}, fmt.Errorf("the door's record of the host: %w", err)
			}
			if rec.Peer != host {
				return wire.Descriptor{}, wire.E(wire.WrongHost, "the door has the record of ", string(rec.Peer), " under the name of ", string(host))
			}
			return rec.Descriptor(), nil
		}
	}
	return func(ctx context.Context) (wire.Descriptor, error) {
		b, err := fetch(ctx, client, origin+wire.HostPath, maxDescriptor)
		if err != nil {
			return wire.Descriptor{}, err
		}
		return wire.ParseDescriptor(b)
	}
}

// AtDoor returns the host that an origin names, when it is one of a door.
func AtDoor(origin string) (wire.PeerID, bool) {
	u, err := url.Parse(origin)
	if err != nil {
		return "", false
	}
	label, _, _ := strings.Cut(strings.ToLower(u.Hostname()), ".")
	host, err := peerid.FromLabel(label)
	return host, err == nil
}

func verify(public, message, signature []byte) bool {
	return len(public) == ed25519.PublicKeySize && ed25519.Verify(public, message, signature)
}

// dialHTTP is the plain dialer, for which names below localhost are this machine, as they are for browsers.
func dialHTTP(ctx context.Context, network, addr string) (net.Conn, error) {
	if host, port, err := net.SplitHostPort(addr); err == nil && strings.HasSuffix(host, ".localhost") {
		addr = net.JoinHostPort("localhost", port)
	}
	var d net.Dialer
	return d.DialContext(ctx, network, addr)
}

// fetch reads one small file.
func fetch(ctx context.Context, client *http.Client, target string, most int64) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return nil, fmt.Errorf("fetch the descriptor: %w", err)
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("fetch the descriptor: %w", err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, most))
	if err != nil {
		return nil, fmt.Errorf("fetch the descriptor: %w", err)
	}
	switch _, refused := door.ParseRefusal(b); {
	case res.StatusCode == http.StatusOK:
		return b, nil
	case res.StatusCode == http.StatusNotFound && strings.HasSuffix(target, door.RecordPath):
		return nil, errors.New("the host is away: the door has no record of it")
	case refused:
		return nil, ErrDoor
	}
	return nil, fmt.Errorf("fetch the descriptor: %s answers %s", target, res.Status)
}
