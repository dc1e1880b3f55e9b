package store

import (
	"context"
	"strconv"

	"goop/shared/data"
	"goop/shared/group"
	"goop/shared/jsontext"
	"goop/shared/wire"
)

// maxGroups is how many groups a table may have rows of before a caller whose rights depend on them has
// to say which ones it means.
const maxGroups = 10_000

// Membership tells who belongs to which groups. The store asks while no transaction is open.
type Membership interface {
	// Role returns what a peer is in a group, and whether it has a role there or is in its roster.
	Role(peer wire.PeerID, id wire.GroupID) (role wire.Role, in bool)
	// Subscribe has fn called after each change of what Role would say. fn returns at once.
	Subscribe(fn func()) (cancel func())
}

// filter is what a caller may see of a table, as a condition.
type filter struct {
	kind   data.GrantKind
	peer   wire.PeerID // of OwnRows
	groups string      // of GroupRows: a JSON list
}

// write writes the filter; one of AllRows is nothing.
func (f filter) write(q *query, t *table) {
	switch f.kind {
	case data.NoRows:
		q.WriteString("FALSE")
	case data.OwnRows:
		q.WriteString(t.column(data.OwnerColumn) + " = ")
		q.bind(f.peer)
	case data.GroupRows:
		q.WriteString(t.column(t.MemberOf) + " IN (SELECT value FROM json_each(")
		q.bind(f.groups)
		q.WriteString("))")
	}
}

// filter returns which rows a caller may read. w narrows down which groups have to be asked about.
func (ts *Tables) filter(ctx context.Context, t *table, c group.Caller, w *data.Where) (filter, error) {
	g := t.Access.Read.For(c)
	switch g.Kind {
	case data.NoRows:
		return filter{}, refused(t, data.Read)
	case data.GroupRows:
	default:
		return filter{kind: g.Kind, peer: g.Peer}, nil
	}
	groups, named := w.Pinned(t.Lookup(t.MemberOf))
	if !named {
		var err error
		if groups, err = ts.groupsOf(ctx, t); err != nil {
			return filter{}, err
		}
	}
	list := jsontext.Writer{}
	list.Begin('[')
	for _, id := range groups {
		if ts.belongs(g, id) {
			list.Str(id)
		}
	}
	list.End(']')
	return filter{kind: data.GroupRows, groups: string(list.B)}, nil
}

// belongs reports whether a grant for GroupRows is good for the rows of a group.
func (ts *Tables) belongs(g data.Grant, id string) bool {
	if !wire.ValidID(id) {
		return false
	}
	return g.Enough(ts.members.Role(g.Peer, wire.GroupID(id)))
}

// groupsOf returns the groups that a table has rows of. It steps through the index from one group to
// the next.
func (ts *Tables) groupsOf(ctx context.Context, t *table) (groups []string, err error) {
	column := t.column(t.MemberOf)
	next := "SELECT min(" + column + ") FROM " + t.name + " WHERE " + column + " > ?"
	err = ts.db.Read(ctx, func(tx *ReadTx) error {
		groups = nil
		for last, more := "", true; more; {
			more = false
			for row, err := range tx.Query(next, last) {
				if err != nil {
					return err
				}
				if more = !row.Null(0); more {
					last = row.Text(0)
				}
			}
			if !more {
				break
			}
			if len(groups) == maxGroups {
				return wire.E(wire.LimitExceeded, `table "`, t.Name, `" has rows of more than `, strconv.Itoa(maxGroups),
					` groups; say in "where" which `, t.MemberOf, " you mean")
			}
			groups = append(groups, last)
		}
		return nil
	})
	return groups, err
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

// verbs are for messages.
var verbs = map[data.Action]string{data.Read: "read", data.Insert: "insert into", data.Update: "update", data.Remove: "remove from"}

func refused(t *table, action data.Action) error {
	return wire.E(wire.Forbidden, "you may not ", verbs[action], ` table "`, t.Name, `": its rule for that is "`, t.Access.Rule(action).String(), `"`)
}

func missing(t *table, id int64) error {
	return wire.E(wire.NotFound, `table "`, t.Name, `" has no row `, strconv.FormatInt(id, 10), " that you may see")
}
