package node

import (
	"errors"
	"io"
	"net/http"
	"runtime/debug"
	"time"
)

// Bounds of the HTTP side. A connection counts as pending (see Limits) for as long as it stands.
const (
	httpHeader  = 10 * time.Second // for a request's header, from its first byte
	httpIdle    = 15 * time.Second // for a connection between requests
	httpStall   = 30 * time.Second // for the far end to take the next piece of a response, or to send the next of a body
	httpPiece   = 64 << 10         // bytes that are written under one httpStall
	httpHeaders = 32 << 10         // bytes of a request's header
)

// boundHTTP sets the bounds of the server that go-libp2p makes for each listener. Reading and writing
// as a whole have none, for a download takes as long as it takes; serveHTTP bounds their pieces.
func boundHTTP(s *http.Server) {
	s.ReadHeaderTimeout = httpHeader
	s.IdleTimeout = httpIdle
	s.MaxHeaderBytes = httpHeaders
	// HTTP/1.1 alone: it is what the site is made for, and HTTP/2 has dozens of bounds more.
	p := new(http.Protocols)
	p.SetHTTP1(true)
	s.Protocols = p
}

// serveHTTP serves a request that is not a WebSocket upgrade.
func (n *Node) serveHTTP(w http.ResponseWriter, r *http.Request) { n.serve(w, r, n.web) }

// serve has h answer a request within our bounds.
func (n *Node) serve(w http.ResponseWriter, r *http.Request, h http.Handler) {
	if !n.enter() {
		w.Header().Set("Connection", "close")
		http.Error(w, "the host is shutting down", http.StatusServiceUnavailable)
		return
	}
	defer n.leave()
	// The main port's TCP is the first to be opened: who asks meanwhile must not be told of a host without addresses.
	select {
	case <-n.listening:
	case <-n.ctx.Done():
		w.Header().Set("Connection", "close")
		http.Error(w, "the host did not come up", http.StatusServiceUnavailable)
		return
	case <-r.Context().Done():
		return
	}
	if h == nil {
		http.NotFound(w, r)
		return
	}
	pw := &pacedWriter{ResponseWriter: w, rc: http.NewResponseController(w)}
	pw.extend()
	defer pw.extend() // for what is still buffered
	if r.ContentLength != 0 {
		body := &pacedBody{ReadCloser: r.Body, rc: pw.rc}
		body.extend()
		r.Body = body
	}
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if err, ok := p.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
			n.log.Error("HTTP handler panicked", "method", r.Method, "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
		}
		panic(http.ErrAbortHandler) // ends the connection, so that half an answer is not taken for one
	}()
	h.ServeHTTP(pw, r)
}

// pacedWriter gives each piece of a response its own time, so that a far end that takes nothing holds
// its connection no longer than httpStall.
type pacedWriter struct {
	http.ResponseWriter
	rc *http.ResponseController
}

func (w *pacedWriter) extend() { _ = w.rc.SetWriteDeadline(time.Now().Add(httpStall)) }

func (w *pacedWriter) WriteHeader(status int) {
	w.extend()
	w.ResponseWriter.WriteHeader(status)
}

func (w *pacedWriter) Write(p []byte) (n int, err error) {
	for {
		w.extend()
		piece := p[n:min(len(p), n+httpPiece)]
		m, err := w.ResponseWriter.Write(piece)
		n += m
		if err != nil || n == len(p) {
			return n, err
		}
	}
}

// Flush and Unwrap let handlers stream and use an http.ResponseController.
func (w *pacedWriter) Flush()                      { _ = w.rc.Flush() }
func (w *pacedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// pacedBody does the same for a request's body.
type pacedBody struct {
	io.ReadCloser
	rc *http.ResponseController
}

func (b *pacedBody) extend() { _ = b.rc.SetReadDeadline(time.Now().Add(httpStall)) }

func (b *pacedBody) Read(p []byte) (int, error) {
	b.extend()
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		_ = b.rc.SetReadDeadline(time.Time{}) // the handler may take its time now
	}
	return n, err
}
