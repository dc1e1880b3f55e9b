package data

import (
	"iter"
	"slices"
)

// Needs is what the truth of a condition depends on beside the row that it is about, for somebody who is
// not the site's owner.
type Needs struct {
	Me     bool // who it is
	Groups bool // his role in groups, and in whose rosters he is
	Now    bool // the moment
	// Tables are those of the rows that are referred to, and that those rows' rules for reading refer to.
	Tables []*Table
	// Moments are the columns, and Instants the milliseconds, that $now is compared with.
	Moments  []Moment
	Instants []int64
}

// Moment is a column of type time. What a condition says of it may change when the clock comes to its value,
// and once more in the millisecond after.
type Moment struct {
	Table  *Table
	Column int
}

// Needs returns what a grant for a table depends on.
func (g Grant) Needs(t *Table) Needs {
	var n Needs
	n.grant(g, t)
	return n
}

// Needs returns what a condition on a table depends on.
func (w *Where) Needs(t *Table) Needs {
	var n Needs
	n.where(w, t)
	return n
}

func (n *Needs) grant(g Grant, t *Table) {
	n.Me = n.Me || g.Kind == OwnRows
	n.Groups = n.Groups || g.Kind == GroupRows
	n.where(g.If, t)
	n.where(g.Then, t)
}

func (n *Needs) where(w *Where, t *Table) {
	for w := range w.comparisons() {
		n.Me = n.Me || w.Has(Me)
		n.Groups = n.Groups || w.Has(MyRole)
		end := t
		for _, ref := range w.Via {
			end = ref.Table
			n.table(end)
		}
		if !w.Has(Now) {
			continue
		}
		n.Now = true
		if m := (Moment{end, w.Column}); w.Against == Now && !slices.Contains(n.Moments, m) {
			n.Moments = append(n.Moments, m)
		}
		if w.Var != Now {
			continue
		}
		for _, v := range slices.Concat(w.Values, []Value{w.Value}) {
			if !v.IsNull() && !slices.Contains(n.Instants, v.N) {
				n.Instants = append(n.Instants, v.N)
			}
		}
	}
}

// table adds what reading rows of a table depends on.
func (n *Needs) table(t *Table) {
	if slices.Contains(n.Tables, t) {
		return
	}
	n.Tables = append(n.Tables, t)
	r := t.Access.Read
	n.Me = n.Me || r.Who == Author
	n.Groups = n.Groups || r.needsGroup()
	n.where(r.If, t)
}

// Has reports whether the condition itself, not what it refers to, has to do with a variable. A nil one has
// nothing to do with any.
func (w *Where) Has(v Var) bool {
	for w := range w.comparisons() {
		if w.Var == v || w.Against == v {
			return true
		}
	}
	return false
}

// Follows reports whether the condition refers to other rows.
func (w *Where) Follows() bool {
	for w := range w.comparisons() {
		if w.Via != nil {
			return true
		}
	}
	return false
}

// Split takes a condition apart into the parts, all of which have to be true, that f is true for, and the
// others. What has no part is nil, which is always true.
func (w *Where) Split(f func(part *Where) bool) (with, without *Where) {
	var yes, no []*Where
	for part := range w.parts() {
		if f(part) {
			yes = append(yes, part)
		} else {
			no = append(no, part)
		}
	}
	return All(yes...), All(no...)
}

// All returns the condition that all of others are true, some of which may be nil; nil when there is none.
func All(others ...*Where) *Where {
	all := &Where{Test: And, Terms: slices.DeleteFunc(slices.Clone(others), func(w *Where) bool { return w == nil })}
	switch len(all.Terms) {
	case 0:
		return nil
	case 1:
		return all.Terms[0]
	}
	return all
}

// parts yields what has to be true together.
func (w *Where) parts() iter.Seq[*Where] {
	return func(yield func(*Where) bool) { w.walk(And, yield) }
}

// comparisons yields all that are in a condition, which may be nil.
func (w *Where) comparisons() iter.Seq[*Where] {
	return func(yield func(*Where) bool) { w.walk("", yield) }
}

// walk goes through and yields what has no terms; into those of another test than only it does not go,
// unless that is "".
func (w *Where) walk(only Test, yield func(*Where) bool) bool {
	if w == nil {
		return true
	}
	if only == "" && w.Test != And && w.Test != Or && w.Test != Not || only != "" && w.Test != only {
		return yield(w)
	}
	for _, term := range w.Terms {
		if !term.walk(only, yield) {
			return false
		}
	}
	return true
}
