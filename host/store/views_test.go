package store

import (
	"slices"
	"strings"
	"testing"

	"goop/shared/data"
	"goop/shared/group"
	"goop/shared/wire"
)

const quizTables = `"questions":{"columns":{"session":{"type":"text","required":true},"text":{"type":"text"},"right":{"type":"integer","hidden":true},
		"shown_at":{"type":"time"}},"memberOf":"session","access":{"read":"member"}},
	"answers":{"columns":{"question":{"type":"integer","required":true,"references":"questions","onRemove":"cascade"},"choice":{"type":"integer"}},
		"indexes":[["question"]],"access":{"read":"author","insert":"open"}}`

const boardSQL = `SELECT a._owner AS _id, q.session, sum(a.choice = q.right) AS points FROM answers a JOIN questions q ON q._id = a.question
	WHERE q.shown_at <= $now GROUP BY 1, 2 -- the best`

// openWithViews opens a site with views.
func openWithViews(t *testing.T, tables, views string) (*world, error) {
	t.Helper()
	s, err := data.ParseSite([]byte(`{"tables":{` + tables + `},"views":{` + views + `}}`))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, db: openTest(t, Options{}), site: s, members: &members{}}
	if err := w.db.OpenTables(t.Context(), s); err != nil {
		return nil, err
	}
	w.tables = w.db.Tables(w.members)
	t.Cleanup(w.tables.Close)
	return w, nil
}

func viewOf(sql, rest string) string {
	return `"board":{"sql":"` + strings.NewReplacer("\n", `\n`, "\t", `\t`).Replace(sql) + `","columns":{"session":{"type":"text"},"points":{"type":"integer"}}` + rest + `}`
}

// query of a view, with the fields of a request.
func (w *world) viewQuery(c group.Caller, fields string) *data.Query {
	w.t.Helper()
	r, err := data.DecodeRequest([]byte(`{"id":1,"op":"query","table":"board",` + fields + `}`))
	if err != nil {
		w.t.Fatal(err)
	}
	v, err := w.site.Lookup("board")
	if err != nil {
		w.t.Fatal(err)
	}
	q, err := v.For(c).Query(&r)
	if err != nil {
		w.t.Fatal(err)
	}
	return q
}

func TestViews(t *testing.T) {
	t.Parallel()
	w, err := openWithViews(t, quizTables, viewOf(boardSQL, `,"memberOf":"session","read":"member"`))
	if err != nil {
		t.Fatal(err)
	}
	w.members.set("anna", "s1", wire.RoleMember, true)
	shown := w.mustInsert(owner, "questions", `{"session":"s1","right":2,"shown_at":1000}`)
	later := w.mustInsert(owner, "questions", `{"session":"s1","right":1,"shown_at":5000000000000}`)
	other := w.mustInsert(owner, "questions", `{"session":"s2","right":1,"shown_at":1000}`)
	answer := func(c group.Caller, question int64, choice string) {
		t.Helper()
		c.Owner = true // whose references are not asked about here
		w.mustInsert(c, "answers", `{"question":`+string(data.IntegerValue(question).Append(nil))+`,"choice":`+choice+`}`)
	}
	answer(anna, shown, "2")
	answer(anna, later, "1")
	answer(ben, shown, "1")
	answer(ben, other, "1")
	for _, tt := range []struct {
		c            group.Caller
		fields, want string
	}{
		{anna, `"order":["-points"]`, `{"_id":"anna","session":"s1","points":1}` + "\n" + `{"_id":"ben","session":"s1","points":0}` + "\n"},
		{anna, `"where":{"session":"s2"}`, ``},
		{anna, `"where":{"points":{">":0}},"columns":["points"]`, `{"_id":"anna","points":1}` + "\n"},
		{ben, `"limit":5`, ``},
		{owner, `"where":{"session":"s2"}`, `{"_id":"ben","session":"s2","points":1}` + "\n"},
	} {
		q := w.viewQuery(tt.c, tt.fields)
		page, err := w.tables.Query(t.Context(), tt.c, q)
		if err != nil || joined(page.Rows) != tt.want {
			t.Errorf("%s by %s: got %s, %v, want %s", tt.fields, tt.c.Peer, joined(page.Rows), err, tt.want)
		}
		if n, err := w.tables.Count(t.Context(), tt.c, q); err != nil || int(n) != strings.Count(tt.want, "\n") {
			t.Errorf("%s by %s: got count %d, %v", tt.fields, tt.c.Peer, n, err)
		}
	}
	if row, err := w.tables.Get(t.Context(), anna, w.viewQuery(anna, `"limit":1`), data.TextValue("ben")); err != nil || string(row.JSON) != `{"_id":"ben","session":"s1","points":0}` {
		t.Errorf("get: got %s, %v", row.JSON, err)
	}
	_, err = w.tables.Get(t.Context(), ben, w.viewQuery(ben, `"limit":1`), data.TextValue("ben"))
	wantCode(t, "get of what one may not read", err, wire.NotFound)
	page, err := w.tables.Query(t.Context(), anna, w.viewQuery(anna, `"order":["-points"],"limit":1`))
	if err != nil || page.Cursor == "" {
		t.Fatalf("got %v, %v", page, err)
	}
	page, err = w.tables.Query(t.Context(), anna, w.viewQuery(anna, `"order":["-points"],"limit":1,"after":"`+page.Cursor+`"`))
	if err != nil || joined(page.Rows) != `{"_id":"ben","session":"s1","points":0}`+"\n" || page.Cursor != "" {
		t.Errorf("the page behind: got %s, %q, %v", joined(page.Rows), page.Cursor, err)
	}
	board := w.db.users.get("board")
	if !board.view.now || board.view.me || !slices.Equal(board.reads, []string{"answers", "questions"}) || !slices.Contains(board.view.reads["questions"], "shown_at") {
		t.Errorf("got %+v, %v", board.view, board.reads)
	}
}

