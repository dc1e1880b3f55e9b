package terminal

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"goop/shared/jsontext"
	"goop/shared/member"
	"goop/shared/wire"
)

const (
	// maxLine bounds a line that comes in, in bytes. The host's own limit is smaller, and names itself.
	maxLine = 1 << 20
	// maxInFlight is how many messages wait for their acknowledgement at once.
	maxInFlight = 500
)

// Group says which group is joined, and as whom.
type Group struct {
	ID     wire.GroupID
	Invite string
	Meta   []byte // a JSON object, or nil
}

// JoinOptions say how Join works. In and Form say what is sent.
type JoinOptions struct {
	Group
	In   io.Reader
	Form Form
	Stay bool // at the end of In too
	// Joined is called with the welcome, when it is not nil.
	Joined func(*wire.Welcome)
}

// Join joins a group, sends the lines of In and prints all that happens, until ctx or In ends, or nobody reads
// what is printed. Then it leaves in good order. The error says that the group did not let it in, came to its own end,
// or did not take every line; each of these lines has an error line of its own.
func (t *Terminal) Join(ctx context.Context, opts JoinOptions) error {
	s, err := t.join(ctx, opts.Group, member.HandlerFunc(func(batch []member.Event) {
		var lines []byte
		for i := range batch {
			if e := &batch[i]; worthTelling(e) {
				lines = append(visible(lines, e.Line), '\n')
			}
		}
		if len(lines) > 0 {
			_ = t.out.print(lines) // whoever does not read is noticed below
		}
	}))
	if err != nil {
		return err
	}
	if opts.Joined != nil {
		opts.Joined(s.Welcome())
	}
	p := posting{t: t, session: s, form: opts.Form, stay: opts.Stay, tell: func(line int, _ member.Receipt, err error) {
		if err != nil {
			_ = t.out.print(refusal(line, err))
		}
	}}
	return p.run(ctx, linesOf(opts.In))
}

// worthTelling passes over the lines that only move the position on, past what is for others.
func worthTelling(e *member.Event) bool {
	return e.Frame.Type != wire.TypeState || len(e.Frame.Patch) > 0 || len(e.Frame.Payload) > 0
}

// SendOptions say what Send sends: Messages, or when there are none the lines of In.
type SendOptions struct {
	Group
	Messages []string
	In       io.Reader
	Form     Form
}

// Send joins a group, sends, and prints for each message in its order what the host said: its seq and time, or an
// error. The error of Send says how many were refused, or had no answer.
func (t *Terminal) Send(ctx context.Context, opts SendOptions) error {
	s, err := t.join(ctx, opts.Group, nil)
	if err != nil {
		return err
	}
	p := posting{t: t, session: s, form: opts.Form, whole: true, tell: func(_ int, r member.Receipt, err error) {
		w := jsontext.Writer{}
		w.Begin('{')
		if err != nil {
			w.Key("error")
			appendError(&w, asError(err))
		} else {
			w.Key("seq")
			w.Int(r.Seq)
			w.Key("time")
			w.Int(r.Time)
		}
		w.End('}')
		_ = t.out.print(append(visible(nil, w.B), '\n'))
	}}
	lines := linesOf(opts.In)
	if len(opts.Messages) > 0 {
		lines = make(chan input, len(opts.Messages))
		for i, m := range opts.Messages {
			lines <- input{i + 1, m, nil}
		}
		close(lines)
	}
	return p.run(ctx, lines)
}

func (t *Terminal) join(ctx context.Context, g Group, h member.Handler) (*member.Session, error) {
	patient, cancel := t.patient(ctx)
	defer cancel()
	s, err := t.member.Join(patient, g.ID, member.JoinOptions{Invite: g.Invite, Meta: g.Meta, Handler: h})
	if err != nil {
		return nil, t.why(ctx, err)
	}
	return s, nil
}

// input is one line that came in, or why there are no more.
type input struct {
	number int
	text   string
	err    error
}

// linesOf reads lines as they are asked for. Empty ones are passed over.
func linesOf(in io.Reader) chan input {
	lines := make(chan input)
	if in == nil {
		close(lines)
		return lines
	}
	go func() { // which a terminal may hold up for ever: see the package's comment
		defer close(lines)
		s := bufio.NewScanner(in)
		s.Buffer(make([]byte, 0, 64<<10), maxLine)
		n := 0
		for s.Scan() {
			n++
			if s.Text() != "" {
				lines <- input{n, s.Text(), nil}
			}
		}
		if err := s.Err(); errors.Is(err, bufio.ErrTooLong) {
			lines <- input{n + 1, "", fmt.Errorf("line %d is longer than %d bytes", n+1, maxLine)}
		} else if err != nil {
			lines <- input{n + 1, "", fmt.Errorf("read line %d: %w", n+1, err)}
		}
	}()
	return lines
}

