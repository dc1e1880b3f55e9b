package store

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"goop/shared/data"
)

// Pages follow on each other without a gap or a row twice, in every order and over nulls, and are together
// what one query without pages gives.
func TestPagesTogetherAreTheWhole(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	w := newWorld(t, mixed)
	all := w.fill(rng, 120)
	for range 120 {
		var order []string
		for _, i := range rng.Perm(6)[:rng.IntN(4)] {
			order = append(order, `"`+pickOne(rng, []string{"", "-"})+[]string{"s", "i", "r", "b", "at", "_id"}[i]+`"`)
		}
		fields := `"order":[` + strings.Join(order, ",") + `],"limit":` + fmt.Sprint(1+rng.IntN(20))
		if rng.IntN(2) == 0 {
			fields += `,"where":` + someWhere(rng, 3)
		}
		if rng.IntN(2) == 0 {
			fields += `,"columns":["j"]`
		}
		whole := w.query("t", fields)
		whole.Limit = data.MaxRows
		want := joined(whole.Select(slices.Clone(all)))
		got, cursor := "", ""
		for pages := 0; ; pages++ {
			more := fields
			if cursor != "" {
				more += `,"after":"` + cursor + `"`
			}
			page, err := w.tables.Query(t.Context(), anna, w.query("t", more))
			if err != nil || pages > 130 {
				t.Fatalf("%s: page %d: %v", fields, pages, err)
			}
			got += joined(page.Rows)
			if cursor = page.Cursor; cursor == "" {
				break
			}
		}
		if got != want {
			t.Fatalf("%s: got\n%swant\n%s", fields, got, want)
		}
	}
}

// plan returns how SQLite would find a query's rows.
func (w *world) plan(q *query) string {
	w.t.Helper()
	var plan []string
	err := w.db.Read(w.t.Context(), func(tx *ReadTx) error {
		for row, err := range tx.Query("EXPLAIN QUERY PLAN "+q.String(), q.bound(1)...) {
			if err != nil {
				return err
			}
			plan = append(plan, row.Text(3))
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return strings.Join(plan, "; ")
}

// What is done most is found by an index, and needs no sorting where an index has the order.
func TestHotPathsUseIndexes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `"t":{"columns":{"g":{"type":"text"},"i":{"type":"integer","required":true},"n":{"type":"integer"}},
		"indexes":[["i"],["n"]],"memberOf":"g","access":{"read":"member","insert":"open"}},
		"mine":{"columns":{"i":{"type":"integer"}},"access":{"read":"author","insert":"open"}},
		"leads":{"columns":{"t":{"type":"integer","references":"t"}},"access":{"read":{"who":"open","if":{"t.i":1}}}}`)
	w.members.set("anna", "g1", "member", true)
	w.mustInsert(owner, "t", `{"g":"g1","i":1}`)
	member, mine := w.db.users.get("t"), w.db.users.get("mine")
	annas := func(t *table, fields string, after ...data.Value) *query {
		q := w.query(t.Name, fields)
		q.After = after
		r, err := w.tables.readRights(w.t.Context(), t, anna, q.Where)
		if err != nil {
			w.t.Fatal(err)
		}
		return selectRows(t, q, r)
	}
	r, err := w.tables.rights(t.Context(), owner)
	if err != nil {
		t.Fatal(err)
	}
	one := data.IntegerValue(1)
	ownersQuery := func(fields string, after ...data.Value) *query {
		q := w.query("t", fields)
		q.After = after
		return selectRows(member, q, r)
	}
	for _, tt := range []struct {
		name string
		q    *query
		want string
	}{
		{"a row by its id", selectRow(member, member.every, one, r), "SEARCH t0 USING INTEGER PRIMARY KEY (rowid=?)"},
		{"the author's rows", annas(mine, ""), `SEARCH t0 USING INDEX _ix.mine._owner (_owner=?)`},
		{"the rows of one's groups", annas(member, `"order":["g"]`), `SEARCH t0 USING INDEX _ix.t.g (g=?)`},
		{"a row that is referenced", annas(w.db.users.get("leads"), ""), "SCAN t0; CORRELATED SCALAR SUBQUERY 2; SEARCH t1 USING INTEGER PRIMARY KEY (rowid=?)"},
		{"by id, behind a row", ownersQuery(`"limit":10`, one), "SEARCH t0 USING INTEGER PRIMARY KEY (rowid>?)"},
		{"by id falling, behind a row", ownersQuery(`"order":["-_id"]`, one, one), "SEARCH t0 USING INTEGER PRIMARY KEY (rowid<?)"},
		{"by a column, behind a row", ownersQuery(`"order":["i"]`, one, one), "SEARCH t0 USING INDEX _ix.t.i (i>?)"},
		{"by a column falling, behind a row", ownersQuery(`"order":["-i","-_id"]`, one, one, one), "SEARCH t0 USING INDEX _ix.t.i (i<?)"},
		{"by a column with nulls falling, behind a row", ownersQuery(`"order":["-n","-_id"]`, one, one, one), "SEARCH t0 USING INDEX _ix.t.n (n<?)"},
	} {
		plan := w.plan(tt.q)
		if !strings.HasPrefix(plan, tt.want) || strings.Contains(plan, "TEMP B-TREE") {
			t.Errorf("%s: got %q, want %q", tt.name, plan, tt.want)
		}
	}
}
