package relay

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
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
	retain  group.Retain
	entries fifo[group.Entry]
	bytes   int // about what the entries take up
	content int // bytes of their payloads and patches
	ids     map[idKey]known
	order   fifo[datedKey] // of ids, oldest first
}

type idKey struct {
	peer wire.PeerID
	id   string
}

type datedKey struct {
	idKey
	time int64
}

type known struct {
	hash      [sha256.Size]byte
	erased    bool // the message was redacted, and its hash is gone
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
	g.retain = cfg.Retain
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
	g.trim(l.limits, now)
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
	first := g.first()
	if after+1 < first {
		return nil, group.ErrForgotten
	}
	since := g.retain.Since(time.Now().UnixMilli())
	entries := make([]group.Entry, 0, min(limit, int(head-after)))
	for i := int(after + 1 - first); len(entries) < cap(entries); i++ {
		e := g.entries.at(i)
		if e.Time < since { // past the first one, the clock was set back meanwhile
			break
		}
		entries = append(entries, *e)
	}
	if len(entries) == 0 && cap(entries) > 0 {
		return nil, group.ErrForgotten
	}
	return entries, nil
}

// Before implements Log.
func (l *MemLog) Before(_ context.Context, id wire.GroupID, before int64, limit int) ([]group.Entry, error) {
	g, err := l.find(id)
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	head := g.ledger.Head().Seq
	if before <= 0 || before > head {
		before = head + 1
	}
	since := g.retain.Since(time.Now().UnixMilli())
	var entries []group.Entry
	for i := int(before - 1 - g.first()); i >= 0 && len(entries) < limit && g.entries.at(i).Time >= since; i-- {
		entries = append(entries, *g.entries.at(i))
	}
	return entries, nil
}

// Trim implements Log.
func (l *MemLog) Trim(_ context.Context, id wire.GroupID) error {
	g, err := l.find(id)
	if err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.trim(l.limits, time.Now().UnixMilli())
	return nil
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

// first returns the seq of the oldest entry, or of the next one when there is none.
func (g *memGroup) first() int64 { return g.ledger.Head().Seq + 1 - int64(g.entries.len()) }

func (g *memGroup) append(d *group.Draft, now int64) group.Result {
	if d.With != nil {
		return group.Result{Err: wire.E(wire.NotSupported, "what is done together with a message needs a durable group")}
	}
	key := idKey{d.From, d.ID}
	hash := d.Hash()
	if old, ok := g.ids[key]; ok {
		if old.hash != hash && !old.erased {
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
	if d.Redact != 0 {
		if err := g.erase(d.Redact); err != nil {
			err.ID = d.ID
			return group.Result{Err: err}
		}
	}
	g.ledger.Commit(step)
	e := group.Entry{
		Seq: step.Seq, Time: now, From: d.From, Session: d.Session, ID: d.ID, Kind: d.Kind, To: d.To,
		Payload: d.Payload, Patch: d.Patch, Redact: d.Redact,
	}
	g.entries.add(e)
	g.bytes += weight(&e)
	g.content += content(&e)
	if d.ID != "" {
		g.order.add(datedKey{key, now})
		g.ids[key] = known{hash: hash, seq: step.Seq, time: now}
	}
	return group.Result{Seq: step.Seq, Time: now, State: step.State}
}

// forget lets go of ids that are too old.
func (g *memGroup) forget(now int64) {
	n := 0
	for n < g.order.len() && g.order.at(n).time+group.KeepIDs <= now {
		delete(g.ids, g.order.at(n).idKey)
		n++
	}
	g.order.drop(n)
}

// erase takes away the content of a message, and what would tell it.
func (g *memGroup) erase(seq int64) *wire.Error {
	i := seq - g.first()
	if i < 0 || i >= int64(g.entries.len()) {
		return group.ErrNothingToRedact()
	}
	e := g.entries.at(int(i))
	if e.Kind != wire.TypeMsg || e.Redacted || e.Redact != 0 {
		return group.ErrNothingToRedact()
	}
	g.bytes -= content(e)
	g.content -= content(e)
	e.Payload, e.Redacted = nil, true
	key := idKey{e.From, e.ID}
	if old, ok := g.ids[key]; ok && old.seq == seq {
		g.ids[key] = known{erased: true, seq: old.seq, time: old.time}
	}
	return nil
}

// trim lets go of what is too much or too old, oldest first. The newest entry stays, however large,
// unless it is too old.
func (g *memGroup) trim(l MemLimits, now int64) {
	most, since := l.Entries, g.retain.Since(now)
	if g.retain.Count > 0 {
		most = min(most, g.retain.Count)
	}
	over := func(rest int) bool {
		return rest > most || g.bytes > l.Bytes || g.retain.Bytes > 0 && g.content > g.retain.Bytes
	}
	n := 0
	for rest := g.entries.len(); rest > 1 && over(rest) || rest > 0 && g.entries.at(n).Time < since; rest-- {
		g.bytes -= weight(g.entries.at(n))
		g.content -= content(g.entries.at(n))
		n++
	}
	g.entries.drop(n)
	for n = 0; g.order.len()-n > group.KeepIDCount; n++ {
		delete(g.ids, g.order.at(n).idKey)
	}
	g.order.drop(n)
}

// weight is about how many bytes an entry takes up.
func weight(e *group.Entry) int {
	return 200 + len(e.From) + len(e.ID) + len(e.To) + content(e)
}

func content(e *group.Entry) int { return len(e.Payload) + len(e.Patch) }
