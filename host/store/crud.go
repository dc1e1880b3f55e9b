package store

import (
	"context"
	"errors"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"goop/shared/data"
	"goop/shared/group"
	"goop/shared/wire"
)

// Tables does what callers ask of the users' tables, within their rights. It is safe for use by many
// goroutines.
type Tables struct {
	db      *DB
	members Membership
	groups  groupLists
	hub     hub
	cancel  func() // ends the subscription to members
}

// Tables returns the users' tables, after OpenTables. Close ends it.
func (db *DB) Tables(members Membership) *Tables {
	ts := &Tables{db: db, members: members}
	ts.groups.init(db)
	ts.hub.init(db)
	ts.cancel = members.Subscribe(ts.hub.poke)
	return ts
}

// Close ends the subscription to changes of membership. Calls that are under way go on until their contexts end.
func (ts *Tables) Close() { ts.cancel() }

var errNoTable = errors.New("store: a table that the site does not have")

func (ts *Tables) table(t *data.Table) (*table, error) {
	if u := ts.db.users.get(t.Name); u != nil {
		return u, nil
	}
	return nil, errNoTable
}

// Join prepares changes that are made in the transaction that appends a group's message.
func (ts *Tables) Join(context.Context, group.Caller, data.WriteKey, []data.Write) (data.Joined, error) {
	return nil, wire.E(wire.NotSupported, `this host does not have "send" in a batch`)
}

// Do makes changes, all of them or none.
func (ts *Tables) Do(ctx context.Context, c group.Caller, key data.WriteKey, writes []data.Write) ([][]byte, error) {
	if len(writes) != 1 {
		return nil, wire.E(wire.NotSupported, `this host does not have "batch"`)
	}
	w := &writes[0]
	row, err := []byte(nil), error(nil)
	switch w.Op {
	case data.OpInsert:
		row, err = ts.Insert(ctx, c, key, w.Table, w.Rows[0])
	case data.OpUpdate:
		row, err = ts.Update(ctx, c, key, w.Table, w.Row.N, w.Changes)
	case data.OpRemove:
		return [][]byte{[]byte(`{"removed":1}`)}, ts.Remove(ctx, c, key, w.Table, w.Row.N)
	default:
		return nil, wire.E(wire.NotSupported, `this host does not have "`, string(w.Op), `"`)
	}
	return [][]byte{append(append([]byte(`{"row":`), row...), '}')}, err
}

// get reads one row, nil when there is none.
func (t *table) get(tx *ReadTx, id int64) (values []data.Value, err error) {
	for row, err := range tx.Query("SELECT "+t.names(nil)+" FROM "+t.name+" WHERE "+t.columns[0]+" = ?", id) {
		if err != nil {
			return nil, err
		}
		values = t.read(nil, row, nil)
	}
	return values, nil
}

// Insert stores a row of data.Table.NewRow and returns it as JSON.
func (ts *Tables) Insert(ctx context.Context, c group.Caller, w data.WriteKey, shape *data.Table, values []data.Value) (answer []byte, err error) {
	t, err := ts.table(shape)
	if err != nil {
		return nil, err
	}
	g, in := t.Access.Insert.For(c), false
	if g.Kind == data.GroupRows {
		in = ts.belongs(g, values[t.Lookup(t.MemberOf)].S)
	}
	err = ts.db.Write(ctx, func(tx *Tx) (err error) {
		answer, err = tx.Once(c.Peer, w.Key, w.Request, func() ([]byte, error) {
			if g.Kind != data.OwnRows && !allows(g, t, values, in) {
				return nil, refused(t, data.Insert)
			}
			row := append([]data.Value(nil), values...)
			row[t.Lookup(data.OwnerColumn)] = data.TextValue(string(c.Peer))
			row[t.Lookup(data.CreatedColumn)] = data.TimeValue(tx.Now())
			row[t.Lookup(data.UpdatedColumn)] = data.TimeValue(tx.Now())
			if err := t.add(tx, row); err != nil {
				return nil, err
			}
			return t.Row(nil, row).JSON, nil
		})
		return err
	})
	return answer, err
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
	tx.Changed(Change{t.Name, id, Inserted})
	return nil
}

