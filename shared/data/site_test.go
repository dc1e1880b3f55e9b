package data_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"goop/shared/data"
	"goop/shared/group"
	"goop/shared/wire"
)

const chess = `{"$schema": "/goop/goop.schema.json", "name": "Chess club",
 "tables": {"moves": {
   "columns": {"game": {"type": "text", "required": true}, "ply": {"type": "integer"}, "san": {"type": "text"}},
   "indexes": [["game", "ply"]], "memberOf": "game",
   "access": {"read": "open", "insert": "member", "update": "none", "remove": "owner"}}},
 "groups": [{"id": "lobby", "name": "Lobby", "type": "open"}]}`

func TestParseSite(t *testing.T) {
	t.Parallel()
	s, err := data.ParseSite([]byte("\ufeff" + chess)) // with the mark that some editors put in front
	if err != nil {
		t.Fatal(err)
	}
	if s.Name != "Chess club" || len(s.Tables) != 1 || len(s.Groups) != 1 || s.Groups[0].ID != "lobby" {
		t.Errorf("got %+v", s)
	}
	moves, ok := s.Table("moves")
	if !ok {
		t.Fatal("no table moves")
	}
	var names []string
	for _, c := range moves.Columns {
		names = append(names, c.Name+" "+string(c.Type))
	}
	if got, want := strings.Join(names, ", "), "_id integer, game text, ply integer, san text, _owner text, _created_at time, _updated_at time, _seq integer"; got != want {
		t.Errorf("got columns %s, want %s", got, want)
	}
	want := data.Access{Read: data.Rule{Who: data.Everybody}, Insert: data.Rule{Who: data.Members}, Update: data.Rule{Who: data.Nobody}, Remove: data.Rule{Who: data.SiteOwner}}
	if moves.Access != want || moves.MemberOf != "game" {
		t.Errorf("got %+v, memberOf %q", moves.Access, moves.MemberOf)
	}
	if !moves.Columns[1].Required || moves.Columns[2].Required || !reflect.DeepEqual(moves.Indexes, []data.Index{{Columns: []string{"game", "ply"}}}) {
		t.Errorf("got %+v", moves)
	}
}

