package relay_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"goop/host/relay"
	"goop/shared/group"
	"goop/shared/wire"
)

// parting returns the close that is the next line but for rosters, and checks that it is the last.
func (m *member) parting() wire.Goodbye {
	m.t.Helper()
	f := m.skipTo(wire.TypeClose)
	bye, err := wire.ParseGoodbye(f.Payload)
	if err != nil {
		m.t.Fatal(err)
	}
	m.ends()
	return bye
}

func TestKick(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := open(t, relay.Options{})
		w.create(lobby)
		o := fold(w.join(boss, fmt.Sprintf(join, "o")))
		pages := []*member{w.join(alice, fmt.Sprintf(join, "a")), w.join(alice, fmt.Sprintf(join, "b"))}
		time.Sleep(time.Second)
		if err := w.Kick(t.Context(), owner, "lobby", alice, "be nice"); err != nil {
			t.Fatal(err)
		}
		for _, m := range pages {
			if bye := m.parting(); bye.Reason != wire.ReasonKicked || bye.Message != "be nice" {
				t.Errorf("alice got %+v", bye)
			}
		}
		time.Sleep(200 * time.Millisecond)
		o.drain()
		if want := []wire.Departure{{Peer: alice, Reason: wire.ReasonKicked}}; !slices.Equal(o.left, want) {
			t.Errorf("the others got %+v, want %+v", o.left, want)
		}
		if err := w.Kick(t.Context(), owner, "lobby", alice, ""); !errors.Is(err, wire.NotFound) {
			t.Errorf("kicked twice: got %v, want not_found", err)
		}
		w.join(alice, fmt.Sprintf(join, "a")) // the group is open
	})
}

func TestBan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, e := durable(t)
		a := w.join(alice, fmt.Sprintf(join, "a"))
		if err := w.Ban(t.Context(), owner, "lobby", alice, "for good"); err != nil {
			t.Fatal(err)
		}
		if bye := a.parting(); bye.Reason != wire.ReasonBanned || bye.Message != "for good" {
			t.Errorf("alice got %+v", bye)
		}
		w.refuses(alice, fmt.Sprintf(join, "a"), wire.Banned)
		token := w.invite("lobby", group.InviteRequest{})
		w.refuses(alice, `{"type":"join","group":"lobby","invite":"`+token+`"}`, wire.Banned)
		if _, err := w.History(t.Context(), visitor, "lobby", 0, 1, false); !errors.Is(err, wire.Banned) {
			t.Errorf("history: got %v, want banned", err)
		}
		if err := w.Admit(t.Context(), owner, "lobby", alice, wire.RoleMember); !errors.Is(err, wire.Conflict) {
			t.Errorf("admitting who is banned: got %v, want conflict", err)
		}
		if role, in := w.Role(alice, "lobby"); in || role != "" {
			t.Errorf("who is banned is %q, %t", role, in)
		}
		if got := ids(w.List(visitor)); slices.Contains(got, "lobby") {
			t.Errorf("who is banned sees %v", got)
		}
		people := w.People(owner, "lobby")
		if len(people) != 1 || !people[0].Banned || people[0].Peer != alice || people[0].By != boss || people[0].Role != "" {
			t.Errorf("the people are %+v", people)
		}
		w.end()
		w = open(t, relay.Options{Durable: e, Registry: e})
		w.refuses(alice, fmt.Sprintf(join, "a"), wire.Banned)
		if err := w.Unban(t.Context(), owner, "lobby", alice); err != nil {
			t.Error(err)
		}
		if err := w.Unban(t.Context(), owner, "lobby", alice); !errors.Is(err, wire.NotFound) {
			t.Errorf("unbanned twice: got %v, want not_found", err)
		}
		w.join(alice, fmt.Sprintf(join, "a"))
		if n := len(e.standings["lobby"]); n != 0 {
			t.Errorf("%d peers are remembered, want none", n)
		}
	})
}

// In a group of those who are invited, who was kicked has to be invited anew, and its own invites do not
// help it.
func TestKickFromInviteOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := open(t, relay.Options{})
		w.create(den)
		w.admit("den", alice, wire.RoleModerator)
		a := w.join(alice, fmt.Sprintf(joinIn, "a"))
		token, _, err := w.Invite(t.Context(), visitor, "den", group.InviteRequest{Uses: 5})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Kick(t.Context(), owner, "den", alice, ""); err != nil {
			t.Fatal(err)
		}
		a.parting()
		w.refuses(alice, fmt.Sprintf(joinIn, "a"), wire.NoSuchGroup)
		w.refuses(alice, fmt.Sprintf(redeem, "a", token), wire.InviteInvalid)
		w.join(alice, fmt.Sprintf(redeem, "a", w.invite("den", group.InviteRequest{})))
	})
}

