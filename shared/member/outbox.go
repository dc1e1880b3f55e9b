package member

import (
	"context"
	"time"

	"goop/shared/wire"
)

const (
	// maxVolatile bounds the volatile messages that wait for the writer; the oldest goes first.
	maxVolatile = 64
	// writeSize is about how much a writer hands to its stream at once.
	writeSize = 64 << 10
	// firstPlace leaves room in front for what an earlier page load has left.
	firstPlace = 1 << 32
)

// Pending is a posted entry on its way to its receipt.
type Pending struct {
	item
	id    string
	epoch wire.Epoch // of the log for which it was posted; "" until the first welcome
	size  int        // of the payload or patch
	kind  wire.Type
	tried attempt // the first one

	// For the store:
	posted    time.Time
	key       string     // of the entry's row, "" without one
	order     int64      // of the row
	keptEpoch wire.Epoch // of the row
	restored  bool       // it was posted by an earlier page load, and nobody waits for it
	taken     bool       // another page load sends it

	done    chan struct{}
	receipt Receipt
	err     *wire.Error
	tag     uint64
	told    func(tag uint64, r Receipt, err *wire.Error) // see Session.Tell; nil without
}

// Done is closed when the outcome is known.
func (p *Pending) Done() <-chan struct{} { return p.done }

// Wait returns the receipt; that of a volatile message is empty. The error is the host's refusal, or
// why there will be no answer. When ctx ends the waiting ends, not the sending: the entry may still
// reach the log.
func (p *Pending) Wait(ctx context.Context) (Receipt, error) {
	select {
	case <-p.done:
	case <-ctx.Done():
		return Receipt{}, gaveUp(ctx, "the message was not acknowledged yet when its sender gave up; it may still arrive")
	}
	if p.err != nil {
		return Receipt{}, p.err
	}
	return p.receipt, nil
}

// Tell calls fn with the outcome and the tag once there is one: at once, or later while the session is locked,
// so fn may only take note. Who posts much needs no goroutine for each entry with it.
func (s *Session) Tell(p *Pending, tag uint64, fn func(tag uint64, r Receipt, err *wire.Error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-p.done:
		fn(tag, p.receipt, p.err)
	default:
		p.tag, p.told = tag, fn
	}
}

// outbox keeps what a session has posted until the host has answered it. The session guards it.
type outbox struct {
	queue
	byID map[string]*Pending
	// early holds own entries that were acknowledged out of order, as repeats are, and whose place in
	// the order is still to come.
	early    map[int64]*Pending
	written  uint64 // the place of the last line that this stream has got
	volatile []volatile
	// unsent are restored entries that were refused and are not told yet.
	unsent []*Pending
	keeper *keeper // nil without a store
}

type volatile struct {
	key  string
	line []byte
}

func (o *outbox) init(limits OutboxLimits) {
	o.limits = limits
	o.byID = map[string]*Pending{}
	o.early = map[int64]*Pending{}
	o.last = firstPlace
}

// post takes in one frame of this session.
func (s *Session) post(f wire.Frame) (*Pending, error) {
	p := &Pending{kind: f.Type, size: len(f.Payload) + len(f.Patch), posted: time.Now(), done: make(chan struct{})}
	if !f.Volatile {
		p.id = s.m.newID()
		f.ID = p.id
	}
	p.item = item{of: p, line: f.Append(nil)}

	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return nil, s.err
	}
	if s.leaving {
		return nil, wire.E(wire.Closed, "the group was left")
	}
	if s.welcome != nil {
		if err := fits(p, s.welcome.Limits); err != nil {
			return nil, err
		}
		p.epoch = s.position.Epoch
	}
	if f.Volatile {
		if !s.live && (s.next == nil || s.next.ctx.Err() != nil) {
			return nil, wire.E(wire.Offline, "a volatile message does not wait for the connection")
		}
		s.out.postVolatile(f.Key, p.line)
		close(p.done)
	} else {
		if err := s.out.push(&p.item); err != nil {
			return nil, err
		}
		s.out.byID[p.id] = p
		if s.out.keeper != nil {
			s.out.keeper.add(p)
		}
	}
	signal(s.work)
	return p, nil
}

// fits checks an entry against the host's limits: a line that is far too long would end the stream.
func fits(p *Pending, l wire.Limits) *wire.Error {
	switch {
	case p.kind == wire.TypeMsg && l.Payload > 0 && p.size > l.Payload:
		return wire.E(wire.TooLarge, `the payload is larger than the group's limit "payload"`)
	case p.kind == wire.TypeState && l.State > 0 && p.size > l.State:
		return wire.E(wire.TooLarge, `the patch is larger than the group's limit "state"`)
	case l.Line > 0 && len(p.line) > l.Line:
		return wire.E(wire.TooLarge, `the message is longer than the group's limit "line"`)
	}
	return nil
}

