package model_test

import (
	"context"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"goop/host/relay"
	"goop/host/store"
	"goop/shared/group"
	"goop/shared/wire"
)

// engine is what durable groups lie in. It outlives the relay.
type engine interface {
	open(t *testing.T, entries int) (relay.Log, relay.Registry)
	close(t *testing.T)
}

// memory keeps durable groups, and what all groups remember, in memory, which is fast.
type memory struct {
	log *relay.MemLog

	// mu guards the following.
	mu    sync.Mutex
	saved map[wire.GroupID]group.Saved
	last  map[wire.GroupID][]group.RosterPeer
}

var _ relay.Registry = (*memory)(nil)

func (m *memory) open(_ *testing.T, entries int) (relay.Log, relay.Registry) {
	if m.log == nil {
		m.log = relay.NewMemLog(relay.MemLimits{Entries: entries})
		m.saved, m.last = map[wire.GroupID]group.Saved{}, map[wire.GroupID][]group.RosterPeer{}
	}
	return m.log, m
}

func (m *memory) close(*testing.T) {}

// Groups implements relay.Registry.
func (m *memory) Groups(context.Context) ([]group.Saved, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Collect(maps.Values(m.saved)), nil
}

// Save implements relay.Registry.
func (m *memory) Save(ctx context.Context, cfg group.Config, people group.PeopleChange) error {
	m.mu.Lock()
	s := m.saved[cfg.ID]
	s.Config = cfg
	m.saved[cfg.ID] = s
	m.mu.Unlock()
	return m.Note(ctx, cfg.ID, people)
}

// Note implements relay.Registry.
func (m *memory) Note(_ context.Context, id wire.GroupID, people group.PeopleChange) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.saved[id]
	s.Standings, s.Invites = slices.Clone(s.Standings), slices.Clone(s.Invites)
	for _, next := range people.Standings {
		s.Standings = slices.DeleteFunc(s.Standings, func(old group.Standing) bool { return old.Peer == next.Peer })
		if !next.Empty() {
			s.Standings = append(s.Standings, next)
		}
	}
	for _, next := range people.Invites {
		s.Invites = slices.DeleteFunc(s.Invites, func(old group.Invite) bool { return old.ID == next.ID })
		s.Invites = append(s.Invites, next)
	}
	s.Invites = slices.DeleteFunc(s.Invites, func(i group.Invite) bool { return slices.Contains(people.Revoked, i.ID) })
	m.saved[id] = s
	return nil
}

// Remove implements relay.Registry.
func (m *memory) Remove(ctx context.Context, id wire.GroupID, roster []group.RosterPeer) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	durable := m.saved[id].Config.Durable
	delete(m.saved, id)
	m.last[id] = roster
	if durable {
		return m.log.Drop(ctx, id)
	}
	return nil
}

// Roster implements relay.Registry.
func (m *memory) Roster(_ context.Context, id wire.GroupID) ([]group.RosterPeer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.last[id], nil
}

// disk keeps durable groups in the real store.
type disk struct {
	dir string
	db  *store.DB
}

func (d *disk) open(t *testing.T, entries int) (relay.Log, relay.Registry) {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{Dir: d.dir, Limits: store.Limits{LogEntries: int64(entries), Readers: 2}})
	if err != nil {
		t.Fatal(err)
	}
	d.db = db
	return db.Log(), db.Registry()
}

func (d *disk) close(t *testing.T) {
	t.Helper()
	if err := d.db.Close(); err != nil {
		t.Fatal(err)
	}
}

// witness is a Log that remembers what was asked of it and what it answered.
type witness struct {
	relay.Log

	// mu guards the following.
	mu    sync.Mutex
	calls []appended
	total int // of all calls
	slow  time.Duration
	full  map[wire.GroupID]bool // the next append of the group fails
	heads map[wire.GroupID]group.Head
}

// count is the number of calls so far.
func (w *witness) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.total
}

// appended is one call of Append.
type appended struct {
	group   wire.GroupID
	drafts  []group.Draft
	results []group.Result
	err     error
}

func newWitness(log relay.Log) *witness {
	return &witness{Log: log, full: map[wire.GroupID]bool{}, heads: map[wire.GroupID]group.Head{}}
}

func (w *witness) Open(ctx context.Context, cfg group.Config) (group.Head, error) {
	head, err := w.Log.Open(ctx, cfg)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.heads[cfg.ID] = head
	return head, err
}

func (w *witness) Append(ctx context.Context, id wire.GroupID, drafts []group.Draft) ([]group.Result, error) {
	w.mu.Lock()
	slow, full := w.slow, w.full[id]
	delete(w.full, id)
	w.mu.Unlock()
	time.Sleep(slow)
	call := appended{group: id, drafts: drafts}
	if full {
		call.err = wire.E(wire.StorageFull, "the disk is full")
	} else {
		call.results, call.err = w.Log.Append(ctx, id, drafts)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, call)
	w.total++
	return call.results, call.err
}

// take returns the calls since the last take, and the number of the first.
func (w *witness) take() (calls []appended, first int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	calls, w.calls = w.calls, nil
	return calls, w.total - len(calls)
}

func (w *witness) head(id wire.GroupID) group.Head {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.heads[id]
}

func (w *witness) fill(id wire.GroupID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.full[id] = true
}

func (w *witness) slowDown(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.slow = d
}
