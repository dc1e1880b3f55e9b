package site

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"goop/shared/link"
	"goop/shared/wire"
)

const (
	// maxRequest bounds the request line and headers on a stream, in bytes.
	maxRequest = 16 << 10
	// requestTime is how long a member may take to send them.
	requestTime = 10 * time.Second
	// writeTime is how long it may take to accept one write of up to 32 KiB.
	writeTime = 30 * time.Second
	// farewell is how long the host waits for the member to end its half after the answer, so that
	// the end of the answer is not lost with the stream.
	farewell = time.Second
)

// ServeStream answers the one HTTP/1.1 request of a /goop/site/1.0.0 stream, and ends the stream. It
// returns when that is done; when ctx ends, the stream is reset.
//
// The answer has a Content-Length, or none and ends with the stream. A stream that is reset instead
// of ended means that the answer is not whole.
func (s *Site) ServeStream(ctx context.Context, peer wire.PeerID, stream link.Stream) {
	stop := context.AfterFunc(ctx, func() { stream.Reset() })
	defer stop()

	if err := s.serveStream(ctx, peer, stream); err != nil {
		s.log.Debug("a site stream broke", "peer", peer, "error", err)
		stream.Reset()
		return
	}
	stream.Close()
}

func (s *Site) serveStream(ctx context.Context, peer wire.PeerID, stream link.Stream) (err error) {
	if err := stream.SetReadDeadline(time.Now().Add(requestTime)); err != nil {
		return fmt.Errorf("bound the reading of the request: %w", err)
	}
	in := &io.LimitedReader{R: stream, N: maxRequest}
	r, err := http.ReadRequest(bufio.NewReader(in))
	w := &streamWriter{stream: stream, header: http.Header{}}
	switch {
	case err != nil && in.N <= 0:
		s.headers(w.header, nil)
		fail(w, http.StatusRequestHeaderFieldsTooLarge, "The request is longer than 16 KiB.")
	case err != nil && !badRequest(err):
		return fmt.Errorf("read the request: %w", err)
	case err != nil:
		s.headers(w.header, nil)
		fail(w, http.StatusBadRequest, "This is not an HTTP/1.1 request such as GET / HTTP/1.1.")
	default:
		r = r.WithContext(ctx)
		r.RemoteAddr = string(peer)
		w.head = r.Method == http.MethodHead
		if err := s.guard(w, r); err != nil {
			return err
		}
	}
	if err := w.finish(); err != nil {
		return err
	}
	if err := stream.CloseWrite(); err != nil {
		return fmt.Errorf("end the answer: %w", err)
	}
	link.AwaitEnd(stream, farewell)
	return nil
}

// guard runs the handler, which gives up an answer by a panic with http.ErrAbortHandler.
func (s *Site) guard(w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		if p := recover(); p != nil {
			if p != http.ErrAbortHandler {
				panic(p)
			}
			err = http.ErrAbortHandler
		}
	}()
	s.ServeHTTP(w, r)
	return nil
}

// badRequest reports whether an error of http.ReadRequest is about what was sent. The others are the
// stream's own, and there is nobody to answer.
func badRequest(err error) bool {
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, link.ErrReset), errors.Is(err, link.ErrClosed),
		errors.As(err, &timeout) && timeout.Timeout():
		return false
	}
	return true
}

// streamWriter is the http.ResponseWriter of a stream. The answer is framed by its Content-Length, or
// by the end of the stream.
type streamWriter struct {
	stream  link.Stream
	header  http.Header
	head    bool // the answer to a HEAD has no body
	sent    bool // the status line and headers are written
	bodied  bool // the status may have a body
	left    int64
	bounded bool // by a Content-Length: left counts
	err     error
}

var errLength = errors.New("site: the answer is not as long as its Content-Length says")

func (w *streamWriter) Header() http.Header { return w.header }

func (w *streamWriter) WriteHeader(status int) {
	if w.sent {
		return
	}
	w.sent = true
	w.bodied = status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
	if !w.bodied {
		w.header.Del("Content-Length")
	}
	if n, err := strconv.ParseInt(w.header.Get("Content-Length"), 10, 64); err == nil {
		w.left, w.bounded = n, !w.head
	}
	w.header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	w.header.Set("Connection", "close")
	var b bytes.Buffer
	fmt.Fprintf(&b, "HTTP/1.1 %03d %s\r\n", status, http.StatusText(status))
	w.header.Write(&b) // a bytes.Buffer takes everything; line breaks in values become spaces
	b.WriteString("\r\n")
	_, w.err = w.send(b.Bytes())
}

// send writes to the stream, in bounded time.
func (w *streamWriter) send(p []byte) (int, error) {
	if err := w.stream.SetWriteDeadline(time.Now().Add(writeTime)); err != nil {
		return 0, fmt.Errorf("bound the writing of the answer: %w", err)
	}
	return w.stream.Write(p)
}

func (w *streamWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	switch {
	case w.err != nil:
		return 0, w.err
	case w.head || !w.bodied:
		return 0, http.ErrBodyNotAllowed
	case w.bounded && int64(len(p)) > w.left:
		w.err = errLength
		return 0, w.err
	}
	n, err := w.send(p)
	w.left -= int64(n)
	w.err = err
	return n, err
}

// finish completes the answer. An error means that the far side did not get all of it.
func (w *streamWriter) finish() error {
	w.WriteHeader(http.StatusOK)
	if w.err == nil && w.bodied && w.bounded && w.left > 0 {
		w.err = errLength
	}
	return w.err
}
