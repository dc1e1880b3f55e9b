package store

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/ncruces/go-sqlite3/vfs"

	"goop/shared/data"
	"goop/shared/group"
	"goop/shared/wire"
)

// writes reads operations of a batch, such as {"op":"remove","table":"t","row":1}, as requests of a caller.
func (w *world) writes(c group.Caller, operations ...string) []data.Write {
	w.t.Helper()
	line := `{"id":1,"op":"batch","key":"0123456789abcdef","operations":[` + strings.Join(operations, ",") + `]}`
	r, err := data.DecodeRequest([]byte(line))
	if err == nil {
		var writes []data.Write
		if writes, err = w.site.Writes(&r, c); err == nil {
			return writes
		}
	}
	w.t.Fatalf("%s: %v", line, err)
	return nil
}

// batch does operations, and returns their answers, one a line, with <id> in the place of each new _id, or
// the code of the error.
func (w *world) batch(c group.Caller, operations ...string) string {
	w.t.Helper()
	answers, err := w.do(c, w.key(), w.writes(c, operations...)...)
	if e, ok := errors.AsType[*wire.Error](err); ok {
		return string(e.Code)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return strings.Join(answers, "\n")
}

// column returns what a column has, in the order of _id, whoever may read it.
func (w *world) column(table, column string) string {
	w.t.Helper()
	var all []string
	err := w.db.Read(w.t.Context(), func(tx *ReadTx) error {
		all = nil
		for row, err := range tx.Query("SELECT " + quote(column) + " FROM " + quote(table) + " ORDER BY _id") {
			if err != nil {
				return err
			}
			if row.Null(0) {
				all = append(all, "null")
			} else {
				all = append(all, row.Text(0))
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return strings.Join(all, " ")
}

const doors = `"doors":{"columns":{"room":{"type":"text"},"code":{"type":"text","unique":true},"n":{"type":"integer","min":0,"max":10},
		"secret":{"type":"integer","hidden":true,"default":7},"made":{"type":"text","readonly":"update"},"state":{"type":"text","default":"open"}},
	"memberOf":"room","indexes":[{"columns":["_owner","made"],"unique":true}],
	"access":{"read":{"who":"open","if":{"state":{"!=":"gone"}}},"insert":{"who":"member","if":{"state":"open"}},
		"update":{"who":"member","if":{"state":{"!=":"shut"}},"then":{"n":{"!=":9}}},"remove":{"who":"author","if":{"state":"open"}}}}`

// TestRules has each op meet each outcome of the rules.
func TestRules(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		c    group.Caller
		op   string // %d is the row of anna in room a
		code wire.Code
		want string // a part of the answer
	}{
		{"insert", anna, `{"op":"insert","table":"doors","values":{"room":"a"}}`, "", `"state":"open"`},
		{"insert against the condition", anna, `{"op":"insert","table":"doors","values":{"room":"a","state":"shut"}}`, wire.Forbidden, ""},
		{"insert by the site's owner", owner, `{"op":"insert","table":"doors","values":{"room":"a","state":"shut"}}`, "", `"secret":7`},
		{"insert elsewhere", anna, `{"op":"insert","table":"doors","values":{"room":"b"}}`, wire.Forbidden, ""},
		{"many", anna, `{"op":"insertMany","table":"doors","rows":[{"room":"a","code":"1"},{"room":"a","code":"2"}]}`, "", `{"rows":[{"_id":`},
		{"many, one elsewhere", anna, `{"op":"insertMany","table":"doors","rows":[{"room":"a"},{"room":"b"}]}`, wire.Forbidden, ""},
		{"many, one twice", anna, `{"op":"insertMany","table":"doors","rows":[{"room":"a","code":"1"},{"room":"a","code":"1"}]}`, wire.Conflict, ""},
		{"update", anna, `{"op":"update","table":"doors","row":%d,"values":{"n":3}}`, "", `"n":3`},
		{"update by no member", ben, `{"op":"update","table":"doors","row":%d,"values":{"n":3}}`, wire.Forbidden, ""},
		{"update to what may not be", anna, `{"op":"update","table":"doors","row":%d,"values":{"n":9}}`, wire.Forbidden, ""},
		{"the same by the site's owner", owner, `{"op":"update","table":"doors","row":%d,"values":{"n":9}}`, "", `"n":9`},
		{"update of what is shut afterwards", anna, `{"op":"update","table":"doors","row":%d,"values":{"state":"shut"}}`, "", `"state":"shut"`},
		{"update of what cannot be read afterwards", anna, `{"op":"update","table":"doors","row":%d,"values":{"state":"gone"}}`, "", `"state":"gone"`},
		{"update into another group", anna, `{"op":"update","table":"doors","row":%d,"values":{"room":"b"}}`, wire.Forbidden, ""},
		{"increment", anna, `{"op":"increment","table":"doors","row":%d,"values":{"n":4}}`, "", `"n":5`},
		{"increment beyond", anna, `{"op":"increment","table":"doors","row":%d,"values":{"n":10}}`, wire.InvalidValue, ""},
		{"increment to what may not be", anna, `{"op":"increment","table":"doors","row":%d,"values":{"n":8}}`, wire.Forbidden, ""},
		{"increment by no member", ben, `{"op":"increment","table":"doors","row":%d,"values":{"n":1}}`, wire.Forbidden, ""},
		{"remove", anna, `{"op":"remove","table":"doors","row":%d}`, "", `{"removed":1}`},
		{"remove by another", ben, `{"op":"remove","table":"doors","row":%d}`, wire.Forbidden, ""},
		{"update of all", anna, `{"op":"updateWhere","table":"doors","where":{},"values":{"n":2}}`, "", `{"updated":1}`},
		{"update of all by the site's owner", owner, `{"op":"updateWhere","table":"doors","where":{},"values":{"n":2}}`, "", `{"updated":5}`},
		{"update of all by no member", ben, `{"op":"updateWhere","table":"doors","where":{},"values":{"n":2}}`, "", `{"updated":1}`},
		{"update of all to what may not be", anna, `{"op":"updateWhere","table":"doors","where":{},"values":{"n":9}}`, wire.Forbidden, ""},
		{"update of all into another group", anna, `{"op":"updateWhere","table":"doors","where":{},"values":{"room":"b"}}`, wire.Forbidden, ""},
		{"remove of all", anna, `{"op":"removeWhere","table":"doors","where":{}}`, "", `{"removed":1}`},
		{"remove of some", anna, `{"op":"removeWhere","table":"doors","where":{"n":{">":1}}}`, "", `{"removed":0}`},
		{"upsert of a new one", anna, `{"op":"upsert","table":"doors","on":["code"],"values":{"room":"a","code":"new"}}`, "", `"inserted":true`},
		{"upsert of a new one, elsewhere", anna, `{"op":"upsert","table":"doors","on":["code"],"values":{"room":"b","code":"new"}}`, wire.Forbidden, ""},
		{"upsert", anna, `{"op":"upsert","table":"doors","on":["code"],"values":{"room":"a","code":"anna","n":4}}`, "", `"n":4,"made":"by anna"`},
		{"upsert by no member", ben, `{"op":"upsert","table":"doors","on":["code"],"values":{"room":"b","code":"anna","n":4}}`, wire.Forbidden, ""},
		{"upsert of what cannot be read", ben, `{"op":"upsert","table":"doors","on":["code"],"values":{"room":"b","code":"gone","n":4}}`, wire.Conflict, ""},
		{"upsert of what cannot be read, where one cannot insert", ben, `{"op":"upsert","table":"doors","on":["code"],"values":{"room":"a","code":"gone","n":4}}`, wire.Forbidden, ""},
		{"upsert of what does not change", anna, `{"op":"upsert","table":"doors","on":["code"],"values":{"room":"a","code":"anna","made":"by anna","n":4}}`, "", `"inserted":false`},
		{"upsert of what may not change", anna, `{"op":"upsert","table":"doors","on":["code"],"values":{"room":"a","code":"anna","made":"anew"}}`, wire.InvalidValue, ""},
		{"upsert of one's own", anna, `{"op":"upsert","table":"doors","on":["_owner","made"],"values":{"room":"a","made":"by anna","n":6}}`, "", `"n":6`},
		{"upsert of another's", ben, `{"op":"upsert","table":"doors","on":["_owner","made"],"values":{"room":"b","made":"by anna","n":6}}`, "", `"inserted":true`},
		{"upsert by null", anna, `{"op":"upsert","table":"doors","on":["code"],"values":{"room":"a","n":4}}`, "", `"inserted":true`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, doors)
			w.members.set("anna", "a", wire.RoleMember, true)
			w.members.set("ben", "b", wire.RoleMember, true)
			row := w.mustInsert(anna, "doors", `{"room":"a","code":"anna","n":1,"made":"by anna"}`)
			w.mustInsert(ben, "doors", `{"room":"b","code":"ben"}`)
			w.mustInsert(owner, "doors", `{"room":"a","code":"gone","state":"gone"}`)
			w.mustInsert(owner, "doors", `{"room":"a","code":"shut","state":"shut"}`)
			w.mustInsert(owner, "doors", `{"room":"b","code":"shut in b","state":"shut"}`)
			before, told := w.column("doors", "n")+w.column("doors", "state"), 0
			w.db.onCommit(func(c Commit) { told += len(c.Changes) })
			op := strings.ReplaceAll(tt.op, "%d", fmt.Sprint(row))
			answers, err := w.do(tt.c, w.key(), w.writes(tt.c, op)...)
			wantCode(t, op, err, tt.code)
			if tt.code != "" {
				if after := w.column("doors", "n") + w.column("doors", "state"); after != before || told > 0 {
					t.Errorf("%d changes were told, and there is %s, want what there was: %s", told, after, before)
				}
				return
			}
			if err == nil && (!strings.Contains(answers[0], tt.want) || !tt.c.Owner && strings.Contains(answers[0], "secret")) {
				t.Errorf("%s: got %s, want %s in it", op, answers[0], tt.want)
			}
		})
	}
}

// A group of which the table has no rows yet was not asked about when rows of all groups might be changed, so
// that nobody could be the first to move rows into it.
func TestUpdateWhereIntoANewGroup(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `"notes":{"columns":{"room":{"type":"text"}},"memberOf":"room","access":{"read":"open","insert":"open","update":"member"}}`)
	w.members.set("anna", "a", wire.RoleMember, true)
	w.members.set("anna", "new", wire.RoleMember, true)
	w.mustInsert(owner, "notes", `{"room":"a"}`)
	if got := w.batch(anna, `{"op":"updateWhere","table":"notes","where":{},"values":{"room":"new"}}`); got != `{"updated":1}` {
		t.Errorf("got %s", got)
	}
}

// A rule that lets somebody change a row is not enough when he may not read it: what becomes of the try would
// tell of the row. What he has written himself he knows of.
func TestUnreadableRowsAreNotThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `"drops":{"columns":{"v":{"type":"text","unique":true}},"access":{"read":"owner","insert":"open","update":"open","remove":{"who":"open","if":{"v":"x"}}}},
		"own":{"columns":{"v":{"type":"text"},"state":{"type":"text","default":"new"}},"access":{"read":"owner","insert":"open","update":"author","remove":"author"}}`)
	id := w.mustInsert(owner, "drops", `{"v":"x"}`)
	mine := w.mustInsert(anna, "own", `{"v":"x"}`)
	for op, want := range map[string]string{
		fmt.Sprintf(`{"op":"update","table":"drops","row":%d,"values":{"v":"y"}}`, id):         "not_found",
		fmt.Sprintf(`{"op":"remove","table":"drops","row":%d}`, id):                            "not_found",
		`{"op":"upsert","table":"drops","values":{"v":"x"}}`:                                   "conflict",
		fmt.Sprintf(`{"op":"update","table":"own","row":%d,"values":{"v":"y"}}`, mine):         fmt.Sprintf(`{"row":{"_id":%d,"v":"y"}}`, mine),
		fmt.Sprintf(`{"op":"update","table":"own","row":%d,"values":{"state":"new"}}`, 1+mine): "not_found",
	} {
		if got := w.batch(anna, op); got != want {
			t.Errorf("%s: got %s, want %s", op, got, want)
		}
	}
}

