package store

import (
	"errors"
	"slices"
	"strings"

	"goop/shared/data"
	"goop/shared/jsontext"
	"goop/shared/wire"
)

// upsert updates the row that has the same values in the columns of On, and inserts one when there is none.
func (d *request) upsert(s *step) ([]byte, error) {
	id, err := d.same(s)
	if err != nil {
		return nil, err
	}
	if id == 0 {
		row, err := d.insertRow(s, s.Rows[0])
		if err != nil {
			return nil, err
		}
		return answerUpsert(s.row(nil, row), true), nil
	}
	row, read, err := d.find(s, id, data.Update)
	if errors.Is(err, wire.NotFound) { // he may not know of it: to him it is a row that he inserts
		if _, err = d.insertRow(s, s.Rows[0]); err == nil {
			err = s.t.conflict()
		}
	}
	if err != nil {
		return nil, err
	}
	s.id = id
	// What is as it was is not written: it may be what cannot be changed any more.
	changes := slices.DeleteFunc(slices.Clone(s.Changes), func(c data.Change) bool {
		v, err := d.value(c.Value)
		return err == nil && row[c.Column] == v
	})
	if s.Refusal != nil && slices.ContainsFunc(changes, func(c data.Change) bool { return s.t.Columns[c.Column].Fixed || s.t.Columns[c.Column].OwnerSets }) {
		return nil, s.Refusal
	}
	if err := d.change(s, row, changes); err != nil {
		return nil, err
	}
	return answerUpsert(s.row(d.shown(s, s.Changes, read), row), false), nil
}

func answerUpsert(row []byte, inserted bool) []byte {
	w := jsontext.Writer{}
	w.Begin('{')
	w.Key("row")
	w.Raw(row)
	w.Key("inserted")
	w.Bool(inserted)
	w.End('}')
	return w.B
}

// same returns the row that an upsert is about, 0 when there is none.
func (d *request) same(s *step) (int64, error) {
	values := slices.Clone(s.Rows[0])
	for _, i := range s.On {
		var err error
		if values[i], err = d.value(values[i]); err != nil {
			return 0, err
		}
	}
	where, args := d.sameOn(s, values)
	if where == "" {
		return 0, nil
	}
	return d.tx.Number("SELECT "+s.t.columns[0]+" FROM "+s.t.name+" WHERE "+where, args...)
}

// sameOn returns the condition for a row to be the one that an upsert is about; "" when there cannot be one.
func (d *request) sameOn(s *step, values []data.Value) (where string, args []any) {
	var b strings.Builder
	for n, i := range s.On {
		v := values[i]
		if s.t.Columns[i].Name == data.OwnerColumn {
			v = data.TextValue(string(d.caller.Peer))
		}
		if v.IsNull() || v.Type == data.Earlier {
			return "", nil // null is like no other
		}
		if n > 0 {
			b.WriteString(" AND ")
		}
		b.WriteString(s.t.columns[i] + " = ?")
		args = append(args, arg(v))
	}
	return b.String(), args
}
