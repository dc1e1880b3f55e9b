package dataserve_test

import (
	"strings"
	"testing"

	"goop/shared/data"
	"goop/shared/wire"
)

// clubSite has templates, and a table for what groups record.
const clubSite = `{
 "tables": {
  "moves": {"columns": {"game": {"type": "text"}, "san": {"type": "text"}}, "memberOf": "game", "access": {"read": "member", "insert": "none"}},
  "news": {"columns": {"text": {"type": "text"}}, "access": {"read": "open"}}},
 "create": {
  "match": {"type": "persistent", "record": "moves", "maxMembers": 2, "seats": ["white", "black"], "each": 2, "total": 3},
  "ephemeral": {"name": "A room"}},
 "groups": [{"id": "lobby", "type": "open"}]}`

func club(t *testing.T) *host {
	t.Helper()
	s, err := data.ParseSite([]byte(clubSite))
	if err != nil {
		t.Fatal(err)
	}
	return newHost(t, s)
}

// owner makes a peer an owner of the site and connects it.
func (h *host) owner(t *testing.T, peer wire.PeerID) *client {
	t.Helper()
	secret, err := h.db.CreateOwnerLink(t.Context())
	if err == nil {
		err = h.db.Claim(t.Context(), peer, secret)
	}
	if err != nil {
		t.Fatal(err)
	}
	return h.connect(peer)
}

// want asks and checks what is in the answer.
func (c *client) want(line string, parts ...string) string {
	c.t.Helper()
	got := c.ask(line)
	for _, part := range parts {
		if !strings.Contains(got, part) {
			c.t.Errorf("%s\ngot  %s\nwant %s", line, got, part)
		}
	}
	return got
}

func TestGroupsFromTemplates(t *testing.T) {
	t.Parallel()
	h := club(t)
	olga := h.owner(t, "olga")
	olga.want(`{"id":1,"op":"role"}`, `{"id":1,"role":"owner","create":["match","ephemeral"]}`)
	olga.want(`{"id":2,"op":"role","table":"news"}`, `{"id":2,"role":"owner","access":{`)
	olga.want(`{"id":3,"op":"group.create","config":{"template":"match","name":"Olga's"},"key":"0123456789abcde1"}`,
		`"name":"Olga's"`, `"record":"moves"`, `"max_members":2`, `"seats":["white","black"]`, `"template":"match"`, `"creator":"olga"`)
	olga.want(`{"id":4,"op":"insert","table":"_groups","values":{"template":"ephemeral"},"key":"0123456789abcde2"}`,
		`"row":{`, `"name":"A room"`, `"type":"ephemeral"`, `"template":"ephemeral"`)
	for config, says := range map[string]string{
		`{"template":"mtach"}`:                `"code":"invalid_value","message":"\"template\": this site has no template \"mtach\" (did you mean \"match\"?); there are match, ephemeral"`,
		`{"template":"match","id":"mine"}`:    `"code":"invalid_value","message":"\"id\" is not for a group that is made from a template`,
		`{"template":"match","retain":{}}`:    `\"retain\" is not for a group that is made from a template`,
		`{"template":""}`:                     `"code":"invalid_value"`,
		`{"template":"match","template":"a"}`: `"code":"invalid_value"`,
	} {
		olga.want(`{"id":5,"op":"group.create","config":`+config+`,"key":"0123456789abcde3"}`, says)
	}
	_ = olga.st.CloseWrite()
}

// Nobody reads what an invite-only group records but those who are invited, however the group came to be
// what it is.
func TestInviteOnlyGroupsDoNotRecordForAll(t *testing.T) {
	t.Parallel()
	h := club(t)
	olga := h.owner(t, "olga")
	const says = `"code":"invalid_value","message":"\"record\": only those who are invited may know of this group, and everybody may read the table \"news\"`
	olga.want(`{"id":1,"op":"group.create","config":{"type":"invite-only","record":"news"},"key":"0123456789abcde1"}`, says)
	olga.want(`{"id":2,"op":"insert","table":"_groups","values":{"type":"invite-only","record":"news"},"key":"0123456789abcde2"}`, says)
	olga.want(`{"id":3,"op":"group.create","config":{"id":"a","type":"persistent","record":"news"},"key":"0123456789abcde3"}`, `"group":{`)
	olga.want(`{"id":4,"op":"group.update","group":"a","set":{"access":"invite"},"key":"0123456789abcde4"}`, says)
	olga.want(`{"id":5,"op":"update","table":"_groups","row":"a","values":{"access":"invite"},"key":"0123456789abcde5"}`, says)
	olga.want(`{"id":6,"op":"group.update","group":"a","set":{"name":"A"},"key":"0123456789abcde6"}`, `"name":"A"`)
	olga.want(`{"id":7,"op":"group.create","config":{"id":"b","type":"invite-only","record":"moves"},"key":"0123456789abcde7"}`, `"group":{`)
	olga.want(`{"id":8,"op":"group.update","group":"b","set":{"access":"open"},"key":"0123456789abcde8"}`, `"access":"open"`)
	olga.want(`{"id":9,"op":"group.update","group":"b","set":{"access":"invite"},"key":"0123456789abcde9"}`, `"access":"invite"`)
	_ = olga.st.CloseWrite()
}
