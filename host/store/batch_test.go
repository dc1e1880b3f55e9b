package store

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3/vfs"

	"goop/shared/data"
	"goop/shared/group"
	"goop/shared/wire"
)

const shop = `"orders":{"columns":{"name":{"type":"text","unique":true},"paid":{"type":"boolean","default":false},"room":{"type":"text"}},"memberOf":"room",
		"access":{"read":"author","insert":"open","update":"author","remove":"author"}},
	"items":{"columns":{"order":{"type":"integer","required":true,"references":"orders","onRemove":"cascade"},"n":{"type":"integer","default":1}},
		"access":{"read":{"who":"open","if":{"order._owner":"$me"}},"insert":{"who":"open","if":{"order.paid":false}},"update":"author","remove":"author"}},
	"notes":{"columns":{"item":{"type":"integer","references":"items"},"kept":{"type":"integer","references":"items","onRemove":"keep"},"text":{"type":"text"}},
		"access":{"read":"open","insert":"open","update":"author","remove":"author"}}`

// TestBatch has a batch done with rows of its own, answered in order, and told exactly.
func TestBatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop+`,"letters":{"columns":{"text":{"type":"text"}},"access":{"insert":"open"}},
		"marks":{"columns":{"letter":{"type":"integer","references":"letters"},"text":{"type":"text","unique":true}},"access":{"read":"open","insert":"open","update":"author"}}`)
	var told []Change
	w.db.onCommit(func(c Commit) { told = append(told, c.Changes...) })
	k := w.key()
	writes := w.writes(anna,
		`{"op":"insert","table":"orders","values":{"name":"first"}}`,
		`{"op":"insertMany","table":"items","rows":[{"order":{"$row":0},"n":2},{"order":{"$row":0},"n":3}]}`,
		`{"op":"upsert","table":"orders","values":{"name":"second"}}`,
		`{"op":"update","table":"orders","row":{"$row":0},"values":{"paid":true}}`,
		`{"op":"increment","table":"items","row":1,"values":{"n":1}}`)
	answers, err := w.do(anna, k, writes[:4]...)
	if err != nil {
		t.Fatal(err)
	}
	order := idOf(t, strings.TrimPrefix(answers[0], `{"row":`))
	if want := fmt.Sprintf(`{"row":{"_id":%d,"name":"first","paid":true`, order); !strings.HasPrefix(answers[3], want) {
		t.Errorf("got %s, want %s…", answers[3], want)
	}
	var kinds []string
	for _, c := range told {
		kinds = append(kinds, fmt.Sprint(c.Table, c.Kind))
	}
	if got := strings.Join(kinds, " "); got != "orders1 items1 items1 orders1 orders2" || told[0].ID != order || told[4].ID != order {
		t.Errorf("told was %v", told)
	}
	if want := fmt.Sprintf(`"order":%d,"n":3,`, order); !strings.Contains(answers[1], want) {
		t.Errorf("got %s, want %s in it", answers[1], want)
	}
	// What has no reader is for who has inserted it to reference; a row of another table is none.
	if got := w.batch(ben, `{"op":"insert","table":"letters","values":{"text":"a"}}`, `{"op":"insert","table":"marks","values":{"letter":{"$row":0},"text":"b"}}`,
		`{"op":"upsert","table":"marks","on":["text"],"values":{"letter":{"$row":0},"text":"b"}}`); strings.Count(got, `"text":"b"`) != 2 {
		t.Errorf("got %s", got)
	}
	if got := w.batch(ben, `{"op":"insert","table":"marks","values":{"text":"c"}}`, `{"op":"insert","table":"marks","values":{"letter":{"$row":0}}}`); got != "invalid_value" {
		t.Errorf("got %s", got)
	}
	// The same again is answered, whatever has become of it; the same key with less of it is not.
	if err := w.remove(anna, "orders", order); err != nil {
		t.Fatal(err)
	}
	again, err := w.do(anna, k, writes[:4]...)
	if err != nil || !slices.Equal(again, answers) {
		t.Errorf("again: got %v, %v, want %v", again, err, answers)
	}
	_, err = w.do(anna, data.WriteKey{Key: k.Key, Request: []byte("another")}, writes[:1]...)
	wantCode(t, "the key of another request", err, wire.IDConflict)

	// All or nothing, and the error says where.
	told = nil
	before := w.column("orders", "name") + w.column("items", "n")
	for _, tt := range []struct{ last, message string }{
		{`{"op":"insert","table":"orders","values":{"name":"second"}}`, "operation 2: "},
		{`{"op":"insertMany","table":"items","rows":[{"order":{"$row":0}}]}`, "operation 2: row 0: "}, // it is paid
		{`{"op":"update","table":"orders","row":1,"values":{"paid":true}}`, "operation 2: "},
		{`{"op":"insert","table":"items","values":{"order":1}}`, "operation 2: "},
	} {
		_, err := w.do(anna, w.key(), w.writes(anna,
			`{"op":"insert","table":"orders","values":{"name":"third"}}`,
			`{"op":"update","table":"orders","row":{"$row":0},"values":{"paid":true}}`, tt.last)...)
		if e, ok := errors.AsType[*wire.Error](err); !ok || !strings.HasPrefix(e.Message, tt.message) {
			t.Errorf("%s: got %v", tt.last, err)
		}
	}
	if after := w.column("orders", "name") + w.column("items", "n"); after != before || told != nil {
		t.Errorf("got %s, and told was %v, want %s", after, told, before)
	}
}

