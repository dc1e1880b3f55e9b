package node_test

import (
	"context"
	"sync"
	"testing"

	"goop/host/node"
	"goop/shared/link"
	"goop/shared/link/linktest"
	"goop/shared/member"
	"goop/shared/wire"
)

// TestStreams runs both ends of a stream over every transport through the suite of all streams.
func TestStreams(t *testing.T) {
	t.Parallel()
	const proto = "/goop/test-link/1.0.0"
	for _, tr := range transports {
		t.Run(tr, func(t *testing.T) {
			t.Parallel()
			ctx := testContext(t)
			far := make(chan link.Stream)
			var one sync.Mutex
			n := openHost(t, node.Options{}, func(n *node.Node) {
				n.Handle(proto, func(ctx context.Context, _ wire.PeerID, s link.Stream) {
					far <- s
					<-ctx.Done() // the test owns the stream until the host closes
				})
			})
			d := newDialer(t, n, tr)
			for _, way := range []string{"member to host", "host to member"} {
				t.Run(way, func(t *testing.T) {
					linktest.Run(t, func(t *testing.T) (link.Stream, link.Stream) {
						c := dial(t, ctx, d)
						t.Cleanup(func() { _ = c.Close() })
						return pair(t, ctx, &one, c, proto, far, way == "host to member")
					})
				})
			}
		})
	}
}

// pair opens a stream and returns its two ends. One at a time, so that the ends are of one stream.
func pair(t *testing.T, ctx context.Context, one *sync.Mutex, c member.Conn, proto string, far <-chan link.Stream, swap bool) (link.Stream, link.Stream) {
	t.Helper()
	one.Lock()
	defer one.Unlock()
	near, err := c.Open(ctx, proto)
	if err != nil {
		t.Fatal(err)
	}
	if swap {
		return <-far, near
	}
	return near, <-far
}
