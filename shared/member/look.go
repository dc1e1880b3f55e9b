package member

import (
	"context"
	"maps"
	"strconv"
	"strings"
	"time"

	"goop/shared/wire"
)

const (
	// repeatFor and repeatCount are how long ago, and how many entries ago, an entry may have been sent for
	// the first time and be sent again: the host recognises a repeat for a little longer.
	repeatFor   = 23 * time.Hour
	repeatCount = 9_000
	// holdLook is the time between two looks at a lease of which it is not known whether its owner lives.
	holdLook = time.Second
	// takenWait is how long an entry that another page has taken over may take to arrive.
	takenWait = 30 * time.Second
)

// look is one look at what is stored of a box: whether this session still has its own, and what others
// have left behind. Its method change is the transaction.
type look struct {
	box   box
	owner wire.SessionID
	ms    int64   // this machine's clock
	take  bool    // what others have left is taken over, and everything is about to be sent
	tried attempt // of what is about to be sent
	mine  map[string]ownRow
	lease tenure

	// What was found.
	found   []entryRow
	lost    []string // ids of own entries that another page has taken over
	others  map[wire.SessionID]int64
	total   int
	damaged int
	old     int
}

// ownRow is a row of this session, as it should be.
type ownRow struct {
	key string
	record
	changed bool
}

// entryRow is an entry that was taken over.
type entryRow struct {
	key   string // now
	order int64
	record
	frame wire.Frame
}

func (l *look) scans() []Scan {
	entries := l.box.entries()
	if !l.take {
		entries += string(l.owner) + "/"
	}
	return []Scan{{entries, l.take}, {l.box.leases(), true}, {outboxOf(l.box.host), false}}
}

func (l *look) change(found [][]Row) []Row {
	l.found, l.lost, l.others, l.total, l.damaged, l.old = nil, nil, map[wire.SessionID]int64{}, 0, 0, 0
	oldest := l.ms - keptFor.Milliseconds()
	var out []Row
	leases := map[wire.SessionID]tenure{}
	for _, row := range found[1] {
		owner := wire.SessionID(strings.TrimPrefix(row.Key, l.box.leases()))
		t, ok := parseTenure(row.Value)
		if !ok || t.until < oldest {
			out = append(out, Row{Key: row.Key})
			continue
		}
		leases[owner] = t
	}
	for _, row := range found[2] {
		k, ok := parseKey(lastParts(row.Key))
		switch {
		case ok && k.order/1000 < oldest:
			out = append(out, Row{Key: row.Key})
			l.old++
		case ok:
			l.total += k.size
		}
	}

	there := map[string]bool{}
	marked := map[wire.SessionID]bool{}
	for _, row := range found[0] {
		k, ok := parseKey(strings.TrimPrefix(row.Key, l.box.entries()))
		switch {
		case ok && k.order/1000 < oldest: // among those above
		case ok && k.owner == l.owner:
			there[k.id] = true
		case !l.take:
		case ok && leases[k.owner].stands(l.ms):
			l.others[k.owner] = leases[k.owner].until
		default:
			out = append(out, Row{Key: row.Key})
			if ok && !marked[k.owner] { // its page may only have slept
				marked[k.owner] = true
				out = append(out, Row{l.box.leases() + string(k.owner), tenure{true, l.ms}.text()})
			}
			out = l.takeOver(out, k, ok, row.Value)
		}
	}
	for id, own := range l.mine {
		switch {
		case !there[id] && leases[l.owner].taken:
			l.lost = append(l.lost, id)
		case !there[id] || own.changed: // somebody has emptied the store, or more is known
			out = append(out, Row{own.key, own.text()})
		}
	}
	mine := l.box.leases() + string(l.owner)
	l.lease = tenure{}
	if len(l.mine)-len(l.lost)+len(l.found) > 0 {
		l.lease.until = l.ms + leaseFor.Milliseconds()
		return append(out, Row{mine, l.lease.text()})
	}
	if _, ok := leases[l.owner]; ok {
		out = append(out, Row{Key: mine})
	}
	return out
}

// takeOver makes the row of another owner one of this session's.
func (l *look) takeOver(out []Row, k keptKey, ok bool, text string) []Row {
	if _, twice := l.mine[k.id]; ok && twice {
		return out
	}
	var e entryRow
	var err error
	if ok {
		e.record, e.frame, err = parseRecord(k.id, text)
	}
	if !ok || err != nil {
		l.damaged++
		return out
	}
	for _, other := range l.found {
		if other.frame.ID == k.id {
			return out
		}
	}
	k.owner, k.size = l.owner, len(e.line)
	e.key, e.order = l.box.key(k), k.order
	l.found = append(l.found, e)
	kept := e.record
	if kept.tried.time == 0 {
		kept.tried = l.tried
	}
	return append(out, Row{e.key, kept.text()})
}

// lastParts returns the last four parts of a key: what parseKey reads.
func lastParts(key string) string {
	at := len(key)
	for range 4 {
		if at = strings.LastIndexByte(key[:at], '/'); at < 0 {
			return ""
		}
	}
	return key[at+1:]
}

// lookDue reports whether it is time for the writer to look before it writes on.
func (s *Session) lookDue() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.out.keeper
	if k == nil || !k.on || !s.m.storing() {
		return false
	}
	return k.lapsed() || !k.due.IsZero() && !time.Now().Before(k.due)
}

