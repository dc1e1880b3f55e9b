package store

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"goop/shared/group"
	"goop/shared/jsonstate"
	"goop/shared/wire"
)

// An entry's key is the number of its log, and below it its seq: a group's entries lie together and in
// order, and all of them are one range of keys.
const (
	seqBits = 36 // 6.9·10¹⁰ entries in one log
	maxLog  = 1<<(63-seqBits) - 1
	maxSeq  = 1<<seqBits - 1
)

// Log keeps the logs and states of durable groups: the relay's Log, in SQLite. An entry is on the disk
// when Append returns; appends of many groups that come at once share one COMMIT.
//
// Where a log stands is kept in memory from Open on, so that an append writes and does not read, but
// for an id that was used before.
type Log struct {
	db *DB

	// mu guards the following.
	mu   sync.Mutex
	open map[wire.GroupID]*groupLog
}

// groupLog is one open log.
type groupLog struct {
	cfg  group.Config // guarded by mu
	base int64        // key of seq 0
	age  atomic.Int64 // of cfg.Retain, in milliseconds; 0 for any

	// mu is held through a whole Append.
	mu    sync.Mutex
	state logState // guarded by mu
}

// logState is what changes when entries are appended. An Append works on a copy, which takes the place
// of this one when it is on the disk.
type logState struct {
	ledger  *group.Ledger
	tail    int64 // seq of the oldest entry that is given out; beyond the head when none is
	first   int64 // seq of the oldest row
	bytes   int64 // of the bodies from tail on
	saved   int64 // the state entry whose state the head row has
	unsaved int64 // bytes of the state entries after that
}

// Log returns the engine of the durable groups.
func (db *DB) Log() *Log { return &db.groupLog }

var errLogNotOpen = errors.New("store: the group's log is not open")

func (l *Log) get(id wire.GroupID) (*groupLog, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.open[id]
	if g == nil {
		return nil, fmt.Errorf("%w: %s", errLogNotOpen, id)
	}
	return g, nil
}

// forget closes a log, for one that is gone from the disk.
func (l *Log) forget(id wire.GroupID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, id)
}

