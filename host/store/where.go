package store

import (
	"strconv"
	"strings"

	"goop/shared/data"
)

// query is SQL text in the making and what is bound to it. Nothing that came from a member is in the
// text: a condition's columns are those of the schema, and its values are bound.
type query struct {
	strings.Builder
	args    []any
	timed   bool     // the text has $now, which is bound when the query runs
	aliases int      // given out
	tables  []string // that are read, some more than once
	view    bool     // the text has SQL of the site's author
}

// mode tells on whose behalf the query is made.
func (q *query) mode() mode {
	if q.view {
		return author
	}
	return member
}

// param is a value that is bound to a name in the text; all others are bound in the order in which the
// question marks stand.
type param struct {
	name  string
	value any
}

// nowParam is the moment at which a query runs.
const nowParam = "$now"

// bind writes a parameter.
func (q *query) bind(v any) {
	q.WriteByte('?')
	q.args = append(q.args, v)
}

// now writes the moment at which the query will run.
func (q *query) now() {
	q.WriteString(nowParam)
	q.timed = true
}

// bound returns the arguments of the query for the moment at which it runs, in milliseconds.
func (q *query) bound(now int64) []any {
	if !q.timed {
		return q.args
	}
	return append(q.args[:len(q.args):len(q.args)], param{nowParam, now})
}

// alias returns a name for a table that no other in the query has.
func (q *query) alias() string {
	q.aliases++
	return "t" + strconv.Itoa(q.aliases-1)
}

// scope writes conditions on the rows of a table into a query, in which the table has an alias.
type scope struct {
	q     *query
	r     *rights // nil for conditions that have nothing of the caller's
	t     *table
	alias string
}

// column writes a column's name.
func (s scope) column(i int) {
	s.q.WriteString(s.alias)
	s.q.WriteByte('.')
	s.q.WriteString(s.t.columns[i])
}

// where writes a condition, in parentheses. SQL's comparisons with NULL are neither true nor false,
// which is as good as false in a WHERE, and within AND and OR there; NOT is where it matters.
func (s scope) where(w *data.Where) {
	q := s.q
	q.WriteByte('(')
	defer q.WriteByte(')')
	switch w.Test {
	case data.And, data.Or:
		s.list(w)
	case data.Not:
		s.where(w.Terms[0])
		q.WriteString(" IS NOT 1")
	case data.Search:
		s.search(w)
	case data.Null:
		s.left(w)
		if w.IsNull {
			q.WriteString(" IS NULL")
		} else {
			q.WriteString(" IS NOT NULL")
		}
	case data.In:
		s.in(w)
	case data.Like:
		s.call("goop_like(", w)
	case data.Contains:
		s.call("goop_contains(", w)
	default:
		s.left(w)
		q.WriteString(comparisons[w.Test])
		s.right(w)
	}
}

var comparisons = map[data.Test]string{
	data.Equal:    " = ",
	data.NotEqual: " IS NOT ",
	data.Less:     " < ",
	data.AtMost:   " <= ",
	data.Greater:  " > ",
	data.AtLeast:  " >= ",
}

func (s scope) list(w *data.Where) {
	if len(w.Terms) == 0 { // all of none are true, and none of none; TRUE could be the name of a column
		if w.Test == data.And {
			s.q.WriteString("1")
		} else {
			s.q.WriteString("0")
		}
	}
	for i, term := range w.Terms {
		switch {
		case i == 0:
		case w.Test == data.And:
			s.q.WriteString(" AND ")
		default:
			s.q.WriteString(" OR ")
		}
		s.where(term)
	}
}

func (s scope) call(function string, w *data.Where) {
	s.q.WriteString(function)
	s.left(w)
	s.q.WriteString(", ")
	s.right(w)
	s.q.WriteByte(')')
}

func (s scope) in(w *data.Where) {
	s.left(w)
	s.q.WriteString(" IN (")
	for i, v := range w.Values {
		if i > 0 {
			s.q.WriteString(", ")
		}
		s.q.bind(arg(v))
	}
	s.q.WriteByte(')')
	if w.IsNull {
		s.q.WriteString(" OR ")
		s.left(w)
		s.q.WriteString(" IS NULL")
	}
}

// left writes what a comparison compares.
func (s scope) left(w *data.Where) {
	if w.Var != "" {
		s.variable(w.Var)
		return
	}
	s.follow(w.Via, w.Column)
}

// right writes with what it is compared.
func (s scope) right(w *data.Where) {
	if w.Against != "" {
		s.variable(w.Against)
		return
	}
	s.q.bind(arg(w.Value))
}

// follow writes a column of the row to which references lead. A row that the caller may not read is none,
// and nothing is what its columns hold.
func (s scope) follow(via []data.Ref, column int) {
	if len(via) == 0 {
		s.column(column)
		return
	}
	q := s.q
	next := scope{q, s.r, s.r.ts.db.users.get(via[0].Table.Name), q.alias()}
	q.tables = append(q.tables, next.t.Name)
	q.WriteString("(SELECT ")
	next.follow(via[1:], column)
	q.WriteString(" FROM " + next.t.name + " AS " + next.alias + " WHERE ")
	next.column(0)
	q.WriteString(" = ")
	s.column(via[0].Column)
	if !s.r.everyRow(next.t, data.Read) {
		q.WriteString(" AND ")
		next.may(data.Read)
	}
	q.WriteByte(')')
}

// variable writes a value that depends on the caller or the moment.
func (s scope) variable(v data.Var) {
	switch v {
	case data.Me:
		s.q.bind(s.r.caller.Peer)
	case data.Now:
		s.q.now()
	case data.MyRole:
		s.role()
	default:
		s.q.WriteString("NULL")
	}
}
