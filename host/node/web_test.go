package node_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"goop/host/node"
	"goop/shared/wire"
)

// site answers with what it got, so that tests see that it was asked.
func site(n *node.Node) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /hello", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello ", r.Host) })
	mux.HandleFunc("POST /body", func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	mux.HandleFunc("GET /large", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(bytes.Repeat([]byte("large"), 1<<20)) })
	mux.HandleFunc("GET /panic", func(http.ResponseWriter, *http.Request) { panic("kaboom") })
	mux.HandleFunc("GET "+wire.HostPath, func(w http.ResponseWriter, r *http.Request) {
		d := n.Descriptor(r.Host, false)
		_, _ = w.Write(d.Append(nil))
	})
	return mux
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// TestWebSharesThePort has members over all transports and pages on one number at once; the members
// find the host by the descriptor that the site serves.
func TestWebSharesThePort(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	n := openHost(t, node.Options{}, func(n *node.Node) { n.HandleHTTP(site(n)) })
	origin := n.Origins()[0]
	for _, tr := range transports {
		d, err := node.NewDialer(node.DialerOptions{Descriptor: node.FetchDescriptor(origin), Transport: tr})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		c := dial(t, ctx, d)
		if got := c.Transport(); got != tr {
			t.Errorf("transport: got %s, want %s", got, tr)
		}
		s, err := c.Open(ctx, echoProtocol)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		roundTrip(t, s, tr)
		if code, body := get(t, origin+"/hello"); code != 200 || body != "hello "+strings.TrimPrefix(origin, "http://") {
			t.Errorf("page beside %s: got %d %q", tr, code, body)
		}
		roundTrip(t, s, "still here")
	}
	if code, body := get(t, origin+"/large"); code != 200 || len(body) != 5<<20 {
		t.Errorf("a large page: got %d and %d bytes, want %d", code, len(body), 5<<20)
	}
	res, err := http.Post(origin+"/body", "text/plain", strings.NewReader("a body"))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if b, err := io.ReadAll(res.Body); err != nil || string(b) != "a body" {
		t.Errorf("a body: got %q, %v", b, err)
	}
}

// TestWebBounds checks what strangers may not do to the HTTP side.
func TestWebBounds(t *testing.T) {
	t.Parallel()
	n := openHost(t, node.Options{}, func(n *node.Node) { n.HandleHTTP(site(n)) })
	for _, tt := range []struct{ name, send, want string }{
		{"a header that is too long", "GET /hello HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 40<<10) + "\r\n\r\n", "HTTP/1.1 431 "},
		{"no HTTP", "\x13multistream", "HTTP/1.1 400 "},
		{"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/1.1 400 "},
		{"an ordinary request", "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 "},
		{"no such page", "GET /none HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 404 "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, err := net.Dial("tcp", strings.TrimPrefix(n.Origins()[0], "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
				t.Fatal(err)
			}
			go func() { _, _ = io.WriteString(c, tt.send+strings.Repeat("\n", 100)) }()
			line, err := bufio.NewReader(c).ReadString('\n')
			if !strings.HasPrefix(line, tt.want) {
				t.Errorf("got %q, %v, want %s…", line, err, tt.want)
			}
		})
	}
}

// TestWebHandlerPanics checks that a panic ends one connection, tells the log, and nothing else.
func TestWebHandlerPanics(t *testing.T) {
	t.Parallel()
	var log safeBuffer
	n := openHost(t, node.Options{Log: slog.New(slog.NewTextHandler(&log, nil))}, func(n *node.Node) { n.HandleHTTP(site(n)) })
	if res, err := http.Get(n.Origins()[0] + "/panic"); err == nil {
		res.Body.Close()
		t.Errorf("a handler that panicked answers %s", res.Status)
	}
	if code, _ := get(t, n.Origins()[0]+"/hello"); code != 200 {
		t.Errorf("the next request: got %d", code)
	}
	if !strings.Contains(log.String(), "kaboom") {
		t.Errorf("the log does not tell of the panic: %s", log.String())
	}
}

// TestWebStops checks that a keep-alive connection does not outlive StopAccepting, and that a request
// that runs is waited for.
func TestWebStops(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	begun, finish := make(chan struct{}), make(chan struct{})
	n := openHost(t, node.Options{}, func(n *node.Node) {
		mux := http.NewServeMux()
		mux.HandleFunc("GET /quick", func(http.ResponseWriter, *http.Request) {})
		mux.HandleFunc("GET /slow", func(w http.ResponseWriter, _ *http.Request) {
			close(begun)
			<-finish
			fmt.Fprint(w, "done")
		})
		n.HandleHTTP(mux)
	})
	origin := n.Origins()[0]
	kept := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1}}
	defer kept.CloseIdleConnections()
	res, err := kept.Get(origin + "/quick")
	if err != nil || res.StatusCode != 200 {
		t.Fatal(res, err)
	}
	res.Body.Close()
	slow := make(chan string, 1)
	go func() {
		_, body := get(t, origin+"/slow")
		slow <- body
	}()
	<-begun
	n.StopAccepting()
	res, err = kept.Get(origin + "/quick")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusServiceUnavailable || !res.Close {
		t.Errorf("a request after StopAccepting: got %s, closing %t, want 503 and true", res.Status, res.Close)
	}
	over, cancel := context.WithCancel(ctx)
	cancel()
	if err := n.Drain(over); err == nil {
		t.Error("Drain does not wait for a request that runs")
	}
	close(finish)
	if err := n.Drain(ctx); err != nil {
		t.Error(err)
	}
	if got := <-slow; got != "done" {
		t.Errorf("the request that ran: got %q", got)
	}
}