func TestViewKnowsTheCaller(t *testing.T) {
	t.Parallel()
	w, err := openWithViews(t, quizTables, viewOf(`SELECT _id, $me AS session, choice AS points FROM answers WHERE _owner = $me`, `,"id":"integer","read":"open"`))
	if err != nil {
		t.Fatal(err)
	}
	q := w.mustInsert(owner, "questions", `{"session":"s1","right":2}`)
	c := anna
	c.Owner = true
	id := w.mustInsert(c, "answers", `{"choice":3,"question":`+string(data.IntegerValue(q).Append(nil))+`}`)
	for _, c := range []group.Caller{anna, ben} {
		page, err := w.tables.Query(t.Context(), c, w.viewQuery(c, `"where":{"points":3}`))
		want := ""
		if c == anna {
			want = `{"_id":` + string(data.IntegerValue(id).Append(nil)) + `,"session":"anna","points":3}` + "\n"
		}
		if err != nil || joined(page.Rows) != want {
			t.Errorf("%s: got %s, %v, want %s", c.Peer, joined(page.Rows), err, want)
		}
	}
}

// A mistake in a view is told at the start, with the view's name.
func TestViewsThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ sql, want string }{
		{`SELEC 1`, "syntax error"},
		{`SELECT 1 AS _id, 2 AS session`, `no such column: "points"`},
		{`SELECT _id, session, missing AS points FROM questions`, "no such column: missing"},
		{`SELECT peer AS _id, '' AS session, 1 AS points FROM _owner`, "prohibited"},
		{`SELECT name AS _id, '' AS session, 1 AS points FROM sqlite_schema`, "prohibited"},
		{`SELECT name AS _id, '' AS session, 1 AS points FROM pragma_table_list`, "prohibited"},
		{`SELECT 1 AS _id, session, points FROM board`, "no such table: board"},
		{`DELETE FROM questions`, "not authorized"},
		{`DELETE FROM questions RETURNING _id, session, 1 AS points`, "not authorized"},
		{`PRAGMA user_version`, "not authorized"},
		{`ATTACH 'x' AS y`, "not authorized"},
		{`SELECT 1 AS _id, '' AS session, 2 AS points; SELECT 2`, "not one SELECT"},
		{`SELECT 1 AS _id, '' AS session, 2 AS points) AS t0, (SELECT 1`, "syntax error"},
		{`SELECT 1 AS _id, '' AS session, ? AS points`, `there is no parameter ""`},
		{`SELECT 1 AS _id, '' AS session, $role AS points`, `there is no parameter "$role"`},
		{`SELECT 1 AS _id, '' AS session, fts5_source_id() AS points`, "not authorized"},
		{`EXPLAIN SELECT 1 AS _id, '' AS session, 1 AS points`, "syntax error"},
	} {
		_, err := openWithViews(t, quizTables, viewOf(tt.sql, ""))
		if err == nil || !strings.HasPrefix(err.Error(), "goop.json: views.board.sql: ") || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.sql, err, tt.want)
		}
	}
}
