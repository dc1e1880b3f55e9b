package oracle_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

// aside is how long before a step the owner does something, in milliseconds.
const aside = 100

// disguise makes of the script's rows others that a caller must not be able to tell from them: rows that it
// never sees are other ones, there or not there, and columns that are hidden from it have other values. It returns
// nil when there is nothing to hide.
func (s *script) disguise(r *rand.Rand, peer string) []given {
	answers, seen := s.foresee(s.rows, peer, nil)
	rows, changed := s.rows, false
	for range 15 {
		i := r.IntN(len(rows))
		next := slices.Clone(rows)
		next[i] = s.another(r, rows, i, peer, seen[rowID(i+1)])
		if slices.Equal(next[i].values, rows[i].values) && next[i].missing == rows[i].missing {
			continue
		}
		after, sees := s.foresee(next, peer, nil)
		if slices.Equal(answers, after) && maps.Equal(seen, sees) {
			rows, changed = next, true
		} // else the caller may see the difference
	}
	if !changed {
		return nil
	}
	return rows
}

// intrigue makes up what the site's owner does in the other world alone, by step: it changes columns that are
// hidden from a caller, and changes and removes rows that it never sees.
func (s *script) intrigue(r *rand.Rand, rows []given, peer string) map[int]*request {
	answers, seen := s.foresee(rows, peer, nil)
	all, told := map[int]*request{}, s.told()
	for range 15 {
		k, i := r.IntN(len(s.steps)), r.IntN(len(rows))
		t, id := rows[i].table, rowID(i+1)
		q := &request{op: "update", table: t, row: id}
		for _, c := range t.columns {
			if (!seen[id] || c.hidden && !told[c.name]) && c.references == nil && !c.unique && chance(r, 60) {
				if v := fill(r, &c, nil); v != nil {
					q.values = append(q.values, pair{c.name, v})
				}
			}
		}
		if !seen[id] && chance(r, 30) {
			q = &request{op: "remove", table: t, row: id}
		} else if q.values == nil {
			continue
		}
		authors := t.access["update"].who == "author" || t.access["remove"].who == "author"
		if all[k] != nil || !seen[id] && authors && rows[i].owner == peer {
			continue
		}
		next := maps.Clone(all)
		next[k] = q
		after, sees := s.foresee(rows, peer, next)
		if slices.Equal(answers, after) && maps.Equal(seen, sees) {
			all = next
		}
	}
	return all
}

// told are the names of the columns that rules look at: what a rule decides tells of them, which is what the
// site's author wants.
func (s *script) told() map[string]bool {
	out := map[string]bool{}
	for _, t := range slices.Concat(s.site.tables, s.site.views) {
		for _, u := range t.access {
			for _, name := range append(u.cond.names(), u.then.names()...) {
				out[name[strings.LastIndexByte(name, '.')+1:]] = true
			}
		}
	}
	return out
}

// another makes another row of one: of one that is seen, only what is hidden is other. What a caller has written
// itself it knows of, where a rule for authors lets it be changed.
func (s *script) another(r *rand.Rand, rows []given, i int, peer string, seen bool) given {
	g := rows[i]
	ids := map[*table][]rowID{}
	for j := range i {
		if !rows[j].missing {
			ids[rows[j].table] = append(ids[rows[j].table], rowID(j+1))
		}
	}
	if !seen && chance(r, 30) {
		g.missing = !g.missing
	}
	if !seen && chance(r, 20) {
		g.owner = pick(r, callers...)
	}
	var values object
	told := s.told()
	for _, c := range g.table.columns {
		k := slices.IndexFunc(g.values, func(p pair) bool { return p.key == c.name })
		if (!seen || c.hidden && !told[c.name]) && chance(r, 60) {
			if v := fill(r, &c, ids); v != nil {
				values = append(values, pair{c.name, v})
			} else if c.required {
				g.missing = true
			}
		} else if k >= 0 {
			values = append(values, g.values[k])
		}
	}
	g.values = values
	authors := g.table.access["update"].who == "author" || g.table.access["remove"].who == "author"
	if !seen && authors && (g.owner == peer || rows[i].owner == peer) {
		return rows[i]
	}
	for _, c := range g.table.columns {
		if c.required && c.def == nil && !slices.ContainsFunc(values, func(p pair) bool { return p.key == c.name }) {
			g.missing = true
		}
	}
	// What leads to a row that is missing could not be inserted.
	for j, other := range rows {
		at := other
		if j == i {
			at = g
		}
		for _, p := range at.values {
			id, ok := p.value.(rowID)
			if !ok || at.missing || at.table.find(p.key).references == nil {
				continue
			}
			if target := int(id) - 1; target == i && g.missing || target != i && rows[target].missing {
				return rows[i]
			}
		}
	}
	// So could not what has a value that is taken.
	all := slices.Clone(rows)
	all[i] = g
	at := s.truth(all)
	for j := range all {
		if !all[j].missing && at.find(all[j].table, rowID(j+1)) == nil {
			return rows[i]
		}
	}
	return g
}

// foresee has the oracle do what one caller does in a script, and the owner does just before some steps. It returns what that gets, and which rows it can
// ever see.
func (s *script) foresee(rows []given, peer string, owner map[int]*request) (answers []string, seen map[rowID]bool) {
	at := s.truth(rows)
	seen = map[rowID]bool{}
	pages := map[string]*row{}
	var watches []*request
	look := func(now int64) {
		for _, t := range slices.Concat(s.site.tables, s.site.views) {
			for _, x := range at.visible(t, peer, now, nil) {
				seen[x.id] = true
			}
		}
		for _, q := range watches {
			a, _ := at.read(q, peer, now, nil)
			answers = append(answers, a.text())
		}
	}
	for i, st := range s.steps {
		now := int64(begin + i*second)
		look(now)
		if q := owner[i]; q != nil {
			at.change(q, callers[0], now-aside)
			look(now - aside)
		}
		switch q := st.ask; {
		case q == nil:
			at.members[st.group][st.who] = st.is
		case q.writes():
			answers = append(answers, at.change(q, peer, now).text())
		default:
			ask, name := *q, st.String()
			if q.op == "watch" {
				ask.op = "query"
				watches = append(watches, &ask)
			}
			var last *row
			if q.after {
				last = pages[name]
			}
			a, next := at.read(&ask, peer, now, last)
			pages[name] = next
			answers = append(answers, a.text())
		}
		look(now)
		for ms := now + 250; ms <= now+second/2; ms += 250 {
			look(ms)
		}
	}
	return answers, seen
}

func (a answer) text() string { return text(a.fields) + text(a.codes) }
