package store

import (
	"time"

	"goop/shared/data"
)

const (
	// longestAlarm bounds how far ahead an evaluation is made anew for its moment's sake.
	longestAlarm = 24 * time.Hour
	// viewPause is after how long a view is looked at again that depends on the moment: how it does,
	// SQLite alone knows.
	viewPause = time.Second
)

// clock tells when something may change because time passes.
type clock struct {
	ts       *Tables
	moments  []data.Moment // the columns that $now is compared with
	instants []int64       // the same, of values, in milliseconds
	view     bool          // a view is asked that depends on the moment
}

// clock returns that of a grant.
func (ts *Tables) clock(g data.Grant, t *table) clock {
	n := g.Needs(t.Table)
	if t.view != nil { // its columns are not there to be looked up
		return clock{view: t.view.now || len(n.Moments) > 0, instants: n.Instants}
	}
	return clock{ts: ts, moments: n.Moments, instants: n.Instants}
}

// next returns the first moment after that of the snapshot at which the finding may be another one, 0 for
// none. Each value of a moment counts twice: a comparison becomes true or false when the clock comes to
// it, or in the millisecond after.
func (c *clock) next(tx *ReadTx) (next int64, err error) {
	now := tx.Now()
	at := func(value int64) {
		if value = max(value, now+1); next == 0 || value < next {
			next = value
		}
	}
	if c.view {
		at(now + viewPause.Milliseconds())
	}
	for _, v := range c.instants {
		if v >= now {
			at(v)
		}
	}
	for _, m := range c.moments {
		t := c.ts.db.users.get(m.Table.Name)
		if t == nil {
			return 0, errNoTable
		}
		column := t.columns[m.Column]
		for row, err := range tx.Query("SELECT min("+column+") FROM "+t.name+" WHERE "+column+" >= ?", now) {
			if err != nil {
				return 0, err
			}
			if !row.Null(0) {
				at(row.Int(0))
			}
		}
	}
	return next, nil
}

// setAlarm has the evaluation made anew at a moment; now is that of the snapshot.
func (e *evaluation) setAlarm(next, now int64) {
	e.hub.mu.Lock()
	defer e.hub.mu.Unlock()
	e.stopAlarmLocked()
	if next == 0 || e.users == 0 {
		return
	}
	wait := time.Duration(min(next-now, longestAlarm.Milliseconds())) * time.Millisecond
	e.alarm = time.AfterFunc(wait, func() {
		e.hub.mu.Lock()
		defer e.hub.mu.Unlock()
		if e.users > 0 {
			e.stirLocked()
		}
	})
}

// stopAlarmLocked ends the wait of setAlarm. The hub's mu is held.
func (e *evaluation) stopAlarmLocked() {
	if e.alarm != nil {
		e.alarm.Stop()
		e.alarm = nil
	}
}