// A row of no group seemed to have been moved whenever the rules had to be known for all groups, as they have when
// one follows references to the table.
func TestRemoveOfNoGroup(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `"rooms":{"columns":{"g":{"type":"text"},"n":{"type":"integer"}},"memberOf":"g","access":{"read":{"who":"open","if":{"or":[{"g":null},{"$role":"owner"}]}},"insert":"open","remove":"open"}},
		"notes":{"columns":{"room":{"type":"integer","references":"rooms"}},"access":{"read":{"who":"open","if":{"room.n":1}},"insert":"open","remove":"open"}}`)
	w.mustInsert(anna, "rooms", `{"g":"a","n":1}`)
	room := w.mustInsert(anna, "rooms", `{"n":1}`)
	note := w.mustInsert(anna, "notes", fmt.Sprintf(`{"room":%d}`, room))
	if got := w.batch(anna, fmt.Sprintf(`{"op":"remove","table":"notes","row":%d}`, note), fmt.Sprintf(`{"op":"remove","table":"rooms","row":%d}`, room)); !strings.HasPrefix(got, "{") {
		t.Errorf("got %s", got)
	}
}

// What is hidden changes without a trace: an update of that alone moves no _updated_at.
func TestHiddenChangesLeaveNoTrace(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `"a":{"columns":{"n":{"type":"integer"}},"access":{"read":"owner","remove":"owner"}},
		"q":{"columns":{"text":{"type":"text"},"right":{"type":"integer","hidden":true},"a":{"type":"integer","hidden":true,"references":"a"}},"access":{"read":"open"}}`)
	a := w.mustInsert(owner, "a", `{"n":1}`)
	id := w.mustInsert(owner, "q", fmt.Sprintf(`{"text":"x","right":1,"a":%d}`, a))
	if _, err := w.sql(owner, "UPDATE q SET _updated_at = 5"); err != nil {
		t.Fatal(err)
	}
	for _, op := range []string{
		fmt.Sprintf(`{"op":"update","table":"q","row":%d,"values":{"right":2}}`, id),
		fmt.Sprintf(`{"op":"increment","table":"q","row":%d,"values":{"right":2}}`, id),
		`{"op":"updateWhere","table":"q","where":{},"values":{"right":3}}`,
		fmt.Sprintf(`{"op":"remove","table":"a","row":%d}`, a),
	} {
		if got := w.batch(owner, op); !strings.HasPrefix(got, "{") {
			t.Errorf("%s: got %s", op, got)
		}
	}
	if got := w.column("q", "_updated_at") + " " + w.column("q", "right") + " " + w.column("q", "a"); got != "5 3 null" {
		t.Errorf("got %s", got)
	}
	if w.batch(owner, fmt.Sprintf(`{"op":"update","table":"q","row":%d,"values":{"right":2,"text":"y"}}`, id)); w.column("q", "_updated_at") == "5" {
		t.Error("what everybody sees has changed, and _updated_at has not")
	}
}

