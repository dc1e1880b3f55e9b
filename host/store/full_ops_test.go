package store

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"syscall"
	"testing"

	"github.com/ncruces/go-sqlite3/vfs"

	"goop/shared/data"
	"goop/shared/group"
	"goop/shared/wire"
)

// TestEveryChangeWithoutADisk makes each kind of change, and one that comes with a message, on a disk that is
// full, and on one that is read-only: the page and the operator are told which, nothing of it is there, nobody
// is told of it, what was acknowledged stays, and the same requests are done, once, when the disk takes them. It
// is not parallel: what is wrong with the disk is known for a process, not for a database.
func TestEveryChangeWithoutADisk(t *testing.T) {
	const tables = `"notes":{"columns":{"code":{"type":"text","unique":true},"n":{"type":"integer","default":0},"text":{"type":"text"}},
			"search":["text"],"access":{"read":"open","insert":"open","update":"open","remove":"open"}},
		"about":{"columns":{"note":{"type":"integer","references":"notes","onRemove":"cascade"}},"access":{"read":"open","insert":"open"}}`
	operations := []string{
		`{"op":"insert","table":"notes","values":{"code":"i","text":"red"}}`,
		`{"op":"insertMany","table":"notes","rows":[{"code":"m1"},{"code":"m2"}]}`,
		`{"op":"update","table":"notes","row":%d,"values":{"text":"blue"}}`,
		`{"op":"updateWhere","table":"notes","where":{"code":"kept"},"values":{"text":"green"}}`,
		`{"op":"upsert","table":"notes","values":{"code":"kept","text":"up"}}`,
		`{"op":"upsert","table":"notes","values":{"code":"u"}}`,
		`{"op":"increment","table":"notes","row":%d,"values":{"n":1}}`,
		`{"op":"removeWhere","table":"notes","where":{"code":"m2"}}`,
		`{"op":"remove","table":"notes","row":%d}`,
	}
	for why, fault := range map[string]error{"full": syscall.ENOSPC, "read-only": syscall.EROFS} {
		t.Run(why, func(t *testing.T) {
			v := &faultyVFS{VFSFilename: vfs.Find("").(vfs.VFSFilename)}
			name := "changes on a disk that is " + why
			registerDisk(name, v)
			t.Cleanup(func() { vfs.Unregister(name) })
			var text strings.Builder // written by one goroutine, which has ended when it is read
			o := Options{Dir: t.TempDir(), vfs: name, Logger: slog.New(slog.NewTextHandler(&text, nil))}
			w := &world{t: t, db: openTest(t, o), site: parseSite(t, tables), members: &members{}}
			if err := w.db.OpenTables(t.Context(), w.site); err != nil {
				t.Fatal(err)
			}
			w.tables = w.db.Tables(w.members)
			t.Cleanup(w.tables.Close)
			kept := w.mustInsert(anna, "notes", `{"code":"kept","text":"red"}`)
			w.mustInsert(anna, "about", fmt.Sprintf(`{"note":%d}`, kept))
			l := w.db.Log()
			mustOpen(t, l, match("g"))
			told := 0
			w.db.onCommit(func(c Commit) { told += len(c.Changes) })
			state := func() string {
				rows, err := w.rows(anna, "notes", `"columns":["code","n","text"]`)
				if err != nil {
					t.Error(err)
				}
				about, err := w.rows(anna, "about", `"columns":["note"]`)
				if err != nil {
					t.Error(err)
				}
				return rows + about
			}
			before := state()
			down := func(yes bool) {
				v.write.Store(nil)
				if yes {
					err := error(&fs.PathError{Op: "write", Path: "goop.db-wal", Err: fault})
					v.write.Store(&err)
				}
			}
			refused := func(what string, err error) {
				t.Helper()
				if e, ok := errors.AsType[*wire.Error](err); !ok || e.Code != wire.StorageFull || !strings.Contains(e.Message, "is "+why) {
					t.Errorf("%s: got %v, want storage_full that says %q", what, err, why)
				}
			}
			for i, op := range operations {
				op := strings.ReplaceAll(op, "%d", fmt.Sprint(kept))
				key := data.WriteKey{Key: fmt.Sprintf("key-on-a-disk-%04d", i), Request: []byte(op)}
				writes := w.writes(anna, op)
				before := state()
				told = 0
				down(true)
				for range 2 {
					_, err := w.do(anna, key, writes...)
					refused(op, err)
				}
				if now := state(); now != before || told != 0 {
					t.Errorf("%s: %d changes were told, and there is\n%swant\n%s", op, told, now, before)
				}
				down(false)
				first, err := w.do(anna, key, writes...)
				if err != nil {
					t.Fatalf("%s, with room again: %v", op, err)
				}
				after := state()
				down(true)
				if again, err := w.do(anna, key, writes...); err == nil && strings.Join(again, "\n") != strings.Join(first, "\n") {
					t.Errorf("%s again: got %s, want %s", op, again, first) // it is answered, or there is no room to look
				}
				down(false)
				if again, err := w.do(anna, key, writes...); err != nil || strings.Join(again, "\n") != strings.Join(first, "\n") || state() != after {
					t.Errorf("%s again: got %s, %v, want %s and nothing done", op, again, err, first)
				}
			}
			if now := state(); now == before {
				t.Error("nothing was changed at all")
			}

			// A message and what comes with it, both or neither.
			writes := w.writes(anna, `{"op":"insert","table":"notes","values":{"code":"sent"}}`, `{"op":"send","group":"g","payload":1}`)
			send := func() (group.Result, error) {
				j, err := w.tables.Join(t.Context(), anna, data.WriteKey{Key: "key-of-a-message", Request: []byte("send")}, writes)
				if err != nil {
					t.Fatal(err)
				}
				d := msg(anna.Peer, "", "1")
				d.With = j
				results, err := l.Append(t.Context(), "g", []group.Draft{d})
				if err == nil {
					err = results[0].Err
				}
				if err != nil {
					return group.Result{}, err
				}
				return results[0], nil
			}
			before = state()
			down(true)
			_, err := send()
			refused("a message with a row", err)
			if head := mustOpen(t, l, match("g")); head.Seq != 0 || state() != before {
				t.Errorf("after a refused message: head %d and\n%s", head.Seq, state())
			}
			down(false)
			for i := range 2 {
				if r, err := send(); err != nil || r.Seq != 1 || r.Dup != (i == 1) {
					t.Errorf("message, try %d: got %+v, %v", i, r, err)
				}
			}

			// It is all there for the next host.
			before = state()
			if err := w.db.Close(); err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(text.String(), "is "+why); n == 0 || !strings.Contains(text.String(), "commits go through again") {
				t.Errorf("the operator was told:\n%s", text.String())
			}
			w.db = openTest(t, o)
			if err := w.db.OpenTables(t.Context(), w.site); err != nil {
				t.Fatal(err)
			}
			w.tables = w.db.Tables(w.members)
			t.Cleanup(w.tables.Close)
			if now := state(); now != before {
				t.Errorf("the next host has\n%swant\n%s", now, before)
			}
		})
	}
}
