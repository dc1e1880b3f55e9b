package store

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"goop/shared/data"
)

const mixed = `"t":{"columns":{"s":{"type":"text"},"i":{"type":"integer"},"r":{"type":"real"},"b":{"type":"boolean"},
	"j":{"type":"json"},"x":{"type":"blob"},"at":{"type":"time"}},"indexes":[["i"],["s","i"]],"access":{"read":"open","insert":"open"}}`

// somewhere are values of each column, few enough that random conditions meet them.
var somewhere = map[string][]string{
	"s":  {`""`, `"a"`, `"A"`, `"ab"`, `"%"`, `"_"`, `"\\"`, `"Ä"`, `"ä"`, `"a\nb"`, `"😀"`},
	"i":  {`-1`, `0`, `1`, `2`, `9007199254740991`},
	"r":  {`-0.5`, `0`, `1`, `1e300`},
	"b":  {`true`, `false`},
	"x":  {`""`, `"AA=="`, `"/w=="`},
	"at": {`0`, `1000`},
}

var patterns = []string{`"%"`, `"_"`, `"a%"`, `"%b"`, `"\\%"`, `"\\\\"`, `"%a%"`, `"__"`, `"Ä"`, `"ä%"`, `"A\nb"`, `""`}

func pickOne(rng *rand.Rand, list []string) string { return list[rng.IntN(len(list))] }

// someWhere makes a random condition that is valid.
func someWhere(rng *rand.Rand, depth int) string {
	var parts []string
	for range rng.IntN(3) + rng.IntN(2) {
		switch n := rng.IntN(10); {
		case n < 4 && depth < 5:
			word := pickOne(rng, []string{"and", "or", "not"})
			if strings.Contains(strings.Join(parts, ""), `"`+word+`":`) {
				continue
			}
			inner := someWhere(rng, depth+1)
			if word != "not" {
				var list []string
				for range rng.IntN(4) {
					list = append(list, someWhere(rng, depth+1))
				}
				inner = "[" + strings.Join(list, ",") + "]"
			}
			parts = append(parts, `"`+word+`":`+inner)
		default:
			column := pickOne(rng, []string{"s", "i", "r", "b", "x", "at"})
			if strings.Contains(strings.Join(parts, ""), `"`+column+`":`) {
				continue
			}
			parts = append(parts, `"`+column+`":`+someTest(rng, column))
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func someTest(rng *rand.Rand, column string) string {
	v := func() string {
		if rng.IntN(8) == 0 {
			return "null"
		}
		return pickOne(rng, somewhere[column])
	}
	switch rng.IntN(5) {
	case 0:
		return v()
	case 1:
		return `{"` + pickOne(rng, []string{"=", "!="}) + `":` + v() + `}`
	case 2:
		var list []string
		for range rng.IntN(4) {
			list = append(list, v())
		}
		return `{"in":[` + strings.Join(list, ",") + `]}`
	case 3:
		return `{"null":` + pickOne(rng, []string{"true", "false"}) + `}`
	}
	switch column {
	case "b", "x":
		return `{"!=":` + v() + `}`
	case "s":
		if rng.IntN(2) == 0 {
			return `{"` + pickOne(rng, []string{"like", "contains"}) + `":` + pickOne(rng, patterns) + `}`
		}
	}
	return `{"` + pickOne(rng, []string{"<", "<="}) + `":` + pickOne(rng, somewhere[column]) + `,"` +
		pickOne(rng, []string{">", ">="}) + `":` + pickOne(rng, somewhere[column]) + `}`
}

// fill inserts rows with random values and returns them as data.Query.Select takes them.
func (w *world) fill(rng *rand.Rand, n int) [][]data.Value {
	var all [][]data.Value
	table := w.table("t")
	for range n {
		var parts []string
		for column, values := range somewhere {
			if rng.IntN(4) > 0 {
				parts = append(parts, `"`+column+`":`+pickOne(rng, values))
			}
		}
		values := "{" + strings.Join(parts, ",") + "}"
		row, err := table.NewRow([]byte(values))
		if err != nil {
			w.t.Fatal(err)
		}
		// What SQLite has stored is what counts; these columns are the host's.
		stored, err := w.insert(anna, "t", values)
		if err != nil {
			w.t.Fatal(err)
		}
		var host struct {
			ID      int64 `json:"_id"`
			Created int64 `json:"_created_at"`
			Updated int64 `json:"_updated_at"`
		}
		if err := json.Unmarshal([]byte(stored), &host); err != nil {
			w.t.Fatal(err)
		}
		row[0] = data.IntegerValue(host.ID)
		row[table.Lookup(data.OwnerColumn)] = data.TextValue("anna")
		row[table.Lookup(data.CreatedColumn)] = data.TimeValue(host.Created)
		row[table.Lookup(data.UpdatedColumn)] = data.TimeValue(host.Updated)
		all = append(all, row)
	}
	return all
}

// SQLite and the matcher in memory have to agree about every condition and order.
func TestSQLAgreesWithMatch(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	w := newWorld(t, mixed)
	all := w.fill(rng, 60)
	rounds, some := 1500, 0
	if testing.Short() {
		rounds = 300
	}
	for range rounds {
		fields := `"where":` + someWhere(rng, 1)
		if rng.IntN(2) == 0 {
			fields += `,"limit":` + fmt.Sprint(1+rng.IntN(30)) + `,"offset":` + fmt.Sprint(rng.IntN(20))
		}
		var order []string
		for _, i := range rng.Perm(5)[:rng.IntN(4)] {
			order = append(order, `"`+pickOne(rng, []string{"", "-"})+[]string{"s", "i", "r", "b", "_id"}[i]+`"`)
		}
		fields += `,"order":[` + strings.Join(order, ",") + `]`
		q := w.query("t", fields)
		want := q.Select(append([][]data.Value(nil), all...))
		got, err := w.tables.Query(t.Context(), anna, q)
		if err != nil {
			t.Fatalf("%s: %v", fields, err)
		}
		if joined(got.Rows) != joined(want) {
			t.Fatalf("%s: got\n%swant\n%s", fields, joined(got.Rows), joined(want))
		}
		n, err := w.tables.Count(t.Context(), anna, q)
		if want := q.Count(append([][]data.Value(nil), all...)); err != nil || int(n) != want {
			t.Fatalf("%s: got count %d, %v, want %d", fields, n, err, want)
		}
		if len(got.Rows) > 0 && int(n) < len(all) {
			some++
		}
	}
	if some < rounds/10 {
		t.Errorf("only %d of %d conditions told rows apart", some, rounds)
	}
}

// Whatever the parser lets through has to be SQL that runs and means the same.
func FuzzWhere(f *testing.F) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		f.Add([]byte(someWhere(rng, 1)))
	}
	f.Add([]byte(`{"j":{"null":true},"_seq":null,"_owner":{"like":"a%"},"_id":{">":1}}`))
	w := newWorld(f, mixed)
	all := w.fill(rng, 30)
	t := w.table("t")
	f.Fuzz(func(tt *testing.T, where []byte) {
		r, err := data.DecodeRequest([]byte(`{"id":1,"op":"query","table":"t","where":` + string(where) + `}`))
		if err != nil {
			return
		}
		q, err := t.Query(&r)
		if err != nil {
			return
		}
		want := q.Select(append([][]data.Value(nil), all...))
		got, err := w.tables.Query(tt.Context(), anna, q)
		if err != nil {
			tt.Fatalf("%s: %v", where, err)
		}
		if joined(got.Rows) != joined(want) {
			tt.Fatalf("%s: got\n%swant\n%s", where, joined(got.Rows), joined(want))
		}
	})
}
