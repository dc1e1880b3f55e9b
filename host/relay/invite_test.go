package relay_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"goop/host/relay"
	"goop/shared/group"
	"goop/shared/wire"
)

const (
	den    = `{"id":"den","type":"invite-only","durable":false}`
	joinIn = `{"type":"join","group":"den","session":"%s","caps":["delta"]}`
	redeem = `{"type":"join","group":"den","session":"%s","invite":"%s","caps":["delta"]}`
)

// invite makes an invite as the site's owner.
func (w *world) invite(id wire.GroupID, req group.InviteRequest) string {
	w.t.Helper()
	token, _, err := w.Invite(w.t.Context(), owner, id, req)
	if err != nil {
		w.t.Fatal(err)
	}
	return token
}

// admit gives a peer a role as the site's owner.
func (w *world) admit(id wire.GroupID, peer wire.PeerID, role wire.Role) {
	w.t.Helper()
	if err := w.Admit(w.t.Context(), owner, id, peer, role); err != nil {
		w.t.Fatal(err)
	}
}

// refuses fails the test unless a join is refused with a code, for good.
func (w *world) refuses(peer wire.PeerID, line string, code wire.Code) *wire.Error {
	w.t.Helper()
	m := w.dial(peer)
	m.send(line)
	e := m.refused()
	if e.Code != code || !e.Fatal {
		w.t.Errorf("%s joins with %s: got %v, want %s", peer, line, e, code)
	}
	m.ends()
	return e
}

func TestInvite(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := open(t, relay.Options{})
		w.create(den)
		token := w.invite("den", group.InviteRequest{})
		if len(token) < 20 {
			t.Errorf("the token is %q", token)
		}
		w.refuses(alice, fmt.Sprintf(joinIn, "a"), wire.NoSuchGroup)
		w.refuses(alice, fmt.Sprintf(redeem, "a", "nonsense"), wire.InviteInvalid)
		a := w.join(alice, fmt.Sprintf(redeem, "a", token))
		if a.welcome.You.Role != wire.RoleMember || a.welcome.Access != "invite" {
			t.Errorf("alice is welcomed with %+v", a.welcome)
		}
		w.refuses(bob, fmt.Sprintf(redeem, "b", token), wire.InviteInvalid) // it was for one
		a.send(`{"type":"leave"}`)
		a.readsOut()
		w.join(alice, fmt.Sprintf(joinIn, "a"))        // a reload needs no token,
		w.join(alice, fmt.Sprintf(redeem, "x", token)) // and does not mind one
		if role, in := w.Role(alice, "den"); role != wire.RoleMember || !in {
			t.Errorf("alice is %q, %t", role, in)
		}

		viewers := w.invite("den", group.InviteRequest{Role: wire.RoleViewer, Uses: 2})
		if b := w.join(bob, fmt.Sprintf(redeem, "b", viewers)); b.welcome.You.Role != wire.RoleViewer {
			t.Errorf("bob is %q", b.welcome.You.Role)
		}
		list := w.Invites(owner)
		if len(list) != 1 || list[0].Used != 1 || list[0].Uses != 2 || list[0].Group != "den" || list[0].By != boss {
			t.Errorf("the invites are %+v", list)
		}
		if err := w.Revoke(t.Context(), owner, "den", list[0].ID); err != nil {
			t.Error(err)
		}
		if err := w.Revoke(t.Context(), owner, "den", list[0].ID); !errors.Is(err, wire.NotFound) {
			t.Errorf("revoked twice: got %v, want not_found", err)
		}
		w.refuses(carol, fmt.Sprintf(redeem, "c", viewers), wire.InviteInvalid)

		week := w.invite("den", group.InviteRequest{})
		time.Sleep(7*24*time.Hour - time.Millisecond)
		if n := len(w.Invites(owner)); n != 1 {
			t.Errorf("there are %d invites, want 1", n)
		}
		time.Sleep(time.Millisecond)
		w.refuses(carol, fmt.Sprintf(redeem, "c", week), wire.InviteInvalid)
		w.admit("den", carol, "")
		w.join(carol, fmt.Sprintf(joinIn, "c"))
	})
}

