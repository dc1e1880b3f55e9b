package store

import (
	"context"
	"slices"

	"goop/shared/data"
	"goop/shared/wire"
)

// asking collects, for one table, what rights a request needs there.
type asking struct {
	t          *table
	actions    []data.Action
	groups     []string // whose rows are meant
	all        bool     // rows of any group are meant
	seek       []seek   // rows whose group has to be looked up
	referenced bool     // by a value of the request
}

// seek is a SELECT of the group of one row.
type seek struct {
	where string
	args  []any
}

// prepare asks for the rights, and makes the SQL that depends on them.
func (d *request) prepare(ctx context.Context) error {
	var as []*asking
	for i := range d.steps {
		if s := &d.steps[i]; s.Op != data.OpSend {
			as = d.need(as, s)
		}
	}
	asks := make([]ask, 0, len(as)+1)
	for _, a := range as {
		asks = a.asks(asks)
	}
	r, err := d.ts.rights(ctx, d.caller, asks...)
	if err != nil {
		return err
	}
	if err := d.lookUp(ctx, r, as); err != nil {
		return err
	}
	d.rights, d.targets = r, nil
	for _, a := range as {
		if a.referenced {
			if d.targets == nil {
				d.targets = make(map[*table]*probe)
			}
			d.targets[a.t] = newTarget(r, a.t)
		}
	}
	for i := range d.steps {
		d.steps[i].compile(r)
	}
	return nil
}

// asks appends what has to be asked.
func (a *asking) asks(to []ask) []ask {
	for _, action := range a.actions {
		if a.all {
			to = append(to, ask{a.t, action, nil})
		}
		if !a.all || len(a.groups) > 0 { // those that new rows bring
			to = append(to, ask{a.t, action, append([]string{}, a.groups...)})
		}
	}
	return to
}

// need adds what one step needs.
func (d *request) need(as []*asking, s *step) []*asking {
	of := func(t *table, actions ...data.Action) *asking {
		i := slices.IndexFunc(as, func(a *asking) bool { return a.t == t })
		if i < 0 {
			i = len(as)
			as = append(as, &asking{t: t})
		}
		for _, action := range actions {
			if !slices.Contains(as[i].actions, action) {
				as[i].actions = append(as[i].actions, action)
			}
		}
		return as[i]
	}
	member := s.t.Lookup(s.t.MemberOf)
	inGroup := func(a *asking, v data.Value) {
		if member >= 0 && !slices.Contains(a.groups, v.S) {
			a.groups = append(a.groups, v.S)
		}
	}
	references := func(i int, v data.Value) {
		if r := s.t.wiring.references[i]; r != nil && !v.IsNull() && v.Type != data.Earlier {
			a := of(r, data.Read)
			a.row(v.N)
			a.referenced = true
		}
	}
	for _, row := range s.Rows {
		a := of(s.t, data.Insert)
		if member >= 0 {
			inGroup(a, row[member])
		}
		for _, i := range s.t.wiring.integers {
			references(i, row[i])
		}
	}
	action := data.Update
	switch s.Op {
	case data.OpInsert, data.OpInsertMany:
		return as
	case data.OpRemove, data.OpRemoveWhere:
		action = data.Remove
	}
	of(s.t, action, data.Read)
	for _, change := range s.Changes {
		if change.Column == member {
			inGroup(of(s.t, data.Insert), change.Value) // see step.compile
		}
		references(change.Column, change.Value)
	}
	a := of(s.t)
	switch s.Op {
	case data.OpUpdateWhere, data.OpRemoveWhere:
		if groups, named := s.Where.Pinned(member); member >= 0 && named {
			for _, g := range groups {
				inGroup(a, data.TextValue(g))
			}
		} else {
			a.all = true
		}
	case data.OpUpsert:
		if where, args := d.sameOn(s, s.Rows[0]); where != "" {
			a.seek = append(a.seek, seek{where, args})
		}
	default:
		if s.Row.Type != data.Earlier {
			a.row(s.Row.N)
		} else if s.Row.N >= 0 && s.Row.N < int64(len(d.steps)) {
			for _, row := range d.steps[s.Row.N].Rows {
				if d.steps[s.Row.N].t == s.t && member >= 0 {
					inGroup(a, row[member])
				}
			}
		}
	}
	return as
}

