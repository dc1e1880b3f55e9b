package node_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"goop/host/node"
	"goop/shared/link"
	"goop/shared/wire"
)

// TestCloseLeavesNothing is not parallel, so that the goroutines are its own.
func TestCloseLeavesNothing(t *testing.T) {
	ctx := testContext(t)
	before := runtime.NumGoroutine()
	func() {
		n, err := node.Open(ctx, node.Options{Key: newKey(t), Listen: "127.0.0.1:0", ListenTCP: "127.0.0.1:0"})
		if err != nil {
			t.Fatal(err)
		}
		defer n.Close()
		n.Handle(echoProtocol, echo)
		if err := n.Listen(ctx); err != nil {
			t.Fatal(err)
		}
		for _, tr := range transports {
			d, err := node.NewDialer(node.DialerOptions{Descriptor: descriptorOf(n), Transport: tr})
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			c := dial(t, ctx, d)
			defer c.Close()
			s, err := c.Open(ctx, echoProtocol)
			if err != nil {
				t.Fatal(err)
			}
			roundTrip(t, s, "hello")
		}
	}()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for runtime.NumGoroutine() > before {
		select {
		case <-tick.C:
		case <-ctx.Done():
			buf := make([]byte, 1<<20)
			t.Fatalf("goroutines: %d before, %d left:\n%s", before, runtime.NumGoroutine(), buf[:runtime.Stack(buf, true)])
		}
	}
}

// roundTrip writes a word and reads it back.
func roundTrip(t *testing.T, s link.Stream, word string) {
	t.Helper()
	if _, err := io.WriteString(s, word); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(word))
	if _, err := io.ReadFull(s, got); err != nil || string(got) != word {
		t.Fatalf("round trip: got %q, %v, want %q", got, err, word)
	}
}

// TestCloseWaitsForHandlers checks that Close ends the handler's context, and returns no sooner than the
// handler, even one that takes its time.
func TestCloseWaitsForHandlers(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	var returned bool
	cause := make(chan error, 1)
	n := openHost(t, node.Options{}, func(n *node.Node) {
		n.Handle("/goop/test-wait/1.0.0", func(ctx context.Context, _ wire.PeerID, s link.Stream) {
			_, _ = io.WriteString(s, "x")
			<-ctx.Done()
			cause <- context.Cause(ctx)
			_, _ = io.Copy(io.Discard, s) // until the connection is cut
			returned = true
		})
	})
	c := dial(t, ctx, newDialer(t, n, node.QUIC))
	s, err := c.Open(ctx, "/goop/test-wait/1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(s, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	if !returned {
		t.Error("Close returned before the handler")
	}
	if err := <-cause; !errors.Is(err, node.ErrClosed) {
		t.Errorf("cause of the handler's end: got %v, want ErrClosed", err)
	}
	select {
	case <-c.Done():
	case <-ctx.Done():
		t.Error("the member does not notice the closed host")
	}
}

// TestStopAccepting checks the order of a shutdown: nobody new comes in, those inside go on and are
// heard to the end.
func TestStopAccepting(t *testing.T) {
	t.Parallel()
	for _, tr := range transports {
		t.Run(tr, func(t *testing.T) {
			t.Parallel()
			ctx := testContext(t)
			stop := make(chan struct{})
			n := openHost(t, node.Options{}, func(n *node.Node) {
				n.Handle("/goop/test-last/1.0.0", func(ctx context.Context, _ wire.PeerID, s link.Stream) {
					_, _ = io.WriteString(s, "first ")
					<-stop
					if err := link.LastWords(s, []byte("and last words"), patience); err != nil {
						t.Error("last words:", err)
					}
				})
			})
			c := dial(t, ctx, newDialer(t, n, tr))
			s, err := c.Open(ctx, "/goop/test-last/1.0.0")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(s, make([]byte, 6)); err != nil {
				t.Fatal(err)
			}

			n.StopAccepting()
			// go-libp2p still negotiates; then the stream is reset.
			if late, err := c.Open(ctx, echoProtocol); err == nil {
				if _, err := late.Read(make([]byte, 1)); err == nil || err == io.EOF {
					t.Errorf("a stream after StopAccepting: got %v, want a reset", err)
				}
			}
			short, cancel := context.WithTimeout(ctx, 2*time.Second)
			defer cancel()
			if _, err := newDialer(t, n, tr).Dial(short); err == nil {
				t.Error("a connection was accepted after StopAccepting")
			}

			close(stop)
			got, err := io.ReadAll(s)
			if err != nil || string(got) != "and last words" {
				t.Errorf("got %q, %v, want %q", got, err, "and last words")
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if err := n.Drain(ctx); err != nil {
				t.Error("drain:", err)
			}
		})
	}
}

// TestLastWords has the host cut the connection as soon as LastWords returns, over and over: nothing of
// what it wrote may be lost.
func TestLastWords(t *testing.T) {
	t.Parallel()
	const proto = "/goop/test-last/1.0.0"
	words := strings.Repeat("a fatal error, and why. ", 4000) // more than a packet, less than a window
	for _, tr := range transports {
		t.Run(tr, func(t *testing.T) {
			t.Parallel()
			ctx := testContext(t)
			for range 5 {
				begun := make(chan struct{})
				n := openHost(t, node.Options{}, func(n *node.Node) {
					n.Handle(proto, func(ctx context.Context, _ wire.PeerID, s link.Stream) {
						close(begun)
						if err := link.LastWords(s, []byte(words), patience); err != nil {
							t.Error("last words:", err)
						}
					})
				})
				c := dial(t, ctx, newDialer(t, n, tr))
				s, err := c.Open(ctx, proto)
				if err != nil {
					t.Fatal(err)
				}
				var wg sync.WaitGroup
				<-begun
				wg.Go(func() {
					n.StopAccepting()
					if err := n.Drain(ctx); err != nil {
						t.Error(err)
					}
					if err := n.Close(); err != nil {
						t.Error(err)
					}
				})
				var got bytes.Buffer
				if _, err := io.Copy(&got, s); err != nil || got.String() != words {
					t.Errorf("got %d bytes, %v, want %d", got.Len(), err, len(words))
				}
				_ = s.Close()
				wg.Wait()
				_ = c.Close()
			}
		})
	}
}

// TestHandlerPanics checks that one bad stream takes nothing with it but itself.
func TestHandlerPanics(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	var log safeBuffer
	n := openHost(t, node.Options{Log: slog.New(slog.NewTextHandler(&log, nil))}, func(n *node.Node) {
		n.Handle("/goop/test-panic/1.0.0", func(_ context.Context, _ wire.PeerID, s link.Stream) {
			_, _ = s.Read(make([]byte, 1))
			panic("kaboom")
		})
	})
	c := dial(t, ctx, newDialer(t, n, node.WebTransport))
	s, err := c.Open(ctx, "/goop/test-panic/1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(s, "x"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Read(make([]byte, 1)); !errors.Is(err, link.ErrReset) {
		t.Errorf("stream of a handler that panicked: got %v, want ErrReset", err)
	}
	if s, err = c.Open(ctx, echoProtocol); err != nil {
		t.Fatal(err)
	}
	roundTrip(t, s, "still here")
	if !strings.Contains(log.String(), "kaboom") {
		t.Errorf("the log does not tell of the panic: %s", log.String())
	}
}

// safeBuffer is a bytes.Buffer for many goroutines.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
