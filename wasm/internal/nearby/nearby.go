// Package nearby says what a host's addresses are to a visitor of a door: which of them are of use where he is, and
// of which his browser will ask. It must not know how descriptors come, nor who connects.
package nearby

import (
	"net/netip"
	"strings"

	"goop/shared/wire"
)

// Within returns a host's own descriptor with those addresses alone that its record has for this visitor, and the one
// that was reached in front. The host cannot know which of its addresses mean something to whom. Those of the record that
// it does not name itself, such as its router's, come last, with the certificates that it has now.
func Within(own, found wire.Descriptor, used string) wire.Descriptor {
	d := found
	d.Name, d.Version = own.Name, own.Version
	d.WebTransport = sorted(own.WebTransport, found.WebTransport, func(a wire.WebTransportAddr) string { return a.URL }, used)
	if len(own.WebTransport) > 0 {
		for i := range d.WebTransport {
			d.WebTransport[i].CertHashes = own.WebTransport[0].CertHashes
		}
	}
	d.WebSocket = sorted(own.WebSocket, found.WebSocket, func(s string) string { return s }, used)
	return d
}

// sorted returns the addresses of found: used, then those that own has too, in its words and order, then the others.
func sorted[A any](own, found []A, url func(A) string, used string) []A {
	var first, mutual, others []A
	places := map[string]bool{}
	for _, a := range found {
		places[place(url(a))] = true
	}
	add := func(a A, to *[]A) {
		if !places[place(url(a))] {
			return
		}
		places[place(url(a))] = false
		if url(a) == used {
			to = &first
		}
		*to = append(*to, a)
	}
	for _, a := range own {
		add(a, &mutual)
	}
	for _, a := range found {
		add(a, &others)
	}
	return append(append(first, mutual...), others...)
}

// place is the host and port of a URL.
func place(url string) string {
	_, rest, _ := strings.Cut(url, "://")
	at, _, _ := strings.Cut(rest, "/")
	return at
}

// Asked tells which of the visitor's own surroundings a descriptor has addresses of, for which a browser may ask before it
// lets a page reach them: "device", else "network", else "".
func Asked(d *wire.Descriptor) string {
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
