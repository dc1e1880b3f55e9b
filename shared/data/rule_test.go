package data_test

import (
	"errors"
	"reflect"
	"slices"
	"testing"

	"goop/shared/data"
	"goop/shared/group"
	"goop/shared/jsontext"
	"goop/shared/wire"
)

// ruled has a rule of each kind.
const ruled = `{"tables": {
 "questions": {
   "columns": {"session": {"type": "text"}, "text": {"type": "text"}, "right": {"type": "integer", "hidden": true},
     "opens_at": {"type": "time"}, "closes_at": {"type": "time"}, "least": {"type": "text"}},
   "memberOf": "session", "search": ["text"],
   "access": {
     "read": {"who": "member", "if": {"or": [{"opens_at": {"<=": "$now"}}, {"$role": {"in": ["owner", "moderator"]}}]}},
     "insert": {"who": "role:member", "if": {"least": "$role", "$now": {"<": 1000}}},
     "update": {"who": "author", "if": {"text": {"!=": "$$me"}}},
     "remove": {"who": "open", "if": {"$role": null}}}},
 "answers": {
   "columns": {"question": {"type": "integer", "references": "questions"}, "choice": {"type": "integer"}},
   "access": {
     "read": {"who": "open", "if": {"_owner": "$me", "choice": {">": 0}}},
     "insert": {"who": "open", "if": {"question.closes_at": {">": "$now"}, "choice": {"<": 4}}},
     "update": {"who": "open", "if": {"choice": 1}, "then": {"choice": 2}}}},
 "remarks": {
   "columns": {"answer": {"type": "integer", "references": "answers"}},
   "access": {"read": {"who": "open", "if": {"answer.question.right": 3, "not": {"answer._owner": "$me"}}}}}},
 "views": {
  "points": {"sql": "SELECT _owner AS _id, question, 1 AS points, _owner AS who FROM answers;\n", "columns": {
    "question": {"type": "integer"}, "points": {"type": "integer"}, "who": {"type": "text", "hidden": true}},
    "read": {"who": "open", "if": {"who": "$me"}}},
  "secret": {"sql": ["SELECT 1 AS _id,", "  'g' AS g"], "id": "integer", "columns": {"g": {"type": "text"}}, "memberOf": "g"}}}`

// ones returns a row each value of which is something.
func ones(t *data.Table) []data.Value {
	row := make([]data.Value, len(t.Columns))
	for i, c := range t.Columns {
		row[i] = data.Value{Type: c.Type, N: 1, F: 1, S: "1"}
	}
	return row
}

func TestViews(t *testing.T) {
	t.Parallel()
	s := siteT(t, ruled)
	if len(s.Views) != 2 {
		t.Fatalf("got %d views", len(s.Views))
	}
	points, secret := s.Views[0], s.Views[1]
	if want := "SELECT _owner AS _id, question, 1 AS points, _owner AS who FROM answers"; points.View.SQL != want {
		t.Errorf("got %q", points.View.SQL)
	}
	if want := "SELECT 1 AS _id,\n  'g' AS g"; secret.View.SQL != want {
		t.Errorf("got %q", secret.View.SQL)
	}
	var names []string
	for _, c := range points.Columns {
		names = append(names, c.Name+" "+string(c.Type))
	}
	if !slices.Equal(names, []string{"_id text", "question integer", "points integer", "who text"}) || secret.Columns[0].Type != data.Integer {
		t.Errorf("got %v", names)
	}
	visitor := group.Caller{Peer: "v"}
	if points.For(visitor).Lookup("who") >= 0 || points.Access.Read.Who != data.Everybody || points.Access.Insert.Who != data.Nobody {
		t.Errorf("got %+v", points.Access)
	}
	if got := secret.Access.Read.For(visitor).Kind; got != data.NoRows || secret.MemberOf != "g" {
		t.Errorf("a view without a rule gives %d", got)
	}
	if _, ok := s.Table("points"); ok {
		t.Error("Table finds a view")
	}
	if got, err := s.Lookup("points"); err != nil || got != points {
		t.Errorf("Lookup gives %v, %v", got, err)
	}
	if _, err := s.Lookup("point"); !errors.Is(err, wire.NoSuchTable) || !contains(err.Error(), `did you mean "points"`) {
		t.Errorf("got %v", err)
	}
	if visible := s.Visible(visitor); !slices.Contains(visible, points) || slices.Contains(visible, secret) {
		t.Errorf("a visitor sees %v", visible)
	}
}

