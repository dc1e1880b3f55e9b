package oracle_test

import (
	"cmp"
	"maps"
	"slices"
)

// truth is all that there is: rows, and who is in which group.
type truth struct {
	site    *site
	rows    map[*table][]*row // as they came about
	last    rowID
	members map[string]map[string]member // by group and peer
}

// member is what somebody is in a group.
type member struct {
	role string // "" for none
	in   bool   // has a role, or is in the roster
}

type row struct {
	table   *table
	id      rowID
	owner   string
	created int64
	updated int64
	values  map[string]any // what is missing is null
}

func (x *row) value(column string) any {
	switch column {
	case "_id":
		return x.id
	case "_owner":
		return x.owner
	case "_created_at":
		return x.created
	case "_updated_at":
		return x.updated
	}
	return x.values[column]
}

func (x *row) copy() *row {
	y := *x
	y.values = make(map[string]any, len(x.values))
	maps.Copy(y.values, x.values)
	return &y
}

// copy returns a truth that changes by itself.
func (at *truth) copy() *truth {
	next := *at
	next.rows = map[*table][]*row{}
	for t, rows := range at.rows {
		for _, x := range rows {
			next.rows[t] = append(next.rows[t], x.copy())
		}
	}
	return &next
}

// all returns the rows of a table or a view.
func (at *truth) all(t *table) []*row {
	if t.of == nil {
		return at.rows[t]
	}
	var out []*row
	for _, x := range at.rows[t.of] {
		if x.value(source(t.shows)) == nil {
			continue
		}
		y := &row{table: t, id: x.id, values: map[string]any{}}
		for _, c := range t.columns {
			y.values[c.name] = x.value(source(c.name))
		}
		out = append(out, y)
	}
	return out
}

// find returns a row, nil when there is none.
func (at *truth) find(t *table, id rowID) *row {
	for _, x := range at.all(t) {
		if x.id == id {
			return x
		}
	}
	return nil
}

var ranks = []string{"", "viewer", "member", "moderator", "owner"}

// standing reports whether a rule's who lets somebody through for a row, whatever its condition.
func (at *truth) standing(u rule, who string, x *row) bool {
	switch {
	case u.who == "none":
		return false
	case who == callers[0], u.who == "open":
		return true
	case u.who == "author":
		return x.owner == who
	case u.who == "owner", u.who == "":
		return false
	}
	id, ok := x.value(x.table.memberOf).(string)
	if !ok {
		return false
	}
	m := at.members[id][who]
	if u.who == "member" {
		return m.in
	}
	return slices.Index(ranks, m.role) >= slices.Index(ranks, u.who[len("role:"):])
}

// may reports whether somebody may do something with a row at a moment.
func (at *truth) may(action, who string, now int64, x *row) bool {
	u := x.table.access[action]
	if !at.standing(u, who, x) {
		return false
	}
	return who == callers[0] || u.cond == nil || scope{at, who, now, x}.holds(u.cond)
}

// never reports whether somebody may not do it with any row.
func (t *table) never(action, who string) bool {
	u := t.access[action]
	return u.who == "none" || who != callers[0] && (u.who == "owner" || u.who == "")
}

// visible returns the rows that somebody may read and for which a condition holds.
func (at *truth) visible(t *table, who string, now int64, where *cond) []*row {
	var out []*row
	for _, x := range at.all(t) {
		if at.may("read", who, now, x) && (where == nil || scope{at, who, now, x}.holds(where)) {
			out = append(out, x)
		}
	}
	return out
}

// request is what somebody asks for. The fields that an op does not have are not set.
type request struct {
	op      string
	table   *table
	row     any // a rowID, or earlier
	where   *cond
	order   []string
	limit   int // 0 for none
	offset  int
	columns []string
	after   bool // go on behind the page before
	values  object
	rows    []object
	on      []string
	by      []string
	compute []computed
	batch   []request
}

type computed struct{ name, function, column string }

// earlier stands for the row of an earlier operation of a batch.
type earlier int

// answer is what the oracle expects: the fields of an answer, or one of some refusals.
type answer struct {
	fields map[string]any
	codes  []string
}

func refuse(codes ...string) answer { return answer{codes: codes} }

// unknown returns a refusal when a request names a column that its caller may not know of.
func (q *request) unknown(who string) bool {
	names := slices.Clone(q.columns)
	for _, o := range q.order {
		if q.op != "aggregate" {
			names = append(names, trim(o))
		}
	}
	names = append(names, q.by...)
	names = append(names, q.on...)
	for _, c := range q.compute {
		if c.column != "" {
			names = append(names, c.column)
		}
	}
	for _, values := range append(slices.Clone(q.rows), q.values) {
		for _, p := range values {
			names = append(names, p.key)
		}
	}
	names = append(names, q.where.names()...)
	return slices.ContainsFunc(names, func(name string) bool {
		c := q.table.find(name)
		return c == nil || c.hidden && who != callers[0]
	})
}

