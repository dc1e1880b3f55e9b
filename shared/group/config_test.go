package group_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"goop/shared/group"
	"goop/shared/jsontext"
	"goop/shared/wire"
)

func TestPresets(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		want group.Config
	}{
		{`{"type":"ephemeral"}`, group.Config{Type: group.Ephemeral, Access: group.Open, Dissolve: group.Dissolve{Empty: 30 * time.Second}}},
		{`{"type":"persistent"}`, group.Config{Type: group.Persistent, Durable: true, Access: group.Open, Listed: true}},
		{`{"type":"open"}`, group.Config{Type: group.OpenGroup, Access: group.Open, Listed: true}},
		{`{"type":"invite-only"}`, group.Config{Type: group.InviteOnly, Durable: true, Access: group.Invited}},
		{`{}`, group.Config{Type: group.OpenGroup, Access: group.Open, Listed: true}},
		{`{"durable":true,"listed":true,"access":"invite","type":"ephemeral","dissolve":{"expires":5}}`,
			group.Config{Type: group.Ephemeral, Durable: true, Access: group.Invited, Listed: true,
				Dissolve: group.Dissolve{Empty: 30 * time.Second, Expires: 5}}},
		{`{"id":"chess-42","name":"Ein Spiel – ♞","type":"persistent","dissolve":{"empty":600000},"maxMembers":50,"record":"moves",
		   "seats":["white","black"],"rights":{"close":["moderator","seat","seat"],"invite":[]}}`,
			group.Config{ID: "chess-42", Name: "Ein Spiel – ♞", Type: group.Persistent, Durable: true, Access: group.Open, Listed: true,
				Dissolve: group.Dissolve{Empty: 10 * time.Minute}, MaxMembers: 50, Record: "moves",
				Seats:  []string{"white", "black"},
				Rights: group.Rights{group.Close: {wire.RoleModerator, group.Seat}, group.InviteTo: {}}}},
	} {
		got, err := group.ParseConfig([]byte(tt.text))
		if err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s\ngot  %+v, %v\nwant %+v", tt.text, got, err, tt.want)
			continue
		}
		if again, err := group.ParseConfig(got.Append(nil)); err != nil || !reflect.DeepEqual(again, got) {
			t.Errorf("%s is read back as %+v, %v", got.Append(nil), again, err)
		}
	}
}

