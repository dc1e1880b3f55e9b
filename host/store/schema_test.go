package store

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"goop/shared/data"
)

// reopen opens the same data folder with other tables.
func reopen(t *testing.T, dir, tables string) (*world, error) {
	t.Helper()
	db, err := Open(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, db: db, site: parseSite(t, tables), members: &members{}}
	t.Cleanup(func() { w.close() })
	if err := db.OpenTables(t.Context(), w.site); err != nil {
		return w, err
	}
	w.tables = db.Tables(w.members)
	return w, nil
}

func (w *world) close() {
	if w.tables != nil {
		w.tables.Close()
	}
	if err := w.db.Close(); err != nil {
		w.t.Error(err)
	}
}

const open = `"access":{"read":"open","insert":"open","update":"open","remove":"open"}`

func TestSchemaGrows(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w, err := reopen(t, dir, `"a":{"columns":{"x":{"type":"text"},"gone":{"type":"integer"},"retyped":{"type":"integer"}},"indexes":[["x"],["gone"]],`+open+`},
		"dropped":{"columns":{"x":{"type":"text"}},`+open+`}`)
	if err != nil {
		t.Fatal(err)
	}
	old := w.mustInsert(anna, "a", `{"x":"one"}`)
	w.close()

	// gone and retyped hold no values, and dropped no rows: nothing is lost.
	w, err = reopen(t, dir, `"a":{"columns":{"retyped":{"type":"text"},"y":{"type":"integer","required":true,"default":5},"x":{"type":"text","unique":true}},
		"indexes":[["y","x"]],"memberOf":"x",`+open+`}, "b":{"columns":{"x":{"type":"blob"}},`+open+`}`)
	if err != nil {
		t.Fatal(err)
	}
	row, err := w.tables.Get(t.Context(), anna, w.query("a", ""), data.IntegerValue(old))
	if err != nil || !strings.Contains(string(row.JSON), `"retyped":null,"y":5,"x":"one"`) {
		t.Errorf("got %s, %v", row.JSON, err)
	}
	w.mustInsert(anna, "a", `{"x":"two","retyped":"now a text"}`)
	w.mustInsert(anna, "b", `{"x":"AA=="}`)
	if got, want := userIndexes(t, w.db), []string{"_ix.a.y.x", "_uq.a.x"}; !slices.Equal(got, want) {
		t.Errorf("got indexes %v, want %v", got, want)
	}
	if n := number(t, w.db, "SELECT count(*) FROM sqlite_schema WHERE name = 'dropped'"); n != 0 {
		t.Error("an empty table that the site no longer has is still there")
	}
	w.close()

	// Without a change there is nothing to do.
	w, err = reopen(t, dir, `"a":{"columns":{"retyped":{"type":"text"},"y":{"type":"integer"},"x":{"type":"text"}}},"b":{"columns":{"x":{"type":"blob"}}}`)
	if err != nil {
		t.Fatal(err)
	}
	if got := userIndexes(t, w.db); len(got) != 0 {
		t.Errorf("got indexes %v, want none", got)
	}
}

