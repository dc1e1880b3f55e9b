package data

import (
	"slices"
	"strings"
	"unicode/utf8"

	"goop/shared/wire"
)

// Env is what a condition of a rule depends on beside the row.
type Env struct {
	Me   wire.PeerID
	Role func(group string) wire.Role // the caller's role in a group, "" for none
	Now  int64                        // milliseconds
	// Follow returns the values of a row, as the table's Columns stand; nil when there is none, or none
	// that the caller may read.
	Follow func(t *Table, id int64) []Value
}

// Match reports whether the condition is true for a row, whose values stand as the table's Columns do. env
// may be nil for a condition that is not a rule's.
func (w *Where) Match(row []Value, env *Env) bool {
	switch w.Test {
	case And:
		for _, t := range w.Terms {
			if !t.Match(row, env) {
				return false
			}
		}
		return true
	case Or:
		return slices.ContainsFunc(w.Terms, func(t *Where) bool { return t.Match(row, env) })
	case Not:
		return !w.Terms[0].Match(row, env)
	case Search:
		return w.found(row)
	}
	v, x := w.subject(row, env), w.Value
	if w.Against != "" {
		x = w.variable(w.Against, row, env)
	}
	switch w.Test {
	case Null:
		return v.IsNull() == w.IsNull
	case NotEqual:
		return compareNull(v, x) != 0
	}
	if v.IsNull() {
		return w.Test == In && w.IsNull
	}
	if x.IsNull() && w.Test != In { // whoever has no role is equal to nothing
		return false
	}
	switch w.Test {
	case Equal:
		return compare(v, x) == 0
	case Less:
		return compare(v, x) < 0
	case AtMost:
		return compare(v, x) <= 0
	case Greater:
		return compare(v, x) > 0
	case AtLeast:
		return compare(v, x) >= 0
	case In:
		return slices.ContainsFunc(w.Values, func(x Value) bool { return compare(v, x) == 0 })
	case Like:
		return IsLike(v.S, x.S)
	case Contains:
		return strings.Contains(v.S, x.S)
	}
	return false
}

// subject returns what a comparison is about.
func (w *Where) subject(row []Value, env *Env) Value {
	if w.Var != "" {
		return w.variable(w.Var, row, env)
	}
	for _, ref := range w.Via {
		id := row[ref.Column]
		if id.IsNull() {
			return Value{}
		}
		if row = env.Follow(ref.Table, id.N); row == nil {
			return Value{}
		}
	}
	return row[w.Column]
}

func (w *Where) variable(v Var, row []Value, env *Env) Value {
	switch v {
	case Me:
		return TextValue(string(env.Me))
	case Now:
		return TimeValue(env.Now)
	}
	return textUnlessEmpty(string(env.Role(row[w.group].S)))
}

// Pinned returns the only texts that a column can have where the condition is true, if it says so. A nil
// condition says nothing.
func (w *Where) Pinned(column int) (values []string, ok bool) {
	switch {
	case w == nil || w.Var != "" || w.Against != "" || w.Via != nil:
	case w.Test == And:
		for _, term := range w.Terms {
			if values, ok := term.Pinned(column); ok {
				return values, true
			}
		}
	case w.Column != column:
	case w.Test == Equal:
		return []string{w.Value.S}, true
	case w.Test == In: // whether null is in the list too does not matter: such a row is nobody's
		for _, v := range w.Values {
			values = append(values, v.S)
		}
		return values, true
	}
	return nil, false
}

// IsLike matches a text with a pattern of the test Like: letters of ASCII match in either case. It goes
// back to the last % alone, so that no pattern takes long.
func IsLike(s, pattern string) bool {
	var restP, restS string
	restart := false
	for {
		if strings.HasPrefix(pattern, "%") {
			pattern = pattern[1:]
			restP, restS, restart = pattern, s, true
			continue
		}
		if pattern == "" && s == "" {
			return true
		}
		if n, ok := likeOne(pattern, s); ok {
			_, size := utf8.DecodeRuneInString(s)
			pattern, s = pattern[n:], s[size:]
			continue
		}
		if !restart || restS == "" {
			return false
		}
		_, size := utf8.DecodeRuneInString(restS)
		restS = restS[size:]
		pattern, s = restP, restS
	}
}

// likeOne matches the first character of s with the pattern's first item, which is no %, and returns
// the item's length.
func likeOne(pattern, s string) (int, bool) {
	if pattern == "" || s == "" {
		return 0, false
	}
	if pattern[0] == '_' {
		return 1, true
	}
	skip := 0
	if pattern[0] == '\\' {
		skip = 1
	}
	p, n := utf8.DecodeRuneInString(pattern[skip:])
	r, _ := utf8.DecodeRuneInString(s)
	if p == r || p < utf8.RuneSelf && r < utf8.RuneSelf && lower(byte(p)) == lower(byte(r)) {
		return skip + n, true
	}
	return 0, false
}

// Select does the query on rows that are not in a database, each with its values as the table's Columns
// stand. It changes the order of rows.
func (q *Query) Select(rows [][]Value) []Row { return q.Page(rows).Rows }

// Page is Select with the cursor of what comes behind.
func (q *Query) Page(rows [][]Value) Page {
	rows = q.filter(rows)
	slices.SortStableFunc(rows, func(a, b []Value) int { return q.compare(q.place(a), q.place(b)) })
	if q.After != nil {
		behind := func(row []Value) bool { return q.compare(q.place(row), q.After) > 0 }
		from := slices.IndexFunc(rows, behind)
		if from < 0 {
			from = len(rows)
		}
		rows = rows[from:]
	}
	rows = rows[min(q.Offset, len(rows)):]
	more := len(rows) > q.Limit
	rows = rows[:min(q.Limit, len(rows))]
	page := Page{Rows: make([]Row, len(rows))}
	for i, r := range rows {
		page.Rows[i] = q.Table.Row(q.Columns, pick(r, q.Columns))
	}
	if more {
		page.Cursor = q.Cursor(q.place(rows[len(rows)-1]))
	}
	return page
}

// place returns what decides where a row comes in the order: the values that a cursor is made of.
func (q *Query) place(row []Value) []Value {
	out := make([]Value, 0, len(q.Order)+1)
	for _, o := range q.Order {
		out = append(out, row[o.Column])
	}
	return append(out, row[0])
}

// compare orders the places of two rows.
func (q *Query) compare(a, b []Value) int {
	for i, o := range q.Order {
		if c := compareNull(a[i], b[i]); c != 0 {
			if o.Down {
				return -c
			}
			return c
		}
	}
	return compareNull(a[len(q.Order)], b[len(q.Order)])
}

// Count returns how many rows the query's condition is true for.
func (q *Query) Count(rows [][]Value) int { return len(q.filter(rows)) }

func (q *Query) filter(rows [][]Value) [][]Value {
	if q.Where == nil {
		return rows
	}
	return slices.DeleteFunc(rows, func(r []Value) bool { return !q.Where.Match(r, nil) })
}

func pick(row []Value, columns []int) []Value {
	if columns == nil {
		return row
	}
	out := make([]Value, len(columns))
	for i, c := range columns {
		out[i] = row[c]
	}
	return out
}

// compareNull orders two values, null before all others.
func compareNull(a, b Value) int {
	switch {
	case a.IsNull() && b.IsNull():
		return 0
	case a.IsNull():
		return -1
	case b.IsNull():
		return 1
	}
	return compare(a, b)
}
