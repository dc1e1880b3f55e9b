package oracle_test

import "slices"

// change does a request that writes: everything, or nothing when it is refused.
func (at *truth) change(q *request, who string, now int64) answer {
	w := &writing{truth: at.copy(), who: who, now: now}
	a := w.do(q)
	if a.codes == nil {
		*at = *w.truth
	}
	return a
}

// writing is a transaction.
type writing struct {
	*truth
	who   string
	now   int64
	added []rowID // by the operations of a batch; 0 where one added nothing
}

func (w *writing) owner() bool { return w.who == callers[0] }

func (w *writing) do(q *request) answer {
	switch q.op {
	case "batch":
		var results []any
		for i := range q.batch {
			w.added = append(w.added, 0)
			a := w.do(&q.batch[i])
			if a.codes != nil {
				for _, other := range q.batch { // what is wrong with any of them as it stands may be seen first
					a.codes = append(a.codes, w.check(other.table, other.values, other.op == "insert")...)
				}
				return a
			}
			results = append(results, a.fields)
		}
		return answer{fields: map[string]any{"results": results}}
	case "insert":
		x, codes := w.insert(q.table, q.values)
		if codes != nil {
			return refuse(codes...)
		}
		return answer{fields: map[string]any{"row": x.shown(w.who, nil)}}
	case "insertMany":
		list := []any{}
		var all []string // any row may be the one that is looked at first
		for _, values := range q.rows {
			x, codes := w.insert(q.table, values)
			all = append(all, codes...)
			if x != nil {
				list = append(list, x.shown(w.who, nil))
			}
		}
		if all != nil {
			return refuse(all...)
		}
		return answer{fields: map[string]any{"rows": list}}
	case "update", "increment":
		return w.one(q, "update")
	case "remove":
		return w.one(q, "remove")
	case "updateWhere", "removeWhere":
		return w.many(q)
	case "upsert":
		return w.upsert(q)
	}
	panic(q.op)
}

// resolve puts the row of an earlier operation in its place.
func (w *writing) resolve(v any) any {
	if n, ok := v.(earlier); ok {
		return w.added[n]
	}
	return v
}

// check returns why values may not be written, the new ones of a row or changes of one.
func (w *writing) check(t *table, values object, fresh bool) (codes []string) {
	for _, p := range values {
		c := t.find(p.key)
		switch {
		case c == nil || c.hidden && !w.owner():
			codes = append(codes, "no_such_column")
			continue
		case p.key[0] == '_', !w.owner() && (c.readonly == "always" || c.readonly == "update" && !fresh):
			codes = append(codes, "invalid_value")
			continue
		}
		if !c.takes(p.value) {
			codes = append(codes, "invalid_value")
		}
	}
	if fresh {
		for _, c := range t.columns {
			given := slices.ContainsFunc(values, func(p pair) bool { return p.key == c.name })
			if c.required && c.def == nil && !given {
				codes = append(codes, "invalid_value")
			}
		}
	}
	return codes
}

// dangles returns a refusal when a value leads to a row that is not there, or that one may not read.
func (w *writing) dangles(t *table, values object) (codes []string) {
	for _, p := range values {
		c := t.find(p.key)
		if id, ok := w.resolve(p.value).(rowID); ok && c != nil && c.references != nil {
			_, own := p.value.(earlier) // a row of one's own batch is known, while it is there
			if to := w.find(c.references, id); to == nil || !own && !w.may("read", w.who, w.now, to) {
				codes = append(codes, "invalid_value")
			}
		}
	}
	return codes
}

// takes reports whether a value fits a column.
func (c *column) takes(v any) bool {
	if v == nil {
		return !c.required
	}
	ok := false
	switch v.(type) {
	case string:
		ok = c.typ == "text"
	case int64:
		ok = c.typ == "integer" || c.typ == "time" || c.typ == "real"
	case float64:
		ok = c.typ == "real"
	case bool:
		ok = c.typ == "boolean"
	case rowID, earlier:
		return c.typ == "integer"
	}
	return ok && (c.least == nil || order(v, c.least) >= 0) && (c.most == nil || order(v, c.most) <= 0) &&
		(c.enum == nil || slices.Contains(c.enum, v))
}

// taken reports whether a row has a value that has to be its own, and another has it.
func (w *writing) taken(x *row) bool {
	var sets [][]string
	for _, c := range x.table.columns {
		if c.unique {
			sets = append(sets, []string{c.name})
		}
	}
	for _, set := range append(sets, x.table.unique...) {
		for _, other := range w.rows[x.table] {
			if other.id != x.id && same(x, other, set) {
				return true
			}
		}
	}
	return false
}

// same reports whether two rows have the same values, none of them null.
func same(a, b *row, columns []string) bool {
	for _, name := range columns {
		if v := a.value(name); v == nil || v != b.value(name) {
			return false
		}
	}
	return true
}