// Who may do what to whom.
func TestRanks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := open(t, relay.Options{})
		w.create(lobby)
		w.admit("lobby", alice, wire.RoleModerator)
		w.admit("lobby", bob, wire.RoleModerator)
		ctx, mod, plain := t.Context(), group.Caller{Peer: alice}, group.Caller{Peer: carol}
		for what, tt := range map[string]struct {
			err  error
			code wire.Code
		}{
			"a member kicks":               {w.Kick(ctx, plain, "lobby", alice, ""), wire.Forbidden},
			"kick one's like":              {w.Kick(ctx, mod, "lobby", bob, ""), wire.Forbidden},
			"ban one's like":               {w.Ban(ctx, mod, "lobby", bob, ""), wire.Forbidden},
			"ban oneself":                  {w.Ban(ctx, mod, "lobby", alice, ""), wire.Forbidden},
			"kick the owner":               {w.Kick(ctx, mod, "lobby", boss, ""), wire.Forbidden},
			"the owner bans itself":        {w.Ban(ctx, owner, "lobby", boss, ""), wire.Forbidden},
			"nobody":                       {w.Ban(ctx, owner, "lobby", "", ""), wire.InvalidValue},
			"too much to say":              {w.Ban(ctx, owner, "lobby", carol, strings.Repeat("x", group.MaxParting+1)), wire.InvalidValue},
			"make an owner":                {w.SetRole(ctx, owner, "lobby", alice, wire.RoleOwner), wire.InvalidValue},
			"change the owner":             {w.SetRole(ctx, owner, "lobby", boss, wire.RoleMember), wire.Forbidden},
			"a member sets roles":          {w.SetRole(ctx, plain, "lobby", carol, wire.RoleViewer), wire.Forbidden},
			"change one's like":            {w.SetRole(ctx, mod, "lobby", bob, wire.RoleViewer), wire.Forbidden},
			"who is not there":             {w.Kick(ctx, mod, "lobby", carol, ""), wire.NotFound},
			"raise":                        {w.SetRole(ctx, mod, "lobby", carol, wire.RoleModerator), ""},
			"which cannot be taken back":   {w.SetRole(ctx, mod, "lobby", carol, wire.RoleMember), wire.Forbidden},
			"but by the owner":             {w.SetRole(ctx, owner, "lobby", carol, wire.RoleViewer), ""},
			"a viewer is admitted as more": {w.Admit(ctx, mod, "lobby", carol, wire.RoleMember), ""},
			"and not as less":              {w.Admit(ctx, mod, "lobby", carol, wire.RoleViewer), ""},
		} {
			if tt.err != nil || tt.code != "" {
				if !errors.Is(tt.err, tt.code) {
					t.Errorf("%s: got %v, want %q", what, tt.err, tt.code)
				}
			}
		}
		if role, in := w.Role(carol, "lobby"); role != wire.RoleMember || !in {
			t.Errorf("carol is %q, %t", role, in)
		}
		if err := w.SetRole(ctx, mod, "lobby", alice, wire.RoleViewer); err != nil { // downwards, that is one's own business
			t.Error(err)
		}
		if role, _ := w.Role(alice, "lobby"); role != wire.RoleViewer {
			t.Errorf("alice is %q", role)
		}
	})
}

// A role counts at once: the peer's pages are told, and everybody sees it in the roster. Who may not see the
// others any more is told so.
func TestSetRoleIsLive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := open(t, relay.Options{})
		w.create(`{"id":"lobby","rights":{"seeMembers":["member","moderator"]}}`)
		o := fold(w.join(boss, fmt.Sprintf(join, "o")))
		a := w.join(alice, fmt.Sprintf(join, "a"))
		time.Sleep(time.Second)
		var told []wire.Roster
		read := func() {
			t.Helper()
			told = nil
			for {
				f := a.next()
				if f.Type != wire.TypeMembers {
					if f.Type == wire.TypeState {
						return
					}
					t.Fatalf("got %s", f.text)
				}
				told = append(told, roster(t, f))
			}
		}
		nudge := func() { // a line that comes after what is told
			time.Sleep(time.Second)
			w.join(carol, fmt.Sprintf(join, "c")).send(`{"type":"state","patch":{"a":1}}`)
			synctest.Wait()
		}
		set := func(role wire.Role) {
			t.Helper()
			if err := w.SetRole(t.Context(), owner, "lobby", alice, role); err != nil {
				t.Fatal(err)
			}
			nudge()
			read()
			o.m.skipTo(wire.TypeState)
		}
		nudge()
		read()
		o.m.skipTo(wire.TypeState)
		set(wire.RoleViewer)
		if r := told[0]; r.You == nil || r.You.Role != wire.RoleViewer || len(r.You.Rights) != 0 || r.Delta || len(r.Members) != 0 || r.Count != 3 {
			t.Errorf("a viewer is told %+v", r)
		}
		a.send(`{"type":"msg","id":"1","payload":1}`)
		if e := a.refused(); e.Code != wire.Forbidden {
			t.Errorf("a viewer sends: got %v", e)
		}
		if p := w.People(owner, "lobby"); len(p) != 3 || p[0].Peer != alice || p[0].Role != wire.RoleViewer || !p[0].Given || p[0].Sessions != 1 {
			t.Errorf("the people are %+v", p)
		}
		set(wire.RoleModerator)
		var you *wire.You
		names := 0
		for _, r := range told {
			names += len(r.Members)
			if r.You != nil {
				you = r.You
			}
		}
		if you == nil || you.Role != wire.RoleModerator || !slices.Contains(you.Rights, string(group.Redact)) || names != 3 {
			t.Errorf("a moderator is told %+v", told)
		}
		if n := len(w.People(group.Caller{Peer: alice}, "lobby")); n != 3 {
			t.Errorf("a moderator sees %d peers", n)
		}
	})
}

