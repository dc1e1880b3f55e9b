package control_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"goop/host/control"
	"goop/shared/wire"
)

// host answers with what the test puts in it.
type host struct {
	link    control.OwnerLink
	owners  []control.Owner
	status  control.Status
	err     error
	removed wire.PeerID
	groups  map[wire.GroupID]control.GroupDetail
	log     tailLog
	asked   string        // what was asked for about people
	entered chan struct{} // when not nil, Status reports here and waits for leave, and Import reports here
	leave   chan struct{}
}

func (h *host) OwnerLink(context.Context) (control.OwnerLink, error) { return h.link, h.err }
func (h *host) Owners(context.Context) ([]control.Owner, error)      { return h.owners, h.err }
func (h *host) RemoveOwner(_ context.Context, p wire.PeerID) error {
	h.removed = p
	return h.err
}
func (h *host) Status(context.Context) (control.Status, error) {
	if h.entered != nil {
		close(h.entered)
		<-h.leave
	}
	return h.status, h.err
}

func (h *host) Backup(_ context.Context, q control.BackupRequest) (control.Backup, error) {
	h.asked = fmt.Sprint("backup ", q)
	return control.Backup{File: q.File, Size: 4096, Rows: 3, Tables: map[string]int64{"notes": 3}, Took: 5}, h.err
}

func (h *host) Tables(context.Context) ([]control.Table, error) {
	return []control.Table{{Name: "notes", Rows: 3, Columns: []string{"text"}}}, h.err
}

func (h *host) Query(_ context.Context, request json.RawMessage) ([]json.RawMessage, error) {
	return []json.RawMessage{request}, h.err
}

// Export gives out two tables, and then the error.
func (h *host) Export(_ context.Context, tables []string, fn func(string, []byte) error) error {
	for _, table := range tables {
		if err := errors.Join(fn(table, nil), fn(table, []byte(`{"_id":1,"end":true}`)), fn(table, []byte(`{"_id":2}`))); err != nil {
			return err
		}
	}
	return h.err
}

func (h *host) Import(_ context.Context, table string, mode control.ImportMode, rows io.Reader) (control.Imported, error) {
	if h.entered != nil {
		close(h.entered)
	}
	text, err := io.ReadAll(rows)
	h.asked = fmt.Sprint("import ", table, " ", mode, " ", len(text))
	return control.Imported{Inserted: 1, Replaced: 2, Skipped: 3}, errors.Join(err, h.err)
}

func (h *host) Groups(context.Context) (list []control.Group, err error) {
	for _, g := range h.groups {
		list = append(list, g.Group)
	}
	return list, h.err
}

func (h *host) Group(_ context.Context, id wire.GroupID) (control.GroupDetail, error) {
	g, ok := h.groups[id]
	if !ok {
		return g, wire.E(wire.NoSuchGroup, "there is no such group")
	}
	return g, h.err
}

func (h *host) CloseGroup(ctx context.Context, id wire.GroupID) error {
	_, err := h.Group(ctx, id)
	delete(h.groups, id)
	return err
}

func (h *host) Invite(_ context.Context, id wire.GroupID, q control.InviteRequest) (control.Invite, error) {
	h.asked = fmt.Sprint("invite ", id, " ", q)
	return control.Invite{ID: "i", Token: "T", Role: q.Role, Uses: q.Uses, URLs: []string{"http://a/"}}, h.err
}

func (h *host) Revoke(_ context.Context, id wire.GroupID, invite string) error {
	h.asked = fmt.Sprint("revoke ", id, " ", invite)
	return h.err
}

func (h *host) ActOnPeer(_ context.Context, id wire.GroupID, action control.PeerAction, q control.PeerRequest) (wire.PeerID, error) {
	h.asked = fmt.Sprint(action, " ", id, " ", q)
	return "12D3KooWa", h.err
}

