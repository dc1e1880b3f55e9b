package membertest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"goop/shared/member"
)

// Store is a member.Store in memory, as several pages share one. The zero value is ready.
type Store struct {
	// mu guards the following.
	mu     sync.Mutex
	rows   map[string]string
	writes int
}

// Rows returns what is stored.
func (s *Store) Rows() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.rows)
}

// Entries returns how many messages are stored.
func (s *Store) Entries() int {
	n := 0
	for key := range s.Rows() {
		if strings.Contains(key, "/outbox/") {
			n++
		}
	}
	return n
}

// Writes returns how many transactions have written something.
func (s *Store) Writes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes
}

// Set changes what is stored; nil forgets everything.
func (s *Store) Set(rows map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows = maps.Clone(rows)
}

// Page returns the store as one page sees it.
func (s *Store) Page() *Page { return &Page{s: s} }

// Page is a member.Store that can be made slow and made to fail, for one page alone.
type Page struct {
	s *Store

	// mu guards the following.
	mu    sync.Mutex
	err   error
	delay time.Duration
	stuck bool
	thaw  chan struct{} // while it is frozen
}

// Freeze lets every Update wait, deadlines and all, as those of a page that sleeps, until Thaw.
func (p *Page) Freeze() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.thaw = make(chan struct{})
}

// Thaw ends Freeze.
func (p *Page) Thaw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.thaw)
	p.thaw = nil
}

// Fail lets every later Update fail with err; nil lets them succeed again.
func (p *Page) Fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = err
}

// Kill is the end of the page: whatever it still does has no effect on the store.
func (p *Page) Kill() { p.Fail(errKilled) }

var errKilled = errors.New("membertest: the page was killed")

// Slow lets every later Update take that long.
func (p *Page) Slow(delay time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = delay
}

// Stick lets every later Update wait until it is given up.
func (p *Page) Stick(stuck bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stuck = stuck
}

// Update implements member.Store.
func (p *Page) Update(ctx context.Context, scans []member.Scan, change func([][]member.Row) []member.Row) error {
	p.mu.Lock()
	err, delay, stuck, thaw := p.err, p.delay, p.stuck, p.thaw
	p.mu.Unlock()
	if thaw != nil {
		<-thaw
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	if stuck {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	if delay > 0 {
		timer := time.NewTimer(delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		p.mu.Lock()
		err = p.err
		p.mu.Unlock()
	}
	if err == errKilled {
		return nil // nobody is there to be told
	}
	if err != nil {
		return err
	}
	s := p.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rows == nil {
		s.rows = map[string]string{}
	}
	var found [][]member.Row
	for _, scan := range scans {
		var rows []member.Row
		for _, key := range slices.Sorted(maps.Keys(s.rows)) {
			if strings.HasPrefix(key, scan.Prefix) {
				row := member.Row{Key: key}
				if scan.Values {
					row.Value = s.rows[key]
				}
				rows = append(rows, row)
			}
		}
		found = append(found, rows)
	}
	changes := change(found)
	for _, row := range changes {
		if row.Value == "" {
			delete(s.rows, row.Key)
		} else {
			s.rows[row.Key] = row.Value
		}
	}
	if len(changes) > 0 {
		s.writes++
	}
	return nil
}
