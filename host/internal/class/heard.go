package class

import (
	"bytes"
	"context"
	"slices"
	"sync"

	"goop/shared/link"
	"goop/shared/member"
)

// Heard is every byte that came on the streams of a connection, in the order in which they came. The zero value
// has none.
type Heard struct {
	mu  sync.Mutex // guards all
	all []byte
}

// Bytes returns a copy of all so far.
func (h *Heard) Bytes() []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.all)
}

// Has reports whether s has come.
func (h *Heard) Has(s string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return bytes.Contains(h.all, []byte(s))
}

// Forget forgets what came, so that Has and Bytes tell of what comes next.
func (h *Heard) Forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = nil
}

func (h *Heard) add(p []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = append(h.all, p...)
}

// listening is a dialer whose connections are listened to.
type listening struct {
	member.Dialer
	heard *Heard
}

// Dial implements member.Dialer.
func (d listening) Dial(ctx context.Context) (member.Conn, error) {
	c, err := d.Dialer.Dial(ctx)
	if err != nil {
		return nil, err
	}
	return listeningConn{c, d.heard}, nil
}

type listeningConn struct {
	member.Conn
	heard *Heard
}

// Open implements member.Conn.
func (c listeningConn) Open(ctx context.Context, protocol string) (link.Stream, error) {
	s, err := c.Conn.Open(ctx, protocol)
	if err != nil {
		return nil, err
	}
	return listeningStream{s, c.heard}, nil
}

type listeningStream struct {
	link.Stream
	heard *Heard
}

// Read implements io.Reader.
func (s listeningStream) Read(p []byte) (int, error) {
	n, err := s.Stream.Read(p)
	s.heard.add(p[:n])
	return n, err
}
