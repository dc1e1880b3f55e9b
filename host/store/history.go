package store

import (
	"context"
	"time"

	"goop/shared/group"
	"goop/shared/wire"
)

// The kinds of entries on the disk, beside wire.TypeMsg and wire.TypeState. Both are messages elsewhere.
const (
	kindRedact   = "redact"   // took another one away; body is the seq of that one, in digits
	kindRedacted = "redacted" // was taken away; the body is empty and the hash is gone
)

// entryColumns are what entry reads. Parameter ?1 is the log's base.
const entryColumns = "key - ?1, time, peer, session, id, kind, dest, body"

func entry(row Row) group.Entry {
	e := group.Entry{
		Seq:     row.Int(0),
		Time:    row.Int(1),
		From:    wire.PeerID(row.Text(2)),
		Session: wire.SessionID(row.Text(3)),
		ID:      row.Text(4),
		Kind:    wire.TypeMsg,
		To:      wire.PeerID(row.Text(6)),
	}
	switch kind := row.Text(5); kind {
	case kindRedact:
		e.Redact = row.Int(7)
	case kindRedacted:
		e.Redacted = true
	case string(wire.TypeState):
		e.Kind, e.Patch = wire.TypeState, row.Bytes(7)
	default:
		e.Payload = row.Bytes(7)
	}
	return e
}

// since returns the time of the oldest entries that are given out.
func (g *groupLog) since() int64 {
	keep := group.Retain{Age: time.Duration(g.age.Load()) * time.Millisecond}
	return keep.Since(time.Now().UnixMilli())
}

// Read returns up to limit entries after a position, or group.ErrForgotten.
func (l *Log) Read(ctx context.Context, id wire.GroupID, after int64, limit int) ([]group.Entry, error) {
	g, err := l.get(id)
	if err != nil {
		return nil, err
	}
	if after < 0 || after >= maxSeq {
		return nil, nil
	}
	since := g.since()
	var entries []group.Entry
	err = l.db.Read(ctx, func(tx *ReadTx) error {
		entries = nil
		for row, err := range tx.Query("SELECT "+entryColumns+` FROM _group_log
			WHERE key > ?1 + ?2 AND key <= ?1 + ?3 ORDER BY key LIMIT ?4`, g.base, after, int64(maxSeq), limit) {
			if err != nil {
				return err
			}
			// What is kept has no gaps, so that only the first can be missing; one that is too old can stand
			// behind others when the clock was set back.
			old := row.Int(1) < since
			if old && len(entries) > 0 {
				return nil
			}
			if row.Int(0) != after+1+int64(len(entries)) || row.Null(7) || old {
				return group.ErrForgotten
			}
			entries = append(entries, entry(row))
		}
		return nil
	})
	return entries, err
}

// Before returns up to limit entries before a position, newest first; from the head when it is 0 or less.
func (l *Log) Before(ctx context.Context, id wire.GroupID, before int64, limit int) ([]group.Entry, error) {
	g, err := l.get(id)
	if err != nil {
		return nil, err
	}
	if before <= 0 || before > maxSeq {
		before = maxSeq
	}
	since := g.since()
	var entries []group.Entry
	err = l.db.Read(ctx, func(tx *ReadTx) error {
		entries = nil
		for row, err := range tx.Query("SELECT "+entryColumns+` FROM _group_log
			WHERE key > ?1 AND key < ?1 + ?2 ORDER BY key DESC LIMIT ?3`, g.base, before, limit) {
			if err != nil {
				return err
			}
			if row.Null(7) || row.Int(1) < since {
				return nil
			}
			entries = append(entries, entry(row))
		}
		return nil
	})
	return entries, err
}

// Trim lets go of what the group retains no longer.
func (l *Log) Trim(ctx context.Context, id wire.GroupID) error {
	g, err := l.get(id)
	if err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for more := true; more; {
		var next logState
		err := l.db.Write(ctx, func(tx *Tx) error {
			next = g.state
			a := appender{tx: tx, g: g, s: &next}
			return a.prune(&l.db.limits, 0)
		})
		if err != nil {
			return err
		}
		more = next.tail > g.state.tail // a part at a time
		g.state = next
	}
	return nil
}
