package member

import (
	"context"
	"time"

	"goop/shared/wire"
)

const (
	// keptBytes bounds the lines that are stored for one host, those of other tabs and earlier visits
	// included, as far as they are known. What is above it is kept in memory alone.
	keptBytes = 16 << 20
	// keepDelay is how long an entry may be on its way, over a connection that is up, before it is stored.
	keepDelay = 50 * time.Millisecond
	// keptFor is how long an entry waits for its group to be joined again.
	keptFor = 30 * 24 * time.Hour
	// leaseFor is how long the entries of a page load are its own, unless it renews the lease.
	leaseFor = 10 * time.Second
	// leaseEvery is the time between two renewals.
	leaseEvery = 3 * time.Second
	// storeWait bounds the wait for the store, which in some private windows never answers.
	storeWait = 3 * time.Second
)

// keeper stores what the outbox of a session holds for longer than a moment, in a group that is durable,
// for the next visit. One goroutine does the work, but for the looks at what others have left, which the
// writer of a stream takes before it writes. An entry that was answered before it was stored never is.
type keeper struct {
	owner wire.SessionID // names this session in the store
	work  chan struct{}  // holds one token: there is something to write
	hurry chan struct{}  // holds one token: write now
	turn  chan struct{}  // holds one token while nobody uses the store

	// The session's mutex guards the following.
	box     box
	on      bool                // the group is durable
	fresh   []*Pending          // to be stored, in order
	rows    map[string]*Pending // those that have a row, by id
	gone    []string            // keys of rows to be deleted
	order   int64               // given last
	total   int                 // bytes that are stored for this host, about
	until   int64               // when the lease runs out; 1 for one that was let go, 0 for none
	renew   time.Time           // when it is to be renewed
	suspend bool                // let the lease go with the next write
	looked  bool                // for what others have left
	due     time.Time           // of the next such look; zero for none
	// holds are the leases of others that the first look has found, by owner. While there are some it is
	// not known whether what their owners have stored is to go out first, so nothing does.
	holds map[wire.SessionID]int64
}

func newKeeper(owner string) *keeper {
	k := &keeper{
		owner: wire.SessionID(owner),
		work:  make(chan struct{}, 1),
		hurry: make(chan struct{}, 1),
		turn:  make(chan struct{}, 1),
		rows:  map[string]*Pending{},
	}
	k.turn <- struct{}{}
	return k
}

// begin takes in where the entries belong, after each welcome.
func (k *keeper) begin(b box, durable bool, all []*item) {
	k.box, k.on, k.fresh = b, durable, nil
	if !durable {
		return
	}
	k.due = time.Now()
	for _, it := range all {
		if p := it.of.(*Pending); p.key == "" {
			k.add(p)
		}
	}
}

func (k *keeper) add(p *Pending) {
	if k.on {
		k.fresh = append(k.fresh, p)
		signal(k.work)
	}
}

// drop forgets an entry that is settled.
func (k *keeper) drop(p *Pending) {
	if p.key == "" {
		return
	}
	k.gone = append(k.gone, p.key)
	k.forget(p)
	k.total -= len(p.line)
	signal(k.work)
}

// forget leaves the row of an entry to others.
func (k *keeper) forget(p *Pending) {
	delete(k.rows, p.id)
	p.key = ""
}

// lapsed reports whether somebody else may have taken over what is stored.
func (k *keeper) lapsed() bool {
	return len(k.rows) > 0 && time.Now().UnixMilli() >= k.until
}

// changes is what is to be written now.
type changes struct {
	rows    []Row
	puts    []*Pending
	deleted []string
	tooMuch bool // some entries were passed over because of keptBytes
}

// changes returns what is to be written now; what was posted after young is not, and neither is anything new
// to a store that is broken. Whether an entry was ever written to a stream is stored with it; now is the
// attempt of one that is stored while there is a stream, for it is about to be.
func (k *keeper) changes(now attempt, young time.Time, broken bool) (c changes) {
	ms := time.Now().UnixMilli()
	var later []*Pending
	for _, p := range k.fresh {
		switch {
		case p.gone || broken:
		case p.posted.After(young):
			later = append(later, p)
		case k.total+len(p.line) > keptBytes:
			c.tooMuch = true
		default:
			if p.tried.time == 0 {
				p.tried = now
			}
			if p.order == 0 {
				k.order = max(k.order+1, ms*1000)
				p.order = k.order
			}
			k.store(p, k.box.key(k.keyOf(p)))
			k.total += len(p.line)
			c.puts = append(c.puts, p)
			c.rows = append(c.rows, Row{p.key, p.record().text()})
		}
	}
	k.fresh = later
	if len(later) > 0 {
		signal(k.work)
	}
	for _, key := range k.gone {
		c.rows = append(c.rows, Row{Key: key})
	}
	k.gone, c.deleted = nil, k.gone
	mine := k.box.leases() + string(k.owner)
	switch {
	case k.suspend || len(k.rows) == 0 && k.until != 0:
		c.rows = append(c.rows, Row{Key: mine})
		k.until = min(1, int64(len(k.rows)))
	case len(c.rows) > 0 && !broken && (k.until == 0 || ms < k.until):
		c.rows = append(c.rows, Row{mine, k.extend(ms).text()})
	}
	k.suspend = false
	return c
}

// undo takes back what could not be written.
func (k *keeper) undo(c changes) {
	var again []*Pending
	for _, p := range c.puts {
		if k.rows[p.id] == p {
			k.forget(p)
			again = append(again, p)
		}
	}
	k.fresh = append(again, k.fresh...)
	k.gone = append(k.gone, c.deleted...)
	signal(k.work)
}

