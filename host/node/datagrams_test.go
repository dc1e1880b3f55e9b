package node_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"runtime"
	"strconv"
	"testing"
	"time"

	"goop/host/node"
	"goop/shared/link"
	"goop/shared/member"
	"goop/shared/wire"
)

const datagramProtocol = "/goop/test-datagrams/1.0.0"

// echoDatagrams tells, in the first byte of its stream, the number of the stream in the datagrams of its
// connection, and sends back what comes under it, under 7. Without datagrams it tells 0.
func echoDatagrams(_ context.Context, _ wire.PeerID, s link.Stream) {
	d := s.(link.Datagrammer).Datagrams()
	number := byte(0)
	if d != nil {
		n := d.Demux().Attach(func(rest []byte) { _ = d.Send(append([]byte{7}, rest...)) })
		defer d.Demux().Detach(n)
		number = byte(n)
	}
	_, _ = s.Write([]byte{number})
	_, _ = s.Read(make([]byte, 1)) // until the member has had enough
}

// openDatagrams opens a stream and returns it with its number, and what comes back under 7.
func openDatagrams(t *testing.T, ctx context.Context, c member.Conn) (s link.Stream, number byte, back chan []byte) {
	t.Helper()
	s, err := c.Open(ctx, datagramProtocol)
	if err != nil {
		t.Fatal(err)
	}
	first := make([]byte, 1)
	if _, err := s.Read(first); err != nil {
		t.Fatal(err)
	}
	back = make(chan []byte, 1000)
	if d := c.(link.Datagrammer).Datagrams(); d != nil {
		d.Demux().Bind(7, func(rest []byte) {
			select {
			case back <- bytes.Clone(rest):
			default:
			}
		})
	}
	return s, first[0], back
}

// deliver sends a packet again and again until it comes back, as it may be lost on the way.
func deliver(t *testing.T, ctx context.Context, c member.Conn, number byte, body []byte, back <-chan []byte) {
	t.Helper()
	d := c.(link.Datagrammer).Datagrams()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if err := d.Send(append([]byte{number}, body...)); err != nil {
			t.Fatalf("%d bytes: %v", len(body)+1, err)
		}
		for again := false; !again; {
			select {
			case got := <-back:
				if bytes.Equal(got, body) {
					return
				}
			case <-tick.C:
				again = true
			case <-ctx.Done():
				t.Fatalf("%d bytes did not come back", len(body)+1)
			}
		}
	}
}

func TestDatagrams(t *testing.T) {
	t.Parallel()
	n := openHost(t, node.Options{}, func(n *node.Node) { n.Handle(datagramProtocol, echoDatagrams) })
	largest := wire.Datagram{
		Session: 1 << 14, Seq: 1 << 28, Sender: 1 << 14, Time: 1 << 41, From: n.Peer(),
		Key: "a-key-of-usual-length", Payload: bytes.Repeat([]byte("x"), wire.MaxDatagramPayload),
	}
	for _, tt := range []struct {
		transport string
		some      bool
	}{{node.WebTransport, true}, {node.QUIC, true}, {node.WebSocket, false}, {node.TCP, false}} {
		t.Run(tt.transport, func(t *testing.T) {
			t.Parallel()
			ctx := testContext(t)
			c := dial(t, ctx, newDialer(t, n, tt.transport))
			_, number, back := openDatagrams(t, ctx, c)
			if !tt.some {
				if d := c.(link.Datagrammer).Datagrams(); d != nil || number != 0 {
					t.Errorf("got %v and number %d, want no datagrams", d, number)
				}
				return
			}
			for i := range 10 {
				deliver(t, ctx, c, number, []byte(strconv.Itoa(i)), back)
			}
			deliver(t, ctx, c, number, largest.AppendDown(nil), back)
			other, second, back := openDatagrams(t, ctx, c)
			if second == number {
				t.Errorf("two streams have the number %d", number)
			}
			deliver(t, ctx, c, second, []byte("two"), back)
			_ = other.Close()
			deliver(t, ctx, c, number, []byte("one goes on"), back)
			d := c.(link.Datagrammer).Datagrams()
			if err := d.Send(binary.AppendUvarint(nil, 99)); err != nil { // nobody's
				t.Error(err)
			}
			_ = c.Close()
			if err := d.Send([]byte{number}); err == nil {
				t.Error("sent on a closed connection")
			}
		})
	}
}

// TestDatagramReadersEnd checks that what reads and writes the datagrams of a connection ends with it, and
// not with the node. It is not parallel, so that the goroutines are its own.
func TestDatagramReadersEnd(t *testing.T) {
	ctx := testContext(t)
	n := openHost(t, node.Options{}, func(n *node.Node) { n.Handle(datagramProtocol, echoDatagrams) })
	for _, tr := range []string{node.WebTransport, node.QUIC} {
		d := newDialer(t, n, tr)
		for range 3 {
			c := dial(t, ctx, d)
			_, number, back := openDatagrams(t, ctx, c)
			deliver(t, ctx, c, number, []byte("hello"), back)
			if got := packetGoroutines(); got < 2 {
				t.Errorf("%s: got %d goroutines, want one at each end", tr, got)
			}
			_ = c.Close()
		}
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for packetGoroutines() > 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%d goroutines are left", packetGoroutines())
		}
	}
}

func packetGoroutines() int {
	buf := make([]byte, 4<<20)
	return bytes.Count(buf[:runtime.Stack(buf, true)], []byte("node.(*packets)."))
}