// insert adds a row, or says why not.
func (w *writing) insert(t *table, values object) (*row, []string) {
	codes := append(w.check(t, values, true), w.dangles(t, values)...)
	x := &row{table: t, id: w.last + 1, owner: w.who, created: w.now, updated: w.now, values: map[string]any{}}
	for _, c := range t.columns {
		if c.def != nil {
			x.values[c.name] = c.def
		}
	}
	for _, p := range values {
		if c := t.find(p.key); c != nil && p.key[0] != '_' && (c.takes(p.value) || p.value == nil) {
			x.values[p.key] = real(c, w.resolve(p.value))
		}
	}
	if t.never("insert", w.who) || !w.may("insert", w.who, w.now, x) {
		codes = append(codes, "forbidden")
	}
	if codes != nil {
		if w.taken(x) {
			codes = append(codes, "conflict")
		}
		return nil, codes
	}
	if w.taken(x) {
		return nil, []string{"conflict"}
	}
	w.last++
	w.rows[t] = append(w.rows[t], x)
	if n := len(w.added); n > 0 {
		w.added[n-1] = x.id
	}
	return x, nil
}

// real makes a number of a column of that type.
func real(c *column, v any) any {
	if n, ok := v.(int64); ok && c.typ == "real" {
		return float64(n)
	}
	return v
}

// one changes or removes one row.
func (w *writing) one(q *request, action string) answer {
	var codes []string
	id, ok := w.resolve(q.row).(rowID)
	x := w.find(q.table, id)
	if ok && x != nil && w.blind(action, x) {
		return w.own(q, x)
	}
	if !ok || x == nil || !w.may("read", w.who, w.now, x) {
		codes = append(codes, "not_found")
		if q.table.never(action, w.who) {
			codes = append(codes, "forbidden")
		}
		if action == "update" { // what is wrong with the request alone may be seen before
			codes = append(codes, w.check(q.table, q.values, false)...)
		}
		return refuse(codes...)
	}
	if action == "remove" {
		if !w.may("remove", w.who, w.now, x) {
			return refuse("forbidden")
		}
		w.remove(x)
		return answer{fields: map[string]any{"removed": int64(1)}}
	}
	if q.op == "increment" {
		codes = w.increment(q, x)
	} else {
		codes = w.update(x, q.values)
	}
	if codes != nil {
		return refuse(codes...)
	}
	return answer{fields: map[string]any{"row": x.shown(w.who, nil)}}
}

// blind reports whether somebody may change a row that it may not read: what it has written itself, where
// the rule is for authors.
func (w *writing) blind(action string, x *row) bool {
	return !w.may("read", w.who, w.now, x) && !w.owner() && x.table.access[action].who == "author" && w.may(action, w.who, w.now, x)
}

// own changes or removes such a row. The answer has no more of it than was said.
func (w *writing) own(q *request, x *row) answer {
	if q.op == "remove" {
		w.remove(x)
		return answer{fields: map[string]any{"removed": int64(1)}}
	}
	var codes, said []string
	if q.op == "increment" {
		codes = w.increment(q, x)
	} else {
		for _, p := range q.values {
			said = append(said, p.key)
		}
		codes = w.update(x, q.values)
	}
	if codes != nil {
		return refuse(codes...)
	}
	if said == nil {
		said = []string{}
	}
	return answer{fields: map[string]any{"row": x.shown(w.who, said)}}
}

// increment adds to columns.
func (w *writing) increment(q *request, x *row) []string {
	var values object
	for _, p := range q.values {
		c := q.table.find(p.key)
		if c == nil || c.hidden && !w.owner() {
			return append(w.check(q.table, q.values, false), "no_such_column")
		}
		if c.typ != "integer" && c.typ != "real" || c.references != nil || p.key[0] == '_' {
			return append(w.check(q.table, q.values, false), "invalid_value", "bad_query")
		}
		switch by := p.value.(type) {
		case int64:
			if before, ok := x.value(p.key).(float64); ok {
				values = append(values, pair{p.key, before + float64(by)})
			} else {
				before, _ := x.value(p.key).(int64)
				values = append(values, pair{p.key, before + by})
			}
		case float64:
			before, _ := x.value(p.key).(float64)
			values = append(values, pair{p.key, before + by})
		}
	}
	if codes := w.check(q.table, q.values, false); codes != nil {
		return codes
	}
	for _, p := range values {
		if !q.table.find(p.key).takes(p.value) { // which shows only when it is known what there is
			if !w.may("update", w.who, w.now, x) {
				return []string{"forbidden"}
			}
			return []string{"invalid_value"}
		}
	}
	return w.update(x, values)
}