func TestParseTemplates(t *testing.T) {
	t.Parallel()
	s, err := data.ParseSite([]byte(`{"create": {
	  "match": {"type": "ephemeral", "maxMembers": 2, "seats": ["white", "black"], "each": 5, "total": 50, "retain": {"count": 9}},
	  "invite-only": {"record": "moves"},
	  "ephemeral": {"type": "persistent"},
	  "plain": {}},
	 "tables": {"moves": {"columns": {"game": {"type": "text"}, "san": {"type": "text"}}, "memberOf": "game", "access": {"read": "role:viewer"}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	config := func(text string) group.Config {
		cfg, err := group.ParseConfig([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return cfg
	}
	want := []group.Template{
		{Name: "match", Each: 5, Total: 50, Config: config(`{"template":"match","type":"ephemeral","maxMembers":2,"seats":["white","black"],"retain":{"count":9}}`)},
		{Name: "invite-only", Each: 3, Total: 200, Config: config(`{"template":"invite-only","type":"invite-only","record":"moves"}`)},
		{Name: "ephemeral", Each: 3, Total: 200, Config: config(`{"template":"ephemeral","type":"persistent"}`)},
		{Name: "plain", Each: 3, Total: 200, Config: config(`{"template":"plain"}`)},
	}
	if !reflect.DeepEqual(s.Templates, want) {
		t.Errorf("got  %+v\nwant %+v", s.Templates, want)
	}
	if got, err := s.Template("match"); err != nil || got.Each != 5 {
		t.Errorf("got %+v, %v", got, err)
	}
	for name, says := range map[string]string{"mtach": `no template "mtach" (did you mean "match"?); there are match, invite-only`, "": `no template ""`} {
		if _, err := s.Template(name); !errors.Is(err, wire.InvalidValue) || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: got %v", name, err)
		}
	}
	if _, err := (&data.Site{}).Template("match"); !errors.Is(err, wire.InvalidValue) || !strings.Contains(err.Error(), "has no templates") {
		t.Errorf("got %v", err)
	}
}

func TestFromTemplate(t *testing.T) {
	t.Parallel()
	for config, want := range map[string]string{
		`{"template":"match"}`:             "true",
		`{"name":"x","template":"match"}`:  "true",
		`{"name":"x"}`:                     "false",
		`{"id":"x","maxMembers":3}`:        "false",
		`{"id":"x","template":"match"}`:    `"id" is not for a group that is made from a template`,
		`{"template":"match","rights":{}}`: `"rights" is not for a group that is made from a template`,
	} {
		from, err := data.FromTemplate([]byte(config))
		if got := fmt.Sprint(from); err == nil && got != want || err != nil && (!errors.Is(err, wire.InvalidValue) || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %s, %v", config, got, err)
		}
	}
}

// Only those who are invited may read what an invite-only group records.
func TestCheckRecordOfInviteOnlyGroups(t *testing.T) {
	t.Parallel()
	for _, rule := range data.RuleNames {
		s, err := data.ParseSite([]byte(`{"tables":{"t":{"columns":{"g":{"type":"text"},"c":{"type":"text"}},"memberOf":"g","access":{"read":"` + rule + `"}}}}`))
		if err != nil {
			t.Fatal(err)
		}
		wrong := s.CheckRecord(&group.Config{Durable: true, Access: group.Invited, Record: "t"})
		if (wrong != nil) != (rule == "open") {
			t.Errorf("%s: got %v", rule, wrong)
		}
		if wrong := s.CheckRecord(&group.Config{Durable: true, Access: group.Open, Record: "t"}); wrong != nil {
			t.Errorf("%s: got %v for an open group", rule, wrong)
		}
	}
}

// The file that editors complete from has to say what the parser accepts.
func TestSchemaIsInStepWithTheParser(t *testing.T) {
	t.Parallel()
	type object struct {
		AnyOf         []object
		Properties    map[string]json.RawMessage
		Required      []string
		Enum          []string
		PropertyNames struct{ Enum []string }
	}
	var root struct {
		object
		Defs map[string]json.RawMessage `json:"$defs"`
	}
	if err := json.Unmarshal(data.SchemaJSON, &root); err != nil {
		t.Fatal(err)
	}
	def := func(name string) (o object) {
		if err := json.Unmarshal(root.Defs[name], &o); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return o
	}
	sub := func(o object, name string) (s object) {
		if err := json.Unmarshal(o.Properties[name], &s); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return s
	}
	check := func(what string, got, want []string) {
		t.Helper()
		got, want = slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))
		if !slices.Equal(got, want) {
			t.Errorf("%s: the schema has %v, the parser %v", what, got, want)
		}
	}
	keys := func(o object) (names []string) {
		for k := range o.Properties {
			names = append(names, k)
		}
		return names
	}
	check("site", keys(root.object), data.SiteKeys)
	check("table", keys(def("table")), data.TableKeys)
	check("column", keys(def("column")), data.ColumnKeys)
	check("index", keys(def("index").AnyOf[1]), data.IndexKeys)
	check("onRemove", sub(def("column"), "onRemove").Enum, data.Removals)
	check("rule", keys(def("rule").AnyOf[1]), data.RuleKeys)
	check("update rule", keys(def("updateRule").AnyOf[1]), data.UpdateKeys)
	check("condition", keys(def("condition")), append(data.VariableNames, "and", "or", "not"))
	check("comparison", keys(def("comparison").AnyOf[1]), data.Operators)
	check("view", keys(def("view")), data.ViewKeys)
	check("view's column", keys(def("viewColumn")), data.ViewColumnKeys)
	check("access", keys(sub(def("table"), "access")), data.AccessKeys)
	check("rule", def("who").Enum, data.RuleNames)
	var types []string
	for _, typ := range data.Types {
		types = append(types, string(typ))
	}
	check("types", sub(def("column"), "type").Enum, types)

	// Groups are read by another package, which names its keys in the error about an unknown one.
	_, err := group.ParseConfig([]byte(`{"nosuchkey":1}`))
	if err == nil {
		t.Fatal("a group with an unknown key is accepted")
	}
	_, list, _ := strings.Cut(err.Error(), "a group has ")
	check("group", keys(def("group")), strings.FieldsFunc(strings.ReplaceAll(list, " and ", ", "), func(r rune) bool { return r == ',' || r == ' ' }))
	template := append(keys(def("template")), "id")
	check("template", template, append(keys(def("group")), "each", "total"))
	for _, typ := range sub(def("group"), "type").Enum {
		if _, err := group.ParseConfig([]byte(`{"type":"` + typ + `"}`)); err != nil {
			t.Errorf("group type %s: %v", typ, err)
		}
	}
	for _, right := range sub(def("group"), "rights").PropertyNames.Enum {
		if _, err := group.ParseConfig([]byte(`{"rights":{"` + right + `":["owner","moderator","member","viewer","seat"]}}`)); err != nil {
			t.Errorf("right %s: %v", right, err)
		}
	}
}

func FuzzParseSite(f *testing.F) {
	f.Add([]byte(chess))
	f.Add([]byte(`{"tables":{"t":{"columns":{"c":{"type":"json","default":{"a":[1]},"maxLength":9}},"access":{"read":{"who":"author"}}}}}`))
	f.Add([]byte(`{"create":{"match":{"type":"ephemeral","seats":["white","black"],"each":3,"total":200},"persistent":{"retain":{"count":9}}}}`))
	f.Add([]byte(quiz))
	f.Add([]byte(ruled))
	f.Add(data.SchemaJSON)
	f.Fuzz(func(t *testing.T, file []byte) {
		s, err := data.ParseSite(file)
		if err != nil {
			e, ok := errors.AsType[*data.SiteError](err)
			if !ok || e.Line < 1 || e.Column < 1 || e.Message == "" {
				t.Fatalf("got %#v", err)
			}
			return
		}
		env := &data.Env{Me: "m", Role: func(string) wire.Role { return wire.RoleMember }, Now: 5}
		env.Follow = func(t *data.Table, id int64) []data.Value {
			if id != 1 {
				return nil
			}
			return ones(t)
		}
		for _, table := range slices.Concat(s.Tables, s.Views) {
			visitors := table.For(group.Caller{Peer: "m"})
			for i, c := range table.Columns {
				if table.Lookup(c.Name) != i {
					t.Fatalf("column %q is at %d, and Lookup says %d", c.Name, i, table.Lookup(c.Name))
				}
				if want := i; c.Hidden {
					want = -1
				} else if got := visitors.Lookup(c.Name); got != want {
					t.Fatalf("column %q is at %d for visitors", c.Name, got)
				}
				if _, ok := s.Table(c.References); !ok && c.References != "" || (c.OnRemove == "") != (c.References == "") || c.Hidden && table.View == nil && !c.OwnerSets {
					t.Fatalf("got %+v", c)
				}
			}
			for _, action := range []data.Action{data.Read, data.Insert, data.Update, data.Remove} {
				r := table.Access.Rule(action)
				for _, w := range []*data.Where{r.If, r.Then} {
					if w == nil {
						continue
					}
					whole := w.Match(ones(table), env)
					with, without := w.Split(func(part *data.Where) bool { return part.Has(data.Me) })
					all := data.All(with, without)
					if all == nil && !whole || all != nil && all.Match(ones(table), env) != whole {
						t.Fatalf("taken apart %s says another thing", r)
					}
					w.Needs(table)
				}
			}
		}
	})
}

// The welcome tells members the host's bounds.
func TestBoundsAreThoseOfTheWelcome(t *testing.T) {
	t.Parallel()
	if got := wire.DefaultLimits().Rows; got != data.MaxRows {
		t.Errorf("the welcome says %d rows, and a query may have %d", got, data.MaxRows)
	}
}

// golden reads the lines of a file that the JS tests read too.
func golden[T any](t *testing.T, name string) (out []T) {
	t.Helper()
	b, err := os.ReadFile("../wire/testdata/data/" + name)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		var v T
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatalf("%s: %v in %s", name, err, line)
		}
		out = append(out, v)
	}
	return out
}
