package together_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"goop/host/relay"
	"goop/host/store"
	"goop/shared/group"
	"goop/shared/link"
	"goop/shared/wire"
)

// house is a relay over the real store.
type house struct {
	*relay.Relay
	t       *testing.T
	db      *store.DB
	serving sync.WaitGroup
}

func openHouse(t *testing.T, dir string) *house {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	r, err := relay.Open(t.Context(), relay.Options{
		Durable: db.Log(), Registry: db.Registry(), IsOwner: func(p wire.PeerID) bool { return p == "boss" },
	})
	if err != nil {
		t.Fatal(err)
	}
	return &house{Relay: r, t: t, db: db}
}

func (h *house) close() {
	h.t.Helper()
	if err := h.Shutdown(context.Background()); err != nil {
		h.t.Error(err)
	}
	h.serving.Wait()
	if err := h.db.Close(); err != nil {
		h.t.Error(err)
	}
}

// enter joins and returns the role that the welcome tells, or why there is none.
func (h *house) enter(peer wire.PeerID, id wire.GroupID, token string) (wire.Role, error) {
	near, far := link.Pipe(0)
	h.serving.Go(func() { h.Serve(context.Background(), peer, far) })
	defer near.Close()
	f := wire.Frame{Type: wire.TypeJoin, Group: id, Invite: token}
	if _, err := near.Write(f.Append(nil)); err != nil {
		return "", err
	}
	line, err := link.NewReader(near, wire.MaxLine).ReadLine()
	if err == nil {
		f, err = wire.Decode(line)
	}
	switch {
	case err != nil:
		return "", err
	case f.Type == wire.TypeError:
		e, err := wire.ParseError(f.Payload)
		if err != nil {
			return "", err
		}
		return "", e
	}
	w, err := wire.ParseWelcome(f.Payload)
	return w.You.Role, err
}

// Roles, bans and invites are there again when the host is. An invite for three lets in three, however many
// come at once, and it does not matter when the host was restarted between.
func TestPeopleSurviveARestart(t *testing.T) {
	t.Parallel()
	dir, ctx, boss := t.TempDir(), t.Context(), group.Caller{Peer: "boss", Owner: true}
	h := openHouse(t, dir)
	for _, config := range []string{`{"id":"club","type":"invite-only"}`, `{"id":"square","type":"open"}`} {
		cfg, err := group.ParseConfig([]byte(config))
		if err == nil {
			_, err = h.Create(ctx, boss, cfg)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	three, _, err := h.Invite(ctx, boss, "club", group.InviteRequest{Role: wire.RoleViewer, Uses: 3})
	if err != nil {
		t.Fatal(err)
	}
	revoked, inv, err := h.Invite(ctx, boss, "club", group.InviteRequest{})
	if err != nil {
		t.Fatal(err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(h.Revoke(ctx, boss, "club", inv.ID))
	must(h.Admit(ctx, boss, "club", "mia", wire.RoleModerator))
	must(h.Ban(ctx, boss, "square", "bert", ""))
	must(h.SetRole(ctx, boss, "square", "vera", wire.RoleViewer))
	if role, err := h.enter("one", "club", three); err != nil || role != wire.RoleViewer {
		t.Errorf("the first is %q, %v", role, err)
	}
	h.close()

	h = openHouse(t, dir)
	var racing sync.WaitGroup
	var mu sync.Mutex
	in := 0
	for i := range 8 {
		racing.Go(func() {
			role, err := h.enter(wire.PeerID(fmt.Sprint("racer", i)), "club", three)
			mu.Lock()
			defer mu.Unlock()
			if err == nil && role == wire.RoleViewer {
				in++
			} else if !errors.Is(err, wire.InviteInvalid) {
				t.Errorf("got %q, %v, want invite_invalid", role, err)
			}
		})
	}
	racing.Wait()
	if in != 2 {
		t.Errorf("%d came in by what was left of the invite, want 2", in)
	}
	h.close()

	h = openHouse(t, dir)
	defer h.close()
	for _, tt := range []struct {
		peer  wire.PeerID
		id    wire.GroupID
		token string
		role  wire.Role
		code  wire.Code
	}{
		{"one", "club", "", wire.RoleViewer, ""},
		{"one", "club", three, wire.RoleViewer, ""},
		{"nine", "club", three, "", wire.InviteInvalid},
		{"nine", "club", revoked, "", wire.InviteInvalid},
		{"nine", "club", "", "", wire.NoSuchGroup},
		{"mia", "club", "", wire.RoleModerator, ""},
		{"bert", "square", "", "", wire.Banned},
		{"vera", "square", "", wire.RoleViewer, ""},
		{"nine", "square", "", wire.RoleMember, ""},
	} {
		role, err := h.enter(tt.peer, tt.id, tt.token)
		if role != tt.role || (err != nil || tt.code != "") && !errors.Is(err, tt.code) {
			t.Errorf("%s joins %s with %q: got %q, %v, want %q, %q", tt.peer, tt.id, tt.token, role, err, tt.role, tt.code)
		}
	}
	if n := len(h.Invites(boss)); n != 0 {
		t.Errorf("%d invites are good for something, want none", n)
	}
	must(h.Close(ctx, boss, "club"))
	if role, was := h.Role("mia", "club"); role != wire.RoleModerator || !was {
		t.Errorf("in the closed group mia was %q, %t", role, was)
	}
}