func TestRules(t *testing.T) {
	t.Parallel()
	s := siteT(t, ruled)
	questions, answers, remarks := s.Tables[0], s.Tables[1], s.Tables[2]
	up := answers.Access.Update
	if up.If.Value != data.IntegerValue(1) || up.Then.Value != data.IntegerValue(2) {
		t.Errorf("got %+v, %+v", up.If, up.Then)
	}
	if up := questions.Access.Update; up.If == nil || up.Then != up.If {
		t.Errorf("got %+v", up)
	}
	owner := group.Caller{Peer: "o", Owner: true}
	if g := up.For(owner); g.Kind != data.AllRows || g.If != nil || g.Then != nil {
		t.Errorf("the owner gets %+v", g)
	}
	via := remarks.Access.Read.If.Terms[0].Via
	if want := []data.Ref{{Column: remarks.Lookup("answer"), Table: answers}, {Column: answers.Lookup("question"), Table: questions}}; !reflect.DeepEqual(via, want) {
		t.Errorf("got %+v", via)
	}
	got := string(data.AppendRoleFor(nil, 1, wire.RoleVisitor, remarks, group.Caller{Peer: "v"}))
	if !contains(got, `"read":{"who":"open","if":true},"insert":"owner"`) {
		t.Errorf("got %s", got)
	}
}

func TestMatchOfRules(t *testing.T) {
	t.Parallel()
	s := siteT(t, ruled)
	rows := map[*data.Table]map[int64][]data.Value{}
	make := func(table int, values, owner string) (*data.Table, []data.Value) {
		t.Helper()
		tab := s.Tables[table]
		row, err := tab.NewRow([]byte(values))
		if err != nil {
			t.Fatal(err)
		}
		row[tab.Lookup(data.OwnerColumn)] = data.TextValue(owner)
		return tab, row
	}
	put := func(id int64, table int, values, owner string) {
		tab, row := make(table, values, owner)
		if rows[tab] == nil {
			rows[tab] = map[int64][]data.Value{}
		}
		rows[tab][id] = row
	}
	put(1, 0, `{"session":"s","opens_at":100,"closes_at":200,"right":3}`, "o")
	put(2, 0, `{"session":"s"}`, "o")
	put(1, 1, `{"question":1}`, "me")
	put(2, 1, `{"question":1}`, "you")
	put(3, 1, `{"question":9}`, "you")
	tests := []struct {
		table  int
		action data.Action
		values string
		owner  string
		role   wire.Role
		now    int64
		want   bool
	}{
		{0, data.Read, `{"session":"s","opens_at":100}`, "", "", 99, false},
		{0, data.Read, `{"session":"s","opens_at":100}`, "", "", 100, true},
		{0, data.Read, `{"session":"s","opens_at":100}`, "", wire.RoleModerator, 99, true},
		{0, data.Read, `{"session":"r","opens_at":100}`, "", wire.RoleModerator, 99, false},
		{0, data.Insert, `{"session":"s","least":"member"}`, "", wire.RoleMember, 1, true},
		{0, data.Insert, `{"session":"s","least":"member"}`, "", wire.RoleViewer, 1, false},
		{0, data.Insert, `{"session":"s"}`, "", "", 1, false},
		{0, data.Insert, `{"session":"s","least":"member"}`, "", wire.RoleMember, 1000, false},
		{0, data.Update, `{"text":"$me"}`, "", "", 1, false},
		{0, data.Update, `{"text":"me"}`, "", "", 1, true},
		{0, data.Update, `{}`, "", "", 1, true},
		{0, data.Remove, `{"session":"s"}`, "", "", 1, true},
		{0, data.Remove, `{"session":"s"}`, "", wire.RoleViewer, 1, false},
		{1, data.Read, `{"choice":1}`, "me", "", 1, true},
		{1, data.Read, `{"choice":1}`, "you", "", 1, false},
		{1, data.Insert, `{"question":1,"choice":3}`, "", "", 199, true},
		{1, data.Insert, `{"question":1,"choice":4}`, "", "", 199, false},
		{1, data.Insert, `{"question":1,"choice":3}`, "", "", 200, false},
		{1, data.Insert, `{"question":2,"choice":3}`, "", "", 1, false},
		{1, data.Insert, `{"question":7,"choice":3}`, "", "", 1, false},
		{1, data.Insert, `{"choice":3}`, "", "", 1, false},
		{2, data.Read, `{"answer":1}`, "", "", 1, false},
		{2, data.Read, `{"answer":2}`, "", "", 1, true},
		{2, data.Read, `{"answer":3}`, "", "", 1, false},
	}
	for _, tt := range tests {
		env := &data.Env{Me: "me", Now: tt.now, Follow: func(t *data.Table, id int64) []data.Value { return rows[t][id] }}
		env.Role = func(group string) wire.Role {
			if group != "s" {
				return ""
			}
			return tt.role
		}
		tab, row := make(tt.table, tt.values, tt.owner)
		if got := tab.Access.Rule(tt.action).If.Match(row, env); got != tt.want {
			t.Errorf("%s %s %s of %q as %q at %d: got %v", tt.action, tab.Name, tt.values, tt.owner, tt.role, tt.now, got)
		}
	}
}

