package dataserve

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"time"

	"goop/shared/data"
	"goop/shared/group"
	"goop/shared/link"
	"goop/shared/wire"
)

// Bounds of one stream.
const (
	maxPending      = 128     // requests that have been read and not answered; then reading waits
	maxPendingBytes = 1 << 20 // of their lines
	maxReads        = 2       // reads of a peer that are done at once; the store has more readers than that
	maxWatched      = 4 << 20 // bytes of the rows of all watches
	maxOut          = 256 << 10
	writeChunk      = 64 << 10
	writeTimeout    = 30 * time.Second // of one chunk: a member that reads nothing for so long is given up
	farewell        = time.Second
	sweepPause      = time.Minute           // between two looks for peers that are gone
	groupsPause     = 50 * time.Millisecond // between two looks of one watch at the groups
	maxPeople       = 10_000                // rows of _peers that a query looks at which names no group
	maxRowID        = 256                   // bytes of the _id of a row about groups
)

// maxStreams is how many streams one peer has at once. A member opens one for each connection; those of
// connections that were lost a moment ago count too.
const maxStreams = 64

// How fast some requests of one peer are done, on all its streams together, unless Rates says something else.
const (
	readRate    = 500.0 // a second
	readBurst   = 1000.0
	writeRate   = 200.0 // a second
	writeBurst  = 500.0
	manageRate  = 20.0 // of them those about groups and who may do what there
	manageBurst = 60.0

	historyRate  = 20.0 // pages of what was said, a second
	historyBurst = 100.0
)

// Rates says how many requests a second of one peer are done. Zero stands for the default. What may come at
// once rises with them.
type Rates struct {
	Reads, Writes float64
}

// Options says what a Server works with. All but Rates, InviteURL, Reach and Logger are required.
type Options struct {
	Site   *data.Site
	Tables Tables
	Groups Groups
	Owners Owners
	Limits wire.Limits
	Rates  Rates
	// InviteURL returns the address at which a token of a group is redeemed; without a token, the one
	// for somebody who needs none. It may be nil for none.
	InviteURL func(id wire.GroupID, token string) string
	// Reach returns the addresses of the site's first page, the one to show first in front. It may be nil.
	Reach  func() []data.Link
	Logger *slog.Logger // nil to log nothing
}

// Server serves the data protocol.
type Server struct {
	Options
	line int // longest line, in bytes
	once once

	// mu guards the following.
	mu    sync.Mutex
	peers map[wire.PeerID]*paces // of those that have streams, or had them a moment ago
	swept time.Time              // when the others were last looked for
}

// New returns a Server.
func New(o Options) *Server {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.InviteURL == nil {
		o.InviteURL = func(wire.GroupID, string) string { return "" }
	}
	o.Limits = o.Limits.WithDefaults()
	return &Server{
		Options: o, line: o.Limits.Data, peers: map[wire.PeerID]*paces{},
		once: once{tables: o.Tables, log: o.Logger, known: map[onceKey]*outcome{}},
	}
}

// Serve answers the requests of a peer until the stream or ctx ends, and closes the stream. When ctx
// ends, the stream is reset: what was not answered by then the member asks again.
func (s *Server) Serve(ctx context.Context, peer wire.PeerID, st link.Stream) {
	defer context.AfterFunc(ctx, func() { _ = st.Reset() })()
	paces := s.enter(peer)
	if paces == nil {
		refusal := &wire.Error{Code: wire.LimitExceeded, Fatal: true, Message: "you have too many data streams; each connection needs one"}
		_ = link.LastWords(st, data.AppendError(nil, 0, false, refusal), farewell)
		return
	}
	defer s.leave(peer)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	c := &conn{
		s: s, peer: peer, paces: paces, st: st, ctx: ctx, cancel: cancel,
		pending: newBudget(maxPending, maxPendingBytes),
		watches: map[int64]*watch{},
	}
	c.out = newOutbox(st, func(err error) {
		cancel(err)
		_ = st.Reset()
	})
	c.serve()
}

// enter lets a peer have one more stream, or returns nil; leave must follow.
func (s *Server) enter(peer wire.PeerID) *paces {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); now.Sub(s.swept) > sweepPause {
		s.swept = now
		maps.DeleteFunc(s.peers, func(_ wire.PeerID, p *paces) bool { return p.streams == 0 && p.rested(now) })
	}
	p := s.peers[peer]
	if p == nil {
		p = newPaces(s.Rates)
		s.peers[peer] = p
	}
	if p.streams >= maxStreams {
		return nil
	}
	p.streams++
	return p
}

// leave ends a stream of a peer. How fast the peer wrote is remembered for as long as it matters, so that
// a new stream does not begin with a new burst.
func (s *Server) leave(peer wire.PeerID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.peers[peer]
	if p.streams--; p.streams == 0 && p.rested(time.Now()) {
		delete(s.peers, peer)
	}
}

// caller returns what a peer is now.
func (s *Server) caller(peer wire.PeerID) group.Caller {
	return group.Caller{Peer: peer, Owner: s.Owners.IsOwner(peer)}
}

// refusal gives an error the form in which a member gets it. What has no code is logged, and tells a
// member nothing.
func (s *Server) refusal(err error, what string, peer wire.PeerID) *wire.Error {
	if e, ok := errors.AsType[*wire.Error](err); ok {
		if e.Err != nil {
			s.Logger.Warn(what, "peer", peer, "err", err)
		}
		return e
	}
	if code, ok := errors.AsType[wire.Code](err); ok {
		return wire.E(code)
	}
	s.Logger.Error(what, "peer", peer, "err", err)
	return wire.E(wire.Internal, "the host failed; its log has the details")
}
