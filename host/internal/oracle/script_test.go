package oracle_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

// The clock of a script: rows are there a moment after epoch, and the steps begin at begin, one a second.
const (
	epoch  = 1767225600000 // milliseconds: 2026
	second = 1000
	begin  = epoch + 5*second
)

// allOps are those of the steps.
var allOps = []string{"query", "get", "count", "aggregate", "watch", "insert", "insertMany", "update", "updateWhere",
	"remove", "removeWhere", "upsert", "increment", "batch"}

// script is a site, who is in which group, rows, and what is done with them.
type script struct {
	site    *site
	members map[string]map[string]member // at first
	rows    []given
	steps   []step
}

// given is a row that is there before the first step. It may be missing, and is counted all the same.
type given struct {
	table   *table
	owner   string
	values  object
	missing bool
}

func (g given) equal(other given) bool {
	return g.missing == other.missing && g.owner == other.owner && slices.Equal(g.values, other.values)
}

// step is something that happens: a request, or somebody who is something else in a group from now on.
type step struct {
	who   string
	ask   *request
	group string
	is    member
}

// newScript makes up a script, in which one caller makes all requests when it is not "".
func newScript(seed uint64, steps int, only string) *script {
	r := rand.New(rand.NewPCG(seed, 1))
	s := &script{site: newSite(r), members: map[string]map[string]member{}}
	for _, id := range []string{"g1", "g2", "g3"} {
		s.members[id] = map[string]member{}
		for _, who := range callers {
			s.members[id][who] = newMember(r)
		}
	}
	ids := map[*table][]rowID{}
	for i := range 14 + r.IntN(20) {
		g := given{table: pick(r, s.site.tables...), owner: pick(r, callers...), missing: chance(r, 8)}
		for _, c := range g.table.columns {
			if v := fill(r, &c, ids); v != nil {
				g.values = append(g.values, pair{c.name, v})
			} else if c.required {
				g.missing = true // there is nothing yet to which it could lead
			}
		}
		s.rows = append(s.rows, g)
		if at := s.truth(s.rows); at.find(g.table, rowID(i+1)) != nil {
			ids[g.table] = append(ids[g.table], rowID(i+1))
		} else {
			s.rows[i].missing = true
		}
	}
	at := s.truth(s.rows)
	watches := 0
	for i := range steps {
		now := int64(begin + i*second)
		if chance(r, 10) {
			st := step{who: pick(r, callers[1:]...), group: pick(r, "g1", "g2", "g3"), is: newMember(r)}
			at.members[st.group][st.who] = st.is
			s.steps = append(s.steps, st)
			continue
		}
		st := step{who: pick(r, callers...)}
		if only != "" {
			st.who = only
		}
		st.ask = newRequest(r, at, st.who)
		if st.ask.op == "query" && watches < 8 && chance(r, 35) {
			watches++
			st.ask.op, st.ask.after = "watch", false
		}
		if st.ask.writes() {
			at.change(st.ask, st.who, now)
		}
		s.steps = append(s.steps, st)
	}
	return s
}

func newMember(r *rand.Rand) member {
	m := member{role: pick(r, "", "", "viewer", "member", "moderator", "owner")}
	m.in = m.role != "" || chance(r, 30)
	return m
}

// truth returns what there is at first, with some rows.
func (s *script) truth(rows []given) *truth {
	at := &truth{site: s.site, rows: map[*table][]*row{}, members: map[string]map[string]member{}}
	for id, who := range s.members {
		at.members[id] = map[string]member{}
		maps.Copy(at.members[id], who)
	}
	w := &writing{truth: at}
	for i, g := range rows {
		at.last++
		at.rows[g.table] = slices.Clone(at.rows[g.table])
		now := givenAt(i)
		x := &row{table: g.table, id: at.last, owner: g.owner, created: now, updated: now, values: map[string]any{}}
		for _, c := range g.table.columns {
			x.values[c.name] = c.def
		}
		for _, p := range g.values {
			x.values[p.key] = p.value
		}
		if !g.missing && !w.taken(x) {
			at.rows[g.table] = append(at.rows[g.table], x)
		}
	}
	return at
}