func TestNeeds(t *testing.T) {
	t.Parallel()
	s := siteT(t, ruled)
	questions, answers, remarks := s.Tables[0], s.Tables[1], s.Tables[2]
	visitor, owner := group.Caller{Peer: "v"}, group.Caller{Peer: "o", Owner: true}
	opens := data.Moment{Table: questions, Column: questions.Lookup("opens_at")}
	closes := data.Moment{Table: questions, Column: questions.Lookup("closes_at")}
	tests := []struct {
		table  *data.Table
		action data.Action
		want   data.Needs
	}{
		{questions, data.Read, data.Needs{Groups: true, Now: true, Moments: []data.Moment{opens}}},
		{questions, data.Insert, data.Needs{Groups: true, Now: true, Instants: []int64{1000}}},
		{questions, data.Update, data.Needs{Me: true}},
		{answers, data.Read, data.Needs{Me: true}},
		{answers, data.Insert, data.Needs{Groups: true, Now: true, Tables: []*data.Table{questions}, Moments: []data.Moment{opens, closes}}},
		{remarks, data.Read, data.Needs{Me: true, Groups: true, Now: true, Tables: []*data.Table{answers, questions}, Moments: []data.Moment{opens}}},
	}
	for _, tt := range tests {
		if got := tt.table.Access.Rule(tt.action).For(visitor).Needs(tt.table); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s %s: got %+v", tt.action, tt.table.Name, got)
		}
		if got := tt.table.Access.Rule(tt.action).For(owner).Needs(tt.table); !reflect.DeepEqual(got, data.Needs{}) {
			t.Errorf("%s %s: got %+v for the owner", tt.action, tt.table.Name, got)
		}
	}
	read := answers.Access.Read.If
	with, without := read.Split(func(w *data.Where) bool { return w.Has(data.Me) })
	if !with.Has(data.Me) || without.Has(data.Me) || without.Test != data.Greater || read.Follows() || !answers.Access.Insert.If.Follows() {
		t.Errorf("got %+v and %+v", with, without)
	}
	if with, without := (*data.Where)(nil).Split(func(*data.Where) bool { return true }); with != nil || without != nil {
		t.Errorf("got %+v and %+v of nothing", with, without)
	}
}

func TestMembersHaveNoVariables(t *testing.T) {
	t.Parallel()
	questions := siteT(t, ruled).Tables[0]
	for _, where := range []string{`{"$me":"x"}`, `{"$now":{">":1}}`, `{"$role":null}`, `{"question.closes_at":1}`} {
		if _, err := data.ParseWhere(questions, []byte(where)); !errors.Is(err, wire.BadQuery) || !contains(err.Error(), "for the conditions of rules in goop.json") {
			t.Errorf("%s: got %v", where, err)
		}
	}
	w, err := data.ParseWhere(questions, []byte(`{"text":"$me"}`))
	if err != nil || w.Against != "" || w.Value.S != "$me" {
		t.Errorf("got %+v, %v", w, err)
	}
	if _, err := data.ParseWhere(questions, []byte(`{"opens_at":"$now"}`)); !errors.Is(err, wire.InvalidValue) {
		t.Errorf("got %v", err)
	}
}

