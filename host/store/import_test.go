package store

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"goop/shared/data"
	"goop/shared/wire"
)

// allTypes has a column of each type.
func allTypes() *data.Site {
	var columns []data.Column
	for _, t := range data.Types {
		columns = append(columns, data.Column{Name: string(t), Type: t})
	}
	columns = append(columns, data.Column{Name: "code", Type: data.Text, Unique: true}, data.Column{Name: "n", Type: data.Integer, Max: data.IntegerValue(9)},
		data.Column{Name: "secret", Type: data.Text, Hidden: true, OwnerSets: true})
	t := data.NewTable("a", columns, nil, "", data.Access{})
	t.Search = []string{"text"}
	return &data.Site{Tables: []*data.Table{t, data.NewTable("b", columns[:1], nil, "", data.Access{})}}
}

func openAll(t *testing.T) *DB {
	t.Helper()
	db := openTest(t, Options{Dir: t.TempDir()})
	if err := db.OpenTables(t.Context(), allTypes()); err != nil {
		t.Fatal(err)
	}
	return db
}

func exportAll(t *testing.T, db *DB, tables ...string) string {
	t.Helper()
	var b bytes.Buffer
	err := db.Export(t.Context(), tables, func(_ string, row []byte) error {
		if row != nil {
			b.Write(append(row, '\n'))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestExportImportRoundTrip(t *testing.T) {
	t.Parallel()
	const rows = `{"_id":5,"text":"Grüße\n\u2028 \"x\"","integer":-9007199254740991,"real":0.1,"boolean":true,"json":{"a":[1,null]},"blob":"AAH/","time":1767323045678,"code":"c","n":9,"secret":"s","_owner":"p","_created_at":1,"_updated_at":2,"_seq":7}
{"text":"x"}

{"_id":4,"real":1e300,"boolean":false,"json":"s","code":"d"}
`
	db := openAll(t)
	n, err := db.Import(t.Context(), "a", ImportNew, strings.NewReader(rows))
	if err != nil || n != (Imported{Inserted: 3}) {
		t.Fatal(n, err)
	}
	first := exportAll(t, db)
	if got := strings.Count(first, "\n"); got != 3 || !strings.HasPrefix(first, `{"_id":4,`) || !strings.Contains(first, `"secret":"s","_owner":"p","_created_at":1,"_updated_at":2,"_seq":7}`) {
		t.Errorf("got %s", first)
	}
	other := openAll(t)
	if n, err := other.Import(t.Context(), "a", ImportSkip, strings.NewReader(first)); err != nil || n.Inserted != 3 {
		t.Fatal(n, err)
	}
	if got := exportAll(t, other, "a"); got != first {
		t.Errorf("got %s, want %s", got, first)
	}
	if n, err := other.Import(t.Context(), "a", ImportReplace, strings.NewReader(first)); err != nil || n != (Imported{Replaced: 3}) {
		t.Error(n, err)
	}
	if got := exportAll(t, other, "a"); got != first {
		t.Errorf("replaced: got %s, want %s", got, first)
	}
	if n := number(t, other, `SELECT count(*) FROM "_fts.a.words" WHERE "_fts.a.words" MATCH 'grusse OR gruße'`); n != 1 {
		t.Errorf("got %d rows with a word", n)
	}
	wantFiles(t, filepath.Dir(other.path), "goop.db", "goop.db-shm", "goop.db-wal", "goop.lock")
}

func TestImportModes(t *testing.T) {
	t.Parallel()
	db := openAll(t)
	add := func(mode ImportMode, rows string) (Imported, error) {
		return db.Import(t.Context(), "a", mode, strings.NewReader(rows))
	}
	if _, err := add(ImportNew, `{"_id":1,"code":"a","text":"first"}`+"\n"+`{"_id":2,"code":"b"}`); err != nil {
		t.Fatal(err)
	}
	var told []Change
	db.onCommit(func(c Commit) { told = append(told, c.Changes...) })
	if n, err := add(ImportSkip, `{"_id":1,"text":"other"}`+"\n"+`{"code":"b"}`+"\n"+`{"_id":3,"code":"c"}`); err != nil || n != (Imported{Inserted: 1, Skipped: 2}) {
		t.Error(n, err)
	}
	if n, err := add(ImportReplace, `{"_id":1,"text":"other"}`+"\n"+`{"_id":4}`); err != nil || n != (Imported{Inserted: 1, Replaced: 1}) {
		t.Error(n, err)
	}
	if want := []Change{{"a", 3, Inserted, ""}, {"a", 1, Updated, ""}, {"a", 4, Inserted, ""}}; !slices.Equal(told, want) {
		t.Errorf("told %v, want %v", told, want)
	}
	if got := exportAll(t, db, "a"); !strings.Contains(got, `"text":"other"`) || strings.Contains(got, "first") {
		t.Errorf("got %s", got)
	}
}

// What does not fit is told with its line, and nothing of the rest is there.
func TestImportRefuses(t *testing.T) {
	t.Parallel()
	db := openAll(t)
	if _, err := db.Import(t.Context(), "a", ImportNew, strings.NewReader(`{"_id":1,"code":"taken"}`)); err != nil {
		t.Fatal(err)
	}
	before := exportAll(t, db)
	for _, tt := range []struct {
		row  string
		mode ImportMode
		want string
	}{
		{`{"txt":"x"}`, ImportNew, `line 3: table "a" has no column "txt"`},
		{`{"n":10}`, ImportNew, `line 3: column "n": expected at most 9`},
		{`{"n":"x"}`, ImportSkip, `line 3: column "n"`},
		{`{"n":1`, ImportReplace, `line 3: it is not JSON: `},
		{`[1]`, ImportNew, `line 3: expected an object`},
		{`{"_id":-1}`, ImportNew, `line 3: column "_id": expected an integer`},
		{`{"_id":"x"}`, ImportNew, `line 3: column "_id": expected an integer`},
		{`{"_owner":4}`, ImportNew, `line 3: column "_owner": expected a peer id`},
		{`{"n":1,"n":2}`, ImportNew, `line 3: column "n" stands twice`},
		{`{"_id":8,"_id":9}`, ImportNew, `line 3: column "_id" stands twice`},
		{`{"_id":1}`, ImportNew, `line 3: there is a row with _id 1 already; --replace`},
		{`{"code":"taken"}`, ImportNew, `line 3: another row has a value already that is unique`},
		{`{"code":"taken"}`, ImportReplace, `line 3: another row has a value already that is unique`},
		{`{"_id":2,"code":"new"}` + "\n" + `{"_id":2}`, ImportNew, `line 4: there is a row with _id 2 already`},
		{`{"text":"` + strings.Repeat("x", maxImportLine) + `"}`, ImportNew, "line 3: it is longer than 16 MiB"},
		{"{\"text\":\"\xff\"}", ImportNew, "line 3: it is not JSON"},
	} {
		_, err := db.Import(t.Context(), "a", tt.mode, strings.NewReader("{\"text\":\"fine\"}\n\n"+tt.row+"\n{}"))
		if e, ok := errors.AsType[*wire.Error](err); !ok || !strings.HasPrefix(e.Message, tt.want) {
			t.Errorf("%.60s: got %v, want %q", tt.row, err, tt.want)
		}
	}
	if _, err := db.Import(t.Context(), "c", ImportNew, strings.NewReader("{}")); err == nil || !strings.Contains(err.Error(), "there are a, b") {
		t.Errorf("got %v", err)
	}
	cut := errors.New("cut off")
	if _, err := db.Import(t.Context(), "a", ImportNew, io.MultiReader(strings.NewReader("{}\n"), errorReader{cut})); !errors.Is(err, cut) {
		t.Errorf("got %v", err)
	}
	if got := exportAll(t, db); got != before {
		t.Errorf("got %s, want %s", got, before)
	}
	dir := filepath.Dir(db.path)
	wantFiles(t, dir, "goop.db", "goop.db-shm", "goop.db-wal", "goop.lock")

	// One that was killed leaves its rows; the next start clears them away.
	db.Close()
	write(t, filepath.Join(dir, "import-123.tmp"), []byte("{}"))
	openTest(t, Options{Dir: dir})
	wantFiles(t, dir, "goop.db", "goop.db-shm", "goop.db-wal", "goop.lock")
}

type errorReader struct{ error }

func (r errorReader) Read([]byte) (int, error) { return 0, r.error }

// FuzzImport has lines of any kind imported: they go in and come out again as they are, or are refused.
func FuzzImport(f *testing.F) {
	for _, seed := range []string{`{"text":"x"}`, `{"_id":3,"_owner":"p"}`, `{"json":{"a":1e3},"blob":"AA=="}`, `{"real":-0}`, `{`, `{"_id":1.5}`} {
		f.Add(seed)
	}
	table := newTable(allTypes().Tables[0])
	f.Fuzz(func(t *testing.T, line string) {
		row, err := importedRow(table, []byte(line))
		if err != nil {
			if _, ok := errors.AsType[*wire.Error](err); !ok {
				t.Errorf("got %v", err)
			}
			return
		}
		out := table.Row(nil, row).JSON
		again, err := importedRow(table, out)
		if err != nil || !slices.Equal(row, again) {
			t.Errorf("%s: got %s, then %v, %v", line, out, again, err)
		}
	})
}

// An import may take longer than what a member writes.
func TestImportTakesItsTime(t *testing.T) {
	t.Parallel()
	db := openTest(t, Options{Dir: t.TempDir(), Limits: Limits{WriteTimeout: time.Millisecond}})
	if err := db.OpenTables(t.Context(), allTypes()); err != nil {
		t.Fatal(err)
	}
	if n, err := db.Import(t.Context(), "b", ImportNew, strings.NewReader(strings.Repeat("{\"text\":\"x\"}\n", 5000))); err != nil || n.Inserted != 5000 {
		t.Errorf("got %+v, %v", n, err)
	}
}