// taken gives the error of a unique column its code. It does not tell which column it was: the value may
// stand in a row that the caller may not see.
func (t *table) taken(err error) error {
	if !errors.Is(err, sqlite3.CONSTRAINT_UNIQUE) {
		return err
	}
	return wire.E(wire.Conflict, `table "`, t.Name, `" has a row with the same value in a column that is unique`)
}

// errMoved tells that a row came to another group than the one that the caller's rights were asked for.
var errMoved = errors.New("store: the row has another group now")

const moveAttempts = 4

// Update changes a row and returns it as JSON.
func (ts *Tables) Update(ctx context.Context, c group.Caller, w data.WriteKey, shape *data.Table, id int64, changes []data.Change) ([]byte, error) {
	t, err := ts.table(shape)
	if err != nil {
		return nil, err
	}
	var target data.Value // the row's new group
	moves := false
	for _, change := range changes {
		if t.Columns[change.Column].Name == t.MemberOf {
			moves, target = true, change.Value
		}
	}
	return ts.act(ctx, c, w, t, data.Update, id, target, func(tx *Tx, row []data.Value, s standing) ([]byte, error) {
		if moves && row[t.Lookup(t.MemberOf)] != target && !s.intoTarget {
			return nil, wire.E(wire.Forbidden, `you may not put a row into another `, t.MemberOf, ` to which you do not belong`)
		}
		if len(changes) == 0 {
			return t.Row(nil, row).JSON, nil
		}
		var set strings.Builder
		args := make([]any, 0, len(changes)+2)
		for _, change := range changes {
			row[change.Column] = change.Value
			set.WriteString(t.columns[change.Column] + " = ?, ")
			args = append(args, arg(change.Value))
		}
		row[t.Lookup(data.UpdatedColumn)] = data.TimeValue(tx.Now())
		args = append(args, tx.Now(), id)
		if _, err := tx.Exec("UPDATE "+t.name+" SET "+set.String()+t.column(data.UpdatedColumn)+" = ? WHERE "+t.columns[0]+" = ?", args...); err != nil {
			return nil, t.taken(err)
		}
		tx.Changed(Change{t.Name, id, Updated})
		return t.Row(nil, row).JSON, nil
	})
}

// Remove removes a row.
func (ts *Tables) Remove(ctx context.Context, c group.Caller, w data.WriteKey, shape *data.Table, id int64) error {
	t, err := ts.table(shape)
	if err != nil {
		return err
	}
	_, err = ts.act(ctx, c, w, t, data.Remove, id, data.Value{}, func(tx *Tx, _ []data.Value, _ standing) ([]byte, error) {
		if _, err := tx.Exec("DELETE FROM "+t.name+" WHERE "+t.columns[0]+" = ?", id); err != nil {
			return nil, err
		}
		tx.Changed(Change{t.Name, id, Removed})
		return []byte("1"), nil
	})
	return err
}

// act does something with one row of which the caller's rights are checked. All checks are made in the
// transaction and behind the key: who did it the first time gets the answer again, whatever has become
// of the row and of the rights.
func (ts *Tables) act(ctx context.Context, c group.Caller, w data.WriteKey, t *table, action data.Action, id int64, target data.Value,
	do func(*Tx, []data.Value, standing) ([]byte, error)) (answer []byte, err error) {
	read, act := t.Access.Read.For(c), t.Access.Rule(action).For(c)
	for range moveAttempts {
		var s standing
		if s, err = ts.standing(ctx, t, c, action, id, target); err != nil {
			return nil, err
		}
		err = ts.db.Write(ctx, func(tx *Tx) (err error) {
			answer, err = tx.Once(c.Peer, w.Key, w.Request, func() ([]byte, error) {
				row, err := t.get(&tx.ReadTx, id)
				switch {
				case err != nil:
					return nil, err
				case row == nil:
					return nil, missing(t, id)
				case s.asked && row[t.Lookup(t.MemberOf)].S != s.group:
					return nil, errMoved
				case allows(act, t, row, s.act):
					return do(tx, row, s)
				case allows(read, t, row, s.read):
					return nil, refused(t, action)
				}
				return nil, missing(t, id)
			})
			return err
		})
		if !errors.Is(err, errMoved) {
			return answer, err
		}
	}
	return nil, err
}

