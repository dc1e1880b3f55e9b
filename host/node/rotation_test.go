package node_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"goop/host/node"
	"goop/host/relay"
	"goop/shared/group"
	"goop/shared/link"
	"goop/shared/member"
	"goop/shared/wire"
)

// packets is a UDP network in memory, on 127.0.0.1. Unlike the machine's, it lets the time of a bubble go on.
type packets struct {
	mu    sync.Mutex // guards all below
	ports map[int]*packetConn
	last  int
}

type packet struct {
	from net.Addr
	data []byte
}

// packetConn is one port of it.
type packetConn struct {
	net  *packets
	addr *net.UDPAddr
	in   chan packet

	mu       sync.Mutex // guards all below
	deadline time.Time
	changed  chan struct{} // closed and replaced with the deadline, closed for good with the port
	closed   bool
}

func (n *packets) listen(_ string, addr *net.UDPAddr) (net.PacketConn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	port := addr.Port
	if port == 0 {
		n.last++
		port = 50000 + n.last
	}
	if n.ports[port] != nil {
		return nil, errors.New("the port is taken")
	}
	c := &packetConn{net: n, addr: &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}, in: make(chan packet, 1000), changed: make(chan struct{})}
	if n.ports == nil {
		n.ports = map[int]*packetConn{}
	}
	n.ports[port] = c
	return c, nil
}

func (c *packetConn) ReadFrom(p []byte) (int, net.Addr, error) {
	for {
		c.mu.Lock()
		deadline, changed, closed := c.deadline, c.changed, c.closed
		c.mu.Unlock()
		if closed {
			return 0, nil, net.ErrClosed
		}
		var late <-chan time.Time
		if !deadline.IsZero() {
			left := time.Until(deadline)
			if left <= 0 {
				return 0, nil, os.ErrDeadlineExceeded
			}
			late = time.After(left)
		}
		select {
		case got := <-c.in:
			return copy(p, got.data), got.from, nil
		case <-changed:
		case <-late:
			return 0, nil, os.ErrDeadlineExceeded
		}
	}
}

func (c *packetConn) WriteTo(p []byte, to net.Addr) (int, error) {
	c.net.mu.Lock()
	far := c.net.ports[to.(*net.UDPAddr).Port]
	c.net.mu.Unlock()
	if far != nil {
		select {
		case far.in <- packet{c.addr, slices.Clone(p)}:
		default: // as UDP does
		}
	}
	return len(p), nil
}

func (c *packetConn) LocalAddr() net.Addr { return c.addr }

func (c *packetConn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

func (c *packetConn) SetWriteDeadline(time.Time) error { return nil }

func (c *packetConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	c.deadline = t
	close(c.changed)
	c.changed = make(chan struct{})
	return nil
}

func (c *packetConn) Close() error {
	c.net.mu.Lock()
	delete(c.net.ports, c.addr.Port)
	c.net.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.closed = true
		close(c.changed)
	}
	return nil
}

// gated is a dialer that can be held up, and that can lose its connection.
type gated struct {
	member.Dialer

	mu   sync.Mutex // guards all below
	shut bool
	conn member.Conn
}

func (d *gated) Dial(ctx context.Context) (member.Conn, error) {
	d.mu.Lock()
	shut := d.shut
	d.mu.Unlock()
	if shut {
		return nil, wire.E(wire.Offline, "the member sleeps")
	}
	c, err := d.Dialer.Dial(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.conn = c
	return c, err
}

// sleep loses the connection, and lets no other one be made until wake.
func (d *gated) sleep() {
	d.mu.Lock()
	d.shut = true
	c := d.conn
	d.mu.Unlock()
	_ = c.Close()
}

func (d *gated) wake() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.shut = false
}

// TestRotation lets two rotations of the host's certificates come, in a time that is made up: the member is connected
// while each comes, loses its connection after it, and is back with a certificate that it did not know before. In the
// group nothing is lost and nothing doubled.
func TestRotation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		var udp packets
		w := newRotating(t, &udp)
		defer w.close()
		var dialed []string // the certificate hashes of the latest dial
		opts := node.DialerOptions{Host: w.node.Peer(), Transport: node.WebTransport, Descriptor: func(context.Context) (wire.Descriptor, error) {
			d := w.node.Descriptor("", false)
			dialed = d.WebTransport[0].CertHashes
			return d, nil
		}}
		opts.Over(udp.listen)
		inner, err := node.NewDialer(opts)
		if err != nil {
			t.Fatal(err)
		}
		defer inner.Close()
		dialer := &gated{Dialer: inner}
		ann := member.New(member.Options{Dialer: dialer})
		defer ann.Close()
		ann.Start()
		var heard []string
		s, err := ann.Join(ctx, "lobby", member.JoinOptions{Handler: member.HandlerFunc(func(batch []member.Event) {
			for _, e := range batch {
				if e.Frame.Type == wire.TypeMsg || e.Frame.Type == member.TypeGap {
					heard = append(heard, string(e.Frame.Type)+" "+string(e.Frame.Payload))
				}
			}
		})})
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		bob := func(text string) {
			t.Helper()
			w.say(text)
			want = append(want, "msg "+text)
		}
		send := func(text string) {
			t.Helper()
			if _, err := s.Send(ctx, []byte(text), member.SendOptions{}); err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			want = append(want, "msg "+text)
		}
		first := w.node.Descriptor("", false)
		next := rotationAfter(t, w.node.Peer(), time.Now())
		rotations := 2
		if racing { // which makes two weeks long
			rotations = 1
		}
		for i := range rotations {
			// The days between are nothing but heartbeats; the member sleeps.
			dialer.sleep()
			bob(`"while ann slept"`)
			time.Sleep(time.Until(next) - time.Minute)
			dialer.wake()
			send(`"before"`)
			before := dialed
			time.Sleep(2 * time.Minute)
			now := w.node.Descriptor("", false).WebTransport[0].CertHashes
			if now[0] != before[1] || now[1] == before[0] {
				t.Fatalf("rotation %d: the hashes were %q and are %q", i+1, before, now)
			}
			bob(`"during"`)
			send(`"still there"`)
			if got := ann.Status(); got.State != member.Online || !slices.Equal(dialed, before) {
				t.Errorf("rotation %d: the connection did not last through it: %+v", i+1, got)
			}

			dialer.sleep()
			pending, err := s.Post([]byte(`"away"`), member.SendOptions{})
			if err != nil {
				t.Fatal(err)
			}
			bob(`"while ann was away"`)
			dialer.wake()
			if _, err := pending.Wait(ctx); err != nil {
				t.Fatal(err)
			}
			want = append(want, `msg "away"`)
			if !slices.Equal(dialed, now) {
				t.Errorf("rotation %d: it is back with %q, want %q", i+1, dialed, now)
			}
			next = rotationAfter(t, w.node.Peer(), time.Now())
		}
		if err := s.Leave(ctx); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(heard, want) {
			t.Errorf("ann heard\n%q, want\n%q", heard, want)
		}

		if rotations < 2 {
			return
		}
		// What was good before the first is good for nothing after the second.
		old := node.DialerOptions{Transport: node.WebTransport, Descriptor: always(first)}
		old.Over(udp.listen)
		stale, err := node.NewDialer(old)
		if err != nil {
			t.Fatal(err)
		}
		defer stale.Close()
		if c, err := stale.Dial(ctx); err == nil {
			_ = c.Close()
			t.Error("connected with the hashes of two certificates ago")
		}
	})
}

