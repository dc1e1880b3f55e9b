package store

import (
	"cmp"
	"errors"
	"slices"
	"testing"

	"goop/shared/data"
)

// searchSite is a site with one table, whose search columns are the given ones.
func searchSite(columns ...string) *data.Site {
	t := data.NewTable("posts", []data.Column{{Name: "title", Type: data.Text}, {Name: "rank", Type: data.Text}, {Name: "n", Type: data.Integer}},
		nil, "", data.Access{Read: data.Rule{Who: data.Everybody}, Insert: data.Rule{Who: data.Everybody}})
	t.Search = columns
	return &data.Site{Tables: []*data.Table{t}}
}

// found returns the ids of the rows with words.
func found(t *testing.T, db *DB, match string) (ids []int64) {
	t.Helper()
	words := quote(searchTable("posts"))
	err := db.Read(t.Context(), func(tx *ReadTx) error {
		for row, err := range tx.Query("SELECT rowid FROM "+words+" WHERE "+words+" MATCH ? ORDER BY rank, rowid", match) {
			if err != nil {
				return err
			}
			ids = append(ids, row.Int(0))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// The words of a table follow its rows, and are made anew when the list of columns changes.
func TestSearchFollowsRows(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := openTest(t, Options{Dir: dir})
	openSite := func(site *data.Site) {
		t.Helper()
		if err := db.OpenTables(t.Context(), site); err != nil {
			t.Fatal(err)
		}
	}
	exec := func(sql string, args ...any) {
		t.Helper()
		if err := db.Write(t.Context(), func(tx *Tx) error { _, err := tx.Exec(sql, args...); return err }); err != nil {
			t.Fatal(err)
		}
	}
	want := func(match string, ids ...int64) {
		t.Helper()
		if got := found(t, db, match); !slices.Equal(got, ids) {
			t.Errorf("%s: got %v, want %v", match, got, ids)
		}
	}
	const insert = `INSERT INTO posts (_id, title, "rank", _owner, _created_at, _updated_at) VALUES (?, ?, ?, 'p', 0, 0)`
	openSite(searchSite("title"))
	exec(insert, 1, "Crème brûlée", "dessert")
	exec(insert, 2, "Creme fraiche", nil)
	exec(insert, 3, nil, "nothing")
	want(`"creme"`, 1, 2)
	want(`"brul"*`, 1)
	want(`"dessert"`)
	exec("UPDATE posts SET title = 'Apple pie' WHERE _id = 2")
	exec("UPDATE posts SET n = 1")
	want(`"creme"`, 1)
	want(`"pie"`, 2)
	exec("DELETE FROM posts WHERE _id = 1")
	want(`"creme"`)

	openSite(searchSite("title", "rank"))
	want(`"nothing"`, 3)
	exec(insert, 4, "A tart", "dessert of apples")
	want(`"appl"*`, 2, 4)
	exec("UPDATE posts SET \"rank\" = 'main course' WHERE _id = 4")
	want(`"appl"*`, 2)
	if n := number(t, db, "SELECT count(*) FROM pragma_quick_check WHERE quick_check <> 'ok'"); n != 0 {
		t.Error("the database is not sound")
	}

	// What was removed is not in the file any more, and what was undone never got there.
	inFile := func(word string) int64 {
		return number(t, db, `SELECT count(*) FROM "_fts.posts.words_data" WHERE instr(block, ?) > 0`, word)
	}
	exec(insert, 5, "zebra", nil)
	if n := inFile("zebra"); n == 0 {
		t.Error("the word is not where this test looks for it")
	}
	exec("DELETE FROM posts WHERE _id = 5")
	undone := errors.New("undone")
	err := db.Write(t.Context(), func(tx *Tx) error {
		_, err := tx.Exec(insert, 6, "quagga", nil)
		return cmp.Or(err, undone)
	})
	if !errors.Is(err, undone) {
		t.Fatal(err)
	}
	for _, word := range []string{"zebra", "quagga"} {
		want(word)
		if n := inFile(word); n != 0 {
			t.Errorf("%s is in the file still", word)
		}
	}

	// Without search there is nothing of it left; with it again, the rows are found again, after a restart too.
	openSite(searchSite())
	if n := number(t, db, "SELECT count(*) FROM sqlite_schema WHERE substr(name, 1, 4) = '_fts'"); n != 0 {
		t.Errorf("got %d things of search that nobody asks for", n)
	}
	exec("DELETE FROM posts WHERE _id = 2")
	openSite(searchSite("title"))
	want(`"tart"`, 4)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = openTest(t, Options{Dir: dir})
	openSite(searchSite("title"))
	want(`"tart"`, 4)
	exec("DELETE FROM posts WHERE _id = 4")
	want(`"tart"`)
	exec("DELETE FROM posts")
	openSite(&data.Site{})
	if n := number(t, db, "SELECT count(*) FROM sqlite_schema WHERE name LIKE '%posts%'"); n != 0 {
		t.Errorf("got %d things of a table that is gone", n)
	}
}

func TestUniqueOverSeveralColumns(t *testing.T) {
	t.Parallel()
	db := openTest(t, Options{})
	answers := func(indexes ...data.Index) *data.Site {
		return &data.Site{Tables: []*data.Table{data.NewTable("answers",
			[]data.Column{{Name: "question", Type: data.Integer, References: "questions"}}, indexes, "", data.Access{})}}
	}
	open := func(site *data.Site) error { return db.OpenTables(t.Context(), site) }
	insert := func(question any, owner string) error {
		return db.Write(t.Context(), func(tx *Tx) error {
			_, err := tx.Exec("INSERT INTO answers (question, _owner, _created_at, _updated_at) VALUES (?, ?, 0, 0)", question, owner)
			return err
		})
	}
	one := data.Index{Columns: []string{"question", data.OwnerColumn}, Unique: true}
	if err := open(answers(one)); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		question any
		owner    string
		ok       bool
	}{{1, "a", true}, {1, "b", true}, {2, "a", true}, {1, "a", false}, {nil, "a", true}, {nil, "a", true}} {
		if err := insert(row.question, row.owner); (err == nil) != row.ok {
			t.Errorf("%+v: got %v", row, err)
		}
	}
	if err := open(answers()); err != nil {
		t.Fatal(err)
	}
	for _, owner := range []string{"a", "a", "b"} {
		if err := insert(1, owner); err != nil {
			t.Errorf("without the index: %v", err)
		}
	}
	want := []string{"tables.answers.indexes: question, _owner is unique, and 3 rows have values that another has, such as the one with _id …"}
	if got := differences(open(answers(one))); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	names := number(t, db, "SELECT count(*) FROM sqlite_schema WHERE name = '_ix.answers.question'")
	if names != 1 {
		t.Error("there is no index by which a removed row's references are found")
	}
}

func TestConvertExactly(t *testing.T) {
	t.Parallel()
	text := data.TextValue
	for _, tt := range []struct {
		from data.Value
		to   data.Type
		want string // JSON, "" for none
	}{
		{text("12"), data.Integer, "12"}, {text("012"), data.Integer, ""}, {text("1e2"), data.Integer, ""}, {text("9007199254740993"), data.Integer, ""},
		{text("1.5"), data.Real, "1.5"}, {text("1.50"), data.Real, ""}, {text("true"), data.Boolean, "true"}, {text("1"), data.Boolean, ""},
		{text("2026-01-02T03:04:05.678Z"), data.Time, "1767323045678"}, {text("2026-01-02T03:04:05.6789Z"), data.Time, ""}, {text("5"), data.Time, "5"},
		{text(`{"a":1}`), data.JSON, `{"a":1}`}, {text("hello"), data.JSON, ""}, {text("AA=="), data.Blob, ""},
		{data.IntegerValue(1), data.Boolean, "true"}, {data.IntegerValue(2), data.Boolean, ""}, {data.IntegerValue(2), data.Real, "2"},
		{data.IntegerValue(2), data.Time, "2"}, {data.IntegerValue(2), data.Text, `"2"`}, {data.IntegerValue(2), data.JSON, "2"}, {data.IntegerValue(2), data.Blob, ""},
		{data.Value{Type: data.Real, F: 2}, data.Integer, "2"}, {data.Value{Type: data.Real, F: 2.5}, data.Integer, ""}, {data.Value{Type: data.Real, F: 1 << 60}, data.Integer, ""},
		{data.BooleanValue(true), data.Integer, "1"}, {data.BooleanValue(true), data.Text, `"true"`}, {data.TimeValue(0), data.Text, `"1970-01-01T00:00:00Z"`},
		{data.TimeValue(7), data.Integer, "7"}, {data.Value{Type: data.Blob, S: "x"}, data.Text, ""}, {data.Value{Type: data.Blob, S: "x"}, data.JSON, ""},
		{data.JSONValue([]byte(`"s"`)), data.Text, `"s"`}, {data.JSONValue([]byte(`[1]`)), data.Text, `"[1]"`}, {data.JSONValue([]byte(`4`)), data.Integer, "4"},
		{data.JSONValue([]byte(`true`)), data.Boolean, "true"}, {data.JSONValue([]byte(`"true"`)), data.Boolean, ""}, {data.JSONValue([]byte(`"4"`)), data.Integer, ""},
	} {
		got := ""
		if v, ok := exactly(tt.from, tt.to); ok {
			got = string(v.Append(nil))
		}
		if got != tt.want {
			t.Errorf("%s %s as %s: got %q, want %q", tt.from.Type, tt.from.Append(nil), tt.to, got, tt.want)
		}
	}
}

// What rules and references ask for all the time has an index, and what begins with its column serves as one.
func TestIndexesOfRules(t *testing.T) {
	t.Parallel()
	db := openTest(t, Options{})
	site := parseSite(t, `
		"a":{"columns":{"opens_at":{"type":"time"},"to":{"type":"text"},"n":{"type":"integer"},"parent":{"type":"integer","references":"b"},"other":{"type":"integer","references":"b"}},
			"indexes":[["other","n"]],
			"access":{"read":{"who":"author","if":{"or":[{"opens_at":{"<=":"$now"}},{"to":"$me"},{"n":1}],"parent.at":{"<":"$now"}}}}},
		"b":{"columns":{"at":{"type":"time"}},"access":{"read":"open"}}`)
	if err := db.OpenTables(t.Context(), site); err != nil {
		t.Fatal(err)
	}
	want := []string{"_ix.a._owner", "_ix.a.opens_at", "_ix.a.other.n", "_ix.a.parent", "_ix.a.to"}
	if got := userIndexes(t, db); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The words of a row follow it when the site's owner gives it another _id.
func TestWordsOfAnotherID(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `"notes":{"columns":{"text":{"type":"text"}},"search":["text"],`+open+`}`)
	w.mustInsert(anna, "notes", `{"text":"hello"}`)
	if _, err := w.sql(owner, "UPDATE notes SET _id = 5"); err != nil {
		t.Fatal(err)
	}
	if got := w.batch(anna, `{"op":"updateWhere","table":"notes","where":{"_search":"hello"},"values":{"text":"world"}}`); got != `{"updated":1}` {
		t.Errorf("got %s", got)
	}
	if got := w.batch(anna, `{"op":"removeWhere","table":"notes","where":{"_search":"hello"}}`, `{"op":"removeWhere","table":"notes","where":{"_search":"world"}}`); got != "{\"removed\":0}\n{\"removed\":1}" {
		t.Errorf("got %s", got)
	}
}
