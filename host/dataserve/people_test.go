package dataserve_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"goop/host/dataserve"
	"goop/host/relay"
	"goop/shared/group"
	"goop/shared/wire"
)

// people is a Groups of which a test says who is there. It notes what is done to them.
type people struct {
	dataserve.Groups

	// mu guards the following.
	mu      sync.Mutex
	done    []string
	fail    error
	invites []group.InviteInfo
	peers   map[wire.GroupID][]group.PersonInfo
	entries []group.Entry
}

func (p *people) do(format string, args ...any) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done = append(p.done, fmt.Sprintf(format, args...))
	return p.fail
}

// took returns what was done since the last call.
func (p *people) took() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	done := strings.Join(p.done, "; ")
	p.done = nil
	return done
}

func (p *people) Invite(_ context.Context, c group.Caller, id wire.GroupID, r group.InviteRequest) (string, group.Invite, error) {
	err := p.do("%s invites to %s as %s, %d uses until %d", c.Peer, id, r.Role, r.Uses, r.Expires)
	return "TOKENTOKENTOKENTOKEN", group.Invite{ID: "0f5a44e1c2b39d87", Role: r.Role, Uses: 1, Expires: 99}, err
}

func (p *people) Admit(_ context.Context, c group.Caller, id wire.GroupID, peer wire.PeerID, role wire.Role) error {
	return p.do("%s admits %s to %s as %s", c.Peer, peer, id, role)
}

func (p *people) Revoke(_ context.Context, c group.Caller, id wire.GroupID, invite group.InviteID) error {
	return p.do("%s revokes %s of %s", c.Peer, invite, id)
}

func (p *people) Kick(_ context.Context, c group.Caller, id wire.GroupID, peer wire.PeerID, message string) error {
	return p.do("%s kicks %s out of %s: %q", c.Peer, peer, id, message)
}

func (p *people) Ban(_ context.Context, c group.Caller, id wire.GroupID, peer wire.PeerID, message string) error {
	return p.do("%s bans %s from %s: %q", c.Peer, peer, id, message)
}

func (p *people) Unban(_ context.Context, c group.Caller, id wire.GroupID, peer wire.PeerID) error {
	return p.do("%s unbans %s from %s", c.Peer, peer, id)
}

func (p *people) SetRole(_ context.Context, c group.Caller, id wire.GroupID, peer wire.PeerID, role wire.Role) error {
	return p.do("%s makes %s a %s of %s", c.Peer, peer, role, id)
}

func (p *people) History(_ context.Context, c group.Caller, id wire.GroupID, before int64, limit int, states bool) ([]group.Entry, error) {
	err := p.do("%s reads %d of %s before %d, states %v", c.Peer, limit, id, before, states)
	return p.entries, err
}

func (p *people) GroupStats(c group.Caller, id wire.GroupID) (group.GroupStats, error) {
	return group.GroupStats{Epoch: "e", Seq: 9, Members: 2, Sessions: 3}, p.do("%s counts %s", c.Peer, id)
}

func (p *people) Invites(group.Caller) []group.InviteInfo { return slices.Clone(p.invites) }

func (p *people) People(_ group.Caller, id wire.GroupID) []group.PersonInfo {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.peers[id])
}

func withPeople(t *testing.T, p *people) *host {
	t.Helper()
	return newHostWith(t, site(t, notes), func(r *relay.Relay) dataserve.Groups {
		p.Groups = r
		return p
	})
}