func TestSearchIn(t *testing.T) {
	t.Parallel()
	s := siteT(t, ruled)
	questions, answers := s.Tables[0], s.Tables[1]
	row, err := questions.NewRow([]byte(`{"text":"Où est l'Élysée? 42 ÄPFEL"}`))
	if err != nil {
		t.Fatal(err)
	}
	for search, want := range map[string]bool{"elys": true, "ely apf 4": true, "lysee": false, `"OU" -est*`: true, "est ist": false, "l": true, "2": false, "e\u0301lys": true} {
		w, err := data.ParseWhere(questions, append(jsontext.AppendString([]byte(`{"_search":`), search), '}'))
		if err != nil {
			t.Errorf("%s: %v", search, err)
			continue
		}
		if got := w.Match(row, nil); got != want {
			t.Errorf("%s: got %v", search, got)
		}
	}
	if got := data.SearchWords("NEAR(\"a\", b*) é2_x \u0301"); !slices.Equal(got, []string{"NEAR", "a", "b", "é2", "x"}) {
		t.Errorf("got %q", got)
	}
	for where, code := range map[string]wire.Code{
		`{"_search":1}`:     wire.InvalidValue,
		`{"_search":""}`:    wire.BadQuery,
		`{"_search":"* -"}`: wire.BadQuery,
		`{"_search":"a b c d e f g h i j k l m n o p q"}`: wire.BadQuery,
		`{"_search":{"=":"a"}}`:                           wire.InvalidValue,
	} {
		if _, err := data.ParseWhere(questions, []byte(where)); !errors.Is(err, code) {
			t.Errorf("%s: got %v", where, err)
		}
	}
	if _, err := data.ParseWhere(answers, []byte(`{"_search":"a"}`)); !errors.Is(err, wire.BadQuery) {
		t.Errorf("got %v", err)
	}
}

// What a member asks for is decided without a look at more than the row, whatever it is.
func FuzzParseWhere(f *testing.F) {
	for _, where := range []string{`{"session":"s","text":{"!=":"$me","like":"%a\\_"}}`, `{"_search":"a b","or":[{"opens_at":{"<=":5}},{"not":{"session":{"in":["a",null]}}}]}`,
		`{"$me":"x"}`, `{"question.closes_at":{">":"$now"}}`, `{"right":3}`, `{"_owner":{"null":false},"_id":{">=":1}}`} {
		f.Add([]byte(where))
	}
	questions := siteT(f, ruled).Tables[0]
	f.Fuzz(func(t *testing.T, where []byte) {
		if jsontext.Check(where) != nil {
			return
		}
		visitors := questions.For(group.Caller{Peer: "v"})
		w, err := data.ParseWhere(visitors, where)
		if err != nil {
			e, ok := errors.AsType[*wire.Error](err)
			if !ok || e.Code != wire.BadQuery && e.Code != wire.NoSuchColumn && e.Code != wire.InvalidValue {
				t.Fatalf("got %v", err)
			}
			if contains(e.Message, `did you mean "right"`) {
				t.Fatalf("the error tells of a hidden column: %v", err)
			}
			return
		}
		row := ones(questions)
		whole := w.Match(row, nil)
		row[questions.Lookup("right")] = data.IntegerValue(7)
		if w.Match(row, nil) != whole {
			t.Fatalf("%s depends on a hidden column", where)
		}
		if !reflect.DeepEqual(w.Needs(visitors), data.Needs{}) || w.Follows() {
			t.Fatalf("%s depends on more than the row", where)
		}
		with, without := w.Split(func(part *data.Where) bool { return part.Test == data.Equal })
		if all := data.All(with, without); all == nil && !whole || all != nil && all.Match(row, nil) != whole {
			t.Fatalf("taken apart %s says another thing", where)
		}
	})
}
