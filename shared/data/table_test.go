package data_test

import (
	"errors"
	"reflect"
	"slices"
	"testing"

	"goop/shared/data"
	"goop/shared/group"
	"goop/shared/wire"
)

const quiz = `{"tables": {
 "questions": {
   "columns": {
     "session": {"type": "text", "required": true}, "text": {"type": "text", "required": true},
     "right": {"type": "integer", "hidden": true}, "closes_at": {"type": "time"}},
   "indexes": [["right"], ["session", "closes_at"]],
   "memberOf": "session", "search": ["text"],
   "access": {"read": "member"}},
 "answers": {
   "columns": {
     "question": {"type": "integer", "required": true, "references": "questions", "onRemove": "cascade"},
     "choice": {"type": "integer", "readonly": "update"}, "points": {"type": "integer", "readonly": true, "default": 0},
     "note": {"type": "integer", "references": "answers"}},
   "indexes": [["question"], {"columns": ["question", "_owner"], "unique": true}],
   "access": {"read": "author", "insert": "open", "update": "author"}}}}`

func siteT(t testing.TB, file string) *data.Site {
	t.Helper()
	s, err := data.ParseSite([]byte(file))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestColumnsOfAQuiz(t *testing.T) {
	t.Parallel()
	s := siteT(t, quiz)
	questions, answers := s.Tables[0], s.Tables[1]
	column := func(t *data.Table, name string) data.Column { return t.Columns[t.Lookup(name)] }
	if c := column(questions, "right"); !c.Hidden || !c.OwnerSets || c.Fixed {
		t.Errorf("got %+v", c)
	}
	if c := column(answers, "question"); c.References != "questions" || c.OnRemove != data.Cascade {
		t.Errorf("got %+v", c)
	}
	if c := column(answers, "note"); c.References != "answers" || c.OnRemove != data.Clear {
		t.Errorf("got %+v", c)
	}
	if c := column(answers, "choice"); c.OwnerSets || !c.Fixed {
		t.Errorf("got %+v", c)
	}
	want := []data.Index{{Columns: []string{"question"}}, {Columns: []string{"question", "_owner"}, Unique: true}}
	if !reflect.DeepEqual(answers.Indexes, want) {
		t.Errorf("got %+v", answers.Indexes)
	}
	if !slices.Equal(questions.Search, []string{"text"}) {
		t.Errorf("got %v", questions.Search)
	}
}

func TestVisitorsKnowNoHiddenColumn(t *testing.T) {
	t.Parallel()
	s := siteT(t, quiz)
	visitor, owner := group.Caller{Peer: "v"}, group.Caller{Peer: "o", Owner: true}
	whole := s.Tables[0]
	twin := whole.For(visitor)
	if whole.For(owner) != whole || twin == whole || twin.For(visitor) != twin {
		t.Fatal("the tables are not as they should be")
	}
	if twin.Lookup("right") >= 0 || twin.Lookup("text") != whole.Lookup("text") || &twin.Columns[0] != &whole.Columns[0] {
		t.Errorf("right is at %d, text at %d", twin.Lookup("right"), twin.Lookup("text"))
	}
	if len(twin.Indexes) != 1 || len(whole.Indexes) != 2 {
		t.Errorf("got %v", twin.Indexes)
	}
	for _, fields := range []string{`"where":{"right":1}`, `"order":["right"]`, `"columns":["right"]`} {
		r, err := data.DecodeRequest([]byte(`{"id":1,"op":"query","table":"questions",` + fields + `}`))
		if err != nil {
			t.Fatal(err)
		}
		_, err = twin.Query(&r)
		if e, ok := errors.AsType[*wire.Error](err); !ok || e.Code != wire.NoSuchColumn || e.Message != `table "questions" has no column "right"` {
			t.Errorf("%s: got %v", fields, err)
		}
		if _, err := whole.Query(&r); err != nil {
			t.Errorf("%s: got %v for the owner", fields, err)
		}
	}
	if _, err := twin.NewRow([]byte(`{"rigth":1}`)); err == nil || contains(err.Error(), `"right"`) {
		t.Errorf("got %v", err)
	}

	row, err := whole.NewRow([]byte(`{"session":"s","text":"?","right":3}`))
	if err != nil {
		t.Fatal(err)
	}
	r, err := data.DecodeRequest([]byte(`{"id":1,"op":"query","table":"questions"}`))
	if err != nil {
		t.Fatal(err)
	}
	q, err := twin.Query(&r)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"_id":null,"session":"s","text":"?","closes_at":null,"_owner":null,"_created_at":null,"_updated_at":null}`
	var values []data.Value
	for _, i := range q.Columns {
		values = append(values, row[i])
	}
	for what, got := range map[string]data.Row{"all": twin.Row(nil, row), "shown": twin.Row(q.Columns, values), "by the whole table": whole.Row(q.Columns, values)} {
		if string(got.JSON) != want {
			t.Errorf("%s: got %s, want %s", what, got.JSON, want)
		}
	}
	if got := whole.Row(nil, row).JSON; !contains(string(got), `"right":3`) {
		t.Errorf("the owner got %s", got)
	}
}

func TestWhatTheOwnerSets(t *testing.T) {
	t.Parallel()
	table := siteT(t, quiz).Tables[1]
	visitors := table.For(group.Caller{Peer: "v"})
	for _, tt := range []struct {
		values  string
		isNew   bool
		refused string
	}{
		{`{"question":1,"choice":2}`, true, ""},
		{`{"question":1}`, false, ""},
		{`{"question":1,"points":2}`, true, `column "points" is set by the site's owner`},
		{`{"points":2}`, false, `column "points" is set by the site's owner`},
		{`{"choice":2}`, false, `column "choice" is set in a new row; later it is set by the site's owner alone`},
		{`{"choice":2,"choice":2}`, false, `column "choice" is set in a new row`},
	} {
		parse := func(t *data.Table) (err error) {
			if tt.isNew {
				_, err = t.NewRow([]byte(tt.values))
			} else {
				_, err = t.Changes([]byte(tt.values))
			}
			return err
		}
		err := parse(visitors)
		if tt.refused == "" && err != nil || tt.refused != "" && (!errors.Is(err, wire.InvalidValue) || !contains(err.Error(), tt.refused)) {
			t.Errorf("%s: got %v", tt.values, err)
		}
		if err := parse(table); err != nil && !contains(err.Error(), "twice") {
			t.Errorf("%s: got %v for the owner", tt.values, err)
		}
	}
	row, err := visitors.NewRow([]byte(`{"question":1}`))
	if err != nil || row[table.Lookup("points")] != data.IntegerValue(0) {
		t.Errorf("got %v, %v", row, err)
	}
}