func (o *outbox) postVolatile(key string, line []byte) {
	if key != "" {
		for i := range o.volatile {
			if o.volatile[i].key == key {
				o.volatile = append(o.volatile[:i], o.volatile[i+1:]...)
				break
			}
		}
	}
	if len(o.volatile) == maxVolatile {
		o.volatile = o.volatile[1:]
	}
	o.volatile = append(o.volatile, volatile{key, line})
}

// settle ends a Pending that is in the outbox.
func (o *outbox) settle(p *Pending, r Receipt, err *wire.Error) {
	delete(o.byID, p.id)
	o.remove(&p.item)
	p.receipt, p.err = r, err
	if p.restored && err != nil {
		o.unsent = append(o.unsent, p)
	}
	if o.keeper != nil {
		o.keeper.drop(p)
	}
	close(p.done)
	if p.told != nil {
		p.told(p.tag, r, err)
	}
}

// settleAll ends everything that keep does not want.
func (o *outbox) settleAll(err *wire.Error, keep func(*Pending) bool) {
	for _, it := range o.all() {
		if p := it.of.(*Pending); keep == nil || !keep(p) {
			o.settle(p, Receipt{}, err)
		}
	}
	for _, p := range o.byID {
		if p.taken && (keep == nil || !keep(p)) {
			o.settle(p, Receipt{}, err)
		}
	}
}

// putBack puts entries of earlier page loads into the queue: in front of what this one has posted, and among
// those that are there already, if it is not too late for that.
func (o *outbox) putBack(back []*item) {
	if o.written != 0 {
		for _, it := range back {
			o.append(it)
		}
		return
	}
	for len(o.items) > 0 && (o.items[0].gone || o.items[0].of.(*Pending).restored) {
		it := o.items[0]
		if !it.gone {
			back = append(back, it)
			o.remove(it)
		} else {
			o.items = o.items[1:]
		}
	}
	sortByOrder(back)
	o.pushFront(back)
}

// sortByOrder sorts entries that come in a few runs, one for each page load. Package slices would make the
// browser's member 10 KB larger.
func sortByOrder(items []*item) {
	for i := 1; i < len(items); i++ {
		for j := i; j > 0 && items[j].of.(*Pending).order < items[j-1].of.(*Pending).order; j-- {
			items[j], items[j-1] = items[j-1], items[j]
		}
	}
}

// writing notes that the entries behind place before, up to o.written, go out.
func (o *outbox) writing(before uint64, now attempt) {
	for _, it := range o.after(before) {
		if p := it.of.(*Pending); it.n <= o.written && p.tried.time == 0 {
			p.tried = now
		}
	}
}

// arrived returns the own entry that stands at a place of the order, if it is one, and settles it.
// id is that of the line, if it has one.
func (o *outbox) arrived(id string, r Receipt) *Pending {
	if p, ok := o.early[r.Seq]; ok {
		delete(o.early, r.Seq)
		return p
	}
	p, ok := o.byID[id]
	if !ok {
		return nil
	}
	o.settle(p, r, nil)
	return p
}

// ahead settles an entry whose receipt came before its place in the order.
func (o *outbox) ahead(id string, r Receipt) {
	if p, ok := o.byID[id]; ok {
		o.settle(p, r, nil)
		if len(o.early) < o.limits.Count {
			o.early[r.Seq] = p
		}
	}
}

// moved forgets early receipts whose place is passed.
func (o *outbox) moved(seq int64) {
	for n := range o.early {
		if n <= seq {
			delete(o.early, n)
		}
	}
}

// admit prepares the outbox for a log of which the host tells in a welcome or a full state: entries
// that belong to an earlier life of a log that does not survive are refused, and so is what the host might
// take for new although it has it; the rest is sent again. at is the log's last entry, or an earlier one.
func (o *outbox) admit(at wire.Position, ms int64, durable bool, limits wire.Limits) {
	if !durable {
		o.settleAll(wire.E(wire.EpochChanged, "the group's log began anew before this was acknowledged; it is not known whether it had arrived"),
			func(p *Pending) bool { return p.epoch == "" || p.epoch == at.Epoch })
	}
	for _, it := range o.all() {
		p := it.of.(*Pending)
		if p.epoch != at.Epoch && p.tried.time != 0 {
			p.tried.seq = at.Seq // the numbers of another log say nothing
		}
		p.epoch = at.Epoch
		err := tooOld(p, at.Seq, ms)
		if err == nil {
			err = fits(p, limits)
		}
		if err != nil {
			o.settle(p, Receipt{}, err)
		}
	}
	o.written = 0
}
