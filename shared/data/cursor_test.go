package data_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"goop/shared/data"
	"goop/shared/wire"
)

// queryOf makes a query of a table from the fields of a request.
func queryOf(t testing.TB, table *data.Table, fields string) (*data.Query, error) {
	t.Helper()
	r, err := data.DecodeRequest([]byte(`{"id":1,"op":"query","table":"t",` + fields + `}`))
	if err != nil {
		return nil, err
	}
	return table.Query(&r)
}

// Page by page, all rows of a query come once and in its order, whatever the order, with ties and nulls;
// and rows that come or go in front of a cursor make no difference.
func TestPages(t *testing.T) {
	t.Parallel()
	table := tableT(t)
	random := rand.New(rand.NewPCG(7, 11))
	var rows [][]data.Value
	for i := range 60 {
		values := fmt.Sprintf(`{"t":"%s","b":%v`, strings.Repeat("x", random.IntN(3)), random.IntN(2) == 0)
		if random.IntN(3) > 0 {
			values += fmt.Sprintf(`,"i":%d,"r":%v,"time":%d`, random.IntN(4), float64(random.IntN(3))/4-0.25, random.IntN(3))
		}
		row, err := table.NewRow([]byte(values + "}"))
		if err != nil {
			t.Fatal(err)
		}
		row[0] = data.IntegerValue(int64(i+1) * 2)
		rows = append(rows, row)
	}
	for _, order := range []string{`[]`, `["_id"]`, `["-_id"]`, `["i"]`, `["-i"]`, `["t","-r","b"]`, `["-time","i","-t"]`, `["-b","-r"]`} {
		all, err := queryOf(t, table, `"columns":[],"limit":1000,"order":`+order)
		if err != nil {
			t.Fatal(err)
		}
		want := all.Select(slices.Clone(rows))
		var got []data.Row
		now := slices.Clone(rows)
		for after := ""; ; {
			q, err := queryOf(t, table, fmt.Sprintf(`"columns":[],"limit":7,"order":%s%s`, order, after))
			if err != nil {
				t.Fatalf("%s: %v", order, err)
			}
			page := q.Page(slices.Clone(now))
			got = append(got, page.Rows...)
			if page.Cursor == "" {
				break
			}
			after = `,"after":"` + page.Cursor + `"`
			// One of those that have come goes.
			gone := got[random.IntN(len(got))].ID
			now = slices.DeleteFunc(now, func(r []data.Value) bool { return fmt.Sprint(r[0].N) == gone })
		}
		if show(got) != show(want) {
			t.Errorf("%s: got\n%swant\n%s", order, show(got), show(want))
		}
	}
}

