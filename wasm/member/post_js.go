package main

import (
	"sync"
	"syscall/js"

	"goop/shared/jsontext"
	"goop/shared/member"
	"goop/shared/wire"
	"goop/wasm/internal/jsx"
)

// A page may post thousands of messages in one turn of its event loop, and get as many receipts in another. Each
// turn's come in one crossing, as one text, and no promise, callback or goroutine is made for one of them here.

// posted is one entry that the page wants to post.
type posted struct {
	number  uint64 // the page's, for the outcome
	session int
	payload []byte // of a message
	patch   []byte // of a state
	redact  int64
	ifSeq   *int64
	opts    member.SendOptions
}

// post(entries) posts what the page has gathered, in order, and returns how many entries that were: the walk ends
// before one that is nested too deeply, which the page refuses then.
func (b *bridge) post(args []js.Value) any {
	add, read := b.outcomes.add, 0
	for e := jsontext.ElementsOf([]byte(args[0].String())); e.Next(); read++ {
		p := readPosted(e.Value)
		s, pending, err := b.postOne(&p)
		if err != nil {
			add(p.number, member.Receipt{}, asWire(err))
			continue
		}
		s.Tell(pending, p.number, add)
	}
	return read
}

func (b *bridge) postOne(p *posted) (s *member.Session, pending *member.Pending, err error) {
	if s, err = b.session(p.session); err != nil {
		return nil, nil, err
	}
	switch {
	case p.patch != nil:
		pending, err = s.PostState(p.patch, p.ifSeq)
	case p.redact != 0:
		pending, err = s.PostRedact(p.redact)
	default:
		pending, err = s.Post(p.payload, p.opts)
	}
	return s, pending, err
}

// readPosted reads what goop.js has written.
func readPosted(entry []byte) (p posted) {
	for m := jsontext.MembersOf(entry); m.Next(); {
		switch string(m.Key) {
		case "n":
			n, _ := jsontext.Int(m.Value)
			p.number = uint64(n)
		case "session":
			n, _ := jsontext.Int(m.Value)
			p.session = int(n)
		case "payload":
			p.payload = m.Value
		case "patch":
			p.patch = m.Value
		case "redact":
			p.redact, _ = jsontext.Int(m.Value)
		case "ifSeq":
			if n, err := jsontext.Int(m.Value); err == nil {
				p.ifSeq = &n
			}
		case "to":
			to, _ := jsontext.Str(m.Value)
			p.opts.To = wire.PeerID(to)
		case "key":
			p.opts.Key, _ = jsontext.Str(m.Value)
		case "volatile":
			p.opts.Volatile = true
		case "unreliable":
			p.opts.Unreliable = true
		}
	}
	return p
}

func asWire(err error) *wire.Error {
	if e, ok := err.(*wire.Error); ok { // what shared/member returns is always one
		return e
	}
	return &wire.Error{Code: wire.Internal, Message: err.Error()}
}

// outcomes gathers what became of posted entries until the goroutines that learn of it rest.
type outcomes struct {
	to   js.Value
	work chan struct{} // holds one token: there are some

	// mu guards the following.
	mu   sync.Mutex
	text []byte // [number, seq, time] or [number, error], each with '[' or ',' in front
}

func (o *outcomes) init(to js.Value) {
	o.to, o.work = to, make(chan struct{}, 1)
	go o.tell() // as long as the page
}

// add notes one outcome.
func (o *outcomes) add(number uint64, r member.Receipt, err *wire.Error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.text) == 0 {
		o.text = append(o.text, '[')
	} else {
		o.text = append(o.text, ',')
	}
	w := jsontext.Writer{B: o.text}
	w.Begin('[')
	w.Int(int64(number))
	if err != nil {
		w.Raw(err.Append(nil))
	} else {
		w.Int(r.Seq)
		w.Int(r.Time)
	}
	w.End(']')
	o.text = w.B
	select {
	case o.work <- struct{}{}:
	default:
	}
}

func (o *outcomes) tell() {
	for range o.work {
		o.mu.Lock()
		text := o.text
		o.text = nil
		o.mu.Unlock()
		if len(text) > 0 { // an outcome may have come between its token and the last telling
			o.to.Invoke(jsx.Text(append(text, ']')))
		}
	}
}