func (a *asking) row(id int64) {
	a.seek = append(a.seek, seek{a.t.columns[0] + " = ?", []any{id}})
}

// lookUp asks about the groups of those rows that are not in the request itself, where groups matter.
func (d *request) lookUp(ctx context.Context, r *rights, as []*asking) error {
	matters := func(a *asking) bool { return len(a.seek) > 0 && r.groups[a.t] != nil && !r.groups[a.t].all }
	if !slices.ContainsFunc(as, matters) {
		return nil
	}
	err := d.ts.db.Read(ctx, func(tx *ReadTx) error {
		for _, a := range as {
			if !matters(a) {
				continue
			}
			for _, s := range a.seek {
				for row, err := range tx.Query("SELECT "+a.t.column(a.t.MemberOf)+" FROM "+a.t.name+" WHERE "+s.where, s.args...) {
					if err != nil {
						return err
					}
					a.groups = append(a.groups, row.Text(0))
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, a := range as {
		if matters(a) {
			for _, ask := range a.asks(nil) {
				if err := r.prepare(ctx, ask, 0); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// tests are what has to be asked of the rows of one step, nil for what need not be.
type tests struct {
	row      *probe // the row that stands there, and whether the caller may do with it what he wants, and read it
	rows     *query // the _id of those that he may read and change
	inserted *probe // the row fulfils the condition of the rule for inserting
	updated  *probe // the row after fulfils that for updates
	moved    *probe // the row may be in the group in which it is now
}

// compile makes the SQL of a step.
func (s *step) compile(r *rights) {
	s.test = tests{}
	if s.Op == data.OpSend {
		return
	}
	if s.Rows != nil {
		if g := r.grant(s.t, data.Insert); g.If != nil {
			s.test.inserted = newProbe(r, s.t, func(sc scope) { sc.where(g.If) })
		}
	}
	action := data.Update
	switch s.Op {
	case data.OpInsert, data.OpInsertMany:
		return
	case data.OpRemove, data.OpRemoveWhere:
		action = data.Remove
	}
	switch s.Op {
	case data.OpUpdateWhere, data.OpRemoveWhere:
		q := &query{}
		sc := scope{q, r, s.t, q.alias()}
		q.WriteString("SELECT " + s.t.columns[0] + " FROM " + s.t.name + " AS " + sc.alias + " WHERE ")
		sc.where(s.Where)
		for _, need := range []data.Action{data.Read, action} {
			if !r.everyRow(s.t, need) {
				q.WriteString(" AND ")
				sc.may(need)
			}
		}
		q.WriteString(" LIMIT ")
		q.bind(maxWhere + 1)
		s.test.rows = q
	default:
		s.test.row = newFind(r, s.t, action)
	}
	if action == data.Remove || r.caller.Owner {
		return
	}
	g := r.grant(s.t, data.Update)
	if g.Then != nil {
		s.test.updated = newProbe(r, s.t, func(sc scope) { sc.where(g.Then) })
	}
	// A rule for updates that goes by groups has to let a row's caller through in the group into which
	// he moves it as well. Where it goes by something else, such as the author, the rule for inserts
	// decides: to that group the row is a new one.
	member := s.t.Lookup(s.t.MemberOf)
	if slices.ContainsFunc(s.Changes, func(c data.Change) bool { return c.Column == member }) {
		by, condition := g, (*data.Where)(nil)
		if g.Kind != data.GroupRows {
			by = r.grant(s.t, data.Insert)
			condition = by.If
			if by.Kind == data.OwnRows { // as a new row it would be his own
				by.Kind = data.AllRows
			}
		}
		s.test.moved = newProbe(r, s.t, func(sc scope) { sc.granted(by, condition) })
	}
}

// belongs reports whether a grant for GroupRows is good for the rows of a group that was asked about.
func (r *rights) belongs(t *table, g data.Grant, group string) bool {
	known := r.groups[t]
	if known == nil || !wire.ValidID(group) {
		return false
	}
	i, ok := known.find(group)
	return ok && g.Enough(known.list[i].role, known.list[i].in)
}