func TestPeopleOps(t *testing.T) {
	t.Parallel()
	p := &people{}
	anna := withPeople(t, p).connect("anna")
	const key = `,"key":"0123456789abcde`
	for i, tt := range []struct{ request, done, answer string }{
		{`"op":"group.invite","group":"g"`, "anna invites to g as member, 0 uses until 0",
			`"invite":{"id":"0f5a44e1c2b39d87","token":"TOKENTOKENTOKENTOKEN","url":"https://goop.example/#goop-invite=g.TOKENTOKENTOKENTOKEN","role":"member","uses":1,"expires":99}`},
		{`"op":"group.invite","group":"g","role":"viewer","uses":5,"expires":88`, "anna invites to g as viewer, 5 uses until 88", `"role":"viewer"`},
		{`"op":"group.invite","group":"g","peer":"ben"`, "anna admits ben to g as member", `"invite":{"url":"https://goop.example/","role":"member","peer":"ben"}`},
		{`"op":"group.invite","group":"g","peer":"ben","role":"moderator"`, "anna admits ben to g as moderator", `"role":"moderator"`},
		{`"op":"group.revoke","group":"g","invite":"0f5a"`, "anna revokes 0f5a of g", `"revoked":"0f5a"`},
		{`"op":"group.revoke","group":"g","token":"TOKEN"`, "anna revokes " + string(group.IDOf(group.HashToken("TOKEN"))) + " of g",
			`"revoked":"` + string(group.IDOf(group.HashToken("TOKEN"))) + `"`},
		{`"op":"group.kick","group":"g","peer":"b\"en"`, `anna kicks b"en out of g: ""`, `"kicked":"b\"en"`},
		{`"op":"group.kick","group":"g","peer":"ben","message":"be nice"`, `anna kicks ben out of g: "be nice"`, `"kicked":"ben"`},
		{`"op":"group.ban","group":"g","peer":"ben","message":"enough"`, `anna bans ben from g: "enough"`, `"banned":"ben"`},
		{`"op":"group.unban","group":"g","peer":"ben"`, "anna unbans ben from g", `"unbanned":"ben"`},
		{`"op":"group.setRole","group":"g","peer":"ben","role":"viewer"`, "anna makes ben a viewer of g", `"role":"viewer"`},
	} {
		line := fmt.Sprintf(`{"id":%d,%s%s%c"}`, i, tt.request, key, 'a'+i)
		for range 2 { // the second time is a repeat
			anna.want(line, fmt.Sprintf(`{"id":%d,%s`, i, tt.answer[:1]), tt.answer)
		}
		if got := p.took(); got != tt.done {
			t.Errorf("%s: got %s, want %s", line, got, tt.done)
		}
	}
	p.fail = wire.E(wire.Forbidden, "no")
	for range 2 { // what was refused is asked again
		anna.want(`{"id":1,"op":"group.unban","group":"g","peer":"carl","key":"0123456789abcdez"}`, `"error":{"code":"forbidden","message":"no"`)
	}
	if got := p.took(); got != "anna unbans carl from g; anna unbans carl from g" {
		t.Errorf("got %s", got)
	}
	p.fail = nil
	anna.want(`{"id":1,"op":"group.stats","group":"g"}`, `{"id":1,"stats":{"epoch":"e","seq":9,"members":2,"sessions":3,`)
	_ = anna.st.CloseWrite()
}

// A token is in one answer. It is in no file of the host, and a repeat after a restart does not find it.
func TestTokensAreNotStored(t *testing.T) {
	t.Parallel()
	p := &people{}
	h := withPeople(t, p)
	anna := h.connect("anna")
	anna.want(`{"id":1,"op":"group.invite","group":"g","key":"0123456789abcdea"}`, "TOKENTOKENTOKENTOKEN")
	anna.want(`{"id":1,"op":"group.revoke","group":"g","token":"TOKENTOKENTOKENTOKEN","key":"0123456789abcdeb"}`, `"revoked":`)
	anna.want(`{"id":1,"op":"insert","table":"notes","values":{"text":"TEXTTEXTTEXT"},"key":"0123456789abcdec"}`, `"row":`)
	_ = anna.st.CloseWrite()
	h.wg.Wait()
	found := false
	err := filepath.Walk(h.dir, func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte("TOKENTOKENTOKENTOKEN")) {
			t.Errorf("the token is in %s", path)
		}
		found = found || bytes.Contains(b, []byte("TEXTTEXTTEXT"))
		return err
	})
	if err != nil || !found {
		t.Errorf("the files do not even have what was inserted (%v)", err)
	}
}

