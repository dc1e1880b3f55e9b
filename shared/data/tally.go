package data

import "slices"

// Select works out an aggregate of rows that are not in a database, each with its values as the table's
// Columns stand. It changes the order of rows.
func (a *Aggregate) Select(rows [][]Value) []Row {
	if a.Where != nil {
		rows = slices.DeleteFunc(rows, func(r []Value) bool { return !a.Where.Match(r, nil) })
	}
	groups := map[string]*tally{}
	var all []*tally
	if len(a.By) == 0 {
		all = []*tally{a.tally(nil)}
		groups[""] = all[0]
	}
	for _, row := range rows {
		by := make([]Value, len(a.By))
		var key []byte
		for i, c := range a.By {
			by[i] = row[c]
			key = append(row[c].Append(key), 0)
		}
		g := groups[string(key)]
		if g == nil {
			g = a.tally(by)
			groups[string(key)], all = g, append(all, g)
		}
		g.add(a, row)
	}
	results := make([][]Value, len(all))
	for i, g := range all {
		results[i] = g.values(a)
	}
	slices.SortFunc(results, func(x, y []Value) int {
		for _, o := range a.Order {
			if c := compareNull(x[o.Column], y[o.Column]); c != 0 {
				if o.Down {
					return -c
				}
				return c
			}
		}
		return slices.CompareFunc(x[:len(a.By)], y[:len(a.By)], compareNull)
	})
	results = results[:min(a.Limit, len(results))]
	out := make([]Row, len(results))
	for i, values := range results {
		out[i] = a.Row(values)
	}
	return out
}

// tally is one group of rows.
type tally struct {
	by    []Value
	seen  []int64 // for each number: rows, or values that are not null
	value []Value // so far, of sum, min and max; the sum, as a real, of avg
}

func (a *Aggregate) tally(by []Value) *tally {
	return &tally{by, make([]int64, len(a.Compute)), make([]Value, len(a.Compute))}
}

func (g *tally) add(a *Aggregate, row []Value) {
	for i := range a.Compute {
		c := &a.Compute[i]
		if c.Column < 0 {
			g.seen[i]++
			continue
		}
		v := row[c.Column]
		if v.IsNull() {
			continue
		}
		g.seen[i]++
		now := &g.value[i]
		switch {
		case c.Func == Mean:
			now.Type = Real
			now.F += v.F + float64(v.N)
		case c.Func == Sum:
			now.Type = v.Type
			now.N += v.N
			now.F += v.F
		case now.IsNull(), c.Func == Least && compare(v, *now) < 0, c.Func == Most && compare(v, *now) > 0:
			*now = v
		}
	}
}

// values returns what By and Compute come to.
func (g *tally) values(a *Aggregate) []Value {
	out := slices.Clone(g.by)
	for i := range a.Compute {
		v := g.value[i]
		switch {
		case a.Compute[i].Func == Count:
			v = IntegerValue(g.seen[i])
		case a.Compute[i].Func == Mean && g.seen[i] > 0:
			v.F /= float64(g.seen[i])
		}
		out = append(out, v)
	}
	return out
}