// givenAt is when a row of the beginning is inserted.
func givenAt(i int) int64 { return epoch + int64(i+1)*10 }

// fill makes up a value that a column takes, nil for none.
func fill(r *rand.Rand, c *column, ids map[*table][]rowID) any {
	switch {
	case !c.required && chance(r, 15):
		return nil
	case c.references != nil:
		if len(ids[c.references]) == 0 {
			return nil
		}
		return pick(r, ids[c.references]...)
	case c.enum != nil:
		return pick(r, c.enum...)
	}
	return someValue(r, c, nil)
}

func (q *request) writes() bool {
	switch q.op {
	case "query", "get", "count", "aggregate", "watch":
		return false
	}
	return true
}

// newRequest makes up what somebody asks for, mostly something that it may.
func newRequest(r *rand.Rand, at *truth, who string) *request {
	t := pick(r, at.site.tables...)
	ids := map[*table][]rowID{}
	for u, rows := range at.rows {
		for _, x := range rows {
			ids[u] = append(ids[u], x.id)
		}
	}
	op := pick(r, "query", "query", "query", "query", "count", "get", "aggregate", "insert", "insert", "update", "update", "remove",
		"insertMany", "updateWhere", "removeWhere", "upsert", "upsert", "increment", "batch", "batch")
	if reads := []string{"query", "count", "get", "aggregate"}; slices.Contains(reads, op) && len(at.site.views) > 0 && chance(r, 25) {
		t = pick(r, at.site.views...)
		ids[t] = ids[t.of]
	}
	switch op {
	case "query":
		q := &request{op: op, table: t, where: newWhere(r, t, who, ids), after: chance(r, 40)}
		names := orderable(t, who)
		for range r.IntN(3) {
			if name := pick(r, names...); !slices.ContainsFunc(q.order, func(o string) bool { return trim(o) == name }) {
				q.order = append(q.order, pick(r, "", "-")+name)
			}
		}
		if chance(r, 70) {
			q.limit = 1 + r.IntN(4)
		}
		if !q.after && chance(r, 20) {
			q.offset = r.IntN(4)
		}
		if chance(r, 30) {
			q.columns = []string{pick(r, visibleNames(r, t, who)...), pick(r, visibleNames(r, t, who)...)}
		}
		return q
	case "count":
		return &request{op: op, table: t, where: newWhere(r, t, who, ids)}
	case "aggregate":
		return newAggregate(r, t, who, ids)
	case "insertMany":
		q := &request{op: op, table: t}
		for range 1 + r.IntN(3) {
			q.rows = append(q.rows, newValues(r, t, who, ids))
		}
		return q
	case "updateWhere":
		return &request{op: op, table: t, where: orAll(newWhere(r, t, who, ids)), values: newChanges(r, t, who, ids)}
	case "removeWhere":
		return &request{op: op, table: t, where: orAll(newWhere(r, t, who, ids))}
	case "upsert":
		if q := newUpsert(r, t, who, ids); q != nil {
			return q
		}
		return newWrite(r, "insert", t, who, ids)
	case "batch":
		q := &request{op: op, table: t}
		for range 2 + r.IntN(2) {
			one := newWrite(r, pick(r, "insert", "insert", "update", "remove", "increment"), pick(r, at.site.tables...), who, ids)
			for j := range q.batch {
				for k, p := range one.values {
					if c := one.table.find(p.key); c != nil && c.references != nil && c.references == q.batch[j].table && q.batch[j].op == "insert" && chance(r, 50) {
						one.values[k].value = earlier(j)
					}
				}
				if one.row != nil && q.batch[j].op == "insert" && q.batch[j].table == one.table && chance(r, 50) {
					one.row = earlier(j)
				}
			}
			q.batch = append(q.batch, *one)
		}
		return q
	default:
		return newWrite(r, op, t, who, ids)
	}
}