// Open makes the log of a group ready and returns where it stands; a new one begins with a fresh epoch
// at 0. When it is open already, the group's configuration is replaced.
func (l *Log) Open(ctx context.Context, cfg group.Config) (group.Head, error) {
	if g, err := l.get(cfg.ID); err == nil {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.configure(cfg)
		g.state.ledger.SetConfig(cfg)
		return g.state.ledger.Head(), nil
	}
	g, err := l.load(ctx, cfg)
	if err == nil && g == nil {
		if err = l.create(ctx, cfg.ID); err == nil {
			g, err = l.load(ctx, cfg)
		}
	}
	if err != nil {
		return group.Head{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open[cfg.ID] = g
	return g.state.ledger.Head(), nil
}

// configure is called with mu held, or before anybody else has the log.
func (g *groupLog) configure(cfg group.Config) {
	g.cfg = cfg
	g.age.Store(cfg.Retain.Age.Milliseconds())
}

// create begins a log.
func (l *Log) create(ctx context.Context, id wire.GroupID) error {
	epoch := newEpoch()
	return l.db.Write(ctx, func(tx *Tx) error {
		if _, err := tx.Exec("INSERT INTO _group_head (id, epoch, state, saved_seq, touched) VALUES (?, ?, '{}', 0, '')",
			id, epoch); err != nil {
			return err
		}
		if n := tx.c.db.LastInsertRowID(); n > maxLog {
			return wire.E(wire.LimitExceeded, "this host has had as many groups as its database can number")
		}
		return nil
	})
}

// load reads where a log stands, nil when there is none.
func (l *Log) load(ctx context.Context, cfg group.Config) (g *groupLog, err error) {
	err = l.db.Read(ctx, func(tx *ReadTx) error {
		var head group.Head
		var touched group.Touched
		g = nil
		for row, err := range tx.Query("SELECT log, epoch, state, saved_seq, touched FROM _group_head WHERE id = ?", cfg.ID) {
			if err != nil {
				return err
			}
			g = &groupLog{base: row.Int(0) << seqBits}
			g.configure(cfg)
			head = group.Head{Epoch: wire.Epoch(row.Text(1)), StateSeq: row.Int(3)}
			if head.State, err = jsonstate.Parse(row.Bytes(2)); err != nil {
				return fmt.Errorf("state of group %s: %w", cfg.ID, err)
			}
			if touched, err = group.ParseTouched(row.Bytes(4)); err != nil {
				return fmt.Errorf("group %s: %w", cfg.ID, err)
			}
		}
		if g == nil {
			return nil
		}
		s := logState{saved: head.StateSeq}
		if err := s.measure(tx, g.base, &head); err != nil {
			return err
		}
		for row, err := range tx.Query("SELECT key - ?1, body FROM _group_log WHERE key > ?1 + ?2 AND key <= ?1 + ?3 AND kind = 'state' ORDER BY key",
			g.base, s.saved, head.Seq) {
			if err != nil {
				return err
			}
			patch := row.Bytes(1)
			if head.State, err = head.State.Merge(patch); err != nil {
				return fmt.Errorf("state of group %s at %d: %w", cfg.ID, row.Int(0), err)
			}
			head.StateSeq = row.Int(0)
			touched.Set(jsonstate.TopKeys(patch), head.StateSeq)
			s.unsaved += int64(len(patch))
		}
		s.ledger = group.OpenLedger(cfg, head, touched, l.db.limits.State)
		g.state = s
		return nil
	})
	if err != nil {
		return nil, err
	}
	return g, nil
}

// measure finds where a log begins and ends and how much it holds.
func (s *logState) measure(tx *ReadTx, base int64, head *group.Head) error {
	s.first, s.tail = 1, 1
	for row, err := range tx.Query(`SELECT min(key) - ?1, max(key) - ?1, min(key) FILTER (WHERE body IS NOT NULL) - ?1, sum(length(body))
		FROM _group_log WHERE key > ?1 AND key <= ?1 + ?2`, base, int64(maxSeq)) {
		if err != nil {
			return err
		}
		if row.Null(0) {
			return nil
		}
		s.first, head.Seq, s.tail, s.bytes = row.Int(0), row.Int(1), row.Int(2), row.Int(3)
		if row.Null(2) { // all of it has become too old
			s.tail = head.Seq + 1
		}
	}
	return nil
}

// Append appends those of the drafts that the group's rules allow, in their order and in one
// transaction. The error is that of the whole: then nothing has been appended.
func (l *Log) Append(ctx context.Context, id wire.GroupID, drafts []group.Draft) ([]group.Result, error) {
	g, err := l.get(id)
	if err != nil {
		return nil, err
	}
	hashes := make([][sha256.Size]byte, len(drafts)) // made here, to spare the writer
	for i := range drafts {
		if drafts[i].ID != "" {
			hashes[i] = drafts[i].Hash()
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	var results []group.Result
	var next logState
	err = l.db.writeBoldly(ctx, func(tx *Tx) error {
		// The relay has bounded the batch by count and bytes. On a slow machine it may take longer than
		// a member's write may, but it must not be thrown away for that.
		tx.takeTime(context.Background())
		next = g.state
		next.ledger = g.state.ledger.Clone()
		results = make([]group.Result, len(drafts))
		a := appender{tx: tx, g: g, s: &next}
		for i := range drafts {
			r, err := a.append(&drafts[i], hashes[i][:])
			if err != nil {
				refusal, ok := errors.AsType[*wire.Error](err)
				if !ok {
					return err
				}
				about := *refusal
				about.ID = drafts[i].ID
				r = group.Result{Err: &about}
			}
			results[i] = r
		}
		return a.finish(&l.db.limits)
	})
	if err != nil {
		return l.repeats(ctx, g, drafts, hashes, err)
	}
	g.state = next
	return results, nil
}

// Drop removes the log and the state of a group. One that is not there is no error.
func (l *Log) Drop(ctx context.Context, id wire.GroupID) error {
	return l.db.Write(ctx, func(tx *Tx) error { return l.drop(tx, id) })
}

func (l *Log) drop(tx *Tx, id wire.GroupID) error {
	tx.AfterCommit(func() { l.forget(id) })
	log, err := tx.Number("SELECT log FROM _group_head WHERE id = ?", id)
	if err != nil || log == 0 {
		return err
	}
	if _, err := tx.Exec("DELETE FROM _group_log WHERE key > ?1 AND key <= ?1 + ?2", log<<seqBits, int64(maxSeq)); err != nil {
		return err
	}
	_, err = tx.Exec("DELETE FROM _group_head WHERE log = ?", log)
	return err
}