func TestHistoryAnswers(t *testing.T) {
	t.Parallel()
	p := &people{entries: []group.Entry{
		{Seq: 3, Time: 30, From: "ben", Kind: wire.TypeMsg, ID: "a1", Session: "s", Payload: []byte(`{"move":"e4"}`)},
		{Seq: 4, Time: 40, From: "anna", Kind: wire.TypeMsg, To: "ben", Payload: []byte(`"psst"`)},
		{Seq: 5, Time: 50, From: "ben", Kind: wire.TypeState, Patch: []byte(`{"a":null}`)},
		{Seq: 6, Time: 60, From: "ben", Kind: wire.TypeMsg, Redacted: true},
		{Seq: 7, Time: 70, From: "olga", Kind: wire.TypeMsg, Redact: 6},
	}}
	anna := withPeople(t, p).connect("anna")
	got := anna.ask(`{"id":1,"op":"group.history","group":"g"}`)
	const want = `{"id":1,"rows":[{"type":"msg","seq":3,"from":"ben","time":30,"payload":{"move":"e4"}},` +
		`{"type":"msg","seq":4,"from":"anna","time":40,"to":"ben","payload":"psst"},` +
		`{"type":"state","seq":5,"from":"ben","time":50,"patch":{"a":null}},` +
		`{"type":"msg","seq":6,"from":"ben","time":60,"redacted":true},` +
		`{"type":"msg","seq":7,"from":"olga","time":70,"redact":6}]}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	anna.ask(`{"id":1,"op":"group.history","group":"g","before":7,"limit":2,"states":true}`)
	if got, want := p.took(), "anna reads 100 of g before 0, states false; anna reads 2 of g before 7, states true"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	// What is too much for one answer begins later, and there is always one.
	p.entries = nil
	for seq := range int64(40) {
		p.entries = append(p.entries, group.Entry{Seq: seq + 1, Kind: wire.TypeMsg, Payload: []byte(`"` + strings.Repeat("x", 60<<10) + `"`)})
	}
	got = anna.ask(`{"id":1,"op":"group.history","group":"g"}`)
	if n := strings.Count(got, `"seq":`); n != 16 || !strings.Contains(got, `"seq":40,`) || len(got) > 1<<20+100 {
		t.Errorf("got %d entries, %d bytes", n, len(got))
	}
	p.entries = []group.Entry{{Seq: 1, Kind: wire.TypeState, Patch: []byte(`{"a":"` + strings.Repeat("x", 2<<20) + `"}`)}}
	if got = anna.ask(`{"id":1,"op":"group.history","group":"g"}`); !strings.Contains(got, `"seq":1,`) {
		t.Errorf("got %.100s", got)
	}
	_ = anna.st.CloseWrite()
}

func TestInvitesView(t *testing.T) {
	t.Parallel()
	p := &people{invites: []group.InviteInfo{
		{Group: "h", Invite: group.Invite{ID: "02", Role: wire.RoleViewer, Uses: 5, Used: 2, Expires: 99, By: "anna", Created: 11}},
		{Group: "g", Invite: group.Invite{ID: "01", Role: wire.RoleMember, Uses: 1, Expires: 98, Created: 10}},
	}}
	anna := withPeople(t, p).connect("anna")
	got := anna.ask(`{"id":1,"op":"query","table":"_invites"}`)
	const want = `{"id":1,"rows":[{"_id":"01","group":"g","role":"member","uses":1,"used":0,"expires":98,"creator":null,"created_at":10},` +
		`{"_id":"02","group":"h","role":"viewer","uses":5,"used":2,"expires":99,"creator":"anna","created_at":11}]}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for _, tt := range [][2]string{
		{`"op":"count","table":"_invites","where":{"group":"g"}`, `"count":1`},
		{`"op":"get","table":"_invites","row":"02","columns":["used"]`, `"row":{"_id":"02","used":2}`},
		{`"op":"get","table":"_invites","row":"03"`, `"code":"not_found","message":"there is no invite \"03\" that you may see"`},
		{`"op":"get","table":"_invites","row":3`, `"code":"not_found","message":"there is no such invite that you may see; a row of _invites is named by its id"`},
		{`"op":"schema","table":"_invites"`, `"schema":{"name":"_invites","columns":[{"name":"_id","type":"text","readOnly":true}`},
		{`"op":"watch","table":"_invites","columns":["uses"],"limit":1`, `"rows":[{"_id":"01","uses":1}]`},
		{`"op":"insert","table":"_invites","values":{"group":"g"},"key":"0123456789abcde1"`, `"code":"not_supported","message":"an invite is made by \"group.invite\"`},
		{`"op":"update","table":"_invites","row":"01","values":{"uses":9},"key":"0123456789abcde2"`, `"code":"not_supported","message":"an invite stays as it is`},
		{`"op":"remove","table":"_invites","row":"03","key":"0123456789abcde3"`, `"code":"not_found"`},
		{`"op":"remove","table":"_invites","row":"02","key":"0123456789abcde4"`, `"removed":1`},
	} {
		anna.want(`{"id":1,`+tt[0]+`}`, tt[1])
	}
	if got := p.took(); got != "anna revokes 02 of h" {
		t.Errorf("got %s", got)
	}
	_ = anna.st.CloseWrite()
}