func TestConfigRefuses(t *testing.T) {
	t.Parallel()
	many := func(n int) string { return strings.TrimSuffix(strings.Repeat(`"s",`, n), ",") }
	for _, tt := range []struct{ text, says string }{
		{`{`, "not JSON"}, {`[]`, "an object"}, {`{"colour":1}`, `unknown key "colour"`},
		{`{"type":"public"}`, `"ephemeral", "persistent", "open" or "invite-only"`}, {`{"type":1}`, `"type" is text`},
		{`{"name":"a","name":"b"}`, `"name" twice`}, {`{"type":"open","type":"open"}`, `"type" twice`},
		{`{"id":""}`, `"id" is 1 to 64`}, {`{"id":"a b"}`, `"id" is 1 to 64`}, {`{"id":"` + strings.Repeat("x", 65) + `"}`, `"id" is`},
		{`{"name":"` + strings.Repeat("x", 101) + `"}`, "at most 100 bytes"}, {`{"name":"a\nb"}`, "on one line"},
		{`{"durable":"yes"}`, `"durable" is true or false`}, {`{"listed":null}`, `"listed" is true or false`},
		{`{"access":"closed"}`, `"open" or "invite"`}, {`{"maxMembers":-1}`, "from 0 to 10000"}, {`{"maxMembers":10001}`, "from 0 to 10000"},
		{`{"maxMembers":1.5}`, "an integer"}, {`{"dissolve":5}`, `"dissolve" is an object`}, {`{"dissolve":{"after":1}}`, `unknown key "dissolve.after"`},
		{`{"dissolve":{"empty":"1s"}}`, `"dissolve.empty" is an integer`}, {`{"dissolve":{"empty":99999999999}}`, "from 0 to"},
		{`{"record":"_groups"}`, `"record" is the name of a table`}, {`{"record":"a b"}`, `"record"`}, {`{"record":""}`, `"record"`},
		{`{"seats":"white"}`, "array of names"}, {`{"seats":["a","a"]}`, `"a" twice`}, {`{"seats":[1]}`, `"seats" is text`},
		{`{"seats":["a b"]}`, `in "seats"`}, {`{"seats":["1","2","3","4","5","6","7","8","9","10","11","12","13","14","15","16","17"]}`, "at most 16"},
		{`{"rights":{"fly":[]}}`, `unknown key "rights.fly"`}, {`{"rights":{"send":"member"}}`, "array of roles"},
		{`{"rights":{"send":["visitor"]}}`, "owner, moderator, member, viewer or seat"}, {`{"rights":{"send":[` + many(3) + `]}}`, "a role in"},
		{`{"rights":[]}`, `"rights" is an object`}, {`{` + strings.TrimSuffix(strings.Repeat(`"x":1,`, 2), ",") + `}`, `"x"`},
		{`{"a0":1,"a1":1,"a2":1,"a3":1,"a4":1,"a5":1,"a6":1,"a7":1,"a8":1,"a9":1,"b0":1,"b1":1,"b2":1,"b3":1,"b4":1,"b5":1,"b6":1,"b7":1,"b8":1,"b9":1,` +
			`"c0":1,"c1":1,"c2":1,"c3":1,"c4":1,"c5":1,"c6":1,"c7":1,"c8":1,"c9":1,"d0":1,"d1":1,"d2":1}`, "too many keys"},
	} {
		_, err := group.ParseConfig([]byte(tt.text))
		if !errors.Is(err, wire.InvalidValue) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%.80s: got %v, want invalid_value with %q", tt.text, err, tt.says)
		}
	}
	_, err := group.ParseConfig([]byte("{\n  \"id\": lobby}"))
	if syntax, ok := errors.AsType[*jsontext.SyntaxError](err); !ok || syntax.Offset != 10 {
		t.Errorf("got %v, want the place of the fault", err)
	}
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	c, err := group.ParseConfig([]byte(`{"id":"g","type":"persistent","record":"moves","seats":["w"],"dissolve":{"empty":5}}`))
	if err != nil {
		t.Fatal(err)
	}
	c.Creator, c.CreatedAt = "P", 7
	next, err := c.Update([]byte(`{"name":"New","dissolve":{"expires":9},"seats":[],"rights":{"send":["viewer"]}}`))
	if err != nil || next.Name != "New" || next.Dissolve != (group.Dissolve{Empty: 5 * time.Millisecond, Expires: 9}) ||
		len(next.Seats) != 0 || next.Creator != "P" || next.CreatedAt != 7 || next.Record != "moves" {
		t.Errorf("got %+v, %v", next, err)
	}
	if c.Name != "" || len(c.Seats) != 1 || c.Rights != nil {
		t.Errorf("Update has changed %+v", c)
	}
	for _, patch := range []string{`{"id":"x"}`, `{"type":"open"}`, `{"durable":true}`, `{"record":"x"}`, `{"x":1}`, `[]`} {
		if _, err := c.Update([]byte(patch)); !errors.Is(err, wire.InvalidValue) {
			t.Errorf("%s: got %v, want invalid_value", patch, err)
		}
	}
}

