package store

import (
	"errors"
	"slices"
	"strconv"

	"github.com/ncruces/go-sqlite3"

	"goop/shared/data"
	"goop/shared/jsontext"
	"goop/shared/wire"
)

func (d *request) insert(s *step) ([]byte, error) {
	row, err := d.insertRow(s, s.Rows[0])
	if err != nil {
		return nil, err
	}
	return field("row", s.row(nil, row)), nil
}

func (d *request) insertMany(s *step) ([]byte, error) {
	w := jsontext.Writer{}
	w.Begin('{')
	w.Key("rows")
	w.Begin('[')
	for i, values := range s.Rows {
		row, err := d.insertRow(s, values)
		if err != nil {
			if e, ok := errors.AsType[*wire.Error](err); ok {
				about := *e
				about.Message = "row " + strconv.Itoa(i) + ": " + e.Message
				err = &about
			}
			return nil, err
		}
		w.Raw(s.row(nil, row))
	}
	w.End(']')
	w.End('}')
	return w.B, nil
}

// insertRow inserts a row that a caller may insert, and returns it as it is stored.
func (d *request) insertRow(s *step, values []data.Value) (row []data.Value, err error) {
	t := s.t
	row = slices.Clone(values)
	for _, i := range t.wiring.integers {
		if row[i], err = d.value(row[i]); err != nil {
			return nil, err
		}
	}
	g := d.rights.grant(t, data.Insert)
	switch g.Kind {
	case data.AllRows, data.OwnRows: // it will be the caller's own
	case data.GroupRows:
		group := row[t.Lookup(t.MemberOf)].S
		if !d.rights.asked(t, group) {
			return nil, errMoved
		}
		if !d.rights.belongs(t, g, group) {
			return nil, refused(t, data.Insert)
		}
	default:
		return nil, refused(t, data.Insert)
	}
	if err := d.checkReferences(s, values, row); err != nil {
		return nil, err
	}
	if err := d.changes.take(); err != nil {
		return nil, err
	}
	now := data.TimeValue(d.tx.Now())
	row[t.wiring.owner] = data.TextValue(string(d.caller.Peer))
	row[t.wiring.created], row[t.wiring.updated] = now, now
	if err := t.add(d.tx, row); err != nil {
		return nil, err
	}
	s.id = row[0].N
	if ok, err := s.test.inserted.holds(d.tx, s.id); err != nil || !ok {
		return nil, cmpErr(err, unfulfilled(t, data.Insert))
	}
	return row, nil
}

// add inserts a row, and gives it its _id.
func (t *table) add(tx *Tx, row []data.Value) error {
	args := make([]any, len(row))
	for i, v := range row {
		args[i] = arg(v)
	}
	id, err := tx.InsertWithID(func(id int64) error {
		args[0] = id
		_, err := tx.Exec(t.insert, args...)
		return err
	})
	if err != nil {
		return t.taken(err)
	}
	row[0] = data.IntegerValue(id)
	tx.Changed(Change{t.Name, id, Inserted, row[t.wiring.owner].S})
	return nil
}

// taken gives the error of a unique column its code.
func (t *table) taken(err error) error {
	if !errors.Is(err, sqlite3.CONSTRAINT_UNIQUE) {
		return err
	}
	return t.conflict()
}

// conflict does not tell which column it was: the value may stand in a row that the caller may not see.
func (t *table) conflict() error {
	return wire.E(wire.Conflict, `table "`, t.Name, `" has a row with the same value in a column that is unique, or in columns that are so together`)
}

// cmpErr returns the first of two errors that there is.
func cmpErr(err, other error) error {
	if err != nil {
		return err
	}
	return other
}
