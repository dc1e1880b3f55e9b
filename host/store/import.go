package store

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"goop/shared/data"
	"goop/shared/jsontext"
	"goop/shared/wire"
)

// maxImportLine is how long one line of an import may be, in bytes.
const maxImportLine = 16 << 20

// importFiles are the names of the files in the data folder in which texts lie.
const importFiles = "import-*.tmp"

// clearImports removes what imports that were cut off have left.
func clearImports(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if own, _ := filepath.Match(importFiles, e.Name()); own {
			err = errors.Join(err, os.Remove(filepath.Join(dir, e.Name())))
		}
	}
	return err
}

// ImportMode tells what becomes of a row whose _id is there already.
type ImportMode byte

const (
	ImportNew     ImportMode = iota // it is an error
	ImportReplace                   // the new one takes its place
	ImportSkip                      // it stays; so it does where another unique value is there already
)

// Imported counts what became of the rows.
type Imported struct{ Inserted, Replaced, Skipped int64 }

// Import puts rows into a table, JSON objects of which each is one line: all of them, or none and an error
// that names the line. What is not said of the columns that the host keeps, it sets: a new _id, this moment,
// and nobody as the _owner. Nobody's rights are asked.
//
// The text is read to its end and checked before the transaction begins, in which it is read once more; so
// it lies in the data folder meanwhile.
func (db *DB) Import(ctx context.Context, name string, mode ImportMode, text io.Reader) (n Imported, err error) {
	tables := db.users.stored()
	t := tables[name]
	if t == nil {
		return n, noTable(name, tables)
	}
	f, err := db.spool(ctx, text)
	if err != nil {
		return n, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	if err := eachRow(ctx, t, f, func(int, []data.Value) error { return nil }); err != nil {
		return n, err
	}
	err = db.Write(ctx, func(tx *Tx) error {
		tx.takeTime(ctx) // somebody waits for it
		i := importer{tx: tx, t: t, mode: mode}
		err := eachRow(ctx, t, f, i.add)
		n = i.n
		return interrupted(ctx, err)
	})
	if err != nil {
		n = Imported{}
	}
	return n, err
}

// spool copies a text into a file in the data folder.
func (db *DB) spool(ctx context.Context, text io.Reader) (*os.File, error) {
	f, err := os.CreateTemp(filepath.Dir(db.path), importFiles)
	if err != nil {
		return nil, err
	}
	if _, err = io.Copy(f, whileContext{ctx, text}); err == nil {
		return f, nil
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if isFull(err) {
		err = wire.E(wire.StorageFull, "there is no room in the data folder for the rows; nothing was imported")
	}
	return nil, errors.Join(err, f.Close(), os.Remove(f.Name()))
}

// eachRow calls fn with the values of each row of a file, with the number of its line. An error names the
// line.
func eachRow(ctx context.Context, t *table, f *os.File, fn func(line int, row []data.Value) error) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	n := 0
	for line, err := range lines(f) {
		n++
		if err == nil && ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		if err == nil && strings.TrimSpace(string(line)) == "" {
			continue
		}
		var row []data.Value
		if err == nil {
			row, err = importedRow(t, line)
		}
		if err == nil {
			err = fn(n, row)
		}
		if e, ok := errors.AsType[*wire.Error](err); ok {
			return wire.E(e.Code, "line ", strconv.Itoa(n), ": ", e.Message)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// lines yields the lines of a text, without their ends; each is good until the next one.
func lines(r io.Reader) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		s := bufio.NewScanner(r)
		s.Buffer(make([]byte, 0, 64<<10), maxImportLine)
		for s.Scan() {
			if !yield(s.Bytes(), nil) {
				return
			}
		}
		switch err := s.Err(); {
		case errors.Is(err, bufio.ErrTooLong):
			yield(nil, wire.E(wire.TooLarge, "it is longer than ", strconv.Itoa(maxImportLine>>20), " MiB"))
		case err != nil:
			yield(nil, err)
		}
	}
}

// importedRow reads a row. The values of the host's columns are null when it does not say them.
func importedRow(t *table, line []byte) ([]data.Value, error) {
	if err := jsontext.Check(line); err != nil {
		return nil, wire.E(wire.InvalidValue, "it is not JSON: ", err.Error())
	}
	if jsontext.KindOf(line) != jsontext.Object {
		return nil, wire.E(wire.InvalidValue, `expected an object with the columns of one row, such as {"text":"hello"}`)
	}
	host := make(map[int]data.Value)
	own := jsontext.Writer{}
	own.Begin('{')
	for m := jsontext.MembersOf(line); m.Next(); {
		i := t.Lookup(string(m.Key))
		if i < 0 || !t.Columns[i].ReadOnly {
			own.Key(string(m.Key))
			own.Raw(m.Value)
			continue
		}
		v, err := hostValue(&t.Columns[i], m.Value)
		if err != nil {
			return nil, err
		}
		if _, twice := host[i]; twice {
			return nil, wire.E(wire.InvalidValue, `column "`, t.Columns[i].Name, `" stands twice`)
		}
		host[i] = v
	}
	own.End('}')
	row, err := t.NewRow(own.B)
	if err != nil {
		return nil, err
	}
	for i, v := range host {
		row[i] = v
	}
	return row, nil
}

// hostValue reads the value of a column that the host keeps.
func hostValue(c *data.Column, raw []byte) (data.Value, error) {
	if jsontext.KindOf(raw) == jsontext.Null {
		return data.Value{}, nil
	}
	if c.Type == data.Text {
		s, err := jsontext.Str(raw)
		if err != nil || strings.ContainsRune(s, 0) {
			return data.Value{}, wire.E(wire.InvalidValue, `column "`, c.Name, `": expected a peer id`)
		}
		return data.TextValue(s), nil
	}
	n, err := jsontext.Int(raw)
	if err != nil || n < 0 {
		return data.Value{}, wire.E(wire.InvalidValue, `column "`, c.Name, `": expected an integer of 0 or more`)
	}
	return data.Value{Type: c.Type, N: n}, nil
}

// importer puts rows into a table.
type importer struct {
	tx   *Tx
	t    *table
	mode ImportMode
	n    Imported
}

func (i *importer) add(_ int, row []data.Value) error {
	t, now := i.t, data.TimeValue(i.tx.Now())
	for column, v := range map[string]data.Value{data.OwnerColumn: data.TextValue(""), data.CreatedColumn: now, data.UpdatedColumn: now} {
		if at := t.Lookup(column); row[at].IsNull() {
			row[at] = v
		}
	}
	args := make([]any, len(row))
	for at, v := range row {
		args[at] = arg(v)
	}
	there := int64(0)
	if !row[0].IsNull() && i.mode != ImportNew {
		var err error
		if there, err = i.tx.Number("SELECT count(*) FROM "+t.name+" WHERE "+t.columns[0]+" = ?", row[0].N); err != nil {
			return err
		}
	}
	switch {
	case there == 0:
		return i.insert(row, args)
	case i.mode == ImportSkip:
		i.n.Skipped++
		return nil
	}
	sets := make([]string, len(t.columns)-1)
	for at, c := range t.columns[1:] {
		sets[at] = c + " = ?"
	}
	_, err := i.tx.Exec("UPDATE "+t.name+" SET "+strings.Join(sets, ", ")+" WHERE "+t.columns[0]+" = ?", append(args[1:], args[0])...)
	if err != nil {
		return i.refused(row, err)
	}
	i.n.Replaced++
	i.tx.Changed(Change{Table: t.Name, ID: row[0].N, Kind: Updated})
	return nil
}

func (i *importer) insert(row []data.Value, args []any) error {
	t := i.t
	sql := "INSERT INTO " + t.name + " (" + t.names(nil) + ") VALUES (?" + strings.Repeat(", ?", len(t.columns)-1) + ")"
	put := func(id int64) error {
		args[0] = id
		_, err := i.tx.Exec(sql, args...)
		return err
	}
	id, err := row[0].N, error(nil)
	if row[0].IsNull() {
		id, err = i.tx.InsertWithID(put)
	} else {
		err = put(id)
	}
	switch {
	case err == nil:
		i.n.Inserted++
		i.tx.Changed(Change{Table: t.Name, ID: id, Kind: Inserted})
	case i.mode == ImportSkip && errors.Is(err, sqlite3.CONSTRAINT_UNIQUE):
		i.n.Skipped++
	default:
		return i.refused(row, err)
	}
	return nil
}

// refused tells why a row does not go into the table.
func (i *importer) refused(row []data.Value, err error) error {
	switch {
	case isIDTaken(err):
		return wire.E(wire.Conflict, fmt.Sprintf("there is a row with _id %d already; --replace puts this one in its place, and --skip-existing leaves it", row[0].N))
	case errors.Is(err, sqlite3.CONSTRAINT_UNIQUE):
		return wire.E(wire.Conflict, "another row has a value already that is unique in this table")
	}
	return err
}
