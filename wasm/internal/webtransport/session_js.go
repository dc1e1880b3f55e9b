package webtransport

import (
	"context"
	"sync"
	"syscall/js"

	"goop/shared/link"
	"goop/shared/wire"
	"goop/wasm/internal/jsx"
)

// Available reports whether this browser, on this page, has WebTransport: an insecure page has not.
func Available() bool { return js.Global().Get("WebTransport").Type() == js.TypeFunction }

// Session is one WebTransport session.
type Session struct {
	transport js.Value
	datagrams *datagrams // nil when the browser has none
	wg        sync.WaitGroup
	ctx       context.Context
	cancel    context.CancelFunc
	done      chan struct{}

	// mu guards the following.
	mu      sync.Mutex
	err     error // why the session has ended
	streams map[*stream]struct{}
}

// Dial opens a session. The host may show any certificate with one of the given SHA-256 hashes.
func Dial(ctx context.Context, url string, certHashes [][]byte) (*Session, error) {
	hashes := make([]any, len(certHashes))
	for i, h := range certHashes {
		hashes[i] = map[string]any{"algorithm": "sha-256", "value": h}
	}
	options := jsx.ValueOf(map[string]any{"serverCertificateHashes": hashes})
	transport, err := jsx.Try(func() js.Value { return js.Global().Get("WebTransport").New(url, options) })
	if err != nil {
		return nil, &wire.Error{Code: wire.Offline, Message: "the browser refuses " + url, Err: err}
	}
	return Use(ctx, transport)
}

// Use makes a session of one that the page has begun to open.
func Use(ctx context.Context, transport js.Value) (*Session, error) {
	s := &Session{transport: transport, done: make(chan struct{}), streams: map[*stream]struct{}{}}
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	jsx.Then(transport.Get("closed"), func(_ js.Value, err error) { s.end(lost(err)) })
	if _, err := jsx.Await(ctx, transport.Get("ready")); err != nil {
		s.Close()
		if ctx.Err() == nil {
			err = &wire.Error{Code: wire.Offline, Message: "no answer over WebTransport", Err: err}
		}
		return nil, err
	}
	s.wg.Go(s.refuse)
	if s.datagrams = openDatagrams(s); s.datagrams != nil {
		s.wg.Go(s.datagrams.read)
	}
	return s, nil
}

// refuse throws away the streams that the far end opens: a libp2p host asks every peer who it is, and
// gives up when its question is refused.
func (s *Session) refuse() {
	reader := s.transport.Get("incomingBidirectionalStreams").Call("getReader")
	for {
		next, err := jsx.Await(s.ctx, reader.Call("read"))
		if err != nil || next.Get("done").Truthy() {
			return
		}
		abandon(next.Get("value"))
	}
}

// abandon ends both halves of a browser's stream.
func abandon(bidirectional js.Value) {
	ignore(bidirectional.Get("readable").Call("cancel"))
	ignore(bidirectional.Get("writable").Call("abort"))
}

// ignore takes note of a promise's outcome, so that the browser does not report it as unhandled.
func ignore(promise js.Value) { jsx.Then(promise, func(js.Value, error) {}) }

// OpenStream opens a stream; the far end learns of it with its first byte. It waits while the far end
// allows no more streams.
func (s *Session) OpenStream(ctx context.Context) (link.Stream, error) {
	if err := s.Err(); err != nil {
		return nil, err
	}
	var (
		mu   sync.Mutex // guards gone
		gone bool
		got  = make(chan js.Value, 1)
		fail = make(chan error, 1)
	)
	jsx.Then(s.transport.Call("createBidirectionalStream"), func(v js.Value, err error) {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case err != nil:
			fail <- lost(err)
		case gone:
			abandon(v)
		default:
			got <- v
		}
	})
	var err error
	select {
	case v := <-got:
		return newStream(s, v)
	case err = <-fail:
		return nil, err
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-s.done:
		err = s.Err()
	}
	mu.Lock()
	defer mu.Unlock()
	gone = true
	select {
	case v := <-got:
		abandon(v)
	default:
	}
	return nil, err
}

// Done is closed when the session has ended.
func (s *Session) Done() <-chan struct{} { return s.done }

// Err returns why the session has ended, and nil before.
func (s *Session) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Close ends the session and its streams.
func (s *Session) Close() error {
	s.end(wire.E(wire.Closed, "the connection was closed"))
	// Chromium 156 loses the whole tab when a session is closed in the turn of the event loop in which a
	// stream with a write under way was aborted. A turn of its own does the closing, without Go in it.
	_, err := jsx.Try(func() js.Value {
		return js.Global().Call("setTimeout", s.transport.Get("close").Call("bind", s.transport))
	})
	s.cancel()
	s.wg.Wait()
	return err
}

// end marks the session as ended; only the first call counts. It does not wait, so that callbacks may
// use it.
func (s *Session) end(err error) {
	s.mu.Lock()
	if s.err != nil {
		s.mu.Unlock()
		return
	}
	s.err = err
	streams := s.streams
	s.streams = nil
	close(s.done)
	s.mu.Unlock()
	s.cancel()
	for st := range streams {
		st.lost(err)
	}
}

// add registers a stream, so that the end of the session reaches it.
func (s *Session) add(st *stream) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.streams[st] = struct{}{}
	}
	return s.err
}

func (s *Session) forget(st *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.streams, st)
}

// lost makes what the browser tells about the end of a session an error that a page understands. err
// is nil for an end in good order.
func lost(err error) error {
	if err == nil {
		return wire.E(wire.Offline, "the host closed the connection")
	}
	return &wire.Error{Code: wire.Offline, Message: "the connection was lost", Err: err}
}
