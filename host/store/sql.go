package store

import (
	"context"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ncruces/go-sqlite3"

	"goop/shared/data"
	"goop/shared/group"
	"goop/shared/jsontext"
	"goop/shared/wire"
)

// SQL runs one statement of the site's owner, and returns the fields of its answer as a JSON object. What
// reads runs on a connection of its own; what changes rows runs in the writer, once for a key. What it
// refuses has code forbidden, and what SQLite does not understand code bad_query, in SQLite's words.
func (ts *Tables) SQL(ctx context.Context, c group.Caller, key data.WriteKey, text string, params []data.Value) (answer []byte, err error) {
	if !c.Owner {
		return nil, wire.E(wire.Forbidden, `"sql" is for the site's owner`)
	}
	args := make([]any, len(params))
	for i, v := range params {
		args[i] = arg(v)
	}
	writes := false
	err = ts.db.readAsBoss(ctx, func(c *conn) error {
		s, err := c.prepareBoss(text, args)
		if err != nil {
			return err
		}
		defer c.release(s.stmt)
		if writes = s.writes; writes {
			return nil
		}
		answer, err = s.run()
		return err
	})
	if err != nil || !writes {
		return answer, err
	}
	err = ts.db.Write(ctx, func(tx *Tx) (err error) {
		answer, err = tx.Once(c.Peer, key.Key, key.Request, func() ([]byte, error) { return tx.execAsBoss(text, args) })
		return err
	})
	return answer, err
}

// bossStmt is a statement of the site's owner.
type bossStmt struct {
	*stmt
	c      *conn
	writes bool
}