func TestInviteRequests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := open(t, relay.Options{})
		w.create(den)
		w.admit("den", alice, wire.RoleModerator)
		w.admit("den", bob, wire.RoleMember)
		now := time.Now().UnixMilli()
		for _, tt := range []struct {
			peer wire.PeerID
			req  group.InviteRequest
			code wire.Code
		}{
			{alice, group.InviteRequest{Role: wire.RoleModerator, Uses: group.MaxInviteUses, Expires: now + group.MaxInviteAge}, ""},
			{alice, group.InviteRequest{Role: wire.RoleOwner}, wire.InvalidValue},
			{alice, group.InviteRequest{Role: "king"}, wire.InvalidValue},
			{alice, group.InviteRequest{Uses: -1}, wire.InvalidValue},
			{alice, group.InviteRequest{Uses: group.MaxInviteUses + 1}, wire.InvalidValue},
			{alice, group.InviteRequest{Expires: now}, wire.InvalidValue},
			{alice, group.InviteRequest{Expires: now + group.MaxInviteAge + 1}, wire.InvalidValue},
			{bob, group.InviteRequest{}, wire.Forbidden},
			{carol, group.InviteRequest{}, wire.NoSuchGroup},
		} {
			token, _, err := w.Invite(t.Context(), group.Caller{Peer: tt.peer}, "den", tt.req)
			if (tt.code != "" || err != nil) && !errors.Is(err, tt.code) || (err == nil) != (token != "") {
				t.Errorf("%s: %+v: got %q, %v, want %s", tt.peer, tt.req, token, err, tt.code)
			}
		}
		if n := len(w.Invites(group.Caller{Peer: bob})); n != 0 {
			t.Errorf("a member sees %d invites", n)
		}
		for range group.MaxInvites - 1 {
			w.invite("den", group.InviteRequest{Expires: now + 1000})
		}
		if _, _, err := w.Invite(t.Context(), owner, "den", group.InviteRequest{}); !errors.Is(err, wire.LimitExceeded) {
			t.Errorf("one too many: got %v, want limit_exceeded", err)
		}
		time.Sleep(time.Second)
		w.invite("den", group.InviteRequest{})
		if n := len(w.Invites(owner)); n != 2 {
			t.Errorf("there are %d invites, want 2", n)
		}
	})
}

// An invite for one lets in one, also when two come at the same moment: that one which is noted first.
func TestInviteRace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, e := durable(t)
		w.create(`{"id":"den","type":"invite-only"}`)
		token := w.invite("den", group.InviteRequest{})
		hold := make(chan struct{})
		e.set(func() { e.holdReg = hold })
		a, b := w.dial(alice), w.dial(bob)
		a.send(fmt.Sprintf(redeem, "a", token))
		synctest.Wait()
		b.send(fmt.Sprintf(redeem, "b", token))
		synctest.Wait()
		e.set(func() { e.holdReg = nil })
		close(hold)
		if f := a.next(); f.Type != wire.TypeWelcome {
			t.Errorf("alice got %s", f.text)
		}
		if err := b.refused(); err.Code != wire.InviteInvalid {
			t.Errorf("bob got %v, want invite_invalid", err)
		}
		b.ends()
		for _, inv := range e.invites["den"] {
			if inv.Used != 1 {
				t.Errorf("the registry has %+v", inv)
			}
		}
		if s := e.standings["den"]; len(s) != 1 || s[alice].Role != wire.RoleMember || s[alice].By != boss {
			t.Errorf("the registry has %+v", s)
		}
	})
}