// A batch knows the groups that it names itself also where it is about rows of any group.
func TestBatchOfAnyGroupNamesANewOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `"n":{"columns":{"g":{"type":"text"},"v":{"type":"integer"}},"memberOf":"g","access":{"read":"member","insert":"member","update":"member","remove":"member"}}`)
	w.members.set("anna", "old", wire.RoleMember, true)
	w.members.set("anna", "new", wire.RoleMember, true)
	w.mustInsert(anna, "n", `{"g":"old","v":1}`)
	if got := w.batch(anna, `{"op":"insert","table":"n","values":{"g":"new","v":2}}`, `{"op":"removeWhere","table":"n","where":{"v":1}}`); !strings.HasPrefix(got, "{") {
		t.Errorf("insert: got %s", got)
	}
	w.members.set("anna", "newer", wire.RoleMember, true)
	if got := w.batch(anna, `{"op":"updateWhere","table":"n","where":{},"values":{"g":"newer"}}`); got != `{"updated":1}` {
		t.Errorf("updateWhere: got %s", got)
	}
}

// A row that an operation of the same batch has removed again is nothing to refer to.
func TestBatchRefersToARemovedRow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	if got := w.batch(anna, `{"op":"insert","table":"orders","values":{"name":"a"}}`, `{"op":"remove","table":"orders","row":{"$row":0}}`,
		`{"op":"insert","table":"notes","values":{"text":"x"}}`, `{"op":"insert","table":"items","values":{"order":{"$row":0}}}`); got != "invalid_value" && got != "forbidden" {
		t.Errorf("got %s", got)
	}
	if got := w.batch(anna, `{"op":"insert","table":"orders","values":{"name":"a"}}`, `{"op":"insert","table":"items","values":{"order":{"$row":0}}}`, `{"op":"remove","table":"items","row":{"$row":1}}`,
		`{"op":"insert","table":"notes","values":{"item":{"$row":1}}}`); got != "invalid_value" {
		t.Errorf("got %s", got)
	}
}

