package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"goop/shared/data"
	"goop/shared/group"
	"goop/shared/jsontext"
	"goop/shared/wire"
)

// members is a Membership that a test sets: role by group and peer; "" is in the roster without a role.
type members struct {
	// mu guards the following.
	mu    sync.Mutex
	roles map[wire.GroupID]map[wire.PeerID]wire.Role
	subs  map[int]func()
	n     int
}

func (m *members) Role(peer wire.PeerID, id wire.GroupID) (wire.Role, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	role, in := m.roles[id][peer]
	return role, in
}

func (m *members) Subscribe(fn func()) func() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.subs == nil {
		m.subs = map[int]func(){}
	}
	m.n++
	n := m.n
	m.subs[n] = fn
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.subs, n)
	}
}

// set puts a peer into a group, or takes it out.
func (m *members) set(peer wire.PeerID, id wire.GroupID, role wire.Role, in bool) {
	m.mu.Lock()
	if m.roles == nil {
		m.roles = map[wire.GroupID]map[wire.PeerID]wire.Role{}
	}
	if m.roles[id] == nil {
		m.roles[id] = map[wire.PeerID]wire.Role{}
	}
	if in {
		m.roles[id][peer] = role
	} else {
		delete(m.roles[id], peer)
	}
	var subs []func()
	for _, fn := range m.subs {
		subs = append(subs, fn)
	}
	m.mu.Unlock()
	for _, fn := range subs {
		fn()
	}
}

