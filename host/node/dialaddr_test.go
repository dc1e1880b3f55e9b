package node

import (
	"context"
	"errors"
	"net"
	"strconv"
	"sync/atomic"
	"testing"

	"goop/shared/wire"
)

// A descriptor with many names does not make its reader ask for all of them.
func TestFewNamesAreLookedUp(t *testing.T) { // not parallel: it changes the resolver
	before := net.DefaultResolver
	defer func() { net.DefaultResolver = before }()
	var asked atomic.Int64
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		asked.Add(1)
		return nil, errors.New("no network")
	}}
	var d wire.Descriptor
	for i := range 300 {
		d.WebTransport = append(d.WebTransport, wire.WebTransportAddr{URL: "https://a" + strconv.Itoa(i) + ".example:7780/"})
	}
	list, err := candidates(t.Context(), d, WebTransport)
	if err != nil || len(list) != maxCandidates {
		t.Fatalf("got %d candidates, %v", len(list), err)
	}
	one := asked.Load() / maxCandidates
	asked.Store(0)
	d.WebTransport = d.WebTransport[:1]
	if _, err := candidates(t.Context(), d, WebTransport); err != nil {
		t.Fatal(err)
	}
	if one > asked.Load() {
		t.Errorf("%d questions for each candidate, and one name takes %d", one, asked.Load())
	}
}
