package oracle_test

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"unicode"
)

// cond is a condition of a rule or a query.
type cond struct {
	op    string // "and", "or", "not", or "" for a comparison
	terms []*cond
	left  string // a column, a dotted path to one, a variable, or _search
	test  string
	right any // a value, a variable, or a list
}

// variable is what the host knows.
type variable string

// rowID names a row: it is the number in the order in which rows come about, in either world. 0 is a row that
// never was.
type rowID int64

// MarshalJSON implements json.Marshaler.
func (w *cond) MarshalJSON() ([]byte, error) {
	switch w.op {
	case "and", "or":
		terms := w.terms
		if terms == nil {
			terms = []*cond{}
		}
		return json.Marshal(map[string]any{w.op: terms})
	case "not":
		return json.Marshal(map[string]any{"not": w.terms[0]})
	}
	if w.left == "_search" {
		return json.Marshal(map[string]any{w.left: w.right})
	}
	return json.Marshal(map[string]any{w.left: map[string]any{w.test: w.right}})
}

// words are what texts are made of.
var words = []string{"red", "Blue", "green", "rédacted", "deep", "deeper"}

// callers are all who ask; the first is the site's owner.
var callers = []string{"olga", "mara", "milo", "mina", "sven"}

// someValue makes up a value for a column, now and then null.
func someValue(r *rand.Rand, c *column, ids []rowID) any {
	switch {
	case c.references != nil || c.typ == "id":
		if len(ids) == 0 || chance(r, 10) {
			return rowID(0)
		}
		return pick(r, ids...)
	case c.name == "_owner":
		return pick(r, callers...)
	case c.name == "g":
		return pick(r, "g1", "g2", "g3")
	case c.name == "w":
		return pick(r, words...) + " " + pick(r, words...)
	}
	switch c.typ {
	case "text":
		return pick(r, "x", "y", "Xy", "xyz", "")
	case "integer":
		if c.unique {
			return int64(r.IntN(200))
		}
		return int64(r.IntN(5))
	case "real":
		return float64(r.IntN(8)) / 2
	case "boolean":
		return chance(r, 50)
	case "time", "moment":
		return epoch + int64(r.IntN(80))*1000 + pick(r, int64(0), 250)
	}
	panic(c.typ)
}

// newCond makes up a condition on the columns of a table. One of a rule may have variables and follow
// references; all says whether it may have hidden columns.
func newCond(r *rand.Rand, t *table, depth int, ofRule, all bool) *cond {
	return condOver(r, t, depth, ofRule, all, nil)
}

func condOver(r *rand.Rand, t *table, depth int, ofRule, all bool, ids map[*table][]rowID) *cond {
	if depth > 0 && chance(r, 45) {
		w := &cond{op: pick(r, "and", "or", "or", "not")}
		n := 1
		if w.op != "not" {
			n = r.IntN(3) + 1
			if chance(r, 4) {
				n = 0
			}
		}
		for range n {
			w.terms = append(w.terms, condOver(r, t, depth-1, ofRule, all, ids))
		}
		return w
	}
	if !ofRule && len(t.search) > 0 && chance(r, 20) {
		return &cond{left: "_search", right: pick(r, "red", "de", "blue GREEN", "redacted", "deep red", "zzz", `"a* OR`)}
	}
	if ofRule && chance(r, 12) {
		if t.memberOf != "" && chance(r, 70) {
			return compareWith(r, &column{name: "$role", typ: "name"}, "$role", true, false, nil, pick(r, "owner", "moderator", "member", "viewer"))
		}
		if chance(r, 50) {
			return compareWith(r, &column{name: "$me", typ: "name"}, "$me", true, false, nil, pick(r, callers...))
		}
		return compareWith(r, &column{name: "$now", typ: "time"}, "$now", true, false, nil, someValue(r, &column{typ: "time"}, nil))
	}
	at, path := t, ""
	for ofRule && chance(r, 40) && strings.Count(path, ".") < 3 {
		var refs []column
		for _, c := range at.columns {
			if c.references != nil {
				refs = append(refs, c)
			}
		}
		if refs == nil {
			break
		}
		c := pick(r, refs...)
		path += c.name + "."
		at = c.references
	}
	c := pick(r, at.known(all)...)
	if t.of != nil && ofRule && c.typ == "time" {
		c.typ = "moment" // which is looked at once a second in a view
	}
	return compareWith(r, &c, path+c.name, ofRule, ofRule && t.memberOf != "", ids[at], nil)
}

