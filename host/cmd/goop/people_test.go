package main

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"goop/host/control"
	"goop/host/node"
	"goop/shared/link"
	"goop/shared/member"
	"goop/shared/wire"
)

// TestGroupPeople sends a peer away, and invites it again, from the command line.
func TestGroupPeople(t *testing.T) {
	p := startHost(t)
	conn := p.dial(node.QUIC)
	enter := func(c member.Conn, invite string) *link.Reader {
		t.Helper()
		stream := open(t, c, wire.GroupProtocol)
		fmt.Fprintf(stream, `{"type":"join","group":"lobby","invite":%q}`+"\n", invite)
		return link.NewReader(stream, wire.MaxLine)
	}
	show := func() (g control.GroupDetail) {
		t.Helper()
		if err := json.Unmarshal([]byte(p.run("group", "show", "lobby", "--json")), &g); err != nil {
			t.Fatal(err)
		}
		return g
	}
	lines := enter(conn, "")
	until(t, lines, wire.TypeWelcome)
	self := string(show().Roster[0].Peer)

	if got := p.run("group", "kick", "lobby", "…"+self[len(self)-8:], "--message", "Be nice"); got != self+" was sent out of the group lobby\n" {
		t.Errorf("kick: got %s", got)
	}
	if f := until(t, lines, wire.TypeClose); string(f.Payload) != `{"reason":"kicked","message":"Be nice"}` {
		t.Errorf("kicked: got %s", f.Payload)
	}
	lines = enter(conn, "")
	until(t, lines, wire.TypeWelcome)
	p.run("group", "ban", "lobby", self[:len(self)-3])
	if f := until(t, lines, wire.TypeClose); string(f.Payload) != `{"reason":"banned"}` {
		t.Errorf("banned: got %s", f.Payload)
	}
	if f := until(t, enter(conn, ""), wire.TypeError); !strings.Contains(string(f.Payload), `"banned"`) {
		t.Errorf("back again: got %s", f.Payload)
	}
	if s := show().Standings; len(s) != 1 || !s[0].Banned || string(s[0].Peer) != self || s[0].By != "" {
		t.Errorf("standings: got %+v", s)
	}
	if got := p.run("group", "show", "lobby"); !regexp.MustCompile(`(?m)^` + self + ` +banned +the operator +20`).MatchString(got) {
		t.Errorf("show: got %s", got)
	}
	p.run("group", "unban", "lobby", self)

	// An invite by its link, and by a peer's id.
	invite := strings.TrimSpace(p.run("group", "invite", "lobby", "--uses", "2", "--expires", "2d", "--role", "viewer"))
	page, token, ok := strings.Cut(invite, "#goop-invite=lobby.")
	if !ok || page != p.page || strings.Contains(invite, "\n") {
		t.Fatalf("invite: got %q", invite)
	}
	role := func(lines *link.Reader, want string) {
		t.Helper()
		if f := until(t, lines, wire.TypeWelcome); !strings.Contains(string(f.Payload), `"role":"`+want+`"`) {
			t.Errorf("got %s, want the role %s", f.Payload, want)
		}
	}
	role(enter(conn, token), "viewer")
	inv := show().Invites
	if len(inv) != 1 || inv[0].Used != 1 || inv[0].Uses != 2 || inv[0].Role != "viewer" || inv[0].Token != "" ||
		time.Until(time.UnixMilli(inv[0].Expires)).Round(time.Hour) != 48*time.Hour {
		t.Errorf("invites: got %+v", inv)
	}
	if got := p.run("group", "show", "lobby"); !regexp.MustCompile(`(?m)^`+inv[0].ID+` +viewer +1 of 2 +20.* the operator$`).MatchString(got) || strings.Contains(got, token) {
		t.Errorf("show: got %s", got)
	}
	if got := p.run("group", "role", "lobby", self, "moderator"); got != self+" is moderator in the group lobby now\n" {
		t.Errorf("role: got %s", got)
	}
	role(enter(conn, ""), "moderator")
	p.run("group", "revoke", "lobby", token)
	if f := until(t, enter(p.dial(node.QUIC), token), wire.TypeError); !strings.Contains(string(f.Payload), `"invite_invalid"`) {
		t.Errorf("a revoked invite: got %s", f.Payload)
	}
	stranger := strings.Repeat("x", 52)
	if got := p.run("group", "invite", "lobby", "--peer", stranger, "--role", "moderator"); got != stranger+" may join the group lobby as moderator\n" {
		t.Errorf("invite of a peer: got %s", got)
	}

	// What is not clear is not guessed.
	until(t, enter(p.dial(node.QUIC), ""), wire.TypeWelcome)
	for _, tt := range []struct{ peer, want string }{
		{"12D3KooW", `2 peers of the group have "12D3KooW" at the beginning or end of their ids; take more of it`},
		{"nobody", `nobody in the group "lobby" has a peer id that begins or ends with "nobody" (goop group show has all)`},
		{"", "a peer is named by its id, or by the beginning or end of it"},
	} {
		var errs strings.Builder
		if code := run(t.Context(), []string{"group", "kick", "lobby", tt.peer, "--data", p.data}, strings.NewReader(""), io.Discard, &errs); code != exitFailed || errs.String() != "goop: "+tt.want+"\n" {
			t.Errorf("kick %q: got %d, %s", tt.peer, code, errs.String())
		}
	}
}