// A token is not used up by a join that fails, nor when it cannot be noted.
func TestInviteIsNotWasted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, e := durable(t)
		w.create(`{"id":"den","type":"invite-only","maxMembers":1}`)
		token := w.invite("den", group.InviteRequest{})
		w.refuses(alice, `{"type":"join","group":"den","invite":"`+token+`","meta":{"label":1}}`, wire.InvalidValue)
		e.set(func() { e.failReg = io.ErrShortWrite })
		w.refuses(alice, fmt.Sprintf(redeem, "a", token), wire.Internal)
		e.set(func() { e.failReg = nil })
		o := w.join(boss, fmt.Sprintf(joinIn, "o"))
		w.refuses(alice, fmt.Sprintf(redeem, "a", token), wire.Full)
		o.send(`{"type":"leave"}`)
		o.readsOut()
		w.join(alice, fmt.Sprintf(redeem, "a", token))
	})
}

// Nothing tells who is not in it that there is such a group, whatever is tried.
func TestHiddenIsMissing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, _ := durable(t)
		w.create(`{"id":"den","type":"invite-only","listed":true,"seats":["s"]}`)
		in := w.join(boss, fmt.Sprintf(joinIn, "o"))
		in.send(`{"type":"msg","payload":1}`)
		ctx := t.Context()
		outsider := group.Caller{Peer: alice}
		tries := map[string]func(id string) error{
			"Update": func(id string) error {
				_, err := w.Update(ctx, outsider, wire.GroupID(id), []byte(`{"name":"x"}`))
				return err
			},
			"Close": func(id string) error { return w.Close(ctx, outsider, wire.GroupID(id)) },
			"Invite": func(id string) error {
				_, _, err := w.Invite(ctx, outsider, wire.GroupID(id), group.InviteRequest{Role: "king"})
				return err
			},
			"Admit":   func(id string) error { return w.Admit(ctx, outsider, wire.GroupID(id), alice, "king") },
			"Revoke":  func(id string) error { return w.Revoke(ctx, outsider, wire.GroupID(id), "0011223344556677") },
			"Kick":    func(id string) error { return w.Kick(ctx, outsider, wire.GroupID(id), boss, "") },
			"Ban":     func(id string) error { return w.Ban(ctx, outsider, wire.GroupID(id), "", "") },
			"Unban":   func(id string) error { return w.Unban(ctx, outsider, wire.GroupID(id), bob) },
			"SetRole": func(id string) error { return w.SetRole(ctx, outsider, wire.GroupID(id), alice, wire.RoleOwner) },
			"History": func(id string) error {
				_, err := w.History(ctx, outsider, wire.GroupID(id), 0, 10, true)
				return err
			},
			"GroupStats": func(id string) error { _, err := w.GroupStats(outsider, wire.GroupID(id)); return err },
			"Create": func(id string) error {
				_, err := w.Create(ctx, outsider, group.Config{ID: wire.GroupID(id)})
				return err
			},
		}
		for _, line := range []string{
			`{"type":"join","group":"%s"}`,
			`{"type":"join","group":"%s","invite":"nonsense"}`,
			`{"type":"join","group":"%s","meta":{"label":1}}`,
			`{"type":"join","group":"%s","since":{"epoch":"e","seq":-1}}`,
		} {
			tries[line] = func(id string) error {
				m := w.dial(alice)
				m.send(fmt.Sprintf(line, id))
				e := m.refused()
				m.ends()
				return e
			}
		}
		for what, try := range tries {
			hidden, missing := try("den"), try("nowhere")
			if hidden == nil || missing == nil || hidden.Error() != missing.Error() {
				t.Errorf("%s: the hidden group says %v, a missing one %v", what, hidden, missing)
			}
		}
		if got := ids(w.List(outsider)); slices.Contains(got, "den") {
			t.Errorf("an outsider sees %v", got)
		}
		if n := len(w.People(outsider, "den")) + len(w.People(outsider, "nowhere")) + len(w.Invites(outsider)); n != 0 {
			t.Errorf("an outsider is told of %d peers and invites", n)
		}
		if role, is := w.Role(alice, "den"); is || role != "" {
			t.Errorf("an outsider is %q there", role)
		}
	})
}

