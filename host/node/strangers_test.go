package node

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/p2p/security/noise"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/webtransport-go"

	"goop/shared/link"
	"goop/shared/wire"
)

// patience bounds every wait for something that has to happen; the machine may be very busy.
const patience = time.Minute

func openForStrangers(t *testing.T) *Node {
	t.Helper()
	key, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	n, err := Open(t.Context(), Options{Key: key, Listen: "127.0.0.1:0", ListenTCP: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	if err := n.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestStrangersHaveNoTime checks that whoever connects and then does not go on is cut off, at every
// stage on the way in.
func TestStrangersHaveNoTime(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("waits for timeouts of 10 and 15 s")
	}
	n := openForStrangers(t)
	dial := func(t *testing.T, b bind, say, answer string) net.Conn {
		t.Helper()
		c, err := net.Dial("tcp", b.String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, say); err != nil {
			t.Fatal(err)
		}
		if answer != "" {
			if line, err := bufio.NewReader(c).ReadString('\n'); !strings.HasPrefix(line, answer) {
				t.Fatalf("got %q, %v, want %s…", line, err, answer)
			}
		}
		return c
	}
	// All wait at once: subtests would wait for each other's places.
	var wg sync.WaitGroup
	q := dialHTTP3(t, n)
	for _, tt := range []struct {
		name        string
		bind        bind
		say, answer string
	}{
		{"silent on the HTTP port", n.binds[0], "", ""},
		{"half a header", n.binds[0], "GET / HTTP/1.1\r\nHost:", ""},
		{"an upgrade to WebSocket and no more", n.binds[0], "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", "HTTP/1.1 101 "},
		{"a request and no more", n.binds[0], "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 404 "},
		{"silent on native TCP", n.tcp[0], "", ""},
		{"half a multistream", n.tcp[0], "\x13/multistream/1.0.0\n", "\x13/multistream/1.0.0"},
	} {
		c := dial(t, tt.bind, tt.say, tt.answer)
		wg.Go(func() {
			if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("%s: still connected after %v", tt.name, patience)
			}
		})
	}
	select {
	case <-q.Context().Done():
	case <-time.After(patience):
		t.Errorf("QUIC for WebTransport and no more: still connected after %v", patience)
	}
	wg.Wait()
}

// dialHTTP3 makes the QUIC connection below WebTransport. Whose certificate it is does not matter here.
func dialHTTP3(t *testing.T, n *Node) *quic.Conn {
	t.Helper()
	c, err := quic.DialAddr(t.Context(), n.binds[0].String(),
		&tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h3"}},
		&quic.Config{EnableDatagrams: true, EnableStreamResetPartialDelivery: true, KeepAlivePeriod: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.CloseWithError(0, "") })
	return c
}

// TestAccountingLasts is about a hole in go-libp2p v0.51.0: any request on a QUIC connection that is not
// the start of a session ended the accounting of the connection, which went on. With it a stranger
// could have any number of connections from one address.
func TestAccountingLasts(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	n := openForStrangers(t)
	q := dialHTTP3(t, n)
	h3, session := openSession(t, ctx, n, q)

	req, err := http.NewRequestWithContext(ctx, http.MethodGet, sessionURL(n), nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := h3.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode < 400 {
		t.Errorf("a plain request: got %s, want an error", res.Status)
	}
	if _, err := io.Copy(io.Discard, res.Body); err != nil { // to its end: the host is done with it
		t.Error(err)
	}
	if session.Context().Err() != nil {
		t.Fatal("the session has ended too, so there is nothing to see here")
	}
	if got := n.gate.count(); got != 1 {
		t.Errorf("members while the connection stands: got %d, want 1", got)
	}
	if err := q.CloseWithError(0, ""); err != nil {
		t.Fatal(err)
	}
	waitMembers(t, ctx, n, 0)
}

// TestSessionGone is about a hole in webtransport-go v0.13.0: a stream that is told that its session is gone waits for the
// session to end, and is not told when that happens or the stream is reset, if the reset comes first.
func TestSessionGone(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	n := openForStrangers(t)
	streams, ended := make(chan link.Stream, 2), make(chan error, 2)
	n.Handle("/test/1.0.0", func(_ context.Context, _ wire.PeerID, s link.Stream) {
		streams <- s
		_, err := io.Copy(s, s)
		ended <- err
	})
	q := dialHTTP3(t, n)
	openSession(t, ctx, n, q)
	// A stream of the session, which is that of the first request: draft-ietf-webtrans-http3, section 4.3.
	open := func() *quic.Stream {
		s, err := q.OpenStreamSync(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(s, "\x40\x41\x00\x13/multistream/1.0.0\n\x0c/test/1.0.0\nhello"); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(s, make([]byte, len("\x13/multistream/1.0.0\n\x0c/test/1.0.0\nhello"))); err != nil {
			t.Fatal(err)
		}
		return s
	}
	open().CancelWrite(webtransport.WTSessionGoneErrorCode)
	gone := <-streams
	open() // the host has taken in what was before it
	if err := gone.Reset(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if !errors.Is(err, link.ErrClosed) {
			t.Errorf("the reader: got %v, want %v", err, link.ErrClosed)
		}
	case <-ctx.Done():
		t.Fatal("the reader of a stream that was reset waits on")
	}
}

// openSession makes a member of a QUIC connection: it begins WebTransport's session, and proves by Noise who it is.
func openSession(t *testing.T, ctx context.Context, n *Node, q *quic.Conn) (*webtransport.ClientConn, *webtransport.Session) {
	t.Helper()
	h3, err := new(webtransport.Transport).NewClientConn(q)
	if err != nil {
		t.Fatal(err)
	}
	_, session, err := h3.Dial(ctx, sessionURL(n), http.Header{})
	if err != nil {
		t.Fatal(err)
	}
	str, err := session.OpenStreamSync(ctx)
	if err != nil {
		t.Fatal(err)
	}
	key, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	security, err := noise.New(noise.ID, key.priv, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := security.SecureOutbound(ctx, noiseStream{str, session}, n.opts.Key.id); err != nil {
		t.Fatal(err)
	}
	waitMembers(t, ctx, n, 1)
	return h3, session
}

func sessionURL(n *Node) string { return "https://" + n.binds[0].String() + webTransportPath }

// noiseStream is a WebTransport stream with the addresses that a net.Conn has.
type noiseStream struct {
	*webtransport.Stream
	session *webtransport.Session
}

func (s noiseStream) LocalAddr() net.Addr  { return s.session.LocalAddr() }
func (s noiseStream) RemoteAddr() net.Addr { return s.session.RemoteAddr() }

func (g *gate) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.members
}

func waitMembers(t *testing.T, ctx context.Context, n *Node, want int) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for n.gate.count() != want {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("members: got %d, want %d", n.gate.count(), want)
		}
	}
}