// compareWith makes up a comparison of what is on the left.
func compareWith(r *rand.Rand, c *column, left string, ofRule, roles bool, ids []rowID, value any) *cond {
	w := &cond{left: left}
	isRow := c.references != nil || c.typ == "id"
	some := func() any {
		if value != nil {
			return value
		}
		return someValue(r, c, ids)
	}
	tests := []string{"=", "=", "!=", "null"}
	if c.typ != "boolean" && c.typ != "name" && !isRow {
		tests = append(tests, "<", "<=", ">", ">=")
	}
	if c.typ == "text" {
		tests = append(tests, "like", "contains")
	}
	if !ofRule || !isRow { // a rule cannot know a row
		tests = append(tests, "in")
	}
	switch w.test = pick(r, tests...); w.test {
	case "null":
		w.right = chance(r, 50)
	case "in":
		list := []any{}
		for range r.IntN(4) {
			if chance(r, 10) {
				list = append(list, nil)
			} else {
				list = append(list, some())
			}
		}
		w.right = list
	case "like":
		w.right = pick(r, "x%", "%y", "_", "X_", "%", "g_", "m%", `\%`)
	case "contains":
		w.right = pick(r, "x", "y", "", "X", "1", "ed")
	default:
		switch {
		case ofRule && c.typ == "time" && chance(r, 60) && left != "$now":
			w.right = variable("$now")
		case ofRule && c.typ == "text" && chance(r, 30) && c.name[0] != '$':
			w.right = variable("$me")
			if roles && chance(r, 30) {
				w.right = variable("$role")
			}
		case (w.test == "=" || w.test == "!=") && chance(r, 8):
			w.right = nil
		case ofRule && isRow:
			w.right = nil
		default:
			w.right = some()
		}
	}
	return w
}

// scope is what a condition is true for.
type scope struct {
	at  *truth
	who string
	now int64
	row *row
}

// holds goes over a condition for one row.
func (s scope) holds(w *cond) bool {
	switch w.op {
	case "and":
		for _, term := range w.terms {
			if !s.holds(term) {
				return false
			}
		}
		return true
	case "or":
		return slices.ContainsFunc(w.terms, s.holds)
	case "not":
		return !s.holds(w.terms[0])
	}
	if w.left == "_search" {
		return s.finds(w.right.(string))
	}
	left, right := s.value(w.left), w.right
	if v, ok := right.(variable); ok {
		right = s.value(string(v))
		if right == nil { // the caller has no role: it is like nothing
			return w.test == "!=" && left != nil
		}
	}
	switch w.test {
	case "null":
		return (left == nil) == right.(bool)
	case "=":
		if right == nil {
			return left == nil
		}
		return left != nil && order(left, right) == 0
	case "!=":
		if right == nil {
			return left != nil
		}
		return left == nil || order(left, right) != 0
	case "in":
		for _, v := range right.([]any) {
			if v == nil && left == nil || v != nil && left != nil && order(left, v) == 0 {
				return true
			}
		}
		return false
	}
	if left == nil {
		return false
	}
	switch w.test {
	case "<":
		return order(left, right) < 0
	case "<=":
		return order(left, right) <= 0
	case ">":
		return order(left, right) > 0
	case ">=":
		return order(left, right) >= 0
	case "contains":
		return strings.Contains(left.(string), right.(string))
	case "like":
		return like([]rune(left.(string)), []rune(right.(string)))
	}
	panic(w.test)
}

// value is what a name on the left stands for, nil for nothing.
func (s scope) value(name string) any {
	switch name {
	case "$me":
		return s.who
	case "$now":
		return s.now
	case "$role":
		if id, ok := s.row.value(s.row.table.memberOf).(string); ok {
			if m := s.at.members[id][s.who]; m.role != "" {
				return m.role
			}
		}
		return nil
	}
	column, rest, dotted := strings.Cut(name, ".")
	v := s.row.value(column)
	if !dotted {
		return v
	}
	id, ok := v.(rowID)
	if !ok {
		return nil
	}
	next := s.at.find(s.row.table.find(column).references, id)
	if next == nil || !s.at.may("read", s.who, s.now, next) {
		return nil
	}
	return scope{s.at, s.who, s.now, next}.value(rest)
}

// order compares two values that are of one kind and not null.
func order(a, b any) int {
	number := func(v any) float64 {
		switch v := v.(type) {
		case int64:
			return float64(v)
		case float64:
			return v
		case rowID:
			return float64(v)
		case bool:
			if v {
				return 1
			}
			return 0
		}
		panic(v)
	}
	if s, ok := a.(string); ok {
		return strings.Compare(s, b.(string))
	}
	x, y := number(a), number(b)
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

// nullFirst orders values of which some are null.
func nullFirst(a, b any) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	}
	return order(a, b)
}

// like tries every way to match.
func like(s, pattern []rune) bool {
	if len(pattern) == 0 {
		return len(s) == 0
	}
	switch c := pattern[0]; c {
	case '%':
		for i := range len(s) + 1 {
			if like(s[i:], pattern[1:]) {
				return true
			}
		}
		return false
	case '\\':
		pattern = pattern[1:]
	case '_':
		return len(s) > 0 && like(s[1:], pattern[1:])
	}
	return len(s) > 0 && strings.EqualFold(string(s[0]), string(pattern[0])) && like(s[1:], pattern[1:])
}

// finds reports whether all words of a text begin a word of the row's.
func (s scope) finds(text string) bool {
	var have []string
	for _, column := range s.row.table.search {
		if v, ok := s.row.value(column).(string); ok {
			have = append(have, split(v)...)
		}
	}
	for _, want := range split(text) {
		if !slices.ContainsFunc(have, func(word string) bool { return strings.HasPrefix(word, want) }) {
			return false
		}
	}
	return true
}

// split returns the words of a text, without case and accents.
func split(text string) []string {
	text = strings.NewReplacer("é", "e").Replace(strings.ToLower(text))
	return strings.FieldsFunc(text, func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) })
}