// rotating is a host in memory with one group, whose first rotation is near.
type rotating struct {
	t     *testing.T
	node  *node.Node
	relay *relay.Relay

	bob    link.Stream // nil until he says something
	lines  *link.Reader
	served chan struct{}
	said   int
}

func newRotating(t *testing.T, udp *packets) *rotating {
	t.Helper()
	r, err := relay.Open(t.Context(), relay.Options{})
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := group.ParseConfig([]byte(`{"id":"lobby","type":"open"}`))
	if err == nil {
		err = r.Ensure(t.Context(), cfg)
	}
	if err != nil {
		t.Fatal(err)
	}
	opts := node.Options{Listen: "127.0.0.1:7780"}
	opts.Key = newKey(t)
	for time.Until(rotationAfter(t, opts.Key.Peer(), time.Now())) > 2*time.Hour {
		opts.Key = newKey(t)
	}
	opts.Over(udp.listen)
	n, err := node.Open(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	n.Handle(wire.GroupProtocol, r.Serve)
	n.Handle(wire.DataProtocol, tellTime)
	if err := n.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	return &rotating{t: t, node: n, relay: r}
}

func (w *rotating) close() {
	w.t.Helper()
	_ = w.bob.Close()
	<-w.served
	if err := errors.Join(w.relay.Shutdown(context.Background()), w.node.Close()); err != nil {
		w.t.Error(err)
	}
}

// say has bob say something, who is with the host and not behind a network.
func (w *rotating) say(text string) {
	w.t.Helper()
	if w.bob == nil {
		near, far := link.Pipe(0)
		w.served = make(chan struct{})
		go func() {
			defer close(w.served)
			w.relay.Serve(context.Background(), "bob", far)
		}()
		w.bob, w.lines = near, link.NewReader(near, wire.MaxLine)
		w.write(`{"type":"join","group":"lobby"}`, `"welcome"`)
	}
	w.said++
	w.write(fmt.Sprintf(`{"type":"msg","id":"b%d","payload":%s}`, w.said, text), `"ack":true`)
}

// write writes a line, and reads until one with a text in it comes.
func (w *rotating) write(line, until string) {
	w.t.Helper()
	if _, err := w.bob.Write([]byte(line + "\n")); err != nil {
		w.t.Fatal(err)
	}
	for {
		line, err := w.lines.ReadLine()
		if err != nil {
			w.t.Fatal(err)
		}
		if bytes.Contains(line, []byte(until)) {
			return
		}
	}
}

// rotationAfter returns when a host shows the next of its certificates, which go-libp2p makes for 14 days each, counted
// from a moment that the key decides, and changes one hour before their end.
func rotationAfter(t *testing.T, host wire.PeerID, now time.Time) time.Time {
	t.Helper()
	id, err := peer.Decode(string(host))
	if err != nil {
		t.Fatal(err)
	}
	key, err := id.ExtractPublicKey()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := key.Raw()
	if err != nil {
		t.Fatal(err)
	}
	const valid, skew = 14 * 24 * time.Hour, time.Hour
	offset := time.Duration(binary.LittleEndian.Uint16(raw)) * time.Minute % valid
	every := valid - 2*skew
	rotation := time.UnixMilli(0).Add(offset + skew)
	return rotation.Add((now.Sub(rotation)/every + 1) * every)
}

func tellTime(_ context.Context, _ wire.PeerID, s link.Stream) {
	r := link.NewReader(s, wire.MaxLine)
	for {
		line, err := r.ReadLine()
		if err != nil {
			return
		}
		var id int64
		if _, err := fmt.Sscanf(string(line), `{"id":%d,`, &id); err != nil {
			return
		}
		fmt.Fprintf(s, "{\"id\":%d,\"time\":%d}\n", id, time.Now().UnixMilli())
	}
}