// TestReferences may lead only to what the caller may read, and to what he has just inserted.
func TestReferences(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	order := w.mustInsert(anna, "orders", `{"name":"first"}`)
	item := w.mustInsert(anna, "items", fmt.Sprintf(`{"order":%d}`, order))
	var refusals []string
	for _, tt := range []struct {
		c    group.Caller
		id   int64
		code wire.Code
	}{{anna, item, ""}, {ben, item, wire.InvalidValue}, {ben, 12345, wire.InvalidValue}, {owner, item, ""}, {owner, 12345, wire.InvalidValue}} {
		_, err := w.insert(tt.c, "notes", fmt.Sprintf(`{"item":%d}`, tt.id))
		wantCode(t, fmt.Sprint(tt.c.Peer, " inserts a note of ", tt.id), err, tt.code)
		id := w.mustInsert(tt.c, "notes", `{}`)
		_, err2 := w.update(tt.c, "notes", id, fmt.Sprintf(`{"item":%d}`, tt.id))
		wantCode(t, fmt.Sprint(tt.c.Peer, " has a note be of ", tt.id), err2, tt.code)
		if tt.c.Peer == "ben" {
			refusals = append(refusals, strings.ReplaceAll(err.Error(), fmt.Sprint(tt.id), "N"))
		}
	}
	if refusals[0] != refusals[1] {
		t.Errorf("the errors tell whether there is such a row: %q", refusals)
	}
	// An item of another's order is one of no order, to who may not read that.
	_, err := w.insert(ben, "items", fmt.Sprintf(`{"order":%d}`, order))
	wantCode(t, "an item of another's order", err, wire.InvalidValue)
}

