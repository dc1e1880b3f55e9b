package store

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"goop/shared/data"
	"goop/shared/wire"
)

const articles = `"articles":{"columns":{"title":{"type":"text"},"text":{"type":"text"},"n":{"type":"integer"}},
	"search":["title","text"],"access":{"read":"open","insert":"open","update":"author"}},
	"drafts":{"columns":{"text":{"type":"text"}},"search":["text"],"access":{"read":"author","insert":"open"}}`

func TestSearch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, articles)
	first := w.mustInsert(anna, "articles", `{"title":"Schach für Anfänger","text":"Der Läufer zieht schräg","n":1}`)
	w.mustInsert(anna, "articles", `{"title":"Läufer","text":"Läufer, Läufer und noch ein Läufer","n":2}`)
	w.mustInsert(anna, "articles", `{"text":"nothing \"AND\" NEAR(x) col:y * ^ - + (","n":3}`)
	w.mustInsert(anna, "drafts", `{"text":"secret plan"}`)
	for _, tt := range []struct{ where, want string }{
		{`{"_search":"läufer"}`, "1 2"},
		{`{"_search":"LAUFER zieh"}`, "1"},
		{`{"_search":"schach schräg"}`, "1"},
		{`{"_search":"auf"}`, ""},
		{`{"_search":"und"}`, "2"},
		{`{"_search":"AND"}`, "3"},
		{`{"_search":"NEAR(x)"}`, "3"},
		{`{"_search":"\" OR text:läufer"}`, ""},
		{`{"_search":"col : y"}`, "3"},
		{`{"_search":"title:läufer"}`, ""},
		{`{"_search":"-nothing *"}`, "3"},
		{`{"not":{"_search":"läufer"}}`, "3"},
		{`{"or":[{"_search":"zieht"},{"n":3}]}`, "1 3"},
		{`{"_search":"läufer","n":{">":1}}`, "2"},
	} {
		got, err := w.rows(anna, "articles", `"columns":["n"],"order":["n"],"where":`+tt.where)
		if n := numbers(got); err != nil || n != tt.want {
			t.Errorf("%s: got %s, %v, want %s", tt.where, n, err, tt.want)
		}
	}
	if _, err := w.update(anna, "articles", first, `{"text":"Der Turm"}`); err != nil {
		t.Fatal(err)
	}
	if got, err := w.rows(anna, "articles", `"columns":["n"],"where":{"_search":"zieht"}`); err != nil || got != "" {
		t.Errorf("words that are gone: got %s, %v", got, err)
	}
	if got, err := w.rows(anna, "articles", `"columns":["n"],"order":["_rank"],"where":{"_search":"schach läufer"}`); err != nil || got != "" {
		t.Errorf("got %s, %v", got, err)
	}
	w.mustInsert(anna, "articles", `{"text":"ein Läufer unter vielen anderen Figuren, von denen hier noch viel mehr zu sagen ist","n":4}`)
	got, err := w.rows(anna, "articles", `"columns":["n"],"order":["_rank"],"where":{"_search":"läufer","n":{">":0}}`)
	if n := numbers(got); err != nil || n != "2 4" {
		t.Errorf("by rank: got %s, %v, want 2 4", n, err)
	}
	got, err = w.rows(ben, "drafts", `"where":{"_search":"secret"}`)
	if err != nil || got != "" {
		t.Errorf("another's draft: got %s, %v", got, err)
	}
	_, err = w.rows(ben, "drafts", `"order":["_rank"],"where":{"_search":"secret"}`)
	wantCode(t, "rank over rows that one may not see", err, wire.BadQuery)
	if got, err := w.rows(owner, "drafts", `"order":["_rank"],"where":{"_search":"secret"},"columns":["text"]`); err != nil || !strings.Contains(got, "secret plan") {
		t.Errorf("rank for the site's owner: got %s, %v", got, err)
	}
}

// numbers returns the values of n in rows with that column alone.
func numbers(rows string) string {
	var list []string
	for line := range strings.Lines(rows) {
		_, n, _ := strings.Cut(strings.TrimRight(line, "}\n"), `"n":`)
		list = append(list, n)
	}
	return strings.Join(list, " ")
}

// FTS5 and the matcher in memory have to agree about words.
func TestSearchAgreesWithMatch(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	w := newWorld(t, articles)
	words := []string{"a", "ab", "abc", "Ärger", "arg", "straße", "STRASSE", "x1", "12", "—", "\\\"", "*", "naïve", "e\u0301te", "日本語", "日", "Ωmega", "ωm", "_", "c++", "don't", "ﬁ", "ß"}
	some := func() string {
		var list []string
		for range 1 + rng.IntN(5) {
			list = append(list, pickOne(rng, words))
		}
		return strings.Join(list, pickOne(rng, []string{" ", "-", ".", ", "}))
	}
	for i := range 60 {
		w.mustInsert(anna, "articles", fmt.Sprintf(`{"n":%d,"title":"%s","text":"%s"}`, i, some(), some()))
	}
	all := w.stored("articles")
	for range 300 {
		text := some()
		if len(data.SearchWords(text)) == 0 || len(data.SearchWords(text)) > data.MaxWords {
			continue
		}
		q := w.query("articles", `"limit":100,"where":{"_search":"`+text+`"}`)
		want := q.Select(slices.Clone(all))
		page, err := w.tables.Query(t.Context(), anna, q)
		if err != nil || joined(page.Rows) != joined(want) {
			t.Errorf("%q: %v, got\n%swant\n%s", text, err, joined(page.Rows), joined(want))
		}
	}
}

// Nothing that somebody searches for is syntax.
func FuzzSearch(f *testing.F) {
	for _, s := range []string{`a`, `"`, `a" OR "b`, `NEAR(a b)`, `c0:a`, `a*b`, `^a`, `{c0}:a`, `-a`, `a\u0301`, "\u0301", "日本語", `''`, `a AND NOT b`} {
		f.Add(s)
	}
	w := newWorld(f, articles)
	w.mustInsert(anna, "articles", `{"title":"a b","text":"c"}`)
	table := w.table("articles")
	f.Fuzz(func(t *testing.T, text string) {
		where, err := data.ParseWhere(table, append(data.TextValue(text).Append([]byte(`{"_search":`)), '}'))
		if err != nil {
			return
		}
		for _, order := range [][]data.Order{nil, {{Column: data.Rank}}} {
			if _, err := w.tables.Query(t.Context(), anna, &data.Query{Table: table, Where: where, Order: order, Limit: 1}); err != nil {
				t.Errorf("%q: %v", text, err)
			}
		}
	})
}
