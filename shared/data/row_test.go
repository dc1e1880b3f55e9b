package data_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"goop/shared/data"
	"goop/shared/group"
	"goop/shared/wire"
)

func TestNewRow(t *testing.T) {
	t.Parallel()
	s, err := data.ParseSite([]byte(`{"tables":{"t":{"columns":{
		"name":{"type":"text","required":true,"maxLength":3},
		"kind":{"type":"text","enum":["a","b"],"default":"a"},
		"n":{"type":"integer","min":-1,"max":10},
		"j":{"type":"json","maxLength":10},
		"blob":{"type":"blob","maxLength":2}}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	table := s.Tables[0]
	tests := []struct {
		values, want string // the row, or a part of the error's message
		code         wire.Code
	}{
		{`{"name":"äöü"}`, `{"_id":null,"name":"äöü","kind":"a","n":null,"j":null,"blob":null,"_owner":null,"_created_at":null,"_updated_at":null}`, ""},
		{`{"name":"x","kind":null,"n":-1,"j":{ "a" : [ 1 , "b c" ]},"blob":"AQI="}`, ``, wire.InvalidValue}, // the json is 14 bytes
		{`{"name":"x","kind":null,"n":-1,"j":[ 1 , " " ],"blob":"AQI="}`, `{"_id":null,"name":"x","kind":null,"n":-1,"j":[1," "],"blob":"AQI=","_owner":null,"_created_at":null,"_updated_at":null}`, ""},
		{`{}`, `column "name" is required`, wire.InvalidValue},
		{`{"name":null}`, `column "name": expected a value, since the column is required`, wire.InvalidValue},
		{`{"name":"abcd"}`, `expected at most 3 characters, got 4`, wire.InvalidValue},
		{`{"name":"x","kind":"c"}`, `expected one of "a", "b", got "c"`, wire.InvalidValue},
		{`{"name":"x","n":11}`, `expected at most 10, got 11`, wire.InvalidValue},
		{`{"name":"x","n":-2}`, `expected at least -1, got -2`, wire.InvalidValue},
		{`{"name":"x","blob":"AQID"}`, `expected at most 2 bytes, got 3`, wire.InvalidValue},
		{`{"name":"x","blob":"AQI"}`, `base64`, wire.InvalidValue},
		{`{"name":"x","_owner":"me"}`, `column "_owner" is set by the host`, wire.InvalidValue},
		{`{"name":"x","name":"y"}`, `column "name" stands twice`, wire.InvalidValue},
		{`{"nmae":"x"}`, `table "t" has no column "nmae" (did you mean "name"?)`, wire.NoSuchColumn},
	}
	for _, tt := range tests {
		row, err := table.NewRow([]byte(tt.values))
		if tt.code == "" {
			if err != nil {
				t.Errorf("%s: %v", tt.values, err)
			} else if got := string(table.Row(nil, row).JSON); got != tt.want {
				t.Errorf("%s: got %s, want %s", tt.values, got, tt.want)
			}
			continue
		}
		if e, ok := errors.AsType[*wire.Error](err); !ok || e.Code != tt.code || !contains(e.Message, tt.want) {
			t.Errorf("%s: got %v, want %s with %s", tt.values, err, tt.code, tt.want)
		}
	}
}

func TestRecorded(t *testing.T) {
	t.Parallel()
	table := func(columns string) *data.Table {
		s, err := data.ParseSite([]byte(`{"tables":{"t":{"memberOf":"game","columns":{"game":{"type":"text","required":true},"san":{"type":"text"}` + columns + `}}}}`))
		if err != nil {
			t.Fatal(err)
		}
		return s.Tables[0]
	}
	plain, rest := table(""), table(`,"rest":{"type":"json"},"other":{"type":"json"}`)
	only, two := table(`,"x":{"type":"json"}`), table(`,"x":{"type":"json"},"y":{"type":"json"},"z":{"type":"json"}`)
	tests := []struct {
		name    string
		table   *data.Table
		payload string
		want    string // the author's columns, or a part of the error
		code    wire.Code
	}{
		{"columns", plain, `{"san":"e4"}`, `["g","e4"]`, ""},
		{"the group is the host's to say", plain, `{"san":"e4","game":"other"}`, `["g","e4"]`, ""},
		{"a stray key", plain, `{"sna":"e4"}`, `no column "sna" (did you mean "san"?)`, wire.NoSuchColumn},
		{"no object", plain, `"e4"`, `an object whose keys are columns`, wire.InvalidValue},
		{"a wrong type", plain, `{"san":4}`, `expected a string`, wire.InvalidValue},
		{"a host's column", plain, `{"_owner":"me"}`, `set by the host`, wire.InvalidValue},
		{"rest", rest, `{"san":"e4","a":1,"":{"b":[2]}}`, `["g","e4",{"a":1,"":{"b":[2]}},null]`, ""},
		{"nothing for rest", rest, `{"san":"e4"}`, `["g","e4",null,null]`, ""},
		{"rest is named", rest, `{"rest":[1]}`, `["g",null,[1],null]`, ""},
		{"rest is named and needed", rest, `{"rest":[1],"a":1}`, `"a" is no column`, wire.InvalidValue},
		{"no object for rest", rest, `"hi"`, `["g",null,"hi",null]`, ""},
		{"the only json column", only, `{"a":1}`, `["g",null,{"a":1}]`, ""},
		{"none of several", two, `{"a":1}`, `no column "a"`, wire.NoSuchColumn},
	}
	for _, tt := range tests {
		row, err := tt.table.Recorded("g", []byte(tt.payload))
		if tt.code != "" {
			if e, ok := errors.AsType[*wire.Error](err); !ok || e.Code != tt.code || !contains(e.Message, tt.want) {
				t.Errorf("%s: got %v, want %s with %s", tt.name, err, tt.code, tt.want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		var got []json.RawMessage
		for i, c := range tt.table.Columns {
			if c.Name[0] != '_' {
				got = append(got, row[i].Append(nil))
			}
		}
		if b, _ := json.Marshal(got); string(b) != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, b, tt.want)
		}
	}
}

func TestRealsLookAsInJavaScript(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"1": "1", "-0": "0", "1e6": "1000000", "1e21": "1e+21", "0.000001": "0.000001", "1e-7": "1e-07", "2.50": "2.5", "123456789.125": "123456789.125"} {
		row, err := tableT(t).NewRow([]byte(`{"r":` + in + `}`))
		if err != nil {
			t.Fatal(err)
		}
		if got := string(row[tableT(t).Lookup("r")].Append(nil)); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

func TestAccess(t *testing.T) {
	t.Parallel()
	visitor, owner := group.Caller{Peer: "v"}, group.Caller{Peer: "o", Owner: true}
	tests := []struct {
		rule           data.Rule
		visitor, owner data.GrantKind
	}{
		{data.Rule{}, data.NoRows, data.AllRows},
		{data.Rule{Who: data.SiteOwner}, data.NoRows, data.AllRows},
		{data.Rule{Who: data.Everybody}, data.AllRows, data.AllRows},
		{data.Rule{Who: data.Nobody}, data.NoRows, data.NoRows},
		{data.Rule{Who: data.Author}, data.OwnRows, data.AllRows},
		{data.Rule{Who: data.Members}, data.GroupRows, data.AllRows},
		{data.Rule{Who: data.HasRole, Role: wire.RoleModerator}, data.GroupRows, data.AllRows},
	}
	for _, tt := range tests {
		if got := tt.rule.For(visitor).Kind; got != tt.visitor {
			t.Errorf("%s: got %d for a visitor, want %d", tt.rule, got, tt.visitor)
		}
		if got := tt.rule.For(owner).Kind; got != tt.owner {
			t.Errorf("%s: got %d for an owner, want %d", tt.rule, got, tt.owner)
		}
	}
	enough := []struct {
		least, role wire.Role
		in, want    bool
	}{
		{"", "", false, false}, {"", "", true, true}, {"", wire.RoleViewer, false, true},
		{wire.RoleMember, wire.RoleViewer, true, false}, {wire.RoleMember, wire.RoleMember, false, true},
		{wire.RoleMember, wire.RoleOwner, false, true}, {wire.RoleOwner, wire.RoleModerator, true, false}, {wire.RoleViewer, "", true, false},
	}
	for _, tt := range enough {
		if got := (data.Grant{Kind: data.GroupRows, Least: tt.least}).Enough(tt.role, tt.in); got != tt.want {
			t.Errorf("least %q, role %q, in %v: got %v", tt.least, tt.role, tt.in, got)
		}
	}
}

// row is a row of the golden files.
func row(t *testing.T, raw json.RawMessage) data.Row {
	t.Helper()
	var v struct {
		ID json.RawMessage `json:"_id"`
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return data.Row{ID: string(v.ID), JSON: raw}
}

type event struct {
	Added, Changed, Removed, Order []json.RawMessage
	Places                         [][2]json.RawMessage
}

// follow does with rows what the package comment tells a member to do.
func follow(t *testing.T, rows []data.Row, line []byte) []data.Row {
	t.Helper()
	var e event
	if err := json.Unmarshal(line, &e); err != nil {
		t.Fatalf("%v in %s", err, line)
	}
	var out []data.Row
	for _, r := range rows {
		if slices.ContainsFunc(e.Removed, func(id json.RawMessage) bool { return string(id) == r.ID }) {
			continue
		}
		for _, c := range e.Changed {
			if c := row(t, c); c.ID == r.ID {
				r = c
			}
		}
		out = append(out, r)
	}
	for _, a := range e.Added {
		out = append(out, row(t, a))
	}
	var moved []data.Row
	for _, p := range e.Places {
		i := slices.IndexFunc(out, func(r data.Row) bool { return r.ID == string(p[0]) })
		if i < 0 {
			t.Fatalf("a place of %s, which is not there, in %s", p[0], line)
		}
		moved = append(moved, out[i])
		out = slices.Delete(out, i, i+1)
	}
	for k, p := range e.Places {
		var at int
		if err := json.Unmarshal(p[1], &at); err != nil || at > len(out) {
			t.Fatalf("no such place: %s in %s", p[1], line)
		}
		out = slices.Insert(out, at, moved[k])
	}
	if len(e.Order) == 0 {
		return out
	}
	var ordered []data.Row
	for _, id := range e.Order {
		i := slices.IndexFunc(out, func(r data.Row) bool { return r.ID == string(id) })
		if i < 0 {
			t.Fatalf("the order names %s, which is not there, in %s", id, line)
		}
		ordered = append(ordered, out[i])
	}
	if len(ordered) != len(out) {
		t.Fatalf("the order has %d rows of %d in %s", len(ordered), len(out), line)
	}
	return ordered
}

func show(rows []data.Row) string {
	var s strings.Builder
	for _, r := range rows {
		s.WriteString(string(r.JSON) + "\n")
	}
	return s.String()
}

func TestGoldenEvents(t *testing.T) {
	t.Parallel()
	type vector struct {
		Name          string
		Before, After []json.RawMessage
		Event         json.RawMessage
	}
	for _, tt := range golden[vector](t, "follow.jsonl") {
		var before, after []data.Row
		for _, r := range tt.Before {
			before = append(before, row(t, r))
		}
		for _, r := range tt.After {
			after = append(after, row(t, r))
		}
		if got := follow(t, before, tt.Event); show(got) != show(after) {
			t.Errorf("%s: followed to %s", tt.Name, show(got))
		}
		d, ok := data.Diff(before, after)
		if got := string(d.Append(nil, 7)); !ok || got != string(tt.Event)+"\n" {
			t.Errorf("%s: got %s, want %s", tt.Name, got, tt.Event)
		}
	}
}

func TestDiffLeadsFromBeforeToAfter(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	list := func() (rows []data.Row) {
		for _, id := range rng.Perm(12)[:rng.IntN(10)] {
			rows = append(rows, data.Row{ID: fmt.Sprint(id), JSON: fmt.Appendf(nil, `{"_id":%d,"v":%d}`, id, rng.IntN(2))})
		}
		return rows
	}
	// little changes a list here and there.
	little := func(rows []data.Row) []data.Row {
		rows = slices.Clone(rows)
		for range rng.IntN(4) {
			i := rng.IntN(len(rows) + 1)
			switch k := rng.IntN(4); {
			case k == 0 || i == len(rows):
				id := rng.IntN(1000) + 100
				if !slices.ContainsFunc(rows, func(r data.Row) bool { return r.ID == fmt.Sprint(id) }) {
					rows = slices.Insert(rows, i, data.Row{ID: fmt.Sprint(id), JSON: fmt.Appendf(nil, `{"_id":%d}`, id)})
				}
			case k == 1:
				rows = slices.Delete(rows, i, i+1)
			default:
				r := rows[i]
				if k == 2 {
					r.JSON = fmt.Appendf(nil, `{"_id":%s,"v":%d}`, r.ID, rng.IntN(9))
				}
				rows = slices.Delete(rows, i, i+1)
				rows = slices.Insert(rows, rng.IntN(len(rows)+1), r)
			}
		}
		return rows
	}
	var long []data.Row
	for id := range 20 {
		long = append(long, data.Row{ID: fmt.Sprint(id), JSON: fmt.Appendf(nil, `{"_id":%d}`, id)})
	}
	for range 3000 {
		before, after := list(), list()
		if rng.IntN(2) == 0 {
			before = long
			long = little(long)
			after = long
		}
		d, ok := data.Diff(before, after)
		if !ok {
			if show(before) != show(after) {
				t.Fatalf("no difference between\n%sand\n%s", show(before), show(after))
			}
			continue
		}
		line := d.Append(nil, 1)
		if got := follow(t, before, line); show(got) != show(after) {
			t.Fatalf("from\n%sby %sgot\n%swant\n%s", show(before), line, show(got), show(after))
		}
	}
}

func TestGroupRows(t *testing.T) {
	t.Parallel()
	cfg, err := group.ParseConfig([]byte(`{"id":"g","name":"G","type":"persistent","maxMembers":2,"record":"moves","seats":["white","black"],"dissolve":{"empty":600000},"retain":{"count":9},"template":"match","rights":{"close":["seat"]}}`))
	if err != nil {
		t.Fatal(err)
	}
	cfg.CreatedAt = 5
	info := group.Info{Config: cfg, Members: 1, SeatHolders: map[string]wire.PeerID{"black": "p"}}
	got := string(data.Groups.Row(nil, data.GroupRow(&info)).JSON)
	want := `{"_id":"g","id":"g","name":"G","type":"persistent","durable":true,"access":"open","listed":true,"members":1,"max_members":2,` +
		`"record":"moves","seats":["white","black"],"seat_holders":{"black":"p"},"rights":{"close":["seat"]},"dissolve_empty":600000,"expires":null,` +
		`"retain":{"count":9,"bytes":0,"age":0},"template":"match","creator":null,"created_at":5}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}

	config, err := data.GroupConfig([]byte(`{"id":"g","name":"G","type":"persistent","max_members":2,"record":"moves","seats":["white","black"],"dissolve_empty":600000,"expires":null,"retain":{"count":9},"template":"match","rights":{"close":["seat"]}}`))
	if err != nil {
		t.Fatal(err)
	}
	again, err := group.ParseConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	again.CreatedAt = 5
	if string(again.Append(nil)) != string(cfg.Append(nil)) {
		t.Errorf("got %s, want %s", again.Append(nil), cfg.Append(nil))
	}
	for values, part := range map[string]string{
		`{"members":3}`:           `column "members" is set by the host`,
		`{"maxMembers":3}`:        `(did you mean "max_members"?)`,
		`{"name":null}`:           `cannot be null`,
		`{"name":"a","name":"b"}`: `stands twice`,
	} {
		if _, err := data.GroupConfig([]byte(values)); err == nil || !contains(err.Error(), part) {
			t.Errorf("%s: got %v, want %s", values, err, part)
		}
	}
}