func TestRecordedSetsNothingOfTheOwners(t *testing.T) {
	t.Parallel()
	s := siteT(t, `{"tables":{"t":{"columns":{"a":{"type":"text"},"h":{"type":"text","hidden":true,"default":"x"},
		"p":{"type":"integer","readonly":true},"rest":{"type":"json"}}}}}`)
	table := s.Tables[0]
	row, err := table.Recorded("g", []byte(`{"a":"b","h":"y"}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := row[table.Lookup("h")]; got.S != "x" {
		t.Errorf("got %v in the hidden column", got)
	}
	if got := row[table.Lookup("rest")]; got.S != `{"h":"y"}` {
		t.Errorf("got %v as the rest", got)
	}
	if _, err := table.Recorded("g", []byte(`{"p":1}`)); !errors.Is(err, wire.InvalidValue) {
		t.Errorf("got %v", err)
	}
	s = siteT(t, `{"tables":{"t":{"columns":{"h":{"type":"text","hidden":true,"required":true}}}}}`)
	if wrong := s.CheckRecord(&group.Config{Durable: true, Record: "t"}); wrong == nil || contains(wrong.Message, `"h"`) {
		t.Errorf("got %v", wrong)
	}
	if _, err := s.Tables[0].Recorded("g", []byte(`{}`)); !errors.Is(err, wire.InvalidValue) || contains(err.Error(), `"h"`) {
		t.Errorf("got %v", err)
	}
}

func TestRowsOfEarlierOperations(t *testing.T) {
	t.Parallel()
	table := siteT(t, quiz).Tables[1]
	row, err := table.NewRowAfter([]byte(`{"question":{"$row":1},"note":{"$row":0}}`), 2)
	if want := (data.Value{Type: data.Earlier, N: 1}); err != nil || row[table.Lookup("question")] != want {
		t.Errorf("got %v, %v", row, err)
	}
	if changes, err := table.ChangesAfter([]byte(`{"note":{"$row":0}}`), 1); err != nil || changes[0].Value.Type != data.Earlier {
		t.Errorf("got %v, %v", changes, err)
	}
	for _, values := range []string{`{"note":{"$row":2}}`, `{"note":{"$row":-1}}`, `{"note":{"$row":"0"}}`, `{"note":{"$row":0,"x":1}}`, `{"note":{}}`, `{"_id":{"$row":0}}`} {
		if _, err := table.ChangesAfter([]byte(values), 2); !errors.Is(err, wire.InvalidValue) {
			t.Errorf("%s: got %v", values, err)
		}
	}
	if _, err := table.Changes([]byte(`{"note":{"$row":0}}`)); !errors.Is(err, wire.InvalidValue) {
		t.Errorf("got %v outside of a batch", err)
	}
	bounded := siteT(t, `{"tables":{"t":{"columns":{"n":{"type":"integer","min":1},"j":{"type":"json"}}}}}`).Tables[0]
	if _, err := bounded.NewRowAfter([]byte(`{"n":{"$row":0}}`), 1); !errors.Is(err, wire.InvalidValue) {
		t.Errorf("got %v", err)
	}
	if row, err := bounded.NewRowAfter([]byte(`{"j":{"$row":0}}`), 1); err != nil || row[bounded.Lookup("j")].S != `{"$row":0}` {
		t.Errorf("got %v, %v", row, err)
	}
}
