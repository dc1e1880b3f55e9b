package store

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"goop/shared/data"
	"goop/shared/group"
	"goop/shared/wire"
)

// Membership tells who belongs to which groups. The store asks while no transaction is open.
type Membership interface {
	// Role returns what a peer is in a group, and whether it has a role there or is in its roster.
	Role(peer wire.PeerID, id wire.GroupID) (role wire.Role, in bool)
	// Subscribe has fn called after each change of what Role would say. fn returns at once.
	Subscribe(fn func()) (cancel func())
}

// rights are what one caller may do with rows, as conditions in SQL. They are made outside of any
// transaction, because Membership must not be asked inside one:
//
//	r, err := ts.rights(ctx, c, ask{t, data.Update, groups}, ask{t, data.Read, groups})
//	q := &query{}
//	s := scope{q, r, t, q.alias()}
//	q.WriteString("SELECT 1 FROM " + t.name + " AS " + s.alias + " WHERE ")
//	s.may(data.Update)
//	tx.run(q)
//
// The conditions hold for any moment: $now is bound when the query runs. They hold for rows of the groups
// that were asked about; a row of another group seems to be one to whose group the caller does not
// belong, so who acts upon such an answer looks at asked first.
type rights struct {
	ts     *Tables
	caller group.Caller
	groups map[*table]*rolesIn // of the tables whose rows' groups matter
}

// ask is one rule that will be needed.
type ask struct {
	table  *table
	action data.Action
	// groups are those whose rows are meant. nil means all that the table has rows of.
	groups []string
}

// errCircle is a mistake that data.ParseSite finds.
var errCircle = errors.New("store: the rules for reading ask for each other")