func userIndexes(t *testing.T, db *DB) (names []string) {
	t.Helper()
	err := db.Read(t.Context(), func(tx *ReadTx) error {
		for row, err := range tx.Query("SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name IN ('a', 'b') AND sql IS NOT NULL ORDER BY name") {
			if err != nil {
				return err
			}
			names = append(names, row.Text(0))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestSchemaRefusesToLose(t *testing.T) {
	t.Parallel()
	const before = `"a":{"columns":{"x":{"type":"text"},"n":{"type":"integer"}},` + open + `},"b":{"columns":{"x":{"type":"text"}},` + open + `}`
	tests := []struct {
		name, tables string
		want         []string
	}{
		{"table", `"a":{"columns":{"x":{"type":"text"},"n":{"type":"integer"}}}`, []string{`tables.b is gone, and holds 1 row`}},
		{"column", `"a":{"columns":{"n":{"type":"integer"}}},"b":{"columns":{"x":{"type":"text"}}}`,
			[]string{`tables.a.columns.x is gone, and 3 rows have a value in it`}},
		{"types", `"a":{"columns":{"x":{"type":"json"},"n":{"type":"time"}}},"b":{"columns":{"x":{"type":"text"}}}`,
			[]string{`tables.a.columns.x was text and is now json, and 3 rows have a value in it`, `tables.a.columns.n was integer and is now time, and 1 row has a value in it`,
				`tables.a.columns.x: as text, 3 rows have a value that is no exact json, such as the one with _id …`}},
		{"required", `"a":{"columns":{"x":{"type":"text"},"n":{"type":"integer","required":true}}},"b":{"columns":{"x":{"type":"text"}}}`,
			[]string{`tables.a.columns.n is required, and 2 rows have no value in it, such as the one with _id …`}},
		{"required and new", `"a":{"columns":{"x":{"type":"text"},"n":{"type":"integer"},"m":{"type":"text","required":true}}},"b":{"columns":{"x":{"type":"text"}}}`,
			[]string{`tables.a.columns.m is required, and 3 rows have no value in it, such as the one with _id …`}},
		{"min", `"a":{"columns":{"x":{"type":"text"},"n":{"type":"integer","min":2}}},"b":{"columns":{"x":{"type":"text"}}}`,
			[]string{`tables.a.columns.n is at least 2, and 1 row has less in it, such as the one with _id …`}},
		{"max", `"a":{"columns":{"x":{"type":"text"},"n":{"type":"integer","max":0}}},"b":{"columns":{"x":{"type":"text"}}}`,
			[]string{`tables.a.columns.n is at most 0, and 1 row has more in it, such as the one with _id …`}},
		{"maxLength", `"a":{"columns":{"x":{"type":"text","maxLength":2},"n":{"type":"integer"}}},"b":{"columns":{"x":{"type":"text"}}}`,
			[]string{`tables.a.columns.x has at most 2 characters, and 3 rows have more in it, such as the one with _id …`}},
		{"enum", `"a":{"columns":{"x":{"type":"text","enum":["one","three"]},"n":{"type":"integer"}}},"b":{"columns":{"x":{"type":"text"}}}`,
			[]string{`tables.a.columns.x is one of its enum, and 2 rows have another value in it, such as the one with _id …`}},
		{"unique", `"a":{"columns":{"x":{"type":"text","unique":true},"n":{"type":"integer"}}},"b":{"columns":{"x":{"type":"text"}}}`,
			[]string{`tables.a.columns.x is unique, and 1 row has a value that another has, such as the one with _id …`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			w, err := reopen(t, dir, before)
			if err != nil {
				t.Fatal(err)
			}
			w.mustInsert(anna, "a", `{"x":"one","n":1}`)
			w.mustInsert(anna, "a", `{"x":"two"}`)
			w.mustInsert(anna, "a", `{"x":"two"}`)
			w.mustInsert(anna, "b", `{"x":"b"}`)
			want, err := w.rows(anna, "a", "")
			if err != nil {
				t.Fatal(err)
			}
			w.close()
			w, err = reopen(t, dir, tt.tables)
			if got := differences(err); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			w.close()
			w, err = reopen(t, dir, before)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := w.rows(anna, "a", ""); err != nil || got != want {
				t.Errorf("after the refusal: got %s, %v, want %s", got, err, want)
			}
		})
	}
}

// differences returns those of a SchemaError, without the ids in them.
func differences(err error) []string {
	e, ok := errors.AsType[*SchemaError](err)
	if !ok {
		return nil
	}
	var list []string
	for _, d := range e.Differences {
		list = append(list, regexp.MustCompile(`_id \d+`).ReplaceAllString(d, "_id …"))
	}
	return list
}

func TestNamesThatSQLKnows(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `"select":{"columns":{"order":{"type":"text"},"rowid":{"type":"integer"},"TRUE":{"type":"boolean"}},"indexes":[["order","rowid"]],`+open+`}`)
	id := w.mustInsert(anna, "select", `{"order":"x","rowid":1,"TRUE":false}`)
	row, err := w.update(anna, "select", id, `{"rowid":2,"TRUE":true}`)
	if err != nil || !strings.Contains(row, `"order":"x","rowid":2,"TRUE":true`) {
		t.Errorf("got %s, %v", row, err)
	}
	if got, err := w.rows(anna, "select", `"where":{"TRUE":true,"rowid":{">":1}},"order":["-order"]`); err != nil || got != row+"\n" {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestQuote(t *testing.T) {
	t.Parallel()
	if got := quote(`a"b`); got != `"a""b"` {
		t.Errorf("got %s", got)
	}
	for _, typ := range data.Types {
		if sqlType(typ) == "" {
			t.Errorf("no SQL type for %s", typ)
		}
	}
}
