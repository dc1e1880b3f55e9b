package node_test

import (
	"context"
	"testing"
	"time"

	"goop/host/node"
	"goop/shared/link"
	"goop/shared/member"
	"goop/shared/wire"
)

// TestIdleConnections checks that a connection without a stream is closed after its time, and one with
// a stream is not, whatever comes on it.
func TestIdleConnections(t *testing.T) {
	t.Parallel()
	served := make(chan struct{}, 10)
	n := openHost(t, node.Options{Limits: node.Limits{Idle: 300 * time.Millisecond}}, func(n *node.Node) {
		n.Handle("/goop/test-quiet/1.0.0", func(_ context.Context, _ wire.PeerID, s link.Stream) {
			served <- struct{}{}
			_, _ = s.Read(make([]byte, 1))
		})
	})
	for _, tr := range transports {
		t.Run(tr, func(t *testing.T) {
			t.Parallel()
			ctx := testContext(t)
			d := newDialer(t, n, tr)
			ended := func(c member.Conn, what string) {
				t.Helper()
				select {
				case <-c.Done():
				case <-ctx.Done():
					t.Fatal(what)
				}
			}
			busy := dial(t, ctx, d)
			s, err := busy.Open(ctx, "/goop/test-quiet/1.0.0")
			if err != nil {
				t.Fatal(err)
			}
			<-served
			for range 3 { // each is younger than busy
				ended(dial(t, ctx, d), "an idle connection stays")
			}
			select {
			case <-busy.Done():
				t.Fatal("a connection with a stream was closed")
			default:
			}
			_ = s.Close()
			ended(busy, "a connection whose last stream has ended stays")
		})
	}
}
