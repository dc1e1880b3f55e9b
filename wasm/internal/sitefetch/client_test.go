package sitefetch

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"goop/shared/link"
	"goop/shared/member"
	"goop/shared/wire"
)

// conn is a connection to a host that serve plays, a stream after the other.
type conn struct {
	serve func(stream link.Stream, r *http.Request)
	wg    sync.WaitGroup
	once  sync.Once
	done  chan struct{}

	// mu guards the following.
	mu      sync.Mutex
	opened  int
	streams []link.Stream
}

func newConn(serve func(link.Stream, *http.Request)) *conn {
	return &conn{serve: serve, done: make(chan struct{})}
}

func (c *conn) Open(_ context.Context, protocol string) (link.Stream, error) {
	if protocol != wire.SiteProtocol {
		return nil, wire.E(wire.NotSupported)
	}
	near, far := link.Pipe(0)
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.done:
		return nil, wire.E(wire.Closed)
	default:
	}
	c.opened++
	c.streams = append(c.streams, near)
	c.wg.Go(func() {
		r, err := http.ReadRequest(bufio.NewReader(far))
		if err != nil {
			far.Reset()
			return
		}
		c.serve(far, r)
	})
	return near, nil
}

func (c *conn) Self() wire.PeerID     { return "self" }
func (c *conn) Host() wire.PeerID     { return "host" }
func (c *conn) Transport() string     { return "webtransport" }
func (c *conn) Done() <-chan struct{} { return c.done }
func (c *conn) Close() error {
	c.once.Do(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		close(c.done)
		for _, s := range c.streams {
			s.Reset()
		}
	})
	return nil
}

func hello(stream link.Stream, r *http.Request) {
	io.WriteString(stream, "HTTP/1.1 200 OK\r\nContent-Length: "+strconv.Itoa(len(r.RequestURI))+"\r\n\r\n"+r.RequestURI)
	stream.Close()
}

// silent takes requests and never answers.
func silent(stream link.Stream, _ *http.Request) { link.AwaitEnd(stream, time.Hour) }

// over gives a client one connection after the other.
func over(conns ...*conn) (c *Client, dials func() int) {
	var mu sync.Mutex
	n := 0
	c = New(Options{Dial: func(context.Context) (member.Conn, error) {
		mu.Lock()
		defer mu.Unlock()
		n++
		if n > len(conns) {
			return nil, wire.E(wire.Offline, "no further connection")
		}
		return conns[n-1], nil
	}, Leaky: true})
	return c, func() int {
		mu.Lock()
		defer mu.Unlock()
		return n
	}
}

func get(t *testing.T, c *Client, target string) (string, error) {
	t.Helper()
	r, err := c.Do(t.Context(), &Request{Method: "GET", Target: target, Host: "h"})
	if err != nil {
		return "", err
	}
	b, err := io.ReadAll(r.Body)
	return string(b), err
}

func TestClientSharesAConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		one := newConn(hello)
		c, dials := over(one)
		defer c.Close()
		var wg sync.WaitGroup
		for i := range 3 * maxOpen {
			wg.Go(func() {
				want := "/" + strconv.Itoa(i)
				if got, err := get(t, c, want); err != nil || got != want {
					t.Errorf("got %q, %v; want %q", got, err, want)
				}
			})
		}
		wg.Wait()
		if dials() != 1 || one.opened != 3*maxOpen {
			t.Errorf("%d connections with %d streams, want 1 with %d", dials(), one.opened, 3*maxOpen)
		}
		one.wg.Wait()
	})
}

func TestClientConnectsAnewAfterALoss(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		one, two := newConn(hello), newConn(hello)
		c, dials := over(one, two)
		defer c.Close()
		if _, err := get(t, c, "/1"); err != nil {
			t.Fatal(err)
		}
		one.Close()
		if c.Connected() != nil {
			t.Error("it takes a lost connection for one")
		}
		if got, err := get(t, c, "/2"); err != nil || got != "/2" || dials() != 2 {
			t.Errorf("got %q, %v over connection %d", got, err, dials())
		}
	})
}

// A machine that slept has a connection of which nobody says that it is dead.
func TestClientLeavesASilentConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, dials := over(newConn(silent), newConn(hello))
		defer c.Close()
		began := time.Now()
		got, err := get(t, c, "/")
		if took := time.Since(began); err != nil || got != "/" || dials() != 2 || took > silence+2*time.Second {
			t.Errorf("got %q, %v over connection %d after %v", got, err, dials(), took)
		}
	})
}