func TestAllows(t *testing.T) {
	t.Parallel()
	rights := []group.Right{group.Send, group.SetState, group.Close, group.Manage, group.InviteTo, group.Kick, group.SetRole, group.SeeAll}
	table := func(c *group.Config, role wire.Role, seated bool) string {
		var s []byte
		for _, r := range rights {
			if c.Allows(r, role, seated) {
				s = append(s, '1')
			} else {
				s = append(s, '0')
			}
		}
		return string(s)
	}
	given := &group.Config{Rights: group.Rights{
		group.Close: {wire.RoleModerator, group.Seat}, group.Send: {wire.RoleViewer}, group.SeeAll: {}, group.Kick: {wire.RoleOwner},
	}}
	for _, tt := range []struct {
		cfg    *group.Config
		role   wire.Role
		seated bool
		want   string // send, state, close, manage, invite, kick, setRole, seeMembers
	}{
		{&group.Config{}, wire.RoleOwner, false, "11111111"},
		{&group.Config{}, wire.RoleModerator, false, "11111111"},
		{&group.Config{}, wire.RoleMember, false, "11000001"},
		{&group.Config{}, wire.RoleMember, true, "11000001"},
		{&group.Config{}, wire.RoleViewer, false, "00000001"},
		{&group.Config{}, wire.RoleVisitor, false, "00000000"},
		{&group.Config{}, "", true, "00000000"},
		{given, wire.RoleOwner, false, "11111111"},
		{given, wire.RoleModerator, false, "01111010"},
		{given, wire.RoleMember, false, "01000000"},
		{given, wire.RoleMember, true, "01100000"},
		{given, wire.RoleViewer, true, "10100000"},
		{given, "", true, "00000000"},
	} {
		if got := table(tt.cfg, tt.role, tt.seated); got != tt.want {
			t.Errorf("%q, seated %v: got %s, want %s", tt.role, tt.seated, got, tt.want)
		}
	}
	if !given.AsksForSeat(group.Close) || given.AsksForSeat(group.Send) || given.AsksForSeat(group.Manage) {
		t.Errorf("AsksForSeat is wrong")
	}
}

func TestNewID(t *testing.T) {
	t.Parallel()
	a, b := group.NewID(), group.NewID()
	if a == b || !wire.ValidID(string(a)) || len(a) < 22 {
		t.Errorf("got %q and %q", a, b)
	}
}

func TestParseMeta(t *testing.T) {
	t.Parallel()
	raw := []byte(`{"color":"#fff","label":"\u00c4nne"}`)
	m, err := group.ParseMeta(raw)
	text := string(raw)
	clear(raw)
	if err != nil || m.Label != "Änne" || string(m.Raw) != text {
		t.Errorf("got %+v, %v", m, err)
	}
	if m, err := group.ParseMeta(nil); err != nil || m.Raw != nil {
		t.Errorf("got %+v, %v", m, err)
	}
	if _, err := group.ParseMeta([]byte(`{"label":"` + strings.Repeat("ä", 64) + `"}`)); err != nil {
		t.Errorf("64 characters: %v", err)
	}
	for _, bad := range []string{`{"label":1}`, `{"label":"a","label":"b"}`, `{"label":"` + strings.Repeat("ä", 65) + `"}`} {
		if _, err := group.ParseMeta([]byte(bad)); !errors.Is(err, wire.InvalidValue) {
			t.Errorf("%s: got %v, want invalid_value", bad, err)
		}
	}
}

// FuzzParseConfig: what is accepted is within the bounds and comes back as it was.
func FuzzParseConfig(f *testing.F) {
	f.Add([]byte(`{"id":"g","type":"persistent","dissolve":{"empty":1},"seats":["w"],"rights":{"close":["seat"]}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := group.ParseConfig(text)
		if err != nil {
			if !errors.Is(err, wire.InvalidValue) {
				t.Errorf("got %v, want invalid_value", err)
			}
			return
		}
		if len(c.Name) > group.MaxName || len(c.Seats) > group.MaxSeats || c.MaxMembers > group.MaxPeers || c.MaxMembers < 0 {
			t.Errorf("out of bounds: %+v", c)
		}
		again, err := group.ParseConfig(c.Append(nil))
		if c.Rights != nil && len(c.Rights) == 0 {
			c.Rights = nil // says as little
		}
		if err != nil || !reflect.DeepEqual(again, c) {
			t.Errorf("%s\ngot  %+v, %v\nwant %+v", c.Append(nil), again, err, c)
		}
	})
}