func newWrite(r *rand.Rand, op string, t *table, who string, ids map[*table][]rowID) *request {
	q := &request{op: op, table: t}
	if op == "insert" {
		q.values = newValues(r, t, who, ids)
		return q
	}
	q.row = rowID(0)
	if len(ids[t]) > 0 && !chance(r, 5) {
		q.row = pick(r, ids[t]...)
	}
	switch op {
	case "get":
		if chance(r, 30) {
			q.columns = []string{pick(r, visibleNames(r, t, who)...)}
		}
	case "update":
		q.values = newChanges(r, t, who, ids)
	case "increment":
		for _, c := range t.columns {
			if (c.typ == "integer" || c.typ == "real") && c.references == nil && (chance(r, 50) || q.values == nil) && (!c.hidden || who == callers[0] || chance(r, 10)) {
				if q.values = append(q.values, pair{c.name, int64(1 + r.IntN(2))}); c.typ == "real" {
					q.values[len(q.values)-1].value = 0.5
				}
			}
		}
		if q.values == nil {
			return newWrite(r, "remove", t, who, ids)
		}
	}
	return q
}

// newWhere makes up a condition of a request; nil for none.
func newWhere(r *rand.Rand, t *table, who string, ids map[*table][]rowID) *cond {
	if chance(r, 25) {
		return nil
	}
	return condOver(r, t, 2, false, who == callers[0] || chance(r, 8), ids)
}

func orAll(w *cond) *cond {
	if w == nil {
		return &cond{op: "and"}
	}
	return w
}

// visibleNames are columns that somebody may name, and now and then one that not.
func visibleNames(r *rand.Rand, t *table, who string) []string {
	var out []string
	for _, c := range t.known(who == callers[0] || chance(r, 6)) {
		out = append(out, c.name)
	}
	if chance(r, 3) {
		out = []string{"zz"}
	}
	return out
}

func orderable(t *table, who string) []string {
	var out []string
	for _, c := range t.known(who == callers[0]) {
		out = append(out, c.name)
	}
	return out
}

// newValues makes up a row.
func newValues(r *rand.Rand, t *table, who string, ids map[*table][]rowID) object {
	values := object{}
	for _, c := range t.columns {
		settable := who == callers[0] || !c.hidden && c.readonly != "always"
		if !settable && !chance(r, 3) || !c.required && chance(r, 30) {
			continue
		}
		values = append(values, pair{c.name, spoil(r, &c, fill(r, &c, ids))})
	}
	return values
}

// newChanges makes up new values for some columns.
func newChanges(r *rand.Rand, t *table, who string, ids map[*table][]rowID) object {
	var may []column
	for _, c := range t.columns {
		if who == callers[0] || c.readonly == "" && !c.hidden || chance(r, 5) {
			may = append(may, c)
		}
	}
	values := object{}
	for range 1 + r.IntN(2) {
		if len(may) == 0 {
			break
		}
		c := pick(r, may...)
		if !slices.ContainsFunc(values, func(p pair) bool { return p.key == c.name }) {
			values = append(values, pair{c.name, spoil(r, &c, fill(r, &c, ids))})
		}
	}
	return values
}

// spoil makes a value wrong, now and then.
func spoil(r *rand.Rand, c *column, v any) any {
	switch {
	case v == rowID(0), !chance(r, 4):
		return v
	case c.references != nil:
		return rowID(0)
	case c.typ == "text":
		return int64(7)
	}
	return "wrong"
}

func newUpsert(r *rand.Rand, t *table, who string, ids map[*table][]rowID) *request {
	var sets [][]string
	for _, c := range t.columns {
		if c.unique {
			sets = append(sets, []string{c.name})
		}
	}
	if sets = append(sets, t.unique...); sets == nil {
		return nil
	}
	q := &request{op: "upsert", table: t, on: pick(r, sets...), values: object{}}
	for _, p := range newValues(r, t, who, ids) {
		// What can be set once only is another matter in a row that is there.
		if c := t.find(p.key); c.readonly != "update" && !(c.references == nil && c.typ == "real" && p.value == "wrong") {
			q.values = append(q.values, p)
		}
	}
	return q
}

