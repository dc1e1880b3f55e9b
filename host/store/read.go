package store

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"time"

	"github.com/ncruces/go-sqlite3"

	"goop/shared/wire"
)

// ReadTx reads one snapshot of the database. A Tx is one too: it sees its own changes.
type ReadTx struct {
	c   *conn // nil when its function has returned
	now int64
}

var errTxEnded = errors.New("store: use of a transaction after its function returned")

// Query runs one SELECT and yields its rows; parameters are ?, ?1, … A Row is good until the next one.
// Query may be used again, with the same text too, while a walk goes on.
func (tx *ReadTx) Query(sql string, args ...any) iter.Seq2[Row, error] {
	if tx.c == nil {
		return func(yield func(Row, error) bool) { yield(Row{}, errTxEnded) }
	}
	return tx.c.query(sql, args)
}

// run is Query for what the builder has written, which may do no more than is a caller's business.
func (tx *ReadTx) run(q *query) iter.Seq2[Row, error] {
	if tx.c == nil {
		return func(yield func(Row, error) bool) { yield(Row{}, errTxEnded) }
	}
	return tx.c.queryAs(q.mode(), q.String(), q.bound(tx.now))
}

// Now returns the transaction's one instant, in milliseconds. It never goes back from one transaction that
// writes to the next.
func (tx *ReadTx) Now() int64 { return tx.now }

// Number returns the first column of the only row of a SELECT, 0 for no row.
func (tx *ReadTx) Number(sql string, args ...any) (int64, error) {
	if tx.c == nil {
		return 0, errTxEnded
	}
	return tx.c.number(sql, args...)
}

// Position returns the position of the last commit that the snapshot includes; see Commit.
func (tx *ReadTx) Position() (int64, error) { return tx.Number("SELECT n FROM _position") }

// Read runs fn on a snapshot. It fails with code timeout after Limits.ReadTimeout and with ctx's cause
// when ctx ends; a query that is running then is interrupted.
func (db *DB) Read(ctx context.Context, fn func(*ReadTx) error) (err error) {
	return db.read(ctx, true, fn)
}

// readOne is Read for what runs one statement, which has a snapshot of its own without one around it.
func (db *DB) readOne(ctx context.Context, fn func(*ReadTx) error) error {
	return db.read(ctx, false, fn)
}

func (db *DB) read(ctx context.Context, snapshot bool, fn func(*ReadTx) error) (err error) {
	limit := &limit{Context: ctx, end: time.Now().Add(db.limits.ReadTimeout), closed: db.ctx}
	c, err := db.reader(ctx, limit.end)
	if err != nil {
		return err
	}
	tx := &ReadTx{c, max(db.instant.Load(), time.Now().UnixMilli())}
	defer func() {
		if p := recover(); p != nil {
			c = db.renewReader(c) // who knows in what state it is
			if db.readers <- c; !isNoMemory(p) {
				panic(p)
			}
			err = errNoMemory()
			return
		}
		db.readers <- c
	}()
	c.db.SetInterrupt(limit)
	defer func() {
		tx.c = nil
		c.db.SetInterrupt(context.Background())
		if !c.db.GetAutocommit() {
			if _, err := c.exec("ROLLBACK", nil); err != nil {
				db.log.Error("a read cannot be ended", "err", err)
			}
		}
	}()
	if snapshot {
		_, err = c.exec("BEGIN", nil)
	}
	if err == nil {
		err = fn(tx)
	}
	if errors.Is(err, sqlite3.INTERRUPT) {
		return limit.reason("the query took longer than the host allows; ask for less, or by an indexed column")
	}
	return public(err)
}

// renewReader closes a connection and returns another one in its place, or the same when there is none to
// be had.
func (db *DB) renewReader(old *conn) (c *conn) {
	c, err := openConn(context.Background(), db.path, db.vfs, true, 0)
	if err != nil {
		db.log.Error("a connection of the database cannot be renewed", "err", err)
		return old
	}
	c.users = &db.users
	closeBroken(old, db.log)
	return c
}

// closeBroken closes a connection on which something has panicked; what fails there has failed before.
func closeBroken(c *conn, log *slog.Logger) {
	defer func() {
		if p := recover(); p != nil {
			log.Warn("a connection of the database was not closed in good order", "cause", p)
		}
	}()
	c.close()
}

// reader returns a free connection.
func (db *DB) reader(ctx context.Context, end time.Time) (*conn, error) {
	if db.ctx.Err() != nil {
		return nil, errClosed
	}
	select {
	case c := <-db.readers:
		return c, nil
	default:
	}
	wait := time.NewTimer(time.Until(end))
	defer wait.Stop()
	select {
	case c := <-db.readers:
		return c, nil
	case <-wait.C:
		return nil, wire.E(wire.Timeout, "the host is busy with other queries; try again later")
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-db.ctx.Done():
		return nil, errClosed
	}
}

// limit is a context for SetInterrupt, which only ever asks for Err: it ends with the caller's, at a
// moment, or when the database is closed, and needs no timer.
type limit struct {
	context.Context
	end    time.Time
	closed context.Context // nil when closing lets the work finish
}

func (l *limit) Err() error {
	if err := l.Context.Err(); err != nil {
		return err
	}
	if l.closed != nil && l.closed.Err() != nil {
		return l.closed.Err()
	}
	if time.Now().After(l.end) {
		return context.DeadlineExceeded
	}
	return nil
}

// reason tells why the work was interrupted; late is the message when it took too long.
func (l *limit) reason(late string) error {
	switch {
	case l.Context.Err() != nil:
		return context.Cause(l.Context)
	case l.closed != nil && l.closed.Err() != nil:
		return errClosed
	}
	return wire.E(wire.Timeout, late)
}