// A repeat gets the answer of the first time also when there is no time, or no room, to do it once more.
func TestRepeatWithoutTimeOrRoom(t *testing.T) {
	t.Parallel()
	v := &faultyVFS{VFSFilename: vfs.Find("").(vfs.VFSFilename)}
	registerDisk("faulty repeat", v)
	t.Cleanup(func() { vfs.Unregister("faulty repeat") })
	w := &world{t: t, db: openTest(t, Options{vfs: "faulty repeat"}), site: parseSite(t, `"a":{"columns":{"n":{"type":"integer"},"t":{"type":"text"}},`+open+`}`), members: &members{}}
	if err := w.db.OpenTables(t.Context(), w.site); err != nil {
		t.Fatal(err)
	}
	w.tables = w.db.Tables(w.members)
	t.Cleanup(w.tables.Close)
	k, writes := w.key(), w.writes(anna, `{"op":"insert","table":"a","values":{"n":1,"t":"`+strings.Repeat("x", 100_000)+`"}}`)
	first, err := w.do(anna, k, writes...)
	if err != nil {
		t.Fatal(err)
	}
	again := func(when string) {
		t.Helper()
		if got, err := w.do(anna, k, writes...); err != nil || !slices.Equal(got, first) {
			t.Errorf("%s: got %v", when, err)
		}
	}
	timeout := w.db.limits.WriteTimeout
	w.db.limits.WriteTimeout = 1
	again("no time")
	w.db.limits.WriteTimeout = timeout
	var full error = &fs.PathError{Op: "write", Path: "goop.db-wal", Err: syscall.ENOSPC}
	v.write.Store(&full)
	again("no room")
	if _, err := w.do(anna, w.key(), writes...); !errors.Is(err, wire.StorageFull) {
		t.Errorf("another: got %v", err)
	}
	v.write.Store(nil)
	if got := w.column("a", "n"); got != "1" {
		t.Errorf("got %s", got)
	}
}
