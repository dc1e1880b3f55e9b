package store

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"goop/shared/data"
	"goop/shared/wire"
)

// update does an update or an increment of one row.
func (d *request) update(s *step) ([]byte, error) {
	id, err := d.value(s.Row)
	if err != nil {
		return nil, err
	}
	row, read, err := d.find(s, id.N, data.Update)
	if err != nil {
		return nil, err
	}
	s.id = id.N
	changes := s.Changes
	if s.Op == data.OpIncrement {
		if changes, err = s.t.sums(row, changes); err != nil && !read { // the error tells what stands there
			err = wire.E(wire.InvalidValue, "the sum is not what the column allows")
		}
		if err != nil {
			return nil, err
		}
	}
	if err := d.change(s, row, changes); err != nil {
		return nil, err
	}
	return field("row", s.row(d.shown(s, changes, read), row)), nil
}

// find reads a row with which the caller may do what he wants, and tells whether he may read it. One that he
// may not read does not exist, also where a rule would let him change it; but a rule for authors is good for
// what he has written himself, as into a box that only the owner opens.
func (d *request) find(s *step, id int64, action data.Action) (row []data.Value, read bool, err error) {
	may := false
	for r, err := range s.test.row.rows(d.tx, id) {
		if err != nil {
			return nil, false, err
		}
		row = s.t.read(nil, r, nil)
		may, read = r.Int(len(row)) != 0, r.Int(len(row)+1) != 0
	}
	switch {
	case row == nil:
	case s.t.MemberOf != "" && !d.rights.asked(s.t, row[s.t.Lookup(s.t.MemberOf)].S):
		return nil, false, errMoved
	case may && (read || d.rights.grant(s.t, action).Kind == data.OwnRows):
		return row, read, nil
	case read:
		return nil, false, refusedRow(s.t, action, d.rights.grant(s.t, action))
	}
	return nil, false, missing(s.t, id)
}

// shown returns the columns that the answer to a change of a row has: of one that the caller may not read,
// only those that he set.
func (d *request) shown(s *step, changes []data.Change, read bool) []int {
	if read {
		return nil
	}
	columns := []int{0}
	if s.Op != data.OpIncrement {
		for _, c := range changes {
			columns = append(columns, c.Column)
		}
	}
	slices.Sort(columns)
	return columns
}

// sums returns the values that come from adding to those of a row. No value counts as 0.
func (t *table) sums(row []data.Value, added []data.Change) ([]data.Change, error) {
	out := make([]data.Change, len(added))
	for i, add := range added {
		sum, err := t.Columns[add.Column].Sum(row[add.Column], add.Value)
		if err != nil {
			return nil, err
		}
		out[i] = data.Change{Column: add.Column, Value: sum}
	}
	return out, nil
}

// change gives a row new values, in the table and in row, when the rules allow it. When all of them are
// hidden, the row is not one that was updated: who sees the rest of it would learn that.
func (d *request) change(s *step, row []data.Value, changes []data.Change) error {
	if len(changes) == 0 {
		return nil
	}
	t := s.t
	var set strings.Builder
	set.WriteString("UPDATE " + t.name + " SET ")
	args := make([]any, 0, len(changes)+2)
	moved, shown := false, false
	for i, change := range changes {
		v, err := d.value(change.Value)
		if err != nil {
			return err
		}
		if err := d.checkReference(t, change.Column, change.Value, v); err != nil {
			return err
		}
		moved = moved || t.Columns[change.Column].Name == t.MemberOf && row[change.Column] != v
		row[change.Column] = v
		shown = shown || !t.Columns[change.Column].Hidden
		if i > 0 {
			set.WriteString(", ")
		}
		set.WriteString(t.columns[change.Column] + " = ?")
		args = append(args, arg(v))
	}
	if err := d.changes.take(); err != nil {
		return err
	}
	id := row[0].N
	if shown {
		row[t.wiring.updated] = data.TimeValue(d.tx.Now())
		set.WriteString(", " + t.columns[t.wiring.updated] + " = ?")
		args = append(args, d.tx.Now())
	}
	set.WriteString(" WHERE " + t.columns[0] + " = ?")
	if _, err := d.tx.Exec(set.String(), append(args, id)...); err != nil {
		return t.taken(err)
	}
	d.tx.Changed(Change{t.Name, id, Updated, row[t.wiring.owner].S})
	if moved {
		if ok, err := s.test.moved.holds(d.tx, id); err != nil || !ok {
			return cmpErr(err, wire.E(wire.Forbidden, `you may not put a row into another `, t.MemberOf, ` to which you do not belong`))
		}
	}
	if ok, err := s.test.updated.holds(d.tx, id); err != nil || !ok {
		return cmpErr(err, wire.E(wire.Forbidden, `you may not change a row of table "`, t.Name, `" into this: its rule for that has a condition, which the row would not fulfil`))
	}
	return nil
}

// updateWhere changes the rows that the caller may read and change. Those that he may only read stay as
// they are.
func (d *request) updateWhere(s *step) ([]byte, error) {
	rows, err := d.matching(s, data.Update)
	if err != nil {
		return nil, err
	}
	for _, id := range rows {
		row := make([]data.Value, len(s.t.Columns))
		row[0] = data.IntegerValue(id)
		if member := s.t.Lookup(s.t.MemberOf); s.test.moved != nil {
			for r, err := range d.tx.Query("SELECT "+s.t.columns[member]+" FROM "+s.t.name+" WHERE "+s.t.columns[0]+" = ?", id) {
				if err != nil {
					return nil, err
				}
				row[member] = value(r, 0, data.Text)
			}
		}
		if err := d.change(s, row, s.Changes); err != nil {
			return nil, err
		}
	}
	return answerCount("updated", len(rows)), nil
}

// matching returns the rows of an updateWhere or a removeWhere.
func (d *request) matching(s *step, action data.Action) (rows []int64, err error) {
	for _, need := range []data.Action{data.Read, action} {
		if d.rights.grant(s.t, need).Kind == data.NoRows {
			return nil, refused(s.t, need)
		}
	}
	if d.limit != nil {
		defer d.tx.c.db.SetInterrupt(d.tx.c.db.SetInterrupt(d.limit))
	}
	for r, err := range d.tx.run(s.test.rows) {
		if d.limit != nil && errors.Is(err, sqlite3.INTERRUPT) {
			err = d.limit.reason("the change took longer than the host allows; change less at once")
		}
		if err != nil {
			return nil, err
		}
		rows = append(rows, r.Int(0))
	}
	if len(rows) > maxWhere {
		return nil, wire.E(wire.LimitExceeded, `"`, string(s.Op), `" changes at most `, strconv.Itoa(maxWhere),
			" rows at once, and there are more; nothing was changed. Narrow the where, and do it again until nothing is left")
	}
	return rows, nil
}

// refusedRow is refused, for a row that may be read and with which something else is not allowed.
func refusedRow(t *table, action data.Action, g data.Grant) error {
	if g.Kind == data.NoRows || g.If == nil {
		return refused(t, action)
	}
	return unfulfilled(t, action)
}

// unfulfilled tells that a rule's condition is not true for a row.
func unfulfilled(t *table, action data.Action) error {
	return wire.E(wire.Forbidden, "you may not ", verbs[action], ` table "`, t.Name, `" here: its rule for that is "`, t.Access.Rule(action).String(),
		`" with a condition, which does not hold for you and this row`)
}
