package dataserve_test

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"goop/host/dataserve"
	"goop/shared/link"
	"goop/shared/wire"
)

// What a stream may take is bounded, and so is how many of them a peer has: it needs one for each of its
// connections.
func TestStreamsOfOnePeerAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := dataserve.New(dataserve.Options{Site: site(t, notes), Tables: &tables{}, Owners: nobody{}, Limits: wire.DefaultLimits()})
		var serving sync.WaitGroup
		var ends []link.Stream
		open := func(peer wire.PeerID) *client {
			near, far := link.Pipe(0)
			ends = append(ends, near)
			serving.Go(func() { server.Serve(t.Context(), peer, far) })
			synctest.Wait() // each comes in before the next
			return &client{t, near, link.NewReader(near, wire.MaxLine)}
		}
		for i := range 64 {
			if got := open("anna").ask(`{"id":1,"op":"time"}`); !strings.HasPrefix(got, `{"id":1,"time":`) {
				t.Fatalf("stream %d: got %s", i, got)
			}
		}
		if got := open("anna").recv(); !strings.Contains(got, `"code":"limit_exceeded"`) || !strings.Contains(got, `"fatal":true`) {
			t.Errorf("one stream too many: got %s", got)
		}
		if got := open("bob").ask(`{"id":1,"op":"time"}`); !strings.HasPrefix(got, `{"id":1,"time":`) {
			t.Errorf("another peer: got %s", got)
		}
		_ = ends[0].Reset()
		synctest.Wait()
		if got := open("anna").ask(`{"id":2,"op":"time"}`); !strings.HasPrefix(got, `{"id":2,"time":`) {
			t.Errorf("after one has ended: got %s", got)
		}
		for _, s := range ends {
			_ = s.Reset()
		}
		serving.Wait()
	})
}