// rights returns what a caller may do by some rules; those by which references are followed come with
// them. The error has code limit_exceeded when a table has rows of too many groups.
func (ts *Tables) rights(ctx context.Context, c group.Caller, asks ...ask) (*rights, error) {
	r := &rights{ts: ts, caller: c}
	for _, a := range asks {
		if err := r.prepare(ctx, a, 0); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// grant returns what the rule for an action comes to for the caller.
func (r *rights) grant(t *table, action data.Action) data.Grant {
	return t.Access.Rule(action).For(r.caller)
}

// everyRow reports whether the caller may do something with every row, so that there is no condition.
func (r *rights) everyRow(t *table, action data.Action) bool {
	g := r.grant(t, action)
	return g.Kind == data.AllRows && g.If == nil
}

// asked reports whether the conditions are good for the rows of a group; they are for all when groups do
// not matter.
func (r *rights) asked(t *table, group string) bool {
	known := r.groups[t]
	return known == nil || group == "" || known.has(group) // nobody belongs to no group
}

// maxCircle is more rules than can depend on each other.
const maxCircle = data.MaxTables + 1

// prepare asks about the groups on which a rule depends.
func (r *rights) prepare(ctx context.Context, a ask, depth int) error {
	if depth > maxCircle {
		return errCircle
	}
	g := r.grant(a.table, a.action)
	byRole := false
	for _, w := range []*data.Where{g.If, g.Then} {
		role, err := r.prepareWhere(ctx, w, depth)
		if err != nil {
			return err
		}
		byRole = byRole || role
	}
	if g.Kind != data.GroupRows && !byRole || g.Kind == data.NoRows {
		return nil
	}
	groups := a.groups
	if groups == nil {
		if known := r.groups[a.table]; known != nil && known.all {
			return nil
		}
		var err error
		if groups, err = r.groupsOf(ctx, a.table); err != nil {
			return err
		}
	}
	if r.groups == nil {
		r.groups = make(map[*table]*rolesIn)
	}
	known := r.groups[a.table]
	if known == nil {
		known = &rolesIn{}
		r.groups[a.table] = known
	}
	known.add(r.ts.members, r.caller.Peer, groups)
	known.all = known.all || a.groups == nil
	return nil
}

// prepareWhere asks about what a rule's condition depends on, and reports whether that is the caller's
// role in the group of the row itself.
func (r *rights) prepareWhere(ctx context.Context, w *data.Where, depth int) (byRole bool, err error) {
	if w == nil {
		return false, nil
	}
	for _, term := range w.Terms {
		role, err := r.prepareWhere(ctx, term, depth)
		if err != nil {
			return false, err
		}
		byRole = byRole || role
	}
	for _, ref := range w.Via {
		t := r.ts.db.users.get(ref.Table.Name)
		if t == nil {
			return false, errNoTable
		}
		if err := r.prepare(ctx, ask{table: t, action: data.Read}, depth+1); err != nil {
			return false, err
		}
	}
	return byRole || w.Var == data.MyRole || w.Against == data.MyRole, nil
}

// may writes the condition, in parentheses, under which the caller may do something with a row: of an
// update, with the row as it is before, and of an insert, with the new row.
func (s scope) may(action data.Action) {
	g := s.r.grant(s.t, action)
	s.granted(g, g.If)
}

// granted writes the condition, in parentheses, under which a grant is good for a row, with w in the place
// of its own condition.
func (s scope) granted(g data.Grant, w *data.Where) {
	q := s.q
	q.WriteByte('(')
	defer q.WriteByte(')')
	switch g.Kind {
	case data.AllRows:
		if w == nil {
			q.WriteString("1")
			return
		}
	case data.OwnRows:
		s.column(s.t.Lookup(data.OwnerColumn))
		q.WriteString(" = ")
		q.bind(g.Peer)
	case data.GroupRows:
		s.inGroups(s.r.groups[s.t].enough(g))
	default:
		q.WriteString("0")
		return
	}
	if w != nil {
		if g.Kind != data.AllRows {
			q.WriteString(" AND ")
		}
		s.where(w)
		if byLack(w) {
			s.askedAbout()
		}
	}
}

// byLack reports whether a condition may be true because the caller has no role, as it seems to be with the
// groups that were not asked about.
func byLack(w *data.Where) bool {
	switch w.Test {
	case data.And, data.Or:
		return slices.ContainsFunc(w.Terms, byLack)
	case data.Not:
		return w.Terms[0].Has(data.MyRole)
	}
	return (w.Var == data.MyRole || w.Against == data.MyRole) && (w.Test == data.NotEqual || w.IsNull)
}

// askedAbout writes, behind a condition, that the row is of no group or of one that was asked about: another may
// have come since.
func (s scope) askedAbout() {
	member := s.t.Lookup(s.t.MemberOf)
	s.q.WriteString(" AND (")
	s.column(member)
	s.q.WriteString(" IS NULL OR ")
	s.column(member)
	s.q.WriteString(" = '' OR ")
	s.inGroups(s.r.groups[s.t].pick(func(roleIn) bool { return true }))
	s.q.WriteByte(')')
}

// inGroups writes that the row's group is one of a JSON list. The list is read once, however many rows
// there are, and the index of the table's memberOf is of use.
func (s scope) inGroups(list string) {
	s.column(s.t.Lookup(s.t.MemberOf))
	s.q.WriteString(" IN (SELECT value FROM json_each(")
	s.q.bind(list)
	s.q.WriteString("))")
}

// role writes the caller's role in the row's group.
func (s scope) role() {
	q := s.q
	known := s.r.groups[s.t]
	any := false
	for _, role := range known.roles() {
		if !any {
			q.WriteString("CASE")
			any = true
		}
		q.WriteString(" WHEN ")
		s.inGroups(known.with(role))
		q.WriteString(" THEN ")
		q.bind(role)
	}
	if any {
		q.WriteString(" END")
	} else {
		q.WriteString("NULL")
	}
}

// verbs are for messages.
var verbs = map[data.Action]string{data.Read: "read", data.Insert: "insert into", data.Update: "update", data.Remove: "remove from"}

func refused(t *table, action data.Action) error {
	return wire.E(wire.Forbidden, "you may not ", verbs[action], ` table "`, t.Name, `": its rule for that is "`, t.Access.Rule(action).String(), `"`)
}

func missing(t *table, id int64) error {
	return wire.E(wire.NotFound, `table "`, t.Name, `" has no row `, strconv.FormatInt(id, 10), " that you may see")
}