func parseSite(t testing.TB, tables string) *data.Site {
	t.Helper()
	s, err := data.ParseSite([]byte(`{"tables":{` + tables + `}}`))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// world is a database with the tables of a site.
type world struct {
	t       testing.TB
	db      *DB
	site    *data.Site
	tables  *Tables
	members *members

	// mu guards the following.
	mu   sync.Mutex
	keys int
}

func newWorld(t testing.TB, tables string) *world {
	t.Helper()
	w := &world{t: t, db: openTest(t, Options{}), site: parseSite(t, tables), members: &members{}}
	if err := w.db.OpenTables(t.Context(), w.site); err != nil {
		t.Fatal(err)
	}
	w.tables = w.db.Tables(w.members)
	t.Cleanup(w.tables.Close)
	return w
}

func (w *world) table(name string) *data.Table {
	t, err := w.site.Lookup(name)
	if err != nil {
		w.t.Fatal(err)
	}
	return t
}

// key returns a fresh key for a request.
func (w *world) key() data.WriteKey {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.keys++
	return data.WriteKey{Key: fmt.Sprintf("key-%012d", w.keys), Request: []byte("r")}
}

func (w *world) insertWith(c group.Caller, k data.WriteKey, table, values string) (string, error) {
	t := w.table(table)
	row, err := t.NewRow([]byte(values))
	if err != nil {
		return "", err
	}
	return w.one(c, k, data.Write{Op: data.OpInsert, Table: t, Rows: [][]data.Value{row}})
}

// do makes changes, and returns their answers.
func (w *world) do(c group.Caller, k data.WriteKey, writes ...data.Write) ([]string, error) {
	answers, err := w.tables.Do(w.t.Context(), c, k, writes)
	var out []string
	for _, a := range answers {
		out = append(out, string(a))
	}
	return out, err
}

// one makes one change, and returns the row in its answer.
func (w *world) one(c group.Caller, k data.WriteKey, write data.Write) (row string, err error) {
	w.t.Helper()
	answers, err := w.do(c, k, write)
	if err != nil {
		return "", err
	}
	for m := jsontext.MembersOf([]byte(answers[0])); m.Next(); {
		if string(m.Key) == "row" {
			row = string(m.Value)
		}
	}
	return row, nil
}

func (w *world) insert(c group.Caller, table, values string) (string, error) {
	return w.insertWith(c, w.key(), table, values)
}

// mustInsert inserts and returns the row's _id.
func (w *world) mustInsert(c group.Caller, table, values string) int64 {
	w.t.Helper()
	row, err := w.insert(c, table, values)
	if err != nil {
		w.t.Fatal(err)
	}
	return idOf(w.t, row)
}

func idOf(t testing.TB, row string) (id int64) {
	t.Helper()
	if _, err := fmt.Sscanf(row, `{"_id":%d`, &id); err != nil {
		t.Fatalf("%v in %s", err, row)
	}
	return id
}

func (w *world) update(c group.Caller, table string, id int64, values string) (string, error) {
	t := w.table(table)
	changes, err := t.Changes([]byte(values))
	if err != nil {
		return "", err
	}
	return w.one(c, w.key(), data.Write{Op: data.OpUpdate, Table: t, Row: data.IntegerValue(id), Changes: changes})
}

func (w *world) remove(c group.Caller, table string, id int64) error {
	return w.removeWith(c, w.key(), table, id)
}

func (w *world) removeWith(c group.Caller, k data.WriteKey, table string, id int64) error {
	answers, err := w.do(c, k, data.Write{Op: data.OpRemove, Table: w.table(table), Row: data.IntegerValue(id)})
	if err == nil && answers[0] != `{"removed":1}` {
		w.t.Errorf("remove: got %s", answers[0])
	}
	return err
}

// query makes a query of the fields of a request, such as `"where":{"a":1}`.
func (w *world) query(table, fields string) *data.Query {
	w.t.Helper()
	line := `{"id":1,"op":"query","table":"` + table + `"`
	if fields != "" {
		line += "," + fields
	}
	r, err := data.DecodeRequest([]byte(line + "}"))
	if err != nil {
		w.t.Fatal(err)
	}
	q, err := w.table(table).Query(&r)
	if err != nil {
		w.t.Fatal(err)
	}
	return q
}

// rows returns what a query finds, a row a line.
func (w *world) rows(c group.Caller, table, fields string) (string, error) {
	w.t.Helper()
	page, err := w.tables.Query(w.t.Context(), c, w.query(table, fields))
	rows := page.Rows
	return joined(rows), err
}

func joined(rows []data.Row) string {
	var b strings.Builder
	for _, r := range rows {
		b.Write(r.JSON)
		b.WriteByte('\n')
	}
	return b.String()
}

func wantCode(t testing.TB, what string, err error, code wire.Code) {
	t.Helper()
	if code == "" && err != nil || code != "" && !errors.Is(err, code) {
		t.Errorf("%s: got %v, want code %q", what, err, code)
	}
}

var (
	anna  = group.Caller{Peer: "anna"}
	ben   = group.Caller{Peer: "ben"}
	owner = group.Caller{Peer: "owner", Owner: true}
)

const notes = `"notes":{"columns":{"text":{"type":"text","required":true},"n":{"type":"integer","default":7},"tag":{"type":"text","unique":true},
	"done":{"type":"boolean"},"r":{"type":"real"},"j":{"type":"json"},"b":{"type":"blob"},"t":{"type":"time"}},
	"indexes":[["n","text"]],"access":{"read":"open","insert":"open","update":"author","remove":"author"}}`

func TestRowsComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, notes)
	row, err := w.insert(anna, "notes", `{"text":"ä\u2028\"","n":9007199254740991,"done":true,"r":-0.1,"j":{"a":[1,null]},"b":"AP8=","t":-5}`)
	if err != nil {
		t.Fatal(err)
	}
	id := idOf(t, row)
	for _, part := range []string{`"text":"ä\u2028\"","n":9007199254740991,"tag":null,"done":true,"r":-0.1,"j":{"a":[1,null]},"b":"AP8=","t":-5,"_owner":"anna"`} {
		if !strings.Contains(row, part) {
			t.Errorf("got %s, want %s in it", row, part)
		}
	}
	if strings.Contains(row, "_seq") {
		t.Errorf("a row that was not recorded shows _seq: %s", row)
	}
	got, err := w.tables.Get(t.Context(), ben, w.query("notes", ""), data.IntegerValue(id))
	if err != nil || string(got.JSON) != row {
		t.Errorf("get: got %s, %v, want %s", got.JSON, err, row)
	}
	if got, err := w.rows(ben, "notes", `"where":{"b":"AP8="}`); err != nil || got != row+"\n" {
		t.Errorf("query: got %s, %v, want %s", got, err, row)
	}
	if got, err := w.rows(ben, "notes", `"columns":["n","_seq"]`); err != nil || got != fmt.Sprintf("{\"_id\":%d,\"n\":9007199254740991,\"_seq\":null}\n", id) {
		t.Errorf("columns: got %s, %v", got, err)
	}
	// An empty blob is no null, and the defaults are filled in.
	row, err = w.insert(anna, "notes", `{"text":"","b":""}`)
	if err != nil || !strings.Contains(row, `"text":"","n":7,`) || !strings.Contains(row, `"b":"",`) {
		t.Errorf("got %s, %v", row, err)
	}
	if got, err := w.rows(ben, "notes", `"where":{"b":{"null":false},"text":""}`); err != nil || got != row+"\n" {
		t.Errorf("empty blob: got %s, %v, want %s", got, err, row)
	}
	if got, err := w.tables.Query(t.Context(), ben, w.query("notes", `"where":{"n":1}`)); err != nil || got.Rows == nil || len(got.Rows) != 0 {
		t.Errorf("nothing found: got %v, %v, want a list without rows", got, err)
	}
}