// TestRemovalOfReferences clears, removes and keeps what hangs on rows that are removed, through many
// tables and in circles, and tells all of it.
func TestRemovalOfReferences(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, Limits{WriteTimeout: time.Minute}, shop+`,"tree":{"columns":{"of":{"type":"integer","references":"tree","onRemove":"cascade"},"v":{"type":"text"}},"access":{"read":"open","insert":"open","remove":"open","update":"open"}}`)
	order := w.mustInsert(anna, "orders", `{"name":"first"}`)
	a := w.mustInsert(anna, "items", fmt.Sprintf(`{"order":%d}`, order))
	b := w.mustInsert(anna, "items", fmt.Sprintf(`{"order":%d}`, order))
	n1 := w.mustInsert(anna, "notes", fmt.Sprintf(`{"item":%d,"kept":%d,"text":"a"}`, a, b))
	w.mustInsert(anna, "notes", `{"text":"b"}`)
	var told []Change
	w.db.onCommit(func(c Commit) { told = append(told, c.Changes...) })
	if err := w.remove(anna, "orders", order); err != nil {
		t.Fatal(err)
	}
	if got := w.column("items", "n") + "|" + w.column("notes", "item") + "|" + w.column("notes", "kept"); got != fmt.Sprintf("|null null|%d null", b) {
		t.Errorf("got %s", got)
	}
	want := []Change{{"orders", order, Removed, "anna"}, {"items", a, Removed, "anna"}, {"notes", n1, Updated, ""}, {"items", b, Removed, "anna"}}
	slices.SortFunc(told, func(x, y Change) int { return strings.Compare(fmt.Sprint(x), fmt.Sprint(y)) })
	slices.SortFunc(want, func(x, y Change) int { return strings.Compare(fmt.Sprint(x), fmt.Sprint(y)) })
	if !slices.Equal(told, want) {
		t.Errorf("told was %v, want %v", told, want)
	}

	// A circle, and one that hangs on itself.
	x := w.mustInsert(anna, "tree", `{"v":"x"}`)
	y := w.mustInsert(anna, "tree", fmt.Sprintf(`{"v":"y","of":%d}`, x))
	for id, of := range map[int64]int64{x: y, w.mustInsert(anna, "tree", `{"v":"z"}`): 0} {
		if of == 0 {
			of = id
		}
		if _, err := w.update(anna, "tree", id, fmt.Sprintf(`{"of":%d}`, of)); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.batch(ben, `{"op":"removeWhere","table":"tree","where":{}}`); got != `{"removed":3}` || w.column("tree", "v") != "" {
		t.Errorf("got %s, and %s is left", got, w.column("tree", "v"))
	}

	// Too many hang on one.
	root := w.mustInsert(anna, "tree", `{"v":"root"}`)
	mustWrite(t, w.db, func(tx *Tx) error {
		_, err := tx.Exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
			INSERT INTO tree (_id, of, _owner, _created_at, _updated_at) SELECT i, ?, 'anna', 0, 0 FROM n`, maxChanged, root)
		return err
	})
	told = nil
	wantCode(t, "remove with too many", w.remove(anna, "tree", root), wire.LimitExceeded)
	if n := number(t, w.db, "SELECT count(*) FROM tree"); n != maxChanged+1 || told != nil {
		t.Errorf("got %d rows, and told was %v", n, told)
	}
	if got := w.batch(anna, `{"op":"removeWhere","table":"tree","where":{"_id":{"<":1001}}}`); got != `{"removed":1000}` {
		t.Errorf("got %s", got)
	}
	if got := w.batch(anna, `{"op":"removeWhere","table":"tree","where":{"_id":{"<":2002}}}`); got != "limit_exceeded" {
		t.Errorf("got %s", got)
	}
	if err := w.remove(anna, "tree", root); err != nil {
		t.Error(err)
	}
}

// TestUnreadRow shows of a row that its author may update and not read what he has set, and no more.
func TestUnreadRow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `"box":{"columns":{"a":{"type":"integer","max":5},"b":{"type":"integer"}},"access":{"insert":"open","update":"author"}}`)
	id := w.mustInsert(anna, "box", `{"a":1,"b":2}`)
	for op, want := range map[string]string{
		`{"op":"update","table":"box","row":%d,"values":{"b":3}}`:             `{"row":{"_id":%d,"b":3}}`,
		`{"op":"increment","table":"box","row":%d,"values":{"a":1}}`:          `{"row":{"_id":%d}}`,
		`{"op":"updateWhere","table":"box","where":{"a":1},"values":{"b":3}}`: `forbidden`,
	} {
		if got := w.batch(anna, strings.ReplaceAll(op, "%d", fmt.Sprint(id))); got != strings.ReplaceAll(want, "%d", fmt.Sprint(id)) {
			t.Errorf("%s: got %s, want %s", op, got, want)
		}
	}
	_, err := w.do(anna, w.key(), w.writes(anna, fmt.Sprintf(`{"op":"increment","table":"box","row":%d,"values":{"a":77}}`, id))...)
	if !errors.Is(err, wire.InvalidValue) || strings.ContainsAny(err.Error(), "0123456789") {
		t.Errorf("got %v, which is to tell nothing of what there was", err)
	}
}

// TestGroupsThatAreNew inserts rows of a group of which there were none, beside changes of all rows.
func TestGroupsThatAreNew(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `"t":{"columns":{"room":{"type":"text"},"n":{"type":"integer"}},"memberOf":"room","access":{"read":"member","insert":"member","update":"member"}}`)
	w.members.set("anna", "old", wire.RoleMember, true)
	w.members.set("anna", "new", wire.RoleMember, true)
	w.mustInsert(anna, "t", `{"room":"old"}`)
	if got := w.batch(anna, `{"op":"insert","table":"t","values":{"room":"new"}}`, `{"op":"updateWhere","table":"t","where":{},"values":{"n":1}}`); !strings.HasSuffix(got, `{"updated":2}`) {
		t.Errorf("got %s", got)
	}
}

// TestRightsThatMove changes groups of rows and members while writes are made: none is done under rights
// that were not the caller's at some moment of it.
func TestRightsThatMove(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `"t":{"columns":{"room":{"type":"text"},"n":{"type":"integer","default":0}},"memberOf":"room","access":{"read":"member","insert":"open","update":"member"}}`)
	w.members.set("anna", "a", wire.RoleMember, true)
	w.members.set("anna", "b", wire.RoleMember, true)
	id := w.mustInsert(anna, "t", `{"room":"a"}`)
	const rounds = 60
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range rounds {
			if _, err := w.update(owner, "t", id, `{"room":"`+[]string{"b", "a", "c", "a"}[i%4]+`"}`); err != nil {
				t.Error(err)
			}
		}
	})
	done := 0
	wg.Go(func() {
		for range rounds {
			_, err := w.one(anna, w.key(), w.writes(anna, fmt.Sprintf(`{"op":"increment","table":"t","row":%d,"values":{"n":1}}`, id))[0])
			if err == nil {
				done++
			} else if !errors.Is(err, wire.NotFound) && !errors.Is(err, wire.Conflict) {
				t.Error(err)
			}
		}
	})
	wg.Wait()
	if got := w.column("t", "n"); got != fmt.Sprint(done) {
		t.Errorf("got %s increments, want %d", got, done)
	}
}

// TestRepeatedBatches sends the same ones at once.
func TestRepeatedBatches(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	const each = 8
	var wg sync.WaitGroup
	for i := range 10 {
		k, answers := w.key(), make([][]string, each)
		writes := w.writes(anna, fmt.Sprintf(`{"op":"insert","table":"orders","values":{"name":"%d"}}`, i), `{"op":"insert","table":"items","values":{"order":{"$row":0}}}`)
		var all sync.WaitGroup
		for j := range each {
			all.Go(func() {
				var err error
				if answers[j], err = w.do(anna, k, writes...); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Go(func() {
			all.Wait()
			for _, a := range answers {
				if !slices.Equal(a, answers[0]) {
					t.Errorf("got %v and %v", a, answers[0])
				}
			}
		})
	}
	wg.Wait()
	if orders, items := number(t, w.db, "SELECT count(*) FROM orders"), number(t, w.db, "SELECT count(*) FROM items"); orders != 10 || items != 10 {
		t.Errorf("got %d orders and %d items, want 10", orders, items)
	}
}

// TestBatchOnAFullDisk does all or nothing of batches that share a commit which cannot be made, and each
// once when there is room again.
func TestBatchOnAFullDisk(t *testing.T) {
	t.Parallel()
	var full error = &fs.PathError{Op: "write", Path: "goop.db-wal", Err: syscall.ENOSPC}
	v := &faultyVFS{VFSFilename: vfs.Find("").(vfs.VFSFilename)}
	registerDisk("faulty batches", v)
	t.Cleanup(func() { vfs.Unregister("faulty batches") })
	w := &world{t: t, db: openTest(t, Options{Dir: t.TempDir(), vfs: "faulty batches"}), site: parseSite(t, shop), members: &members{}}
	if err := w.db.OpenTables(t.Context(), w.site); err != nil {
		t.Fatal(err)
	}
	w.tables = w.db.Tables(w.members)
	t.Cleanup(w.tables.Close)
	told := 0
	w.db.onCommit(func(c Commit) { told += len(c.Changes) })
	const batches = 10
	keys := make([]data.WriteKey, batches)
	for i := range keys {
		keys[i] = w.key()
	}
	round := func(code wire.Code) {
		var wg sync.WaitGroup
		for i, k := range keys {
			wg.Go(func() {
				_, err := w.do(anna, k, w.writes(anna, fmt.Sprintf(`{"op":"insert","table":"orders","values":{"name":"%d"}}`, i),
					`{"op":"insert","table":"items","values":{"order":{"$row":0}}}`)...)
				wantCode(t, "a batch", err, code)
			})
		}
		wg.Wait()
	}
	v.write.Store(&full)
	round(wire.StorageFull)
	v.write.Store(nil)
	if n := number(t, w.db, "SELECT count(*) FROM orders"); n != 0 || told != 0 {
		t.Errorf("with a full disk: got %d orders, and %d changes were told", n, told)
	}
	round("")
	round("") // the same again
	if n := number(t, w.db, "SELECT count(*) FROM items JOIN orders ON orders._id = items.\"order\""); n != batches || told != 2*batches {
		t.Errorf("got %d items, and %d changes were told", n, told)
	}
}

// TestBoldCallsThatFail has writes fail after they have changed something, among others that do not: those
// that share the transaction are done once, and nothing of the others is left or told.
func TestBoldCallsThatFail(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `"t":{"columns":{"n":{"type":"integer","unique":true},"ok":{"type":"boolean"}},"access":{"read":"open","insert":{"who":"open","if":{"ok":true}}}}`)
	told := 0
	w.db.onCommit(func(c Commit) { told += len(c.Changes) })
	const calls = 300
	panicked, want := 0, int64(0)
	for round := range 2 { // the second time boldly again
		w.db.careful = 0
		release := hold(t, w.db)
		var wg sync.WaitGroup
		for i := range calls {
			bad := i%7 == 3
			if !bad {
				want++
			}
			wg.Go(func() {
				_, err := w.insert(anna, "t", fmt.Sprintf(`{"n":%d,"ok":%t}`, 1000*round+i, !bad))
				switch {
				case bad && !errors.Is(err, wire.Forbidden), !bad && err != nil:
					t.Errorf("%d: got %v", i, err)
				}
			})
		}
		wg.Go(func() {
			defer func() {
				if recover() != nil {
					panicked++
				}
			}()
			_ = w.db.writeBoldly(t.Context(), func(tx *Tx) error {
				if _, err := tx.Exec("INSERT INTO t (_id, _owner, _created_at, _updated_at) VALUES (1, '', 0, 0)"); err != nil {
					return err
				}
				panic("on the way")
			})
		})
		waitQueued(t, w.db, calls+1)
		mustRelease(t, release)
		wg.Wait()
	}
	if n := number(t, w.db, "SELECT count(*) FROM t"); n != want || int64(told) != want || panicked != 2 {
		t.Errorf("got %d rows, %d changes were told, want %d; %d calls panicked", n, told, want, panicked)
	}
}