func (k *keeper) keyOf(p *Pending) keptKey { return keptKey{k.owner, p.order, p.id, len(p.line)} }

// store notes that an entry has, or is about to have, a row.
func (k *keeper) store(p *Pending, key string) {
	p.key, p.keptEpoch = key, p.epoch
	k.rows[p.id] = p
}

func (k *keeper) extend(ms int64) tenure {
	k.until = ms + leaseFor.Milliseconds()
	k.renew = time.Now().Add(leaseEvery)
	return tenure{until: k.until}
}

// record is what is stored of an entry.
func (p *Pending) record() record { return record{p.epoch, p.tried, p.line} }

// keep is the keeper's goroutine.
func (s *Session) keep() {
	k := s.out.keeper
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		renewal, urgent := s.renewal(timer), true
		select {
		case <-k.work:
			if urgent = !s.linger(timer); s.ctx.Err() != nil {
				return
			}
		case <-k.hurry:
		case <-renewal:
			s.look(s.ctx, false)
			continue
		case <-s.ctx.Done():
			return
		}
		s.persist(s.ctx, urgent)
	}
}

// renewal returns what tells that the lease has to be renewed, nil when there is none.
func (s *Session) renewal(timer *time.Timer) <-chan time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.out.keeper
	if len(k.rows) == 0 || !s.m.storing() {
		return nil
	}
	timer.Reset(time.Until(k.renew))
	return timer.C
}

// linger lets receipts come while there is a stream, so that ordinary traffic stores nothing. It reports
// false when there is none, or there is no time.
func (s *Session) linger(timer *time.Timer) bool {
	s.mu.Lock()
	live := s.live
	s.mu.Unlock()
	if !live {
		return false
	}
	timer.Reset(keepDelay)
	select {
	case <-timer.C:
		return true
	case <-s.out.keeper.hurry:
	case <-s.ctx.Done():
	}
	return false
}

// persist writes what has changed; unless it is urgent, without what may be answered any moment.
func (s *Session) persist(ctx context.Context, urgent bool) {
	k := s.out.keeper
	select {
	case <-k.turn:
	case <-ctx.Done():
		return
	}
	defer func() { k.turn <- struct{}{} }()
	young := time.Now()
	if !urgent {
		young = young.Add(-keepDelay)
	}
	s.writeChanges(young)
}

// persistNow is an urgent persist that does not wait for a transaction under way, because the page may not
// live to see its end. The store does the one after the other.
func (s *Session) persistNow() { s.writeChanges(time.Now()) }

func (s *Session) writeChanges(young time.Time) {
	k := s.out.keeper
	s.mu.Lock()
	var now attempt
	if s.live {
		now = s.attempt()
	}
	// Rows of what was answered are not to stay because the store once failed.
	c := k.changes(now, young, !s.m.storing())
	s.mu.Unlock()
	if c.tooMuch && !s.m.tooMuch.Swap(true) {
		s.m.warn("too much waits to be sent: the latest of it is lost if this page is closed before it has gone out")
	}
	if len(c.rows) == 0 {
		return
	}
	if err := s.m.update(nil, func([][]Row) []Row { return c.rows }); err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.m.storing() {
			k.undo(c)
		}
	}
}

// update is the store's Update. An error leaves it unknown whether it has happened.
func (m *Member) update(scans []Scan, change func([][]Row) []Row) error {
	began := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), storeWait) // of half a transaction it would not be known what it did
	defer cancel()
	err := m.opts.Store.Update(ctx, scans, change)
	switch {
	case err == nil:
	case time.Since(began) > storeWait+frozenAfter: // it was this page that did not answer
	case !m.broken.Swap(true):
		m.warn("what waits to be sent is lost if this page is closed before it has gone out: " + err.Error())
	}
	return err
}

// attempt is that of an entry which goes out now, after a welcome. Its time is compared with those of later
// welcomes, so it stands on the latest one's: this machine's clock may be wrong by days.
func (s *Session) attempt() attempt {
	if s.welcome == nil {
		return attempt{}
	}
	return attempt{s.position.Seq, s.welcome.Time + time.Since(s.welcomed).Milliseconds()}
}

// storeEnd leaves to later visits what nobody waits for any more: everything when the member is closed, and
// when the group is left what an earlier visit has sent. It is called before the rest is settled.
func (s *Session) storeEnd(closing bool) {
	if closing {
		s.persist(context.Background(), true)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.out.keeper.rows {
		if closing || s.leaving && p.restored {
			s.out.keeper.forget(p)
		}
	}
}

// Flush stores at once what waits for the host: this page may be about to go. It does not wait.
func (m *Member) Flush() { m.flush(false) }

// Suspend is Flush for a page that is being left: from now on another one may take over what is stored. This
// one may go on all the same, when it comes back.
func (m *Member) Suspend() { m.flush(true) }

func (m *Member) flush(suspend bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ctx.Err() != nil {
		return
	}
	for _, s := range m.sessions {
		k := s.out.keeper
		if k == nil {
			continue
		}
		s.mu.Lock()
		some := len(k.rows)+len(k.fresh) > 0
		k.suspend = k.suspend || suspend && some
		s.mu.Unlock()
		if some {
			m.wg.Go(s.persistNow)
		}
	}
}

// storing reports whether there is a store that works.
func (m *Member) storing() bool { return m.opts.Store != nil && !m.broken.Load() }

func (m *Member) warn(message string) {
	if m.opts.OnWarn != nil {
		m.opts.OnWarn(message)
	}
}