func listen(t *testing.T, dir string, h control.Host) *control.Server {
	t.Helper()
	s, err := control.Listen(dir, h, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func TestRequests(t *testing.T) {
	t.Parallel()
	h := &host{
		link:   control.OwnerLink{URLs: []string{"http://localhost:7780/#goop-owner=x"}, Expires: 12},
		owners: []control.Owner{{Peer: "12D3KooWa", Since: 1}, {Peer: "12D3KooWb", Since: 2}},
		status: control.Status{Version: "v1", PID: 7, Peer: "12D3KooWh", Name: "Chess", Site: "chess", URLs: []string{"http://a/"}, Metrics: "http://b/metrics",
			Started: 3, Now: 8, Peers: 4, Connections: 9, Groups: 5, Members: 6, Sessions: 7, Owners: 2, Rate: 1.5, Limits: map[string]int64{"line": 10}},
	}
	dir := t.TempDir()
	listen(t, dir, h)
	c, ctx := control.NewClient(dir), t.Context()

	if got, err := c.OwnerLink(ctx); err != nil || !reflect.DeepEqual(got, h.link) {
		t.Errorf("owner link: got %+v, %v", got, err)
	}
	if got, err := c.Owners(ctx); err != nil || !reflect.DeepEqual(got, h.owners) {
		t.Errorf("owners: got %+v, %v", got, err)
	}
	if got, err := c.Status(ctx); err != nil || !reflect.DeepEqual(got, h.status) {
		t.Errorf("status: got %+v, %v", got, err)
	}
	if err := c.RemoveOwner(ctx, "12D3/../odd"); err != nil || h.removed != "12D3/../odd" {
		t.Errorf("remove: got %q, %v", h.removed, err)
	}

	h.err = wire.E(wire.NotFound, "no owner has the peer id x")
	e, ok := errors.AsType[*wire.Error](c.RemoveOwner(ctx, "x"))
	if !ok || e.Code != wire.NotFound || e.Message != "no owner has the peer id x" {
		t.Errorf("an error with a code: got %v", e)
	}
	h.err = errors.New("nobody outside may read this")
	_, err := c.Owners(ctx)
	if !errors.Is(err, wire.Internal) || strings.Contains(err.Error(), "nobody") {
		t.Errorf("an error without a code: got %v", err)
	}
}

func TestNobodyAnswers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	check := func(name, dir string) {
		t.Helper()
		_, err := control.NewClient(dir).Status(t.Context())
		if e, ok := errors.AsType[*control.NotRunningError](err); !ok || e.Dir != dir {
			t.Errorf("%s: got %v, want that no host runs on %s", name, err, dir)
		}
	}
	check("an empty folder", dir)
	check("no folder", filepath.Join(dir, "none"))

	// A host that was killed leaves its socket behind.
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "control.sock"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	check("a socket that is left over", dir)

	listen(t, dir, &host{status: control.Status{PID: 9}})
	if got, err := control.NewClient(dir).Status(t.Context()); err != nil || got.PID != 9 {
		t.Errorf("the next host on the folder: got %+v, %v", got, err)
	}
}

// TestKilledHostLeavesNothing has the folder's path too long for a socket, and its host killed: the next
// one removes the folder that the first has made elsewhere.
func TestKilledHostLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), strings.Repeat("x", 120))
	elsewhere, err := os.MkdirTemp("", "goop-control-")
	if err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(elsewhere, "control.sock")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{left: "", filepath.Join(dir, "control.path"): left + "\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	listen(t, dir, &host{status: control.Status{PID: 6}})
	if _, err := os.Stat(elsewhere); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is still there: %v", elsewhere, err)
	}
	if got, err := control.NewClient(dir).Status(t.Context()); err != nil || got.PID != 6 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestSocketIsPrivateAndGoes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, sub string }{
		{"in the data folder", ""},
		{"elsewhere, when the path is too long", strings.Repeat("x", 120)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), tt.sub)
			if err := os.MkdirAll(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			s := listen(t, dir, &host{status: control.Status{PID: 8}})
			if got, err := control.NewClient(dir).Status(t.Context()); err != nil || got.PID != 8 {
				t.Fatalf("got %+v, %v", got, err)
			}
			path := filepath.Join(dir, "control.sock")
			if b, err := os.ReadFile(filepath.Join(dir, "control.path")); err == nil {
				path = strings.TrimSpace(string(b))
				info, err := os.Stat(filepath.Dir(path))
				if err != nil || info.Mode().Perm() != 0o700 {
					t.Errorf("folder of the socket: got %v, %v, want mode 0700", info, err)
				}
			}
			info, err := os.Stat(path)
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("socket: got %v, %v, want mode 0600", info, err)
			}
			if err := s.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
				t.Errorf("after Close the folder holds %v, %v", left, err)
			}
			if _, err := os.Lstat(path); err == nil {
				t.Errorf("after Close %s is still there", path)
			}
		})
	}
}

// TestCloseWaits closes while a request is under way: it still gets its answer.
func TestCloseWaits(t *testing.T) {
	t.Parallel()
	h := &host{status: control.Status{PID: 5}, entered: make(chan struct{}), leave: make(chan struct{})}
	dir := t.TempDir()
	s := listen(t, dir, h)
	got := make(chan error, 1)
	go func() {
		st, err := control.NewClient(dir).Status(t.Context())
		if err == nil && st.PID != 5 {
			err = errors.New("another answer")
		}
		got <- err
	}()
	<-h.entered
	closed := make(chan error, 1)
	go func() { closed <- s.Close(t.Context()) }()
	close(h.leave)
	if err := <-got; err != nil {
		t.Errorf("the request under way: %v", err)
	}
	if err := <-closed; err != nil {
		t.Errorf("close: %v", err)
	}
}