// Nothing that gets its number after a kick reaches the peer, and nothing that it has sent is appended when
// the call has returned, whatever was on its way.
func TestNothingAfterAKick(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, e := durable(t)
		a, b := w.join(alice, fmt.Sprintf(join, "a")), w.join(bob, fmt.Sprintf(join, "b"))
		b.send(`{"type":"msg","id":"0","payload":"before"}`)
		b.skipTo(wire.TypeMsg)
		time.Sleep(time.Second) // what comes alone is appended at once
		hold := make(chan struct{})
		e.set(func() { e.hold = hold })
		a.send(`{"type":"msg","id":"1","payload":"on its way"}`)
		synctest.Wait()
		for i := range 10 {
			a.send(fmt.Sprintf(`{"type":"msg","id":"q%d","payload":"queued"}`, i))
			b.send(fmt.Sprintf(`{"type":"msg","id":"q%d","payload":"bob"}`, i))
		}
		synctest.Wait()
		var returned atomic.Bool
		go func() {
			if err := w.Kick(context.WithoutCancel(t.Context()), owner, "lobby", alice, ""); err != nil {
				t.Error(err)
			}
			returned.Store(true)
		}()
		synctest.Wait()
		if returned.Load() {
			t.Error("the call has returned while something of the peer is being appended")
		}
		e.set(func() { e.hold = nil })
		close(hold)
		synctest.Wait()
		if !returned.Load() {
			t.Error("the call has not returned")
		}
		time.Sleep(time.Second) // until the rest is appended too
		var got []string
		for f := a.next(); f.Type != wire.TypeClose; f = a.next() {
			if f.Type == wire.TypeMsg || f.Type == wire.TypeState {
				got = append(got, string(f.Payload))
			}
		}
		a.ends()
		if !slices.Equal(got, []string{`"before"`}) {
			t.Errorf("alice got %q, want what was there before the kick", got)
		}
		entries, err := e.MemLog.Read(t.Context(), "lobby", 0, 100)
		if err != nil || len(entries) != 12 {
			t.Fatalf("%d entries were appended, %v, want 12", len(entries), err)
		}
		for _, entry := range entries[2:] {
			if entry.From != bob {
				t.Errorf("entry %d of %s was appended", entry.Seq, entry.From)
			}
		}
	})
}

// A member that is far behind is not brought up to the end first, nor given the whole state.
func TestKickWhoIsBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		w := open(t, relay.Options{Durable: e, Registry: e, Limits: relay.Limits{WindowBytes: 1, WriteBytes: 1}})
		w.create(`{"id":"lobby","type":"persistent"}`)
		w.pipe = 2000
		a := w.join(alice, fmt.Sprintf(join, "a"))
		w.pipe = 0
		b := w.join(bob, fmt.Sprintf(join, "b"))
		for i := range 200 {
			b.send(fmt.Sprintf(`{"type":"msg","id":"%d","payload":%q}`, i, strings.Repeat("x", 100)))
			b.skipTo(wire.TypeMsg)
		}
		if err := w.Kick(t.Context(), owner, "lobby", alice, ""); err != nil {
			t.Fatal(err)
		}
		for i := range 10 {
			b.send(fmt.Sprintf(`{"type":"state","id":"s%d","patch":{"after":1}}`, i))
			b.skipTo(wire.TypeState)
		}
		last := int64(0)
		for f := a.next(); f.Type != wire.TypeClose; f = a.next() {
			if f.Type == wire.TypeState {
				t.Fatalf("alice got %s", f.text)
			}
			last = max(last, f.Seq)
		}
		a.ends()
		if last > 100 {
			t.Errorf("alice was brought up to %d", last)
		}
	})
}