// prepareBoss prepares a statement of the site's owner. It has to be released.
func (c *conn) prepareBoss(text string, args []any) (*bossStmt, error) {
	b := &bossStmt{c: c}
	c.noted = func(action sqlite3.AuthorizerActionCode, _, _ string) {
		b.writes = b.writes || action != sqlite3.AUTH_READ
	}
	defer func() { c.noted = nil }()
	c.mode = boss
	defer func() { c.mode = internal }()
	s, tail, err := c.db.Prepare(text)
	switch {
	case err != nil:
		return nil, bossError(err)
	case s == nil || strings.TrimSpace(tail) != "":
		return nil, errors.Join(wire.E(wire.BadQuery, `"sql" takes one statement`), s.Close())
	}
	b.stmt = newStmt(s, stmtKey{boss, text})
	switch {
	case !s.ReadOnly() && !b.writes:
		err = errBossMay()
	case b.named > 0 || len(b.plain) != len(args):
		err = wire.E(wire.BadQuery, "the statement has ", strconv.Itoa(len(b.plain)+b.named), " parameters, which are question marks, and there are ",
			strconv.Itoa(len(args)), ` values in "params"`)
	default:
		err = b.bind(args)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	b.writes = !s.ReadOnly()
	return b, nil
}

// run runs the statement and returns the fields of the answer.
func (b *bossStmt) run() ([]byte, error) {
	b.c.mode = boss // of what SQLite prepares again
	defer func() { b.c.mode = internal }()
	w := jsontext.Writer{B: make([]byte, 0, 512)}
	w.Begin('{')
	w.Key("columns")
	w.Begin('[')
	for i := range b.ColumnCount() {
		w.Str(b.ColumnName(i))
	}
	w.End(']')
	w.Key("rows")
	w.Begin('[')
	for n := 0; b.Step(); n++ {
		if n == data.MaxRows {
			return nil, wire.E(wire.LimitExceeded, "there are more than ", strconv.Itoa(data.MaxRows), " rows; ask for fewer with LIMIT")
		}
		w.Begin('[')
		row := Row{b.Stmt}
		for i := range row.Len() {
			w.Raw(value(row, i, kinds[row.Kind(i)]).Append(nil))
			if len(w.B) > data.MaxResult {
				return nil, errLargeResult()
			}
		}
		w.End(']')
	}
	if err := b.Err(); err != nil {
		return nil, bossError(err)
	}
	w.End(']')
	w.Key("changes")
	if b.writes {
		w.Int(b.c.db.Changes())
	} else {
		w.Int(0)
	}
	w.End('}')
	return w.B, nil
}

// kinds are the types of what SQLite stores.
var kinds = map[sqlite3.Datatype]data.Type{
	sqlite3.INTEGER: data.Integer, sqlite3.FLOAT: data.Real, sqlite3.TEXT: data.Text, sqlite3.BLOB: data.Blob,
}

func errBossMay() error {
	return wire.E(wire.Forbidden, `"sql" reads the site's tables, and changes their rows with INSERT, UPDATE and DELETE; nothing else`)
}

// bossError gives an error of SQLite a code; its text is for the site's owner.
func bossError(err error) error {
	code := wire.BadQuery
	switch {
	case errors.Is(err, sqlite3.AUTH):
		return errBossMay()
	case errors.Is(err, sqlite3.INTERRUPT), isFull(err), isDamage(err), errors.Is(err, sqlite3.IOERR):
		return err
	case errors.Is(err, sqlite3.CONSTRAINT_UNIQUE), isIDTaken(err):
		code = wire.Conflict
	case errors.Is(err, sqlite3.CONSTRAINT), errors.Is(err, sqlite3.MISMATCH):
		code = wire.InvalidValue
	}
	return wire.E(code, strings.TrimPrefix(err.Error(), "sqlite3: "))
}

// readAsBoss runs fn with the connection that is for the site's owner alone, within the time that a read
// has.
func (db *DB) readAsBoss(ctx context.Context, fn func(*conn) error) (err error) {
	limit := &limit{Context: ctx, end: time.Now().Add(db.limits.ReadTimeout), closed: db.ctx}
	var c *conn
	select {
	case c = <-db.boss:
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-db.ctx.Done():
		return errClosed
	}
	defer func() {
		p := recover()
		if p != nil { // who knows in what state it is
			if c != nil {
				closeBroken(c, db.log)
			}
			c = nil
		}
		db.boss <- c
		switch {
		case isNoMemory(p):
			err = errNoMemory()
		case p != nil:
			panic(p)
		}
	}()
	if c == nil {
		if c, err = openConn(ctx, db.path, db.vfs, true, 0); err != nil {
			c = nil
			return public(err)
		}
		c.users = &db.users
	}
	c.db.SetInterrupt(limit)
	defer c.db.SetInterrupt(context.Background())
	if err = fn(c); errors.Is(err, sqlite3.INTERRUPT) {
		return limit.reason("the statement took longer than the host allows")
	}
	return public(err)
}

// execAsBoss runs a statement of the site's owner that changes rows, and tells which. What a column can
// hold and what it must not lack is checked afterwards, and those that reference a row that is gone do what
// their columns say; only the time bounds how many.
func (tx *Tx) execAsBoss(text string, args []any) ([]byte, error) {
	c := tx.c
	s, err := c.prepareBoss(text, args)
	if err != nil {
		return nil, err
	}
	defer c.release(s.stmt)
	changed := make(map[string][]int64)
	var gone []rowAt
	defer c.db.UpdateHook(nil)
	c.db.UpdateHook(func(op sqlite3.AuthorizerActionCode, _, table string, id int64) {
		if !c.has(table) {
			return
		}
		change := Change{Table: table, ID: id, Kind: Updated}
		switch op {
		case sqlite3.AUTH_INSERT:
			change.Kind = Inserted
		case sqlite3.AUTH_DELETE:
			change.Kind = Removed
			gone = append(gone, rowAt{tx.db.users.get(table), id})
		}
		tx.Changed(change)
		if change.Kind != Removed {
			changed[table] = append(changed[table], id)
		}
	})
	answer, err := s.run()
	c.db.UpdateHook(nil) // what follows tells itself what it changes
	if err != nil {
		return nil, err
	}
	unbounded := budget(math.MaxInt32)
	for _, row := range gone {
		follow, err := tx.letGo(row.t, row.id, &unbounded)
		if err != nil {
			return nil, err
		}
		for _, row := range follow {
			if err := tx.removeRow(row.t, row.id, &unbounded); err != nil {
				return nil, err
			}
		}
	}
	for name, ids := range changed {
		for chunk := range slices.Chunk(ids, 1000) {
			if err := tx.db.users.get(name).checkRows(&tx.ReadTx, chunk); err != nil {
				return nil, err
			}
		}
	}
	return answer, nil
}

// checkRows tells why rows that were written without the builder cannot stay as they are: whoever reads
// them, and the next start of the host, rely on it.
func (t *table) checkRows(tx *ReadTx, ids []int64) error {
	list := jsontext.Writer{}
	list.Begin('[')
	for _, id := range ids {
		list.Int(id)
	}
	list.End(']')
	for row, err := range tx.Query("SELECT "+t.names(nil)+" FROM "+t.name+" WHERE "+t.columns[0]+" IN (SELECT value FROM json_each(?))", Text(list.B)) {
		if err != nil {
			return err
		}
		for i := range t.Columns {
			if why := unfit(&t.Columns[i], value(row, i, t.Columns[i].Type)); why != "" {
				return wire.E(wire.InvalidValue, `table "`, t.Name, `", column "`, t.Columns[i].Name, `": `, why)
			}
		}
	}
	return nil
}

// unfit tells what is wrong with a value for a column, "" for nothing.
func unfit(c *data.Column, v data.Value) string {
	if v.IsNull() {
		if c.Required {
			return "it is required"
		}
		return ""
	}
	switch c.Type {
	case data.Integer, data.Time:
		if v.N > maxInteger || v.N < -maxInteger {
			return "an integer is within ±9007199254740991"
		}
	case data.Boolean:
		if v.N != 0 && v.N != 1 {
			return "a boolean is 0 or 1"
		}
	case data.Text:
		if strings.IndexByte(v.S, 0) >= 0 {
			return "a text has no character U+0000"
		}
	case data.JSON:
		if err := jsontext.Check([]byte(v.S)); err != nil || strings.ContainsAny(v.S, "\r\n") {
			return "it is no JSON text on one line"
		}
	}
	return ""
}
