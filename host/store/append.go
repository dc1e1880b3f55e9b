package store

import (
	"strconv"

	"goop/shared/group"
	"goop/shared/wire"
)

const (
	// saveState is how many bytes of patches a state row may be behind before it is written anew; a
	// larger state may be as many bytes behind as it has, so that saving costs no more than appending.
	saveState = 4 << 10

	// pruneRows is how many entries one append lets go of at most.
	pruneRows = 256
)

// appender appends drafts to one log in one transaction.
type appender struct {
	tx *Tx
	g  *groupLog
	s  *logState
}

// append appends one draft. A refusal is a *wire.Error; any other error is a fault.
func (a *appender) append(d *group.Draft, hash []byte) (group.Result, error) {
	with, err := companion(d)
	if err != nil {
		return group.Result{}, err
	}
	if with != nil { // a repeat is not judged again, nor is what comes with it done again
		if r, known, err := with.before(a.tx); known || err != nil {
			return r, err
		}
	}
	step, refusal := a.s.ledger.Admit(d)
	var target redactable
	if d.Redact != 0 && refusal == nil {
		var err error
		if target, err = a.target(d.Redact); err != nil {
			return group.Result{}, err
		}
		if target.key == 0 {
			refusal = group.ErrNothingToRedact()
		}
	}
	if refusal != nil {
		// A repeat is not judged again: it is answered as the first time.
		if r, known, err := a.g.known(&a.tx.ReadTx, d, hash); known || err != nil {
			return r, err
		}
		return group.Result{}, refusal
	}
	kind, body := string(d.Kind), d.Payload
	switch {
	case d.Kind == wire.TypeState:
		body = d.Patch
	case d.Redact != 0:
		kind, body = kindRedact, strconv.AppendInt(nil, d.Redact, 10)
	}
	inserted := int64(0)
	store := func() (err error) {
		if inserted, err = a.insert(d, step.Seq, hash, kind, body); err != nil || inserted == 0 {
			return err
		}
		if d.Redact != 0 {
			return a.erase(&target)
		}
		if a.g.cfg.Record != "" && d.Kind == wire.TypeMsg && d.To == "" {
			if err := a.tx.db.recordRow(a.tx, a.g.cfg.Record, a.g.cfg.ID, d.From, step.Seq, a.tx.now, body); err != nil {
				return err
			}
		}
		if with != nil {
			return with.with(a.tx, step.Seq)
		}
		return nil
	}
	if a.g.cfg.Record == "" && with == nil { // nothing of it can fail and leave a part
		err = store()
	} else {
		err = a.tx.Savepoint(store)
	}
	if err != nil {
		return group.Result{}, err
	}
	if inserted == 0 {
		r, _, err := a.g.known(&a.tx.ReadTx, d, hash)
		return r, err
	}
	a.s.ledger.Commit(step)
	a.s.bytes += int64(len(body))
	r := group.Result{Seq: step.Seq, Time: a.tx.now}
	if d.Kind == wire.TypeState {
		a.s.unsaved += int64(len(body))
		r.State = step.State
	}
	return r, nil
}

const insertEntry = `INSERT INTO _group_log (key, log, time, peer, session, id, hash, kind, dest, body)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (log, peer, id) WHERE id <> '' DO NOTHING`

// insert adds the entry, unless its id is known. It binds by itself: of all statements this one runs most often, and
// a list of values of any type would take an object for each.
func (a *appender) insert(d *group.Draft, seq int64, hash []byte, kind string, body []byte) (int64, error) {
	c := a.tx.c
	s, err := c.unbound(internal, insertEntry)
	if err != nil {
		return 0, err
	}
	blob := func(i int, b []byte) error {
		if b == nil {
			return s.BindNull(i)
		}
		return s.BindBlob(i, b)
	}
	if d.ID == "" {
		hash = nil
	}
	for _, err := range [...]error{
		s.BindInt64(1, a.g.base+seq), s.BindInt64(2, a.g.base>>seqBits), s.BindInt64(3, a.tx.now),
		s.BindText(4, string(d.From)), s.BindText(5, string(d.Session)), s.BindText(6, d.ID), blob(7, hash),
		s.BindText(8, kind), s.BindText(9, string(d.To)), blob(10, body),
	} {
		if err != nil {
			c.release(s)
			return 0, err
		}
	}
	return c.run(s)
}

// narrower returns the host's bound, or the group's own when that is narrower.
func narrower(bound int64, own int) int64 {
	if own > 0 {
		return min(bound, int64(own))
	}
	return bound
}

// finish saves the state when it is due, and lets go of old entries.
func (a *appender) finish(l *Limits) error {
	if a.s.unsaved >= max(saveState, int64(a.s.ledger.Head().State.Size())) {
		if err := a.save(); err != nil {
			return err
		}
	}
	return a.prune(l, 1)
}

// save writes the state as it is now.
func (a *appender) save() error {
	head := a.s.ledger.Head()
	_, err := a.tx.Exec("UPDATE _group_head SET state = ?, saved_seq = ?, touched = ? WHERE log = ?",
		Text(head.State.Text()), head.StateSeq, Text(a.s.ledger.Touched().Append(nil)), a.g.base>>seqBits)
	a.s.saved, a.s.unsaved = head.StateSeq, 0
	return err
}

// prune lets go of the oldest entries when there are more than the limits and the group's own say, and of
// those that are too old. With slack 1 there have to be clearly more: age alone is no reason then. Their
// bodies go at once; their rows stay as long as their ids have to be recognised.
func (a *appender) prune(l *Limits, slack int64) error {
	head, retain := a.s.ledger.Head(), a.g.cfg.Retain
	entries, bytes, since := narrower(l.LogEntries, retain.Count), narrower(l.LogBytes, retain.Bytes), retain.Since(a.tx.now)
	over := func(slack int64) bool {
		return head.Seq-a.s.tail+1 > entries+min(64, entries/8)*slack || a.s.bytes > bytes+bytes/64*slack
	}
	if slack > 0 && !over(slack) {
		return nil
	}
	from := a.s.tail
	for row, err := range a.tx.Query("SELECT length(body), time FROM _group_log WHERE key >= ? AND key <= ? ORDER BY key LIMIT ?",
		a.g.base+a.s.tail, a.g.base+head.Seq, pruneRows) {
		if err != nil {
			return err
		}
		if (a.s.tail == head.Seq || !over(0)) && row.Int(1) >= since {
			break
		}
		a.s.tail++
		a.s.bytes -= row.Int(0)
	}
	if a.s.unsaved > 0 && a.s.tail > a.s.saved+1 {
		// A state entry that is about to go may be needed to make the state.
		if err := a.save(); err != nil {
			return err
		}
	}
	gone := min(a.s.tail, head.Seq-group.KeepIDCount+1, a.s.first+pruneRows*4)
	if gone > a.s.first {
		if _, err := a.tx.Exec("DELETE FROM _group_log WHERE key > ? AND key < ?", a.g.base, a.g.base+gone); err != nil {
			return err
		}
		a.s.first = gone
	}
	_, err := a.tx.Exec("UPDATE _group_log SET body = NULL WHERE key >= ? AND key < ?",
		a.g.base+max(from, a.s.first), a.g.base+a.s.tail)
	return err
}