func TestPeersView(t *testing.T) {
	t.Parallel()
	p := &people{peers: map[wire.GroupID][]group.PersonInfo{
		"notes": {{Group: "notes", Peer: "ben", Label: "Ben", Role: wire.RoleMember, Sessions: 2, Joined: 7},
			{Group: "notes", Peer: "carl", Banned: true, Given: true}},
		"hidden": {{Group: "hidden", Peer: "anna", Role: wire.RoleOwner, Joined: 8}},
	}}
	h := withPeople(t, p)
	if err := h.relay.Ensure(t.Context(), group.Config{ID: "notes", Type: group.OpenGroup, Access: group.Open, Listed: true}); err != nil {
		t.Fatal(err)
	}
	anna := h.connect("anna")
	got := anna.ask(`{"id":1,"op":"query","table":"_peers"}`)
	const want = `{"id":1,"rows":[{"_id":"notes/ben","group":"notes","peer":"ben","label":"Ben","role":"member","sessions":2,"joined":7,"banned":false},` +
		`{"_id":"notes/carl","group":"notes","peer":"carl","label":"","role":null,"sessions":0,"joined":null,"banned":true}]}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for _, tt := range [][2]string{
		// A group that is not listed can be asked for.
		{`"op":"count","table":"_peers","where":{"group":"hidden"}`, `"count":1`},
		{`"op":"count","table":"_peers","where":{"group":{"in":["hidden","notes","hidden"]},"banned":false}`, `"count":2`},
		{`"op":"count","table":"_peers","where":{"_id":"hidden/anna"}`, `"count":1`},
		{`"op":"count","table":"_peers","where":{"or":[{"group":"hidden"}]}`, `"count":0`},
		{`"op":"get","table":"_peers","row":"hidden/anna","columns":["role"]`, `"row":{"_id":"hidden/anna","role":"owner"}`},
		{`"op":"get","table":"_peers","row":"notes/dora"`, `"code":"not_found","message":"there is no peer \"notes/dora\" that you may see"`},
		{`"op":"insert","table":"_peers","values":{},"key":"0123456789abcde1"`, `"code":"not_supported"`},
		{`"op":"update","table":"_peers","row":"notes/ben","values":{"role":"owner"},"key":"0123456789abcde2"`, `"code":"invalid_value","message":"column \"role\": expected one of \"moderator\", \"member\", \"viewer\"`},
		{`"op":"update","table":"_peers","row":"notes/ben","values":{"label":"x"},"key":"0123456789abcde2"`, `"code":"invalid_value","message":"column \"label\" is set by the host"`},
		{`"op":"update","table":"_peers","row":"notes/ben","values":{"role":null},"key":"0123456789abcde2"`, `"code":"invalid_value"`},
		{`"op":"update","table":"_peers","row":"notes/ben","values":{},"key":"0123456789abcde2"`, `"code":"invalid_value"`},
		{`"op":"update","table":"_peers","row":"ben","values":{"role":"viewer"},"key":"0123456789abcde2"`, `"code":"not_found"`},
		{`"op":"update","table":"_peers","row":"notes/ben","values":{"role":"viewer"},"key":"0123456789abcde2"`, `"row":{"_id":"notes/ben"`},
		{`"op":"remove","table":"_peers","row":"notes/ben","key":"0123456789abcde3"`, `"removed":1`},
		{`"op":"remove","table":"_peers","row":"notes/","key":"0123456789abcde4"`, `"code":"not_found"`},
	} {
		anna.want(`{"id":1,`+tt[0]+`}`, tt[1])
	}
	if got := p.took(); got != `anna makes ben a viewer of notes; anna kicks ben out of notes: ""` {
		t.Errorf("got %s", got)
	}
	// A group that is not there, or not for the caller, is a row that is not there.
	p.fail = wire.E(wire.NoSuchGroup, "there is no such group")
	anna.want(`{"id":1,"op":"remove","table":"_peers","row":"nosuch/ben","key":"0123456789abcde5"}`, `"code":"not_found"`)
	p.fail = nil

	// Whoever does not say which group is refused what would be too much work.
	for i := range 10_001 {
		p.peers["notes"] = append(p.peers["notes"], group.PersonInfo{Group: "notes", Peer: wire.PeerID(fmt.Sprint("p", i))})
	}
	anna.want(`{"id":1,"op":"count","table":"_peers"}`, `"code":"limit_exceeded"`)
	anna.want(`{"id":1,"op":"watch","table":"_peers"}`, `"code":"limit_exceeded"`)
	anna.want(`{"id":1,"op":"count","table":"_peers","where":{"group":"notes"}}`, `"count":10003`)
	_ = anna.st.CloseWrite()
}
