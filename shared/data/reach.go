package data

import (
	"slices"
	"strconv"
	"strings"
)

// reach is how far a rule goes: it is asked together with the rules for reading the rows that it refers to.
type reach struct {
	comparisons int
	follows     int // references, one behind the other
}

// reach checks that no rule refers to itself by way of others, and that all of them stay within bounds:
// each is made one condition for the database.
func (p *siteParser) reach() error {
	asked := map[*Table]bool{}
	for _, u := range p.unread {
		if circle := circleFrom(u.table, nil, asked); circle != nil {
			return p.circle(circle)
		}
	}
	known := map[*Table]reach{}
	for _, u := range p.unread {
		for _, action := range []Action{Read, Insert, Update, Remove} {
			rule, path, part := u.table.Access.Rule(action), u.path+".access."+string(action), member(u.access, string(action))
			if u.table.View != nil {
				path, part = u.path+".read", u.access
			}
			for _, w := range []*Where{rule.If, rule.Then} {
				switch r := w.reach(known); {
				case r.comparisons > maxRule:
					return p.fail(part, path, "expected at most ", strconv.Itoa(maxRule),
						" comparisons, together with those of the rules for reading the rows that it refers to")
				case r.follows > maxFollow:
					return p.fail(part, path, "expected at most ", strconv.Itoa(maxFollow),
						" references one behind the other, together with those of the rules for reading the rows that it refers to")
				}
			}
		}
	}
	return nil
}

// circle makes the error about tables whose rules for reading lead from the first to itself.
func (p *siteParser) circle(circle []*Table) error {
	first := p.unread[slices.IndexFunc(p.unread, func(u unread) bool { return u.table == circle[0] })]
	path, part := first.path+".access.read.if", find(first.access, "read", "if")
	if first.table.View != nil {
		path, part = first.path+".read.if", member(first.access, "if")
	}
	var way strings.Builder
	way.WriteString(circle[0].Name)
	for _, t := range append(circle[1:], circle[0]) {
		way.WriteString(" → " + t.Name)
	}
	return p.fail(part, path, "expected a condition that does not come back to where it is asked, since a reference is followed to rows alone that may be read: ", way.String())
}

// circleFrom returns tables whose rules for reading lead from the first to itself, as far as t's leads to
// them. It asks about no table twice.
func circleFrom(t *Table, way []*Table, asked map[*Table]bool) []*Table {
	if i := slices.Index(way, t); i >= 0 {
		return way[i:]
	}
	if asked[t] {
		return nil
	}
	way = append(way, t)
	for w := range t.Access.Read.If.comparisons() {
		for _, ref := range w.Via {
			if circle := circleFrom(ref.Table, way, asked); circle != nil {
				return circle
			}
		}
	}
	asked[t] = true
	return nil
}

// reach works out how far a condition goes, once there is no circle; known has what was found before.
func (w *Where) reach(known map[*Table]reach) (sum reach) {
	for w := range w.comparisons() {
		sum.comparisons++
		follows := len(w.Via)
		for _, ref := range w.Via {
			of, ok := known[ref.Table]
			if !ok {
				of = ref.Table.Access.Read.If.reach(known)
				known[ref.Table] = of
			}
			sum.comparisons = min(sum.comparisons+1+of.comparisons, maxRule+1)
			follows = max(follows, len(w.Via)+of.follows)
		}
		sum.follows = max(sum.follows, follows)
	}
	return sum
}