// posting sends lines in their order, as many at once as the outbox takes.
type posting struct {
	t       *Terminal
	session *member.Session
	form    Form
	stay    bool
	whole   bool                                        // an end before the last line is a failure
	tell    func(line int, r member.Receipt, err error) // in the order of the lines

	waiting []posted
	refused int
	first   error // of the refusals
}

type posted struct {
	line    int
	pending *member.Pending // nil for a line that was refused here
	err     error
}

// run sends until the lines, ctx, the group or the reader's interest end.
func (p *posting) run(ctx context.Context, lines <-chan input) error {
	// A reader that does not read must not hold up the farewell.
	defer context.AfterFunc(ctx, func() { time.AfterFunc(readWithin, p.t.out.stop) })()
	var stuck *input              // it did not fit into the outbox
	var patience <-chan time.Time // since the last line
	for {
		in := lines
		var answered <-chan struct{}
		if len(p.waiting) > 0 {
			head := &p.waiting[0]
			if head.pending == nil {
				p.settle()
				continue
			}
			answered = head.pending.Done()
		} else if lines == nil && stuck == nil && !p.stay {
			return p.leave()
		}
		if stuck != nil || len(p.waiting) >= maxInFlight {
			in = nil
		}
		select {
		case l, ok := <-in:
			if !ok {
				lines = nil
				if d := p.t.opts.Patience; d > 0 && !p.stay {
					patience = time.After(d)
				}
				continue
			}
			if l.err != nil {
				return errors.Join(l.err, p.leave())
			}
			if !p.post(l) {
				stuck = &l
			}
		case <-answered:
			p.settle()
			if stuck != nil && p.post(*stuck) {
				stuck = nil
			}
		case <-p.session.Closed():
			return p.ended()
		case <-patience:
			err := p.leave()
			if err != nil {
				err = fmt.Errorf("gave up after %s: %w", p.t.opts.Patience, err)
			}
			return err
		case <-p.t.out.broken:
			_ = p.leave() // whoever has gone is told nothing
			return nil
		case <-ctx.Done():
			err := p.leave()
			if err == nil && p.whole && (lines != nil || stuck != nil) {
				err = errInterrupted
			}
			return err
		}
	}
}

// post sends one line, or reports that there is no room for it yet.
func (p *posting) post(l input) bool {
	payload, err := p.form.Payload(l.text)
	var pending *member.Pending
	if err == nil {
		pending, err = p.session.Post(payload, member.SendOptions{})
	}
	if errors.Is(err, wire.OutboxFull) && len(p.waiting) > 0 {
		return false
	}
	p.waiting = append(p.waiting, posted{l.number, pending, err})
	return true
}

// settle tells the outcome of the first line that waits, which is known.
func (p *posting) settle() {
	head := p.waiting[0]
	p.waiting = p.waiting[1:]
	r, err := member.Receipt{}, head.err
	if head.pending != nil {
		r, err = head.pending.Wait(context.Background())
	}
	if err != nil {
		if p.refused++; p.first == nil {
			p.first = fmt.Errorf("line %d: %s", head.line, textOf(asError(err)))
		}
	}
	p.tell(head.line, r, err)
}

// leave leaves the group, and reports what was refused or had no answer.
func (p *posting) leave() error {
	ctx, cancel := context.WithTimeout(context.Background(), leaveWithin)
	defer cancel()
	_ = p.session.Leave(ctx) // what it may say, the outcomes say
	unanswered := 0
	for len(p.waiting) > 0 {
		if head := p.waiting[0]; head.pending != nil {
			if _, err := head.pending.Wait(ctx); errors.Is(err, wire.Closed) {
				unanswered++
				p.waiting = p.waiting[1:]
				continue
			}
		}
		p.settle()
	}
	return errors.Join(p.refusals(), missing(unanswered))
}

func (p *posting) refusals() error {
	switch p.refused {
	case 0:
		return nil
	case 1:
		return p.first
	}
	return fmt.Errorf("%d messages were not sent; the first, %w", p.refused, p.first)
}

func missing(n int) error {
	switch n {
	case 0:
		return nil
	case 1:
		return errors.New("one message had no acknowledgement; it may have arrived")
	}
	return fmt.Errorf("%d messages had no acknowledgement; they may have arrived", n)
}

// ended reports why the group came to its end, when this side has not left it.
func (p *posting) ended() error {
	for len(p.waiting) > 0 {
		p.settle()
	}
	if err := p.session.Err(); err != nil {
		return err
	}
	return errors.New("the group has ended")
}

// refusal is the line about one that came in and was not sent.
func refusal(line int, err error) []byte {
	w := jsontext.Writer{}
	w.Begin('{')
	w.Key("type")
	w.Str("error")
	w.Key("line")
	w.Int(int64(line))
	w.Key("payload")
	appendError(&w, asError(err))
	w.End('}')
	return append(visible(nil, w.B), '\n')
}

// asError gives an error of this side a code.
func asError(err error) *wire.Error {
	if e, ok := errors.AsType[*wire.Error](err); ok {
		return e
	}
	return wire.E(wire.InvalidValue, err.Error())
}