func TestWrites(t *testing.T) {
	t.Parallel()
	w := newWorld(t, notes)
	id := w.mustInsert(anna, "notes", `{"text":"a","tag":"x"}`)
	other := w.mustInsert(ben, "notes", `{"text":"b","tag":"y"}`)
	if other <= id {
		t.Errorf("got _id %d after %d", other, id)
	}
	_, err := w.insert(ben, "notes", `{"text":"c","tag":"x"}`)
	wantCode(t, "insert of a taken value", err, wire.Conflict)
	_, err = w.update(ben, "notes", other, `{"tag":"x"}`)
	wantCode(t, "update to a taken value", err, wire.Conflict)
	_, err = w.update(ben, "notes", id, `{"text":"mine"}`)
	wantCode(t, "update of another's row", err, wire.Forbidden)
	_, err = w.update(ben, "notes", 12345, `{"text":"mine"}`)
	wantCode(t, "update of no row", err, wire.NotFound)
	wantCode(t, "remove of another's row", w.remove(ben, "notes", id), wire.Forbidden)
	row, err := w.update(anna, "notes", id, `{"text":"a2","tag":null}`)
	if err != nil || !strings.Contains(row, `"text":"a2","n":7,"tag":null`) {
		t.Errorf("update: got %s, %v", row, err)
	}
	if got, err := w.rows(anna, "notes", fmt.Sprintf(`"where":{"_id":%d}`, id)); err != nil || got != row+"\n" {
		t.Errorf("after update: got %s, %v, want %s", got, err, row)
	}
	if again, err := w.update(anna, "notes", id, `{}`); err != nil || again != row {
		t.Errorf("empty update: got %s, %v, want %s", again, err, row)
	}
	wantCode(t, "remove", w.remove(anna, "notes", id), "")
	wantCode(t, "remove again, with another key", w.remove(anna, "notes", id), wire.NotFound)
	_, err = w.tables.Get(t.Context(), anna, w.query("notes", ""), data.IntegerValue(id))
	wantCode(t, "get of a removed row", err, wire.NotFound)
	wantCode(t, "remove by the site's owner", w.remove(owner, "notes", other), "")
	if n, err := w.tables.Count(t.Context(), anna, w.query("notes", "")); n != 0 || err != nil {
		t.Errorf("got %d rows, %v", n, err)
	}
}

func TestRepeatedWritesAreDoneOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, notes)
	k := data.WriteKey{Key: "0123456789abcdef", Request: []byte("insert a")}
	first, err := w.insertWith(anna, k, "notes", `{"text":"a"}`)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if again, err := w.insertWith(anna, k, "notes", `{"text":"a"}`); err != nil || again != first {
				t.Errorf("got %s, %v, want %s", again, err, first)
			}
		})
	}
	wg.Wait()
	if n, err := w.tables.Count(t.Context(), anna, w.query("notes", "")); n != 1 || err != nil {
		t.Errorf("got %d rows, %v, want 1", n, err)
	}
	_, err = w.insertWith(anna, data.WriteKey{Key: k.Key, Request: []byte("insert b")}, "notes", `{"text":"b"}`)
	wantCode(t, "the same key with another request", err, wire.IDConflict)
	if second, err := w.insertWith(ben, k, "notes", `{"text":"a"}`); err != nil || second == first {
		t.Errorf("the same key of another peer: got %s, %v", second, err)
	}
	// A refusal is not kept, and an answer outlives the row and the right.
	id := idOf(t, first)
	rk := data.WriteKey{Key: "fedcba9876543210", Request: []byte("remove")}
	remove := func(c group.Caller) error {
		return w.removeWith(c, rk, "notes", id)
	}
	wantCode(t, "remove by another", remove(ben), wire.Forbidden)
	wantCode(t, "remove", remove(anna), "")
	wantCode(t, "remove repeated", remove(anna), "")
	// What is done elsewhere is kept the same way.
	gk := data.WriteKey{Key: "group-0123456789", Request: []byte("create")}
	if a, err := w.tables.Answered(t.Context(), "anna", gk); a != nil || err != nil {
		t.Errorf("got %s, %v before there was an answer", a, err)
	}
	if err := w.tables.Keep(t.Context(), "anna", gk, []byte(`{"id":"g"}`)); err != nil {
		t.Fatal(err)
	}
	if a, err := w.tables.Answered(t.Context(), "anna", gk); string(a) != `{"id":"g"}` || err != nil {
		t.Errorf("got %s, %v", a, err)
	}
	_, err = w.tables.Answered(t.Context(), "anna", data.WriteKey{Key: gk.Key, Request: []byte("close")})
	wantCode(t, "the key of another request", err, wire.IDConflict)
}

const games = `"moves":{"columns":{"game":{"type":"text"},"san":{"type":"text"}},"memberOf":"game",
		"access":{"read":"member","insert":"member","update":"role:moderator","remove":"none"}},
	"own":{"columns":{"v":{"type":"text"}},"access":{"read":"author","insert":"author","update":"author","remove":"author"}},
	"closed":{"columns":{"v":{"type":"text"}}},
	"inbox":{"columns":{"v":{"type":"text"}},"access":{"insert":"open","update":"author"}}`

