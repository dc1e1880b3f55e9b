package store

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"

	"github.com/ncruces/go-sqlite3"

	"goop/shared/wire"
)

// batchTime is how long the writer goes on taking calls into one transaction.
const batchTime = 50 * time.Millisecond

// Tx is a transaction that may write. See DB.Write.
type Tx struct {
	ReadTx
	db      *DB
	bold    bool // see DB.writeBoldly
	changes []Change
	after   []func()
}

// Exec runs one statement and returns how many rows it changed.
func (tx *Tx) Exec(sql string, args ...any) (int64, error) {
	if tx.c == nil {
		return 0, errTxEnded
	}
	return tx.c.exec(sql, args)
}

// Changed records a changed row for the hooks of the commit.
func (tx *Tx) Changed(c Change) { tx.changes = append(tx.changes, c) }

// AfterCommit has fn called on the writer's goroutine when what the transaction did is on the disk,
// after the hooks of the commit; it is forgotten when the transaction or the savepoint around fails. It
// has to be quick and must not call Write or Read.
func (tx *Tx) AfterCommit(fn func()) { tx.after = append(tx.after, fn) }

// Savepoint runs fn; when that fails, everything it did is undone and the transaction goes on.
func (tx *Tx) Savepoint(fn func() error) error {
	if tx.c == nil {
		return errTxEnded
	}
	changes, after := len(tx.changes), len(tx.after)
	if _, err := tx.c.exec("SAVEPOINT s", nil); err != nil {
		return err
	}
	ok := false
	defer func() { // a panic goes through here as well
		if !ok {
			tx.changes, tx.after = tx.changes[:changes], tx.after[:after]
			tx.undo()
		}
	}()
	if err := fn(); err != nil {
		return err
	}
	if _, err := tx.c.exec("RELEASE s", nil); err != nil {
		return err
	}
	ok = true
	return nil
}

// takeTime lets the function of this Write take longer than Limits.WriteTimeout, until ctx ends; the end of its
// savepoint is included.
func (tx *Tx) takeTime(ctx context.Context) { tx.c.db.SetInterrupt(ctx) }

// undo goes back to the last savepoint. When that fails, or SQLite has given up the transaction by
// itself, the writer finds no transaction and begins the batch again.
func (tx *Tx) undo() {
	// What is late still has to be undone.
	defer tx.c.db.SetInterrupt(tx.c.db.SetInterrupt(context.Background()))
	if tx.c.db.GetAutocommit() {
		return
	}
	_, err := tx.c.exec("ROLLBACK TO s", nil)
	if err == nil {
		_, err = tx.c.exec("RELEASE s", nil)
	}
	if err != nil {
		tx.db.log.Error("a savepoint cannot be undone", "err", err)
		tx.db.rollback()
	}
}

// job is one call of Write.
type job struct {
	fn    func(*Tx) error
	bold  bool
	state atomic.Int32 // waiting, taken or abandoned
	err   error
	panic any
	done  chan struct{}
	after []func()
}

const (
	waiting int32 = iota
	taken
	abandoned
)

// take reports whether the call is still wanted, and makes its end the writer's duty.
func (j *job) take() bool { return j.state.CompareAndSwap(waiting, taken) }

// abandon reports whether the call will never run.
func (j *job) abandon() bool { return j.state.CompareAndSwap(waiting, abandoned) }

// Write runs fn in a transaction and returns when that is on the disk, or has failed as if it had never
// been. fn runs on the writer's goroutine: it must not block, nor call Write or Read. It may run a second
// time, when another call in the same batch took the transaction down with it, so it sets its results
// and does not add to them.
//
// ctx counts until fn begins; from then on Write waits for the end, so that its result is never in
// doubt. A function that takes longer than Limits.WriteTimeout gets code timeout. A panic of fn is a
// panic of Write.
func (db *DB) Write(ctx context.Context, fn func(*Tx) error) error {
	return db.write(ctx, &job{fn: fn, done: make(chan struct{})})
}

// writeBoldly is Write for what seldom fails: it runs without a savepoint, which costs more than many a
// change. When it fails, it runs once more in one; and when it has changed something before it failed, so
// does all that shares the transaction, and what comes next. Of a Tx that is bold, fn may leave out what
// only tells why it would fail. What fn changes has to be rows.
func (db *DB) writeBoldly(ctx context.Context, fn func(*Tx) error) error {
	return db.write(ctx, &job{fn: fn, bold: true, done: make(chan struct{})})
}

func (db *DB) write(ctx context.Context, j *job) error {
	select {
	case <-db.ctx.Done():
		return errClosed
	default:
	}
	select {
	case db.jobs <- j:
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-db.ctx.Done():
		return errClosed
	}
	select {
	case <-j.done:
	case <-ctx.Done():
		if j.abandon() {
			return context.Cause(ctx)
		}
		<-j.done
	case <-db.stopped:
		if j.abandon() {
			return errClosed
		}
		<-j.done
	}
	if j.panic != nil {
		panic(j.panic)
	}
	return public(j.err)
}

// writeLoop runs what Write brings until Close, and then what is waiting still.
func (db *DB) writeLoop() {
	defer close(db.stopped)
	for {
		select {
		case j := <-db.jobs:
			if j.take() {
				db.batch(j)
			}
		case <-db.ctx.Done():
			for j := db.next(); j != nil; j = db.next() {
				db.batch(j)
			}
			return
		}
	}
}

