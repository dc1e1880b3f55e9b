package main

import (
	"context"
	"io"
	"net/netip"
	"strings"
	"syscall/js"
	"time"

	"goop/shared/wire"
	"goop/wasm/internal/sitefetch"
)

const (
	// descriptorTime is how long the host may take to say itself how it is reached. A member waits 5 s in all.
	descriptorTime = 1500 * time.Millisecond
	// maxDescriptor bounds what is read of its answer, in bytes.
	maxDescriptor = 64 << 10
)

// descriptor() resolves with what GET /goop/host.json is to answer: how the host is reached from here. While there is a
// connection, the host is asked, which knows its certificates of now; otherwise the record says it.
func (v *visitor) descriptor(ctx context.Context, _ []js.Value) (any, error) {
	if conn := v.client.Connected(); conn != nil {
		own, err := v.own(ctx)
		if err == nil {
			v.mu.Lock()
			found, used := v.found, v.used[conn.Transport()]
			v.mu.Unlock()
			d := within(own, found, used)
			return string(d.Append(nil)), nil
		}
	}
	d, err := v.record(ctx)
	if err != nil {
		return nil, err
	}
	return string(d.Append(nil)), nil
}

// own asks the host itself.
func (v *visitor) own(ctx context.Context) (d wire.Descriptor, err error) {
	ctx, cancel := context.WithTimeout(ctx, descriptorTime)
	defer cancel()
	r, err := v.client.Do(ctx, &sitefetch.Request{Method: "GET", Target: wire.HostPath, Host: v.host})
	if err != nil {
		return d, err
	}
	defer r.Body.Close()
	body, err := io.ReadAll(io.LimitReader(r.Body, maxDescriptor))
	if err != nil {
		return d, err
	}
	if d, err = wire.ParseDescriptor(body); err == nil && (r.Status != 200 || d.Peer != v.expected) {
		err = wire.E(wire.WrongHost, "not the host's descriptor")
	}
	return d, err
}

// within returns a host's own descriptor with those addresses alone that its record has for this visitor, and the one
// that was reached in front. The host cannot know which of its addresses mean something to whom.
func within(own, found wire.Descriptor, used string) wire.Descriptor {
	known := map[string]bool{}
	for _, a := range found.WebTransport {
		known[place(a.URL)] = true
	}
	for _, url := range found.WebSocket {
		known[place(url)] = true
	}
	d := found
	d.Name, d.Version = own.Name, own.Version
	var wt []wire.WebTransportAddr
	for _, a := range own.WebTransport {
		switch {
		case a.URL == used:
			wt = append([]wire.WebTransportAddr{a}, wt...)
		case known[place(a.URL)]:
			wt = append(wt, a)
		}
	}
	if len(wt) > 0 {
		d.WebTransport = wt
	}
	var ws []string
	for _, url := range own.WebSocket {
		switch {
		case url == used:
			ws = append([]string{url}, ws...)
		case known[place(url)]:
			ws = append(ws, url)
		}
	}
	if len(ws) > 0 {
		d.WebSocket = ws
	}
	return d
}

// place is the host and port of a URL.
func place(url string) string {
	_, rest, _ := strings.Cut(url, "://")
	at, _, _ := strings.Cut(rest, "/")
	return at
}

// near tells which of the visitor's own surroundings a descriptor has addresses of, for which a browser may ask before it
// lets a page reach them: "device", else "network", else "".
func near(d *wire.Descriptor) string {
	found := ""
	look := func(url string) {
		at := place(url)
		if i := strings.LastIndexByte(at, ':'); i >= 0 {
			at = at[:i]
		}
		a, err := netip.ParseAddr(strings.Trim(at, "[]"))
		switch {
		case at == "localhost", err == nil && a.IsLoopback():
			found = "device"
		case err == nil && (a.IsPrivate() || a.IsLinkLocalUnicast()) && found == "":
			found = "network"
		}
	}
	for _, a := range d.WebTransport {
		look(a.URL)
	}
	for _, url := range d.WebSocket {
		look(url)
	}
	return found
}
