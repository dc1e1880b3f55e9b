package node_test

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"goop/host/node"
	"goop/shared/link"
	"goop/shared/member"
	"goop/shared/wire"
)

// echoProtocol is served by the hosts of these tests: it sends back what it reads.
const echoProtocol = "/goop/test-echo/1.0.0"

// transports are all that a native member can dial.
var transports = []string{node.QUIC, node.WebTransport, node.WebSocket, node.TCP}

// patience bounds every wait for something that has to happen; the machine may be very busy.
const patience = time.Minute

// testContext ends soon enough for a hanging test to say where it hangs.
func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func newKey(t *testing.T) node.Key {
	t.Helper()
	k, err := node.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// openHost opens a host on free ports of 127.0.0.1 that echoes; change may set it up further before it
// listens. It is closed with the test.
func openHost(t *testing.T, opts node.Options, change func(*node.Node)) *node.Node {
	t.Helper()
	opts.Key = newKey(t)
	if opts.Listen == "" {
		opts.Listen, opts.ListenTCP = "127.0.0.1:0", "127.0.0.1:0"
	}
	n, err := node.Open(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error("close:", err)
		}
	})
	n.Handle(echoProtocol, echo)
	if change != nil {
		change(n)
	}
	if err := n.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	return n
}

func echo(_ context.Context, _ wire.PeerID, s link.Stream) { _, _ = io.Copy(s, s) }

// descriptorOf returns what a Dialer asks for.
func descriptorOf(n *node.Node) func(context.Context) (wire.Descriptor, error) {
	return func(context.Context) (wire.Descriptor, error) { return n.Descriptor("", false), nil }
}

func always(d wire.Descriptor) func(context.Context) (wire.Descriptor, error) {
	return func(context.Context) (wire.Descriptor, error) { return d, nil }
}

func newDialer(t *testing.T, n *node.Node, transport string) *node.Dialer {
	t.Helper()
	d, err := node.NewDialer(node.DialerOptions{Descriptor: descriptorOf(n), Host: n.Peer(), Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// dial connects, and tries again as members do: a busy machine refuses some.
func dial(t *testing.T, ctx context.Context, d *node.Dialer) member.Conn {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		c, err := d.Dial(ctx)
		if err == nil {
			t.Cleanup(func() { _ = c.Close() })
			return c
		}
		select {
		case <-tick.C:
			t.Log("dialling again:", err)
		case <-ctx.Done():
			t.Fatal(err)
		}
	}
}

func TestEcho(t *testing.T) {
	t.Parallel()
	var peers = make(chan wire.PeerID, len(transports))
	n := openHost(t, node.Options{}, func(n *node.Node) {
		n.Handle("/goop/test-who/1.0.0", func(ctx context.Context, p wire.PeerID, s link.Stream) { peers <- p; echo(ctx, p, s) })
		n.HandleHTTP(http.NotFoundHandler())
	})
	for _, tr := range transports {
		t.Run(tr, func(t *testing.T) {
			ctx := testContext(t)
			c := dial(t, ctx, newDialer(t, n, tr))
			s, err := c.Open(ctx, "/goop/test-who/1.0.0")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(s, "hello"); err != nil {
				t.Fatal(err)
			}
			if err := s.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(s)
			if err != nil || string(got) != "hello" {
				t.Errorf("echo: got %q, %v, want hello", got, err)
			}
			if got := <-peers; got != c.Self() {
				t.Errorf("peer that the handler was told: got %s, want %s", got, c.Self())
			}
			if got := c.Host(); got != n.Peer() {
				t.Errorf("host: got %s, want %s", got, n.Peer())
			}
		})
	}
}