// While something arrives, a host that is slow with one answer is not given up.
func TestClientKeepsABusyConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		one := newConn(func(stream link.Stream, r *http.Request) {
			if r.URL.Path == "/slow" {
				time.Sleep(4 * silence)
				hello(stream, r)
				return
			}
			io.WriteString(stream, "HTTP/1.1 200 OK\r\n\r\n")
			for range 30 {
				io.WriteString(stream, "x")
				time.Sleep(time.Second)
			}
			stream.Close()
		})
		c, dials := over(one)
		defer c.Close()
		var wg sync.WaitGroup
		wg.Go(func() {
			if got, err := get(t, c, "/stream"); err != nil || got != strings.Repeat("x", 30) {
				t.Errorf("the stream: %q, %v", got, err)
			}
		})
		if got, err := get(t, c, "/slow"); err != nil || got != "/slow" || dials() != 1 {
			t.Errorf("got %q, %v over connection %d", got, err, dials())
		}
		wg.Wait()
	})
}

func TestClientErrors(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, dials := over()
		defer c.Close()
		for range 20 {
			if _, err := get(t, c, "/"); !errors.Is(err, wire.Offline) {
				t.Errorf("got %v, want the dialer's offline", err)
			}
		}
		if dials() != 1 {
			t.Errorf("%d attempts to connect for 20 requests at once, want 1", dials())
		}
		time.Sleep(2 * rest)
		get(t, c, "/")
		if dials() != 2 {
			t.Errorf("%d attempts after a rest, want 2", dials())
		}
	})
	synctest.Test(t, func(t *testing.T) {
		one := newConn(func(stream link.Stream, _ *http.Request) {
			io.WriteString(stream, "SSH-2.0-OpenSSH\r\n\r\n")
			stream.Close()
		})
		c, _ := over(one)
		defer c.Close()
		if _, err := get(t, c, "/"); !errors.Is(err, wire.BadMessage) || one.opened != 1 {
			t.Errorf("got %v after %d streams, want bad_message after 1", err, one.opened)
		}
	})
	synctest.Test(t, func(t *testing.T) { // what may not be repeated is not
		one := newConn(func(stream link.Stream, _ *http.Request) { stream.Reset() })
		c, _ := over(one)
		defer c.Close()
		if _, err := c.Do(t.Context(), &Request{Method: "POST", Target: "/", Host: "h"}); err == nil || one.opened != 1 {
			t.Errorf("got %v after %d streams, want an error after 1", err, one.opened)
		}
	})
}

// Who gives up frees the place of the request, and the host is told by the stream's end.
func TestClientAbort(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gone := make(chan error, 2)
		one := newConn(func(stream link.Stream, r *http.Request) {
			if r.URL.Path == "/body" {
				io.WriteString(stream, "HTTP/1.1 200 OK\r\n\r\n")
			}
			for {
				if _, err := stream.Write(make([]byte, 1<<10)); err != nil || r.URL.Path != "/body" {
					gone <- err
					return
				}
			}
		})
		c, _ := over(one)
		defer c.Close()
		ctx, cancel := context.WithCancel(t.Context())
		r, err := c.Do(ctx, &Request{Method: "GET", Target: "/body", Host: "h"})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if n := len(c.slots); n != 1 {
			t.Errorf("%d places taken while a body is unread, want 1", n)
		}
		cancel()
		if _, err := io.ReadAll(r.Body); err == nil {
			t.Error("a body that was given up ended as if it were whole")
		}
		if err := <-gone; err == nil {
			t.Error("the host was not told")
		}
		if n := len(c.slots); n != 0 {
			t.Errorf("%d places taken after the end, want none", n)
		}
		one.Close()
		one.wg.Wait()
	})
}

// In Firefox an answer that was given up takes its room away from all others: after some of them, the connection is
// another one, and the old one ends with what still goes over it.
func TestClientLeavesALeakyConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		large := func(stream link.Stream, _ *http.Request) {
			io.WriteString(stream, "HTTP/1.1 200 OK\r\nContent-Length: 8388608\r\n\r\n")
			for range 8 << 10 {
				if _, err := stream.Write(make([]byte, 1<<10)); err != nil {
					return
				}
			}
			stream.Close()
		}
		one, two := newConn(large), newConn(hello)
		c, dials := over(one, two)
		defer c.Close()
		kept, err := c.Do(t.Context(), &Request{Method: "GET", Target: "/", Host: "h"})
		if err != nil {
			t.Fatal(err)
		}
		for range maxLeaked/unread + 1 {
			if dials() != 1 {
				t.Errorf("%d connections, want one until then", dials())
			}
			r, err := c.Do(t.Context(), &Request{Method: "GET", Target: "/", Host: "h"})
			if err != nil {
				t.Fatal(err)
			}
			r.Body.Close()
		}
		if got, err := get(t, c, "/new"); err != nil || got != "/new" || dials() != 2 {
			t.Errorf("got %q, %v over connection %d, want the second", got, err, dials())
		}
		if n, err := io.Copy(io.Discard, kept.Body); err != nil || n != 8<<20 {
			t.Errorf("what went over the first ended after %d bytes with %v", n, err)
		}
		synctest.Wait()
		select {
		case <-one.done:
		default:
			t.Error("the first connection is still there")
		}
		one.wg.Wait()
		two.wg.Wait()
	})
}
