package relay

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"slices"
	"sync"
	"time"

	"goop/shared/group"
	"goop/shared/wire"
)

// MemLimits bounds a MemLog. The zero value of a field means its default.
type MemLimits struct {
	Entries int // kept of one group; default 10,000
	Bytes   int // of the entries kept of one group; default 4 MiB
	State   int // bytes of one group's state; default wire.DefaultLimits().State
}

// MemLog is a Log in memory: it is gone with the process, and each life of a group in it is a new epoch.
// Of each group it keeps the newest entries. A MemLog is safe for use from many goroutines.
type MemLog struct {
	limits MemLimits

	// mu guards the following.
	mu     sync.Mutex
	groups map[wire.GroupID]*memGroup
}

var _ Log = (*MemLog)(nil)

// memGroup is the log of one group.
type memGroup struct {
	// mu guards the following.
	mu      sync.Mutex
	ledger  *group.Ledger
	entries []group.Entry
	bytes   int
	ids     map[idKey]known
	order   []idKey // of ids, oldest first
}

type idKey struct {
	peer wire.PeerID
	id   string
}

type known struct {
	hash      [sha256.Size]byte
	seq, time int64
}

// NewMemLog returns an empty MemLog.
func NewMemLog(limits MemLimits) *MemLog {
	set(&limits.Entries, 10_000)
	set(&limits.Bytes, 4<<20)
	set(&limits.State, wire.DefaultLimits().State)
	return &MemLog{limits: limits, groups: map[wire.GroupID]*memGroup{}}
}

// Open implements Log.
func (l *MemLog) Open(_ context.Context, cfg group.Config) (group.Head, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	g, ok := l.groups[cfg.ID]
	if !ok {
		head := group.Head{Epoch: wire.Epoch(rand.Text())}
		g = &memGroup{ledger: group.OpenLedger(cfg, head, group.Touched{}, l.limits.State), ids: map[idKey]known{}}
		l.groups[cfg.ID] = g
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ledger.SetConfig(cfg)
	return g.ledger.Head(), nil
}

// Append implements Log.
func (l *MemLog) Append(_ context.Context, id wire.GroupID, drafts []group.Draft) ([]group.Result, error) {
	g, err := l.find(id)
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now().UnixMilli()
	g.forget(now)
	results := make([]group.Result, len(drafts))
	for i := range drafts {
		results[i] = g.append(&drafts[i], now)
	}
	g.trim(l.limits)
	return results, nil
}

// Read implements Log.
func (l *MemLog) Read(_ context.Context, id wire.GroupID, after int64, limit int) ([]group.Entry, error) {
	g, err := l.find(id)
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	head := g.ledger.Head().Seq
	if after >= head {
		return nil, nil
	}
	first := head + 1 - int64(len(g.entries))
	if after+1 < first {
		return nil, group.ErrForgotten
	}
	rest := g.entries[after+1-first:]
	return slices.Clone(rest[:min(limit, len(rest))]), nil
}

// Drop implements Log.
func (l *MemLog) Drop(_ context.Context, id wire.GroupID) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.groups, id)
	return nil
}

func (l *MemLog) find(id wire.GroupID) (*memGroup, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	g, ok := l.groups[id]
	if !ok {
		return nil, wire.E(wire.NoSuchGroup, "there is no log of this group")
	}
	return g, nil
}

func (g *memGroup) append(d *group.Draft, now int64) group.Result {
	key := idKey{d.From, d.ID}
	hash := d.Hash()
	if old, ok := g.ids[key]; ok {
		if old.hash != hash {
			err := group.ErrIDConflict()
			err.ID = d.ID
			return group.Result{Err: err}
		}
		return group.Result{Seq: old.seq, Time: old.time, Dup: true}
	}
	step, err := g.ledger.Admit(d)
	if err != nil {
		return group.Result{Err: err}
	}
	g.ledger.Commit(step)
	e := group.Entry{
		Seq: step.Seq, Time: now, From: d.From, Session: d.Session, ID: d.ID, Kind: d.Kind, To: d.To,
		Payload: d.Payload, Patch: d.Patch,
	}
	g.entries = append(g.entries, e)
	g.bytes += weight(&e)
	if d.ID != "" {
		g.order = append(g.order, key)
		g.ids[key] = known{hash, step.Seq, now}
	}
	return group.Result{Seq: step.Seq, Time: now, State: step.State}
}

// forget lets go of ids that are too old.
func (g *memGroup) forget(now int64) {
	n := 0
	for n < len(g.order) && g.ids[g.order[n]].time+group.KeepIDs <= now {
		delete(g.ids, g.order[n])
		n++
	}
	g.order = g.order[n:]
}

// trim lets go of what is too much, oldest first. The newest entry stays, however large.
func (g *memGroup) trim(l MemLimits) {
	n := 0
	for rest := len(g.entries); rest > 1 && (rest > l.Entries || g.bytes > l.Bytes); rest-- {
		g.bytes -= weight(&g.entries[n])
		g.entries[n] = group.Entry{}
		n++
	}
	g.entries = g.entries[n:]
	for n = 0; len(g.order)-n > group.KeepIDCount; n++ {
		delete(g.ids, g.order[n])
	}
	g.order = g.order[n:]
}

// weight is about how many bytes an entry takes up.
func weight(e *group.Entry) int {
	return 200 + len(e.From) + len(e.ID) + len(e.To) + len(e.Payload) + len(e.Patch)
}
