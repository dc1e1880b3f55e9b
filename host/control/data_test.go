package control_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"goop/host/control"
	"goop/shared/wire"
)

// What is asked of the data reaches the host, and the answer comes back.
func TestData(t *testing.T) {
	t.Parallel()
	h := &host{}
	dir := t.TempDir()
	listen(t, dir, h)
	c := control.NewClient(dir)
	ctx := t.Context()
	b, err := c.Backup(ctx, control.BackupRequest{File: "/b.db", Force: true})
	if want := (control.Backup{File: "/b.db", Size: 4096, Rows: 3, Tables: map[string]int64{"notes": 3}, Took: 5}); err != nil || !reflect.DeepEqual(b, want) || h.asked != "backup {/b.db true}" {
		t.Errorf("backup: got %+v, %v, asked %s", b, err, h.asked)
	}
	if list, err := c.Tables(ctx); err != nil || len(list) != 1 || list[0].Name != "notes" || list[0].Rows != 3 {
		t.Errorf("tables: got %v, %v", list, err)
	}
	rows, err := c.Query(ctx, json.RawMessage(`{"table":"notes"}`))
	if err != nil || len(rows) != 1 || string(rows[0]) != `{"table":"notes"}` {
		t.Errorf("query: got %s, %v", rows, err)
	}
	// More than a request of another kind may have.
	n, err := c.Import(ctx, "a&b", control.ImportSkip, strings.NewReader(strings.Repeat("x", 1<<20)))
	if want := (control.Imported{Inserted: 1, Replaced: 2, Skipped: 3}); err != nil || n != want || h.asked != "import a&b skip 1048576" {
		t.Errorf("import: got %+v, %v, asked %s", n, err, h.asked)
	}
	var got []string
	export := func() error {
		got = nil
		return c.Export(ctx, []string{"a", "b"}, func(table string, row []byte) error {
			got = append(got, fmt.Sprint(table, " ", string(row)))
			return nil
		})
	}
	want := []string{"a ", `a {"_id":1,"end":true}`, `a {"_id":2}`, "b ", `b {"_id":1,"end":true}`, `b {"_id":2}`}
	if err := export(); err != nil || !slices.Equal(got, want) {
		t.Errorf("export: got %q, %v", got, err)
	}
	h.err = wire.E(wire.NoSuchTable, "no such thing")
	for what, err := range map[string]error{
		"export, after rows": export(),
		"export":             c.Export(ctx, nil, nil),
		"import":             func() error { _, err := c.Import(ctx, "a", "", strings.NewReader("")); return err }(),
		"query":              func() error { _, err := c.Query(ctx, json.RawMessage("{}")); return err }(),
	} {
		if e, ok := errors.AsType[*wire.Error](err); !ok || e.Code != wire.NoSuchTable || e.Message != "no such thing" {
			t.Errorf("%s: got %v", what, err)
		}
	}
	stop := errors.New("enough")
	if err := c.Export(ctx, []string{"a"}, func(string, []byte) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("a reader that has enough: got %v", err)
	}
}

// A host that ends does not wait for rows that do not come.
func TestImportEndsWithHost(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := &host{entered: make(chan struct{})}
	s := listen(t, dir, h)
	rows, more := io.Pipe()
	defer more.Close()
	done := make(chan error, 1)
	go func() {
		_, err := control.NewClient(dir).Import(context.Background(), "notes", "", rows)
		done <- err
	}()
	if _, err := more.Write([]byte("{}\n")); err != nil { // it has begun
		t.Fatal(err)
	}
	<-h.entered
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		t.Errorf("close: %v", err)
	}
	if err := <-done; err == nil {
		t.Error("got no error")
	}
}