// update changes a row that the caller may read, or says why not.
func (w *writing) update(x *row, values object) []string {
	t := x.table
	if codes := w.check(t, values, false); codes != nil {
		return codes
	}
	codes := w.dangles(t, values)
	u := t.access["update"]
	if !w.may("update", w.who, w.now, x) {
		codes = append(codes, "forbidden")
	}
	before := x.copy()
	for _, p := range values {
		if c := t.find(p.key); c != nil && p.key[0] != '_' {
			x.values[p.key] = real(c, w.resolve(p.value))
		}
	}
	if len(values) == 0 {
		return codes
	}
	if slices.ContainsFunc(values, func(p pair) bool { return !t.find(p.key).hidden }) {
		x.updated = w.now
	}
	if t.memberOf != "" && x.value(t.memberOf) != before.value(t.memberOf) && !w.owner() {
		// To another group: by the rule for updates where that goes by groups, else as a new row there.
		into, ok := u, false
		if u.who == "open" || u.who == "author" {
			into = t.access["insert"]
			ok = (into.who == "author" || w.standing(into, w.who, x)) && (into.cond == nil || scope{w.truth, w.who, w.now, x}.holds(into.cond))
		} else {
			ok = w.standing(into, w.who, x)
		}
		if !ok {
			codes = append(codes, "forbidden")
		}
	}
	then := u.then
	if then == nil {
		then = u.cond
	}
	if then != nil && !w.owner() && !(scope{w.truth, w.who, w.now, x}).holds(then) {
		codes = append(codes, "forbidden")
	}
	if w.taken(x) {
		codes = append(codes, "conflict")
	}
	if codes != nil {
		*x = *before
	}
	return codes
}

// remove removes a row, and does to those that lead to it what they are declared to do.
func (w *writing) remove(x *row) {
	w.rows[x.table] = slices.DeleteFunc(w.rows[x.table], func(y *row) bool { return y == x })
	for _, t := range w.site.tables {
		for _, c := range t.columns {
			if c.references != x.table {
				continue
			}
			for _, y := range slices.Clone(w.rows[t]) {
				switch {
				case y.values[c.name] != x.id:
				case c.onRemove == "cascade":
					w.remove(y)
				case c.onRemove == "clear":
					y.values[c.name] = nil
					if !c.hidden {
						y.updated = w.now
					}
				}
			}
		}
	}
}

// many changes or removes all rows that fit a condition and that the caller may change.
func (w *writing) many(q *request) answer {
	action := "update"
	if q.op == "removeWhere" {
		action = "remove"
	}
	if q.unknown(w.who) {
		codes := []string{"no_such_column"}
		if q.table.never("read", w.who) || q.table.never(action, w.who) {
			codes = append(codes, "forbidden")
		}
		return refuse(append(codes, w.check(q.table, q.values, false)...)...)
	}
	if q.table.never("read", w.who) || q.table.never(action, w.who) {
		return refuse(append(w.check(q.table, q.values, false), "forbidden")...)
	}
	rows := slices.DeleteFunc(w.visible(q.table, w.who, w.now, q.where), func(x *row) bool { return !w.may(action, w.who, w.now, x) })
	if action == "remove" {
		n := int64(0)
		for _, x := range rows {
			if w.find(x.table, x.id) != nil {
				w.remove(x)
				n++
			}
		}
		return answer{fields: map[string]any{"removed": n}}
	}
	if codes := w.check(q.table, q.values, false); codes != nil {
		return refuse(append(codes, "forbidden", "conflict")...)
	}
	for _, x := range rows {
		if codes := w.update(x, q.values); codes != nil {
			return refuse(append(codes, "conflict", "forbidden")...)
		}
	}
	return answer{fields: map[string]any{"updated": int64(len(rows))}}
}

// upsert changes the row that has the same values in some columns, or adds one.
func (w *writing) upsert(q *request) answer {
	if q.unknown(w.who) {
		return refuse(append(w.check(q.table, q.values, true), "no_such_column", "bad_query", "forbidden")...)
	}
	codes := w.check(q.table, q.values, true)
	probe := &row{table: q.table, owner: w.who, values: map[string]any{}}
	for _, c := range q.table.columns {
		probe.values[c.name] = c.def
	}
	for _, p := range q.values {
		probe.values[p.key] = w.resolve(p.value)
	}
	var found *row
	for _, x := range w.rows[q.table] {
		if same(probe, x, q.on) {
			found = x
		}
	}
	if found == nil {
		x, codes := w.insert(q.table, q.values)
		if codes != nil {
			return refuse(codes...)
		}
		return answer{fields: map[string]any{"row": x.shown(w.who, nil), "inserted": true}}
	}
	blind := w.blind("update", found)
	switch readable := blind || w.may("read", w.who, w.now, found); {
	case !readable: // it is as if one inserted, but for the value that is taken
		_, codes = w.insert(q.table, q.values)
		codes = append(codes, "conflict")
		if q.table.never("update", w.who) {
			codes = append(codes, "forbidden")
		}
	default:
		// What is as it was is not written.
		values := slices.DeleteFunc(slices.Clone(q.values), func(p pair) bool {
			c := q.table.find(p.key)
			return slices.Contains(q.on, p.key) || real(c, w.resolve(p.value)) == found.value(p.key)
		})
		codes = append(w.update(found, values), codes...)
		if codes != nil {
			codes = append(codes, "forbidden")
		}
	}
	if codes != nil {
		return refuse(codes...)
	}
	var said []string
	if blind {
		said = []string{}
		for _, p := range q.values {
			if !slices.Contains(q.on, p.key) {
				said = append(said, p.key)
			}
		}
	}
	return answer{fields: map[string]any{"row": found.shown(w.who, said), "inserted": false}}
}