func TestCursorsThatAreNone(t *testing.T) {
	t.Parallel()
	table := tableT(t)
	q, err := queryOf(t, table, `"order":["t","-r"]`)
	if err != nil {
		t.Fatal(err)
	}
	good := q.Cursor([]data.Value{data.TextValue("a\xff\x00"), {Type: data.Real, F: -1.5}, data.IntegerValue(9)})
	if q, err := queryOf(t, table, `"order":["t","-r"],"after":"`+good+`"`); err != nil || len(q.After) != 3 || q.After[0].S != "a\xff\x00" || q.After[1].F != -1.5 || q.After[2].N != 9 {
		t.Errorf("got %+v, %v", q, err)
	}
	raw, err := base64.RawURLEncoding.DecodeString(good)
	if err != nil {
		t.Fatal(err)
	}
	encoded := base64.RawURLEncoding.EncodeToString
	nan := slices.Clone(raw)
	copy(nan[len(nan)-17:], "\x7f\xf8\x00\x00\x00\x00\x00\x01")
	long := q.Cursor([]data.Value{data.TextValue(strings.Repeat("x", 40_000)), {}, data.IntegerValue(9)})
	for name, fields := range map[string]string{
		"no base64":             `"order":["t","-r"],"after":"***"`,
		"padded":                `"order":["t","-r"],"after":"` + good + `="`,
		"empty":                 `"order":["t","-r"],"after":""`,
		"a number":              `"order":["t","-r"],"after":7`,
		"half":                  `"order":["t","-r"],"after":"` + encoded(raw[:len(raw)-1]) + `"`,
		"the fingerprint alone": `"order":["t","-r"],"after":"` + encoded(raw[:6]) + `"`,
		"more":                  `"order":["t","-r"],"after":"` + encoded(append(slices.Clone(raw), 0)) + `"`,
		"no number":             `"order":["t","-r"],"after":"` + encoded(nan) + `"`,
		"another order":         `"order":["t","r"],"after":"` + good + `"`,
		"no order":              `"after":"` + good + `"`,
		"of too long a row":     `"order":["t","-r"],"after":"` + long + `"`,
		"too long":              `"order":["t","-r"],"after":"` + strings.Repeat("A", 33<<10) + `"`,
	} {
		if _, err := queryOf(t, table, fields); !errors.Is(err, wire.BadQuery) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := queryOf(t, siteT(t, `{"tables":{"u":{"columns":{"t":{"type":"text"},"r":{"type":"real"}}}}}`).Tables[0], `"order":["t","-r"],"after":"`+good+`"`); !errors.Is(err, wire.BadQuery) {
		t.Errorf("another table: got %v", err)
	}
}

func TestRank(t *testing.T) {
	t.Parallel()
	table := siteT(t, `{"tables":{"t":{"columns":{"a":{"type":"text"},"b":{"type":"text"}},"search":["a"]}}}`).Tables[0]
	for fields, ok := range map[string]bool{
		`"where":{"_search":"x"},"order":["_rank"]`:                     true,
		`"where":{"_search":"x","b":"y"},"order":["_rank","b"]`:         true,
		`"where":{"and":[{"_search":"x"},{"b":"y"}]},"order":["_rank"]`: true,
		`"where":{"_search":"x"},"order":["-_rank"]`:                    false,
		`"where":{"_search":"x"},"order":["_rank","_rank"]`:             false,
		`"where":{"or":[{"_search":"x"},{"b":"y"}]},"order":["_rank"]`:  false,
		`"where":{"not":{"_search":"x"}},"order":["_rank"]`:             false,
		`"order":["_rank"]`: false,
		`"where":{"_search":"x"},"order":["_rank"],"after":"AAAAAAAAAQ"`: false,
	} {
		q, err := queryOf(t, table, fields)
		if ok != (err == nil) || !ok && !errors.Is(err, wire.BadQuery) {
			t.Errorf("%s: got %v", fields, err)
		}
		if ok && (!q.Ranked() || q.Cursor(nil) != "") {
			t.Errorf("%s: got %+v", fields, q)
		}
	}
	if _, err := queryOf(t, tableT(t), `"order":["_rank"]`); !errors.Is(err, wire.NoSuchColumn) {
		t.Errorf("a table without words: got %v", err)
	}
}

// A cursor from a stranger is one of ours, or refused; it never leads outside of the column's type.
func FuzzCursor(f *testing.F) {
	table := tableT(f)
	orders := []string{`[]`, `["t"]`, `["-i","t"]`, `["r","-b","time"]`}
	for i, order := range orders {
		q, err := queryOf(f, table, `"order":`+order)
		if err != nil {
			f.Fatal(err)
		}
		var values []data.Value
		for _, o := range q.Order {
			v := data.Value{Type: table.Columns[o.Column].Type, N: 1}
			if v.Type == data.Text {
				v.N, v.S = 0, "text"
			}
			values = append(values, v)
		}
		f.Add(i, q.Cursor(append(values, data.IntegerValue(12))))
		f.Add(i, q.Cursor(append(make([]data.Value, len(values)), data.IntegerValue(12))))
	}
	f.Fuzz(func(t *testing.T, i int, cursor string) {
		order := orders[uint(i)%uint(len(orders))]
		q, err := table.Query(&data.Request{Op: data.OpQuery, After: cursor, Order: decodedOrder(t, order)})
		if err != nil {
			if !errors.Is(err, wire.BadQuery) {
				t.Fatalf("got %v", err)
			}
			return
		}
		if cursor == "" {
			return
		}
		if len(q.After) != len(q.Order)+1 {
			t.Fatalf("got %d values", len(q.After))
		}
		for i, v := range q.After {
			want := data.Integer
			if i < len(q.Order) {
				want = table.Columns[q.Order[i].Column].Type
			}
			if !v.IsNull() && v.Type != want {
				t.Fatalf("value %d is %+v", i, v)
			}
		}
		if again := q.Cursor(q.After); len(again) > len(cursor) {
			t.Fatalf("%s has become %s", cursor, again)
		}
	})
}

func decodedOrder(t testing.TB, order string) []string {
	t.Helper()
	r, err := data.DecodeRequest([]byte(`{"id":1,"op":"query","table":"t","order":` + order + `}`))
	if err != nil {
		t.Fatal(err)
	}
	return r.Order
}
