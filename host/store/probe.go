package store

import (
	"iter"

	"goop/shared/data"
)

// probe is a SELECT about one row, made before the transaction in which it runs.
type probe struct {
	q  *query
	id int // the place of the row's _id in the arguments
}

// newProbe asks whether a row is as a condition says.
func newProbe(r *rights, t *table, condition func(scope)) *probe {
	q := &query{}
	s := scope{q, r, t, q.alias()}
	q.WriteString("SELECT 1 FROM " + t.name + " AS " + s.alias + " WHERE ")
	p := &probe{q: q}
	s.column(0)
	q.WriteString(" = ")
	q.bind(int64(0))
	q.WriteString(" AND ")
	condition(s)
	return p
}

// newFind asks for a row, for whether an action is allowed on it, and for whether it may be read.
func newFind(r *rights, t *table, action data.Action) *probe {
	q := &query{}
	s := scope{q, r, t, q.alias()}
	q.WriteString("SELECT " + t.names(nil))
	for _, a := range []data.Action{action, data.Read} {
		q.WriteString(", ")
		if r.everyRow(t, a) {
			q.WriteString("1")
		} else {
			s.may(a)
		}
	}
	q.WriteString(" FROM " + t.name + " AS " + s.alias + " WHERE ")
	s.column(0)
	q.WriteString(" = ")
	p := &probe{q: q, id: len(q.args)}
	q.bind(int64(0))
	return p
}

// newTarget asks for the group of a row, and for whether it may be read.
func newTarget(r *rights, t *table) *probe {
	q := &query{}
	s := scope{q, r, t, q.alias()}
	q.WriteString("SELECT ")
	if t.MemberOf == "" {
		q.WriteString("NULL")
	} else {
		s.column(t.Lookup(t.MemberOf))
	}
	q.WriteString(", ")
	s.may(data.Read)
	q.WriteString(" FROM " + t.name + " AS " + s.alias + " WHERE ")
	s.column(0)
	q.WriteString(" = ")
	p := &probe{q: q, id: len(q.args)}
	q.bind(int64(0))
	return p
}

// rows runs the probe for a row, of which it yields one or nothing.
func (p *probe) rows(tx *Tx, id int64) iter.Seq2[Row, error] {
	p.q.args[p.id] = id
	return tx.run(p.q)
}

// holds reports whether a row is as a probe asks; nothing is asked by none.
func (p *probe) holds(tx *Tx, id int64) (is bool, err error) {
	if p == nil {
		return true, nil
	}
	for _, err := range p.rows(tx, id) {
		if err != nil {
			return false, err
		}
		is = true
	}
	return is, nil
}