// look looks at what is stored, and takes in what it finds. With take it is called by the writer alone.
func (s *Session) look(ctx context.Context, take bool) {
	k := s.out.keeper
	select {
	case <-k.turn:
	case <-ctx.Done():
		return
	}
	defer func() { k.turn <- struct{}{} }()
	s.mu.Lock()
	l := &look{box: k.box, owner: k.owner, ms: time.Now().UnixMilli(), take: take, tried: s.attempt(), mine: map[string]ownRow{}}
	for id, p := range k.rows {
		r := p.record()
		if take && r.tried.time == 0 {
			r.tried = l.tried
		}
		l.mine[id] = ownRow{p.key, r, r.tried != p.tried || r.epoch != p.keptEpoch}
	}
	s.mu.Unlock()
	if err := s.m.update(l.scans(), l.change); err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		if !s.m.storing() {
			k.holds = nil
		}
		return
	}
	if l.damaged+l.old > 0 {
		s.m.warn(strconv.Itoa(l.damaged+l.old) + " messages of earlier visits cannot be sent any more: they are older than 30 days, or damaged")
	}
	s.mu.Lock()
	given := s.takeIn(l)
	s.mu.Unlock()
	if len(given) == 0 {
		return
	}
	batch := batch{asText: s.text != nil}
	for _, p := range given {
		batch.add(unsentEvent(s.id, p))
	}
	// Told twice is better than not at all, so they are deleted only now.
	if !s.deliver(&batch, false) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range given {
		k.drop(p)
	}
}

// takeIn works what a look has found into the session. It returns the entries that are given up.
func (s *Session) takeIn(l *look) (given []*Pending) {
	k := s.out.keeper
	k.total, k.until = l.total, l.lease.until
	k.renew = time.Now().Add(leaseEvery)
	for id, own := range l.mine {
		if p := k.rows[id]; p != nil {
			p.tried, p.keptEpoch = own.tried, own.epoch
		}
	}
	s.giveAway(l.lost)
	if !l.take {
		return nil
	}
	var back []*item
	for i := range l.found {
		e := &l.found[i]
		k.order = max(k.order, e.order)
		p := s.out.byID[e.frame.ID]
		switch {
		case p == nil:
			p = restored(e)
			if p.err = s.refusal(p); p.err != nil {
				k.store(p, e.key)
				given = append(given, p)
				continue
			}
			s.out.byID[p.id] = p
			back = append(back, &p.item)
		case p.taken: // its own, that another page had taken over
			p.taken = false
			back = append(back, &p.item)
		}
		p.order = e.order
		k.store(p, e.key)
	}
	s.out.putBack(back)
	signal(k.work) // the lease has to be renewed from now on
	s.waitFor(l.others)
	return given
}

// waitFor notes which leases of others there are.
func (s *Session) waitFor(others map[wire.SessionID]int64) {
	k := s.out.keeper
	if !k.looked {
		k.looked, k.holds = true, map[wire.SessionID]int64{}
		maps.Copy(k.holds, others)
	}
	for owner, until := range k.holds {
		if others[owner] != until { // taken over, or renewed: then its page lives
			delete(k.holds, owner)
		}
	}
	k.due = time.Time{}
	if len(others) > 0 {
		k.due = time.Now().Add(leaseFor + holdLook)
	}
	if len(k.holds) > 0 {
		k.due = time.Now().Add(holdLook)
	}
}

// giveAway takes entries out of the queue that another page has taken over while this one slept. They are
// still recognised when they arrive.
func (s *Session) giveAway(ids []string) {
	k := s.out.keeper
	var lost []*Pending
	for _, id := range ids {
		p := k.rows[id]
		if p == nil {
			continue // answered meanwhile
		}
		k.forget(p)
		s.out.remove(&p.item)
		if p.restored {
			delete(s.out.byID, id)
			close(p.done)
			continue
		}
		p.taken = true
		lost = append(lost, p)
	}
	if len(lost) == 0 {
		return
	}
	time.AfterFunc(takenWait, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, p := range lost {
			if p.taken && s.out.byID[p.id] == p {
				s.out.settle(p, Receipt{}, wire.E(wire.Timeout, "another page of this browser sends this message, because this one slept; it is not known whether it has arrived"))
			}
		}
	})
}

// restored returns an entry of an earlier page load, for which nobody waits.
func restored(e *entryRow) *Pending {
	p := &Pending{
		id: e.frame.ID, epoch: e.epoch, kind: e.frame.Type, size: len(e.frame.Payload) + len(e.frame.Patch),
		tried: e.tried, restored: true, done: make(chan struct{}),
	}
	p.item = item{of: p, line: e.line}
	return p
}

// refusal returns why an entry of an earlier page load cannot be sent any more.
func (s *Session) refusal(p *Pending) *wire.Error {
	if p.epoch != s.position.Epoch {
		return wire.E(wire.EpochChanged, "the group's log began anew before an earlier visit had sent this; it is not known whether it had arrived")
	}
	if err := tooOld(p, s.position.Seq, s.welcome.Time); err != nil {
		return err
	}
	return fits(p, s.welcome.Limits)
}

// tooOld refuses what was sent so long ago that the host might not recognise it. at is the last entry of
// the log, ms the time, by the host's clock.
func tooOld(p *Pending, at, ms int64) *wire.Error {
	if p.tried.time == 0 || ms-p.tried.time < repeatFor.Milliseconds() && at-p.tried.seq < repeatCount {
		return nil
	}
	return wire.E(wire.Timeout, "this was sent too long ago to be sent again without appearing twice; it is not known whether it had arrived")
}
