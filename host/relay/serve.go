package relay

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"goop/shared/jsontext"
	"goop/shared/link"
	"goop/shared/wire"
)

// errLost tells of a stream that ended before it said anything.
var errLost = errors.New("relay: the stream is lost")

// Serve runs one stream of the group protocol and returns when it has ended and is closed. peer is who
// the connection's handshake has proved. When ctx is over, the stream is thrown away.
func (r *Relay) Serve(ctx context.Context, peer wire.PeerID, stream link.Stream) {
	if !r.enter(stream) {
		_ = link.LastWords(stream, closeLine("", wire.ReasonShutdown), r.limits.LastWords)
		return
	}
	defer r.exit(stream)
	stop := context.AfterFunc(ctx, func() { _ = stream.Reset() })
	defer stop()

	account := r.account(peer)
	defer account.leave()
	lines := link.NewReader(stream, r.wire.Line)
	var s *session
	var id wire.GroupID
	var err error
	aside(func() { s, id, err = r.admit(ctx, peer, account, stream, lines) })
	switch {
	case err == nil:
		s.h.mu.Lock()
		s.begin()
		s.h.mu.Unlock()
		s.read(lines)
		s.detach()
		<-s.written
		link.AwaitEnd(stream, r.limits.LastWords)
		_ = stream.Close()
	case errors.Is(err, errLost):
		_ = stream.Reset()
	case r.isClosing(): // a group that is not there now is there again later
		_ = link.LastWords(stream, closeLine(id, wire.ReasonShutdown), r.limits.LastWords)
	default:
		refused := r.coded(err, "join", id)
		r.count.refuse(refused.Code)
		refused.Fatal = true
		_ = link.LastWords(stream, errorLine(id, refused), r.limits.LastWords)
	}
}

// aside runs fn on a stack of its own, and returns when that has. A stack that has grown is hardly ever made smaller, and
// that of a member who only listens lies below reading for as long as it stays: it should not be as large as joining has
// needed. What fn panics with, aside does.
func aside(fn func()) {
	var failed any
	var over sync.WaitGroup
	over.Go(func() {
		defer func() {
			if failed = recover(); failed != nil {
				failed = fmt.Sprint(failed, "\n", string(debug.Stack()))
			}
		}()
		fn()
	})
	over.Wait()
	if failed != nil {
		panic(failed)
	}
}

// admit reads the first line, which has to be a join, and takes the session in.
func (r *Relay) admit(ctx context.Context, peer wire.PeerID, account *account, stream link.Stream, lines *link.Reader) (*session, wire.GroupID, error) {
	text, err := lines.ReadLine()
	switch {
	case errors.Is(err, link.ErrLineTooLong):
		return nil, "", lineTooLong()
	case timedOut(err):
		return nil, "", wire.E(wire.TooSlow, "no join came")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, "", wire.E(wire.BadMessage, `the stream ended before its first line, which is a join`)
	case err != nil:
		return nil, "", errLost
	}
	r.begun(stream)
	if e := account.join(time.Now()); e != nil {
		return nil, "", e
	}
	f, err := wire.Decode(text)
	if err == nil {
		err = f.Validate(r.wire)
	}
	var id wire.GroupID
	if wire.ValidID(string(f.Group)) {
		id = f.Group
	}
	switch {
	case err != nil:
		return nil, id, err
	case f.Type != wire.TypeJoin:
		return nil, id, wire.E(wire.BadMessage, `the first line is a join, such as {"type":"join","group":"lobby"}`)
	}
	h := r.hub(id)
	if h == nil {
		return nil, id, notThere(f.Invite)
	}
	s := &session{
		h: h, account: account, peer: peer, id: f.Session, delta: slices.Contains(f.Caps, wire.CapDelta), stream: stream,
		wake: make(chan struct{}, 1), room: make(chan struct{}, 1),
		gone: make(chan struct{}), written: make(chan struct{}), readEntries: readEntries,
	}
	if s.id == "" {
		s.id = wire.SessionID(rand.Text())
	}
	if slices.Contains(f.Caps, wire.CapDatagrams) {
		s.attach()
	}
	if refused := h.join(ctx, s, &f); refused != nil {
		s.detach()
		return nil, id, refused
	}
	r.count.joins.Add(1)
	return s, id, nil
}

// read takes the session's lines until it leaves, is lost, breaks the protocol, or is ended by somebody
// else. When it returns, the session is out of the group and write is on its way to its end.
func (s *session) read(lines *link.Reader) {
	for s.taken(lines.ReadLine()) {
	}
}