func TestAccess(t *testing.T) {
	t.Parallel()
	w := newWorld(t, games)
	w.members.set("anna", "a", wire.RoleMember, true)
	w.members.set("anna", "b", wire.RoleModerator, true)
	w.members.set("ben", "b", wire.RoleViewer, true)
	inA := w.mustInsert(anna, "moves", `{"game":"a","san":"e4"}`)
	inB := w.mustInsert(ben, "moves", `{"game":"b","san":"d4"}`)
	stray := w.mustInsert(owner, "moves", `{"san":"c4"}`)
	all := func(c group.Caller, fields string) (n int) {
		t.Helper()
		page, err := w.tables.Query(t.Context(), c, w.query("moves", fields))
		rows := page.Rows
		count, err2 := w.tables.Count(t.Context(), c, w.query("moves", fields))
		if err != nil || err2 != nil || int(count) != len(rows) {
			t.Errorf("%s: got %d rows (%v) and count %d (%v)", fields, len(rows), err, count, err2)
		}
		return len(rows)
	}
	for _, tt := range []struct {
		c      group.Caller
		fields string
		want   int
	}{
		{anna, "", 2}, {ben, "", 1}, {owner, "", 3}, {group.Caller{Peer: "carl"}, "", 0},
		{ben, `"where":{"game":"a"}`, 0}, {anna, `"where":{"game":"a"}`, 1}, {ben, `"where":{"game":{"in":["a","b"]}}`, 1},
		{anna, `"where":{"game":{"in":["a","b",null]}}`, 2}, {anna, `"where":{"or":[{"game":"a"},{"san":"d4"}]}`, 2},
		{ben, `"where":{"not":{"game":"b"}}`, 0}, {ben, `"where":{"game":null}`, 0}, {owner, `"where":{"game":null}`, 1},
		{anna, `"where":{"and":[{"san":"e4"},{"game":{"=":"a"}}]}`, 1},
	} {
		if got := all(tt.c, tt.fields); got != tt.want {
			t.Errorf("%s, %s: got %d rows, want %d", tt.c.Peer, tt.fields, got, tt.want)
		}
	}
	get := func(c group.Caller, table string, id int64) error {
		_, err := w.tables.Get(t.Context(), c, w.query(table, ""), data.IntegerValue(id))
		return err
	}
	wantCode(t, "get in one's group", get(anna, "moves", inA), "")
	wantCode(t, "get in another group", get(ben, "moves", inA), wire.NotFound)
	wantCode(t, "get in no group", get(anna, "moves", stray), wire.NotFound)
	_, err := w.insert(ben, "moves", `{"game":"a"}`)
	wantCode(t, "insert into another group", err, wire.Forbidden)
	_, err = w.insert(ben, "moves", `{}`)
	wantCode(t, "insert into no group", err, wire.Forbidden)
	_, err = w.insert(ben, "moves", `{"game":"no such id!"}`)
	wantCode(t, "insert into what is no group", err, wire.Forbidden)
	_, err = w.update(anna, "moves", inA, `{"san":"x"}`)
	wantCode(t, "update as a member, where it takes a moderator", err, wire.Forbidden)
	_, err = w.update(ben, "moves", inA, `{"san":"x"}`)
	wantCode(t, "update in another group", err, wire.NotFound)
	_, err = w.update(anna, "moves", inB, `{"san":"x"}`)
	wantCode(t, "update as a moderator", err, "")
	_, err = w.update(anna, "moves", inB, `{"game":"a"}`)
	wantCode(t, "moving a row to a group where one is no moderator", err, wire.Forbidden)
	_, err = w.update(anna, "moves", inB, `{"game":null}`)
	wantCode(t, "moving a row out of its group", err, wire.Forbidden)
	wantCode(t, "remove under none, by a member", w.remove(anna, "moves", inA), wire.Forbidden)
	wantCode(t, "remove under none, by the site's owner", w.remove(owner, "moves", inA), wire.Forbidden)

	mine := w.mustInsert(anna, "own", `{"v":"a"}`)
	w.mustInsert(ben, "own", `{"v":"b"}`)
	if got, err := w.rows(anna, "own", `"columns":["v"]`); err != nil || got != fmt.Sprintf("{\"_id\":%d,\"v\":\"a\"}\n", mine) {
		t.Errorf("author: got %s, %v", got, err)
	}
	wantCode(t, "get of another's row", get(ben, "own", mine), wire.NotFound)
	_, err = w.update(ben, "own", mine, `{"v":"x"}`)
	wantCode(t, "update of a row that one may not see", err, wire.NotFound)
	wantCode(t, "remove of a row that one may not see", w.remove(ben, "own", mine), wire.NotFound)

	_, err = w.insert(anna, "closed", `{"v":"x"}`)
	wantCode(t, "insert without access", err, wire.Forbidden)
	_, err = w.rows(anna, "closed", "")
	wantCode(t, "query without access", err, wire.Forbidden)
	_, err = w.tables.Count(t.Context(), anna, w.query("closed", ""))
	wantCode(t, "count without access", err, wire.Forbidden)
	wantCode(t, "get without access", get(anna, "closed", 1), wire.Forbidden)
	w.mustInsert(owner, "closed", `{"v":"x"}`)

	letter := w.mustInsert(anna, "inbox", `{"v":"x"}`)
	wantCode(t, "get of one's own row where only the owner reads", get(anna, "inbox", letter), wire.Forbidden)
	_, err = w.update(anna, "inbox", letter, `{"v":"y"}`)
	wantCode(t, "update of one's own row where only the owner reads", err, "")
}

func TestBoundedAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `"big":{"columns":{"v":{"type":"text"}},"access":{"read":"open","insert":"open"}}`)
	v := strings.Repeat("x", 200<<10)
	for range 6 {
		w.mustInsert(anna, "big", `{"v":"`+v+`"}`)
	}
	_, err := w.rows(anna, "big", "")
	wantCode(t, "more than fits an answer", err, wire.TooLarge)
	if page, err := w.tables.Query(t.Context(), anna, w.query("big", `"limit":4`)); err != nil || len(page.Rows) != 4 {
		t.Errorf("got %d rows, %v", len(page.Rows), err)
	}
	for range 120 {
		w.mustInsert(anna, "big", `{"v":""}`)
	}
	if page, err := w.tables.Query(t.Context(), anna, w.query("big", `"where":{"v":""}`)); err != nil || len(page.Rows) != data.DefaultRows {
		t.Errorf("got %d rows, %v", len(page.Rows), err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.tables.Query(ctx, anna, w.query("big", "")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