// errUnanswered tells that nothing is kept under a key.
var errUnanswered = errors.New("store: no answer is kept")

// Answered returns the answer that Keep has kept under a key in the last 24 hours, nil when there is none.
// The same key with another request is an error with code id_conflict.
func (ts *Tables) Answered(ctx context.Context, peer wire.PeerID, w data.WriteKey) (answer []byte, err error) {
	err = ts.db.Write(ctx, func(tx *Tx) (err error) {
		answer, err = tx.Once(peer, w.Key, w.Request, func() ([]byte, error) { return nil, errUnanswered })
		return err
	})
	if errors.Is(err, errUnanswered) {
		return nil, nil
	}
	return answer, err
}

// Keep keeps the answer to a request that was done elsewhere.
func (ts *Tables) Keep(ctx context.Context, peer wire.PeerID, w data.WriteKey, answer []byte) error {
	return ts.db.Write(ctx, func(tx *Tx) error {
		_, err := tx.Once(peer, w.Key, w.Request, func() ([]byte, error) { return answer, nil })
		return err
	})
}

// belongs reports whether a grant for GroupRows is good for the rows of a group.
func (ts *Tables) belongs(g data.Grant, id string) bool {
	if !wire.ValidID(id) {
		return false
	}
	return g.Enough(ts.members.Role(g.Peer, wire.GroupID(id)))
}

// standing is what a caller may do with one row as far as that depends on groups, asked for before the
// transaction in which it counts.
type standing struct {
	group      string // of the row, when it was asked for
	asked      bool
	read, act  bool // the caller belongs to that group, by the rule for reading and for the action
	intoTarget bool // the caller may put the row into the group that it is to have
}

// standing asks about a row, and about the group that it is to have, if any.
func (ts *Tables) standing(ctx context.Context, t *table, c group.Caller, action data.Action, id int64, target data.Value) (s standing, err error) {
	read, act := t.Access.Read.For(c), t.Access.Rule(action).For(c)
	s.intoTarget = c.Owner || ts.mayPut(t, c, act, target)
	if read.Kind != data.GroupRows && act.Kind != data.GroupRows {
		return s, nil
	}
	s.asked = true
	err = ts.db.Read(ctx, func(tx *ReadTx) error {
		for row, err := range tx.Query("SELECT "+t.column(t.MemberOf)+" FROM "+t.name+" WHERE "+t.columns[0]+" = ?", id) {
			if err != nil {
				return err
			}
			s.group = row.Text(0)
		}
		return nil
	})
	if err != nil {
		return s, err
	}
	s.read = read.Kind == data.GroupRows && ts.belongs(read, s.group)
	s.act = act.Kind == data.GroupRows && ts.belongs(act, s.group)
	return s, nil
}

// mayPut reports whether a caller may put a row that it may update into another group. A rule for updates
// that goes by groups has to let it through there too. Where it goes by something else, such as the
// author, the rule for inserts decides: to that group the row is a new one.
func (ts *Tables) mayPut(t *table, c group.Caller, update data.Grant, target data.Value) bool {
	g := update
	if g.Kind != data.GroupRows {
		g = t.Access.Insert.For(c)
	}
	return g.Kind == data.AllRows || g.Kind == data.OwnRows || g.Kind == data.GroupRows && ts.belongs(g, target.S)
}

// allows reports whether a grant is good for a row; in is the answer for GroupRows.
func allows(g data.Grant, t *table, row []data.Value, in bool) bool {
	switch g.Kind {
	case data.AllRows:
		return true
	case data.OwnRows:
		return row[t.Lookup(data.OwnerColumn)].S == string(g.Peer)
	case data.GroupRows:
		return in
	}
	return false
}
