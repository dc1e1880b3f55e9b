package node

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// slowConn is a connection that takes its time for each piece that is written or read, and fails once
// that is more than the deadline allows.
type slowConn struct {
	*httptest.ResponseRecorder
	each        time.Duration
	write, read time.Time
	body        io.Reader
}

func (c *slowConn) SetWriteDeadline(t time.Time) error { c.write = t; return nil }
func (c *slowConn) SetReadDeadline(t time.Time) error  { c.read = t; return nil }

func (c *slowConn) Write(p []byte) (int, error) {
	time.Sleep(c.each)
	if time.Now().After(c.write) {
		return 0, io.ErrClosedPipe
	}
	return c.ResponseRecorder.Write(p)
}

func (c *slowConn) Read(p []byte) (int, error) {
	time.Sleep(c.each)
	if time.Now().After(c.read) {
		return 0, io.ErrClosedPipe
	}
	return c.body.Read(p[:min(len(p), 1000)])
}

func (c *slowConn) Close() error { return nil }

// TestPace checks that a slow visitor gets all of a large page however long it takes, and one that
// stands still is cut off; both ways.
func TestPace(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		each time.Duration // for a piece
		ok   bool
	}{
		{"slow", httpStall - time.Second, true},
		{"standing still", httpStall + time.Second, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const size = 10*httpPiece + 1
				n := &Node{ctx: t.Context(), listening: make(chan struct{}), web: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					b, err := io.ReadAll(r.Body)
					if (err == nil) != tt.ok || tt.ok && len(b) != 10_000 {
						t.Errorf("body: got %d bytes, %v, want success: %t", len(b), err, tt.ok)
					}
					m, err := w.Write(make([]byte, size))
					if (err == nil) != tt.ok || tt.ok && m != size {
						t.Errorf("response: wrote %d bytes, %v, want success: %t", m, err, tt.ok)
					}
				})}
				close(n.listening)
				c := &slowConn{ResponseRecorder: httptest.NewRecorder(), each: tt.each, body: strings.NewReader(strings.Repeat("x", 10_000))}
				r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)
				r.Body, r.ContentLength = c, 10_000
				n.serveHTTP(c, r)
				if tt.ok && !c.read.IsZero() {
					t.Error("a read deadline is left after the body: the next request would meet it")
				}
				if c.write.Before(time.Now()) {
					t.Error("what is still buffered has no time left")
				}
			})
		})
	}
}