// names are the columns that a condition of a request names.
func (w *cond) names() []string {
	if w == nil || w.left == "_search" {
		return nil
	}
	var out []string
	if w.op == "" {
		out = append(out, w.left)
	}
	for _, term := range w.terms {
		out = append(out, term.names()...)
	}
	return out
}

func trim(order string) string {
	if order[0] == '-' {
		return order[1:]
	}
	return order
}

// read answers query, get, count and aggregate. last is the last row of the page before.
func (at *truth) read(q *request, who string, now int64, last *row) (answer, *row) {
	if q.unknown(who) {
		codes := []string{"no_such_column"}
		if q.table.never("read", who) {
			codes = append(codes, "forbidden")
		}
		return refuse(codes...), nil
	}
	if q.table.never("read", who) {
		return refuse("forbidden"), nil
	}
	switch q.op {
	case "count":
		return answer{fields: map[string]any{"count": int64(len(at.visible(q.table, who, now, q.where)))}}, nil
	case "get":
		x := at.find(q.table, q.row.(rowID))
		if x == nil || !at.may("read", who, now, x) {
			return refuse("not_found"), nil
		}
		return answer{fields: map[string]any{"row": x.shown(who, q.columns)}}, nil
	case "aggregate":
		return answer{fields: map[string]any{"rows": at.aggregate(q, who, now)}}, nil
	}
	rows := at.visible(q.table, who, now, q.where)
	before := func(a, b *row) int {
		for _, o := range q.order {
			c := nullFirst(a.value(trim(o)), b.value(trim(o)))
			if o[0] == '-' {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return cmp.Compare(a.id, b.id)
	}
	slices.SortFunc(rows, before)
	if last != nil {
		rows = slices.DeleteFunc(rows, func(x *row) bool { return before(x, last) <= 0 })
	}
	rows = rows[min(q.offset, len(rows)):]
	limit := q.limit
	if limit == 0 {
		limit = 100
	}
	more := len(rows) > limit
	rows = rows[:min(limit, len(rows))]
	list := []any{}
	for _, x := range rows {
		list = append(list, x.shown(who, q.columns))
	}
	fields := map[string]any{"rows": list}
	if !more {
		return answer{fields: fields}, nil
	}
	fields["cursor"] = "…"
	return answer{fields: fields}, rows[len(rows)-1].copy()
}

// shown is a row as somebody gets it.
func (x *row) shown(who string, columns []string) map[string]any {
	out := map[string]any{"_id": x.id}
	for _, c := range x.table.known(who == callers[0]) {
		if columns == nil || slices.Contains(columns, c.name) {
			out[c.name] = x.value(c.name)
		}
	}
	return out
}

// aggregate returns the rows of numbers.
func (at *truth) aggregate(q *request, who string, now int64) []any {
	type set struct {
		key  []any
		rows []*row
	}
	var sets []*set
	if len(q.by) == 0 {
		sets = []*set{{}}
	}
	for _, x := range at.visible(q.table, who, now, q.where) {
		var key []any
		for _, name := range q.by {
			key = append(key, x.value(name))
		}
		i := slices.IndexFunc(sets, func(s *set) bool { return slices.Equal(s.key, key) })
		if i < 0 {
			sets, i = append(sets, &set{key: key}), len(sets)
		}
		sets[i].rows = append(sets[i].rows, x)
	}
	var out []map[string]any
	for _, s := range sets {
		m := map[string]any{}
		for i, name := range q.by {
			m[name] = s.key[i]
		}
		for _, c := range q.compute {
			m[c.name] = c.of(s.rows)
		}
		out = append(out, m)
	}
	slices.SortStableFunc(out, func(a, b map[string]any) int {
		for _, o := range append(slices.Clone(q.order), q.by...) {
			c := nullFirst(a[trim(o)], b[trim(o)])
			if o[0] == '-' {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return 0
	})
	list := []any{}
	for i, m := range out {
		if q.limit == 0 && i == 100 || q.limit > 0 && i == q.limit {
			break
		}
		list = append(list, m)
	}
	return list
}

// of computes one number over rows.
func (c computed) of(rows []*row) any {
	var values []any
	for _, x := range rows {
		if c.column == "" {
			values = append(values, true)
		} else if v := x.value(c.column); v != nil {
			values = append(values, v)
		}
	}
	if c.function == "count" {
		return int64(len(values))
	}
	if len(values) == 0 {
		return nil
	}
	switch c.function {
	case "min":
		return slices.MinFunc(values, order)
	case "max":
		return slices.MaxFunc(values, order)
	}
	var whole int64
	var broken float64
	for _, v := range values {
		switch v := v.(type) {
		case int64:
			whole += v
			broken += float64(v)
		case float64:
			broken += v
		}
	}
	if c.function == "avg" {
		return broken / float64(len(values))
	}
	if _, ok := values[0].(int64); ok {
		return whole
	}
	return broken
}
