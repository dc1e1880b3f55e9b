package terminal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"goop/shared/jsontext"
	"goop/shared/member"
	"goop/shared/wire"
)

const (
	// leaveWithin is how long the farewell may take.
	leaveWithin = 3 * time.Second
	// readWithin is how long a reader has, at the end, to take what is there.
	readWithin = time.Second
)

var (
	// errUnread ends what runs when nobody reads the output any more.
	errUnread = errors.New("nobody reads the output any more")
	// errInterrupted tells that the user has ended what is to be done as a whole or not at all.
	errInterrupted = errors.New("interrupted")
)

// Options say how a Terminal works.
type Options struct {
	Dialer member.Dialer
	Out    io.Writer
	// Patience bounds each wait for the host: for the connection and the welcome, for an answer, for the
	// acknowledgements after the last line. 0 waits for ever.
	Patience time.Duration
	// Status has changes of the connection written out.
	Status bool
}

// Terminal is a member whose ends are lines.
type Terminal struct {
	opts   Options
	member *member.Member
	out    *printer
}

// Open makes a member and begins to connect. It must be closed.
func Open(opts Options) *Terminal {
	t := &Terminal{opts: opts, out: newPrinter(opts.Out)}
	options := member.Options{Dialer: opts.Dialer}
	if opts.Status {
		options.OnStatus = func(s member.Status) { t.out.status(statusLine(&s)) }
	}
	t.member = member.New(options)
	t.member.Start()
	return t
}

// Close ends the member, and waits until what was printed is written, unless nobody takes it.
func (t *Terminal) Close() {
	t.member.Close()
	t.out.close()
}

// patient bounds one wait.
func (t *Terminal) patient(ctx context.Context) (context.Context, context.CancelFunc) {
	if t.opts.Patience <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, t.opts.Patience)
}

// why says more of an error that only tells that a wait was over: what the connection lacks.
func (t *Terminal) why(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errInterrupted
	}
	if !errors.Is(err, wire.Timeout) {
		return err
	}
	after := "gave up after " + t.opts.Patience.String()
	if s := t.member.Status(); s.State != member.Online && s.Err != nil {
		return fmt.Errorf("%s without a connection: %s", after, textOf(s.Err))
	} else if s.State != member.Online {
		return fmt.Errorf("%s without a connection", after)
	}
	return fmt.Errorf("%s without an answer: %w", after, err)
}

// textOf is what an error says to people, without its code.
func textOf(e *wire.Error) string {
	switch {
	case e.Message != "":
		return e.Message
	case e.Err != nil:
		return e.Err.Error()
	}
	return string(e.Code)
}

func statusLine(s *member.Status) []byte {
	w := jsontext.Writer{}
	w.Begin('{')
	w.Key("type")
	w.Str("status")
	w.Key("state")
	w.Str(string(s.State))
	w.StrUnlessEmpty("transport", s.Transport)
	w.StrUnlessEmpty("self", string(s.Self))
	w.StrUnlessEmpty("host", string(s.Host))
	if s.Err != nil && s.State != member.Online && s.Err.Code != wire.Closed {
		w.Key("error")
		appendError(&w, s.Err)
	}
	w.End('}')
	return w.B
}

func appendError(w *jsontext.Writer, e *wire.Error) {
	w.Begin('{')
	w.Key("code")
	w.Str(string(e.Code))
	w.Key("message")
	w.Str(textOf(e))
	w.End('}')
}

// printer writes lines, from one goroutine, so that whoever waits for room can be called back.
type printer struct {
	out    io.Writer
	lines  chan []byte
	quit   chan struct{} // closed by stop
	once   sync.Once     // for quit
	broken chan struct{} // closed by the first write that fails
	ended  chan struct{} // closed by the end of run

	// mu guards the following.
	mu     sync.Mutex
	latest []byte        // the status that was not written yet, nil when it was
	news   chan struct{} // holds one token: there is a latest
}

func newPrinter(out io.Writer) *printer {
	p := &printer{
		out: out, lines: make(chan []byte), quit: make(chan struct{}), broken: make(chan struct{}),
		ended: make(chan struct{}), news: make(chan struct{}, 1),
	}
	go p.run()
	return p
}

func (p *printer) run() {
	defer close(p.ended)
	for {
		var lines []byte
		last := false
		select {
		case <-p.news:
		case lines = <-p.lines:
		case <-p.quit:
			last = true
		}
		p.mu.Lock()
		text := p.latest // a status stands before what it made possible
		p.latest = nil
		p.mu.Unlock()
		if text = append(text, lines...); len(text) > 0 {
			if _, err := p.out.Write(text); err != nil {
				close(p.broken)
				return
			}
		}
		if last {
			return
		}
	}
}

// print hands over whole lines, and waits until the lines before are written. It fails when they cannot be any more.
func (p *printer) print(lines []byte) error {
	select {
	case p.lines <- lines:
		return nil
	case <-p.broken:
	case <-p.quit:
	}
	return errUnread
}

// status hands over a line that takes the place of one before it that still waits. It never waits itself: the
// connection depends on it.
func (p *printer) status(line []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.latest = append(visible(nil, line), '\n')
	select {
	case p.news <- struct{}{}:
	default:
	}
}

// stop refuses what waits for room and what comes.
func (p *printer) stop() { p.once.Do(func() { close(p.quit) }) }

// close waits for the line that is being written, but not for a reader that does not read.
func (p *printer) close() {
	p.stop()
	patience := time.NewTimer(readWithin)
	defer patience.Stop()
	select {
	case <-p.ended:
	case <-patience.C:
	}
}