// When it cannot be noted, nobody is sent away.
func TestKickThatFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, e := durable(t)
		w.admit("lobby", alice, wire.RoleViewer)
		a := w.join(alice, fmt.Sprintf(join, "a"))
		e.set(func() { e.failReg = io.ErrShortWrite })
		if err := w.Kick(t.Context(), owner, "lobby", alice, ""); !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("got %v", err)
		}
		if err := w.Ban(t.Context(), owner, "lobby", alice, ""); !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("got %v", err)
		}
		if err := w.SetRole(t.Context(), owner, "lobby", alice, wire.RoleMember); !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("got %v", err)
		}
		e.set(func() { e.failReg = nil })
		a.send(`{"type":"msg","id":"1","payload":1}`)
		if err := a.refused(); err.Code != wire.Forbidden {
			t.Errorf("got %v", err)
		}
	})
}

// An owner from whom the site was taken has no business in a group of those who are invited.
func TestFormerOwnerIsSentAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var removed atomic.Bool
		w := open(t, relay.Options{IsOwner: func(p wire.PeerID) bool { return (p == boss || p == bob) && !removed.Load() }})
		w.create(den)
		w.admit("den", alice, wire.RoleMember)
		o := w.join(bob, fmt.Sprintf(joinIn, "o"))
		w.join(alice, fmt.Sprintf(joinIn, "a"))
		removed.Store(true)
		w.OwnersChanged()
		if bye := o.parting(); bye.Reason != wire.ReasonKicked {
			t.Errorf("got %+v", bye)
		}
		w.refuses(bob, fmt.Sprintf(joinIn, "o"), wire.NoSuchGroup)
		if n := len(w.People(group.Caller{Peer: alice}, "den")); n != 1 {
			t.Errorf("%d peers are there, want 1", n)
		}
	})
}

// Nobody gets back in, or higher than anybody may, by an invite that a former owner has made.
func TestFormerOwnersInvites(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var removed atomic.Bool
		isOwner := func(p wire.PeerID) bool { return p == boss || p == bob && !removed.Load() }
		e := newEngine()
		w := open(t, relay.Options{Durable: e, Registry: e, IsOwner: isOwner})
		w.create(`{"id":"den","type":"invite-only"}`)
		w.create(`{"id":"hall","type":"persistent"}`)
		former := group.Caller{Peer: bob, Owner: true}
		var tokens []string
		for _, id := range []wire.GroupID{"den", "hall"} {
			token, _, err := w.Invite(t.Context(), former, id, group.InviteRequest{Role: wire.RoleModerator})
			if err != nil {
				t.Fatal(err)
			}
			tokens = append(tokens, token)
		}
		good := w.invite("den", group.InviteRequest{Role: wire.RoleModerator})
		removed.Store(true)
		w.OwnersChanged()
		synctest.Wait()
		w.refuses(carol, fmt.Sprintf(redeem, "c", tokens[0]), wire.InviteInvalid)
		w.refuses(carol, strings.ReplaceAll(fmt.Sprintf(redeem, "c", tokens[1]), "den", "hall"), wire.InviteInvalid)

		// As when the site was taken from him while the host was down.
		removed.Store(false)
		w.OwnersChanged()
		synctest.Wait()
		token, _, err := w.Invite(t.Context(), former, "den", group.InviteRequest{})
		if err != nil {
			t.Fatal(err)
		}
		w.end()
		removed.Store(true)
		w = open(t, relay.Options{Durable: e, Registry: e, IsOwner: isOwner})
		w.refuses(carol, fmt.Sprintf(redeem, "c", token), wire.InviteInvalid)
		w.join(carol, fmt.Sprintf(redeem, "c", good))
	})
}

// Who had a role in a closed group, there or not, was a member of it.
func TestLastRosterHasThoseWhoWereAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, _ := durable(t)
		w.create(`{"id":"den","type":"invite-only"}`)
		w.admit("den", alice, wire.RoleViewer)
		w.admit("den", bob, wire.RoleMember)
		if err := w.Ban(t.Context(), owner, "den", bob, ""); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(t.Context(), owner, "den"); err != nil {
			t.Fatal(err)
		}
		if role, in := w.Role(alice, "den"); role != wire.RoleViewer || !in {
			t.Errorf("alice was %q, %t", role, in)
		}
		if role, in := w.Role(bob, "den"); in {
			t.Errorf("bob was %q, %t", role, in)
		}
	})
}