// next returns a call that is waiting, nil when there is none.
func (db *DB) next() *job {
	for {
		select {
		case j := <-db.jobs:
			if j.take() {
				return j
			}
		default:
			return nil
		}
	}
}

// batch runs first and those that wait behind it in one transaction, and answers them.
func (db *DB) batch(first *job) {
	jobs := []*job{first}
	var changes []Change
	end := time.Now().Add(batchTime)
	err := db.begin()
	for i := 0; err == nil && i < len(jobs); i++ {
		changes = db.run(jobs[i], changes)
		if changes == nil {
			i, err = -1, db.begin()
			continue
		}
		if db.writer.db.GetAutocommit() {
			// The transaction is gone, with all that was in it. Who took it down has its error; the
			// others get another try.
			close(jobs[i].done)
			jobs = slices.Delete(jobs, i, i+1)
			i, changes = -1, nil
			err = db.begin()
		}
		if i == len(jobs)-1 && len(jobs) < db.limits.Batch && time.Now().Before(end) {
			j := db.next()
			if j == nil { // those who are about to call share the commit; where nobody is, this takes no time
				runtime.Gosched()
				j = db.next()
			}
			if j != nil {
				jobs = append(jobs, j)
			}
		}
	}
	if err == nil {
		err = db.commit(changes)
	}
	db.noteCommit(err, len(jobs))
	if err == nil && len(changes) > 0 {
		db.publish(Commit{db.position, changes})
	}
	for _, j := range jobs {
		if err != nil {
			j.err = err
		} else {
			for _, fn := range j.after {
				fn()
			}
		}
		close(j.done)
	}
}

// run runs one call and returns changes with those of the call, or nil when all that is in the transaction
// has to be done again.
func (db *DB) run(j *job, changes []Change) []Change {
	if changes == nil {
		changes = []Change{}
	}
	if j.bold && db.careful == 0 {
		before := db.writer.db.TotalChanges()
		told := db.call(j, true)
		switch {
		case j.err == nil:
			return append(changes, told...)
		case db.writer.db.GetAutocommit(): // whatever it was, it has undone everything
			return changes
		case errors.Is(j.err, wire.Timeout): // one that takes so long is not tried twice
			if db.writer.db.TotalChanges() != before {
				db.rollback()
			}
			return changes
		case j.panic != nil || db.writer.db.TotalChanges() != before:
			db.careful = 2 * db.limits.Batch
			return nil
		}
	}
	db.careful = max(0, db.careful-1)
	return append(changes, db.call(j, false)...)
}

// call runs one call, boldly or in a savepoint, and returns its changes.
func (db *DB) call(j *job, boldly bool) []Change {
	db.now = max(db.now, time.Now().UnixMilli())
	db.instant.Store(db.now)
	tx := &Tx{ReadTx: ReadTx{db.writer, db.now}, db: db, bold: boldly}
	limit := &limit{Context: context.Background(), end: time.Now().Add(db.limits.WriteTimeout)}
	defer func() {
		db.writer.db.SetInterrupt(context.Background())
		if p := recover(); isNoMemory(p) {
			j.err = errNoMemory()
		} else if p != nil {
			j.panic = fmt.Sprintf("%v\n\n%s", p, debug.Stack())
			j.err = errors.New("store: the function panicked")
		}
		tx.c = nil
	}()
	db.writer.db.SetInterrupt(limit)
	j.panic, j.after = nil, nil
	if boldly {
		j.err = j.fn(tx)
	} else {
		j.err = tx.Savepoint(func() error { return j.fn(tx) })
	}
	if errors.Is(j.err, sqlite3.INTERRUPT) {
		j.err = limit.reason("the change took longer than the host allows; change less at once")
	}
	if j.err != nil {
		return nil
	}
	j.after = tx.after
	return tx.changes
}

// begin starts a transaction, whatever the last one left behind.
func (db *DB) begin() error {
	if !db.writer.db.GetAutocommit() {
		db.rollback()
	}
	_, err := db.writer.exec("BEGIN IMMEDIATE", nil)
	return err
}

// commit makes the transaction durable, or undoes it.
func (db *DB) commit(changes []Change) error {
	var err error
	if len(changes) > 0 {
		_, err = db.writer.exec("UPDATE _position SET n = n + 1", nil)
	}
	if err == nil {
		_, err = db.writer.exec("COMMIT", nil)
	}
	if err != nil {
		db.rollback()
		return err
	}
	if len(changes) > 0 {
		db.position++
	}
	db.commits.Add(1)
	return nil
}

func (db *DB) rollback() {
	if db.writer.db.GetAutocommit() {
		return
	}
	if _, err := db.writer.exec("ROLLBACK", nil); err != nil {
		db.log.Error("rollback", "err", err)
	}
}

// noteCommit tells the operator when commits begin to fail, in another way too, and when they go through
// again: a full disk may be full for long, and the log may lie on it.
func (db *DB) noteCommit(err error, calls int) {
	if isFull(err) {
		err = public(err) // which knows a disk that is read-only
	}
	switch {
	case err != nil && err.Error() != db.trouble:
		db.log.Error("nothing can be committed", "err", err)
		db.trouble = err.Error()
	case err == nil && db.trouble != "":
		db.log.Warn("commits go through again", "refused", db.refused)
		db.trouble, db.refused = "", 0
	}
	if err != nil {
		db.refused += calls
	}
}