// When a group is no longer open to everybody, those who are in it stay, and come back.
func TestFromOpenToInvite(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, e := durable(t)
		a := w.join(alice, fmt.Sprintf(join, "a"))
		lost := w.join(bob, fmt.Sprintf(join, "b"))
		_ = lost.stream.Reset()
		synctest.Wait()
		if _, err := w.Update(t.Context(), owner, "lobby", []byte(`{"access":"invite"}`)); err != nil {
			t.Fatal(err)
		}
		if s := e.standings["lobby"]; len(s) != 2 || s[alice].Role != wire.RoleMember || s[bob].Role != wire.RoleMember {
			t.Errorf("the registry has %+v", s)
		}
		a.send(`{"type":"msg","id":"1","payload":1}`)
		if f := a.skipTo(wire.TypeMsg); !f.Ack {
			t.Errorf("got %s", f.text)
		}
		w.refuses(carol, fmt.Sprintf(join, "c"), wire.NoSuchGroup)
		time.Sleep(time.Minute)
		w.join(bob, fmt.Sprintf(join, "b"))
		if got := ids(w.List(group.Caller{Peer: bob})); !slices.Contains(got, "lobby") {
			t.Errorf("bob sees %v", got)
		}
		if _, err := w.Update(t.Context(), owner, "lobby", []byte(`{"access":"open"}`)); err != nil {
			t.Fatal(err)
		}
		w.join(carol, fmt.Sprintf(join, "c"))
	})
}

// An invite to an open group gives a role; without it, everybody is a member.
func TestInviteToOpenGroup(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := open(t, relay.Options{})
		w.create(lobby)
		token := w.invite("lobby", group.InviteRequest{Role: wire.RoleModerator})
		a := w.join(alice, fmt.Sprintf(join, "a"))
		two := w.join(alice, fmt.Sprintf(`{"type":"join","group":"lobby","session":"2","invite":%q}`, token))
		if two.welcome.You.Role != wire.RoleModerator {
			t.Errorf("alice is %q", two.welcome.You.Role)
		}
		for {
			r := roster(t, a.skipTo(wire.TypeMembers))
			if r.You == nil {
				continue
			}
			if r.You.Role != wire.RoleModerator || !slices.Contains(r.You.Rights, string(group.Kick)) {
				t.Errorf("the other page is told %+v", r.You)
			}
			break
		}
		w.refuses(bob, `{"type":"join","group":"lobby","invite":"nonsense"}`, wire.InviteInvalid)
		if e := w.refuses(bob, `{"type":"join","group":"nowhere","invite":"nonsense"}`, wire.InviteInvalid); strings.Contains(e.Message, "nonsense") {
			t.Errorf("the message is %q", e.Message)
		}
	})
}

// Who may invite does not thereby take anything from those who are there because the group is open.
func TestAdmitLowersNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := open(t, relay.Options{})
		w.create(`{"id":"lobby","type":"open","rights":{"invite":["member"]}}`)
		w.join(alice, fmt.Sprintf(join, "a"))
		b := w.join(bob, fmt.Sprintf(join, "b"))
		for _, role := range []wire.Role{wire.RoleViewer, wire.RoleMember} {
			err := w.Admit(t.Context(), group.Caller{Peer: alice}, "lobby", bob, role)
			if refused := errors.Is(err, wire.Forbidden); refused != (role == wire.RoleViewer) {
				t.Errorf("as %s: %v", role, err)
			}
			if has, _ := w.Role(bob, "lobby"); has != wire.RoleMember {
				t.Errorf("bob, admitted as %s, is %s", role, has)
			}
		}
		b.send(`{"type":"msg","id":"1","payload":1}`)
		for f := b.next(); !f.Ack; f = b.next() {
			if f.Type == wire.TypeError {
				t.Fatalf("bob got %s", f.text)
			}
		}
	})
}