// taken takes what was read, and reports whether to go on. It is not part of read, whose frame lies below every wait for
// a line: it decides how large a stack a silent member holds.
//
//go:noinline
func (s *session) taken(text []byte, err error) bool {
	h := s.h
	select {
	case <-s.gone: // by somebody else; what is still read has come too late
		h.part(s, wire.ReasonDropped)
		return false
	default:
	}
	now := time.Now()
	var over verdictOfLine
	switch {
	case err == nil:
		wait := s.account.line(len(text), now)
		over = s.handle(text, now)
		over.wait = max(over.wait, wait)
	case errors.Is(err, link.ErrLineTooLong):
		over.fatal = lineTooLong()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF): // half a line may be half of what was meant
		over.reason = wire.ReasonDropped
	default:
		s.leave(wire.ReasonDropped, nil, true)
		return false
	}
	switch {
	case over.fatal != nil:
		over.fatal.Fatal = true
		h.r.count.refuse(over.fatal.Code)
		s.settle()
		s.leave(wire.ReasonDropped, errorLine(h.id, over.fatal), false)
		return false
	case over.reason != "":
		s.settle()
		s.leave(over.reason, nil, false)
		return false
	}
	s.rest(over.wait)
	return true
}

// verdictOfLine is what a line means for the rest of the stream. The zero value: it goes on.
type verdictOfLine struct {
	reason wire.Reason // the member goes, and why
	fatal  *wire.Error
	wait   time.Duration // before the next line is read
}

// handle does what one line asks for.
func (s *session) handle(text []byte, now time.Time) (over verdictOfLine) {
	h := s.h
	f, err := wire.Decode(text)
	volatile := err == nil && f.Type == wire.TypeMsg && f.Volatile
	if !volatile {
		over.wait = s.account.ordered(now)
	}
	if err != nil && (jsontext.Check(text) != nil || jsontext.KindOf(text) != jsontext.Object) {
		over.fatal = h.r.coded(err, "read", h.id)
		s.abused(over.fatal) // it may come back with the same
		return over
	}
	if err == nil {
		err = f.Validate(h.r.wire)
	}
	if err == nil && f.Group != "" && f.Group != h.id {
		err = wire.E(wire.BadMessage, `this stream belongs to another group; each group has a stream of its own`)
	}
	if volatile && err == nil {
		if e := s.account.volatile(now); e != nil {
			s.dropVolatile(e, f.ID)
			return over
		}
	}
	if err == nil {
		switch f.Type {
		case wire.TypeLeave:
			over.reason = wire.ReasonLeft
			return over
		case wire.TypeJoin:
			if e := h.update(s, &f); e != nil {
				err = e
			}
		default:
			err = s.offer(&f)
		}
	}
	if err == nil {
		s.account.accept()
		return over
	}
	e := h.r.coded(err, "read", h.id)
	s.complain(e, f.ID)
	var wait time.Duration
	wait, over.fatal = s.abused(e)
	over.wait = max(over.wait, wait)
	return over
}

// abused counts something that was refused, and returns how long to wait before more is read, and the
// end of a peer that has sent nothing else for long. Of that the log tells once.
func (s *session) abused(e *wire.Error) (time.Duration, *wire.Error) {
	wait, dropped, log := s.account.refuse(time.Now())
	if log {
		s.h.r.log.Warn("a peer is dropped: what it sends is refused", "peer", s.peer, "group", s.h.id, "last", e.Code, "why", e.Message)
	}
	return wait, dropped
}

// dropVolatile tells the session, now and then, that a volatile message of it was dropped.
func (s *session) dropVolatile(e *wire.Error, id string) {
	h, now := s.h, time.Now()
	h.r.count.volatileDropped.Add(1)
	h.mu.Lock()
	defer h.mu.Unlock()
	if now.Sub(s.toldAt) < h.r.limits.TellGap || len(s.replies) >= maxReplies {
		h.r.count.refuse(e.Code)
		return
	}
	s.toldAt = now
	s.refuse(e, id)
}

// leave takes the session out of the group and sees to its end: at once, or after what is pending and
// final have been written.
func (s *session) leave(reason wire.Reason, final []byte, atOnce bool) {
	s.h.part(s, reason)
	s.h.mu.Lock()
	defer s.h.mu.Unlock()
	if atOnce {
		s.kill()
	} else {
		s.end(final)
	}
}

// settle waits until nothing of the session waits to be appended, so that a member that sends and
// leaves finds out what became of it.
func (s *session) settle() {
	s.await(func() bool { return s.inFlight == 0 })
}

// complain tells the session that a line of it was refused. A member that does not read what it is told
// is read no further.
func (s *session) complain(e *wire.Error, id string) {
	if len(id) > wire.MaxID {
		id = ""
	}
	s.await(func() bool {
		if len(s.replies) >= maxReplies {
			return false
		}
		s.refuse(e, id)
		return true
	})
}

// await calls try, with the hub's mutex held, until it reports true, sleeping while there is no room. It
// reports false when the session is ended before.
func (s *session) await(try func() bool) bool {
	h := s.h
	for {
		h.mu.Lock()
		switch {
		case s.ended:
			h.mu.Unlock()
			return false
		case try():
			delete(h.waiting, s)
			h.mu.Unlock()
			return true
		}
		h.waiting[s] = struct{}{}
		if len(h.queue) > 0 {
			h.poke() // which gathers no longer
		}
		h.mu.Unlock()
		select {
		case <-s.room:
		case <-s.gone:
		}
	}
}

// rest sleeps, unless the session is ended.
func (s *session) rest(d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.gone:
	}
}

func lineTooLong() *wire.Error {
	return wire.E(wire.TooLarge, `the line is longer than the limit "line" of the welcome`)
}