func newAggregate(r *rand.Rand, t *table, who string, ids map[*table][]rowID) *request {
	q := &request{op: "aggregate", table: t, where: newWhere(r, t, who, ids)}
	for range r.IntN(3) {
		if name := pick(r, visibleNames(r, t, who)...); !slices.Contains(q.by, name) {
			q.by = append(q.by, name)
		}
	}
	for i := range 1 + r.IntN(3) {
		c := computed{name: fmt.Sprint("c", i), function: "count"}
		if chance(r, 70) {
			c.column = pick(r, visibleNames(r, t, who)...)
			of := t.find(c.column)
			if of != nil && of.references == nil && of.typ != "id" {
				functions := []string{"count"}
				if of.typ == "integer" || of.typ == "real" {
					functions = append(functions, "sum", "avg", "min", "max")
				}
				if of.typ == "text" || of.typ == "time" {
					functions = append(functions, "min", "max")
				}
				c.function = pick(r, functions...)
			}
		}
		q.compute = append(q.compute, c)
	}
	names := slices.Clone(q.by)
	for _, c := range q.compute {
		names = append(names, c.name)
	}
	if chance(r, 60) {
		q.order = []string{pick(r, "", "-") + pick(r, names...)}
	}
	if chance(r, 30) {
		q.limit = 1 + r.IntN(3)
	}
	return q
}

// fields returns the request as the protocol has it, but for its id and key, with "#7#" for row 7.
func (q *request) fields() object {
	o := object{{"op", q.op}}
	add := func(key string, v any, when bool) {
		if when {
			o = append(o, pair{key, v})
		}
	}
	if q.op == "batch" {
		var list []object
		for i := range q.batch {
			list = append(list, q.batch[i].fields())
		}
		return append(o, pair{"operations", list})
	}
	add("table", q.table.name, true)
	add("row", q.row, q.row != nil)
	add("where", q.where, q.where != nil)
	add("order", q.order, q.order != nil)
	add("limit", q.limit, q.limit > 0)
	add("offset", q.offset, q.offset > 0)
	add("columns", q.columns, q.columns != nil)
	add("values", q.values, q.values != nil)
	add("rows", q.rows, q.rows != nil)
	add("on", q.on, q.on != nil)
	add("by", q.by, q.by != nil)
	if q.compute != nil {
		var compute object
		for _, c := range q.compute {
			if c.column == "" {
				compute = append(compute, pair{c.name, c.function})
			} else {
				compute = append(compute, pair{c.name, object{{c.function, c.column}}})
			}
		}
		add("compute", compute, true)
	}
	return o
}

// MarshalJSON implements json.Marshaler.
func (id rowID) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, `"#%d#"`, id), nil }

// MarshalJSON implements json.Marshaler.
func (n earlier) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, `{"$row":%d}`, n), nil }

// upTo is what a failure prints: what there is, and the first steps.
func (s *script) upTo(steps int) string {
	var b strings.Builder
	fmt.Fprintln(&b, s.site.text(false))
	for id, who := range s.members {
		fmt.Fprintf(&b, "%s: %+v\n", id, who)
	}
	for i, g := range s.rows {
		if !g.missing {
			fmt.Fprintln(&b, g.describe(i))
		}
	}
	for i, st := range s.steps[:steps] {
		fmt.Fprintf(&b, "%d: %s\n", i, st)
	}
	return b.String()
}

func (g given) describe(i int) string {
	raw, err := json.Marshal(g.values)
	must(err)
	return fmt.Sprintf("#%d %s of %s: %s", i+1, g.table.name, g.owner, raw)
}

func (st step) String() string {
	if st.ask == nil {
		return fmt.Sprintf("%s is %+v in %s", st.who, st.is, st.group)
	}
	raw, err := json.Marshal(st.ask.fields())
	must(err)
	if st.ask.after {
		raw = append(raw, " after the page before"...)
	}
	return st.who + " " + string(raw)
}
