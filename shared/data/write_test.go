package data_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"goop/shared/data"
	"goop/shared/group"
	"goop/shared/wire"
)

const gradedQuiz = `{"tables":{
	"questions":{"columns":{"text":{"type":"text","required":true},"right":{"type":"integer","hidden":true},"weight":{"type":"real"}}},
	"answers":{"columns":{"question":{"type":"integer","references":"questions"},"choice":{"type":"integer","min":0,"max":3},
		"points":{"type":"integer","readonly":true,"default":0},"first":{"type":"integer","readonly":"update"},"code":{"type":"text","unique":true}},
		"indexes":[{"columns":["question","_owner"],"unique":true}]},
	"settings":{"columns":{"name":{"type":"text","unique":true},"n":{"type":"integer"},"at":{"type":"time"}}}}}`

var anyVisitor = group.Caller{Peer: "anna"}

// writesOf checks what a request asks for.
func writesOf(t testing.TB, s *data.Site, c group.Caller, request string) ([]data.Write, error) {
	t.Helper()
	r, err := data.DecodeRequest([]byte(`{"id":1,"key":"0123456789abcdef",` + request + `}`))
	if err != nil {
		return nil, err
	}
	return s.Writes(&r, c)
}

func TestBatch(t *testing.T) {
	t.Parallel()
	s := siteT(t, gradedQuiz)
	writes, err := writesOf(t, s, anyVisitor, `"op":"batch","operations":[
		{"op":"insert","table":"questions","values":{"text":"why?"}},
		{"op":"insertMany","table":"answers","rows":[{"question":{"$row":0},"choice":1},{"question":{"$row":0},"choice":2}]},
		{"op":"update","table":"questions","row":{"$row":0},"values":{"weight":2}},
		{"op":"updateWhere","table":"answers","where":{"choice":1},"values":{"choice":0}},
		{"op":"upsert","table":"answers","values":{"question":{"$row":0},"choice":3,"first":9},"on":["_owner","question"]},
		{"op":"increment","table":"questions","row":{"$row":0},"values":{"weight":-0.5}},
		{"op":"remove","table":"answers","row":{"$row":4}},
		{"op":"removeWhere","table":"answers","where":{}},
		{"op":"send","group":"lobby","payload":[1]}]`)
	if err != nil {
		t.Fatal(err)
	}
	ops := []data.Op{data.OpInsert, data.OpInsertMany, data.OpUpdate, data.OpUpdateWhere, data.OpUpsert, data.OpIncrement, data.OpRemove, data.OpRemoveWhere, data.OpSend}
	for i, w := range writes {
		if w.Op != ops[i] {
			t.Errorf("operation %d is %s", i, w.Op)
		}
	}
	earlier := func(n int64) data.Value { return data.Value{Type: data.Earlier, N: n} }
	answers, _ := s.Table("answers")
	question := answers.Lookup("question")
	if w := writes[1]; len(w.Rows) != 2 || w.Rows[1][question] != earlier(0) || w.Rows[1][answers.Lookup("points")] != data.IntegerValue(0) {
		t.Errorf("got %+v", w)
	}
	if w := writes[2]; w.Row != earlier(0) || len(w.Changes) != 1 || w.Changes[0].Value.F != 2 {
		t.Errorf("got %+v", w)
	}
	if w := writes[3]; w.Where == nil || len(w.Changes) != 1 {
		t.Errorf("got %+v", w)
	}
	w := writes[4]
	if want := []int{question, answers.Lookup(data.OwnerColumn)}; !slices.Equal(w.On, want) || len(w.Rows) != 1 || w.Rows[0][question] != earlier(0) {
		t.Errorf("got %+v, want on %v", w, want)
	}
	if len(w.Changes) != 2 || w.Changes[0].Column != answers.Lookup("choice") || !errors.Is(w.Refusal, wire.InvalidValue) {
		t.Errorf("got %+v", w)
	}
	if w := writes[5]; w.Changes[0].Value != (data.Value{Type: data.Real, F: -0.5}) {
		t.Errorf("got %+v", w)
	}
	if w := writes[6]; w.Row != earlier(4) {
		t.Errorf("got %+v", w)
	}
	if w := writes[7]; w.Where == nil || w.Table.Name != "answers" {
		t.Errorf("got %+v", w)
	}
	if w := writes[8]; w.Group != "lobby" || string(w.Payload) != "[1]" || w.Table != nil {
		t.Errorf("got %+v", w)
	}
}

func TestWriteErrors(t *testing.T) {
	t.Parallel()
	s := siteT(t, gradedQuiz)
	batch := func(ops string) string { return `"op":"batch","operations":[` + ops + `]` }
	ask := `{"op":"insert","table":"questions","values":{"text":"why?"}}`
	for _, tt := range []struct {
		request string
		code    wire.Code
		part    string
	}{
		{`"op":"insert","table":"questions","values":{"text":"x","right":1}`, wire.NoSuchColumn, `no column "right"`},
		{`"op":"insert","table":"answers","values":{"points":1}`, wire.InvalidValue, `column "points" is set by the site's owner`},
		{`"op":"insert","table":"answers","values":{"question":{"$row":0}}`, wire.InvalidValue, `column "question"`},
		{`"op":"insertMany","table":"answers","rows":[{"choice":1},{"choice":7}]`, wire.InvalidValue, `row 1: column "choice"`},
		{`"op":"updateWhere","table":"answers","where":{},"values":{"first":1}`, wire.InvalidValue, `column "first"`},
		{`"op":"updateWhere","table":"questions","where":{"right":1},"values":{}`, wire.NoSuchColumn, `no column "right"`},
		{`"op":"removeWhere","table":"questions","where":{"right":1}`, wire.NoSuchColumn, `no column "right"`},
		{`"op":"increment","table":"questions","row":1,"values":{"right":1}`, wire.NoSuchColumn, `no column "right"`},
		{`"op":"increment","table":"answers","row":1,"values":{"points":1}`, wire.InvalidValue, "is set by the site's owner"},
		{`"op":"increment","table":"answers","row":1,"values":{"question":1}`, wire.InvalidValue, "that count something"},
		{`"op":"increment","table":"answers","row":1,"values":{"code":1}`, wire.InvalidValue, "that count something"},
		{`"op":"increment","table":"settings","row":1,"values":{"at":1}`, wire.InvalidValue, "that count something"},
		{`"op":"increment","table":"settings","row":1,"values":{"n":null}`, wire.InvalidValue, "a number to add"},
		{`"op":"increment","table":"settings","row":1,"values":{"n":0.5}`, wire.InvalidValue, "integer"},
		{`"op":"increment","table":"settings","row":1,"values":{"n":1,"n":1}`, wire.InvalidValue, "twice"},
		{`"op":"increment","table":"settings","row":1,"values":{"_seq":1}`, wire.InvalidValue, "set by the host"},
		{`"op":"increment","table":"settings","row":1,"values":{}`, wire.InvalidValue, "what to add"},
		{`"op":"increment","table":"settings","row":"one","values":{"n":1}`, wire.BadMessage, `"row"`},
		{`"op":"upsert","table":"questions","values":{"text":"x"}`, wire.BadQuery, "unique"},
		{`"op":"upsert","table":"answers","values":{"code":"x"}`, wire.BadQuery, `["code"] or ["question","_owner"]`},
		{`"op":"upsert","table":"answers","values":{"code":"x"},"on":["question"]`, wire.BadQuery, "not unique together"},
		{`"op":"upsert","table":"answers","values":{"code":"x"},"on":["nope"]`, wire.NoSuchColumn, "nope"},
		{`"op":"upsert","table":"settings","values":{"name":7}`, wire.InvalidValue, `column "name"`},
		{`"op":"insert","table":"nope","values":{}`, wire.NoSuchTable, "nope"},
		{batch(ask + `,{"op":"insert","table":"nope","values":{}}`), wire.NoSuchTable, `operation 1: there is no table "nope"`},
		{batch(`{"op":"insert","table":"_groups","values":{}}`), wire.NotSupported, "operation 0: "},
		{batch(`{"op":"insert","table":"answers","values":{"question":{"$row":0}}}`), wire.InvalidValue, "operation 0: "},
		{batch(ask + `,{"op":"insert","table":"answers","values":{"question":{"$row":1}}}`), wire.InvalidValue, "operation 1: "},
		{batch(ask + `,{"op":"insert","table":"answers","values":{"question":{"$row":-1}}}`), wire.InvalidValue, "operation 1: "},
		{batch(ask + `,{"op":"insert","table":"answers","values":{"choice":{"$row":0}}}`), wire.InvalidValue, "operation 1: "},
		{batch(`{"op":"removeWhere","table":"answers","where":{}},{"op":"remove","table":"answers","row":{"$row":0}}`), wire.InvalidValue, `operation 1: {"$row":0}`},
		{batch(`{"op":"send","group":"a","payload":1},{"op":"send","group":"b","payload":1}`), wire.NotSupported, "operation 1: "},
		{batch(`{"op":"send","group":"a"}`), wire.BadMessage, `operation 0: "send" needs the field "payload"`},
		{batch(`{"table":"a"}`), wire.BadMessage, `operation 0: the operation has no "op"`},
		{batch(strings.TrimSuffix(strings.Repeat(ask+",", 101), ",")), wire.BadMessage, "1 to 100 operations"},
	} {
		_, err := writesOf(t, s, anyVisitor, tt.request)
		if !errors.Is(err, tt.code) || !contains(err.Error(), tt.part) {
			t.Errorf("%s: got %v, want %s with %q", tt.request, err, tt.code, tt.part)
		}
	}
	// To the owner, all of the columns are columns.
	owner := group.Caller{Peer: "olga", Owner: true}
	for _, request := range []string{
		`"op":"insert","table":"questions","values":{"text":"x","right":1}`,
		`"op":"increment","table":"answers","row":1,"values":{"points":1}`,
		`"op":"updateWhere","table":"answers","where":{},"values":{"first":1}`,
	} {
		if _, err := writesOf(t, s, owner, request); err != nil {
			t.Errorf("%s: %v", request, err)
		}
	}
	w, err := writesOf(t, s, owner, `"op":"upsert","table":"answers","values":{"first":1,"code":"x"},"on":["code"]`)
	if err != nil || w[0].Refusal != nil || len(w[0].Changes) != 1 {
		t.Errorf("got %+v, %v", w, err)
	}
}

func TestSum(t *testing.T) {
	t.Parallel()
	i, r := data.Column{Name: "i", Type: data.Integer, Max: data.IntegerValue(10)}, data.Column{Name: "r", Type: data.Real}
	wide := data.Column{Name: "w", Type: data.Integer}
	for _, tt := range []struct {
		c      data.Column
		v, add data.Value
		want   string // "" for an error
	}{
		{i, data.IntegerValue(3), data.IntegerValue(4), "7"}, {i, data.Value{}, data.IntegerValue(-4), "-4"}, {i, data.IntegerValue(7), data.IntegerValue(4), ""},
		{r, data.Value{}, data.Value{Type: data.Real, F: 0.5}, "0.5"}, {r, data.Value{Type: data.Real, F: 1e308}, data.Value{Type: data.Real, F: 1e308}, ""},
		{wide, data.IntegerValue(1<<53 - 1), data.IntegerValue(1), ""}, {wide, data.IntegerValue(1<<63 - 1), data.IntegerValue(1<<53 - 1), ""},
	} {
		got, err := tt.c.Sum(tt.v, tt.add)
		if tt.want == "" && !errors.Is(err, wire.InvalidValue) || tt.want != "" && (err != nil || string(got.Append(nil)) != tt.want) {
			t.Errorf("%s: %v + %v: got %v, %v", tt.c.Name, tt.v, tt.add, got, err)
		}
	}
}

// What a request of one of these ops asks for is in its key.
func TestWriteKeyOfMany(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, line := range []string{
		`"op":"insertMany","table":"t","rows":[{"a":1}]`, `"op":"insertMany","table":"t","rows":[{"a":2}]`, `"op":"insertMany","table":"t","rows":[{"a":1},{"a":1}]`,
		`"op":"updateWhere","table":"t","where":{},"values":{"a":1}`, `"op":"updateWhere","table":"t","where":{"a":1},"values":{"a":1}`,
		`"op":"updateWhere","table":"t","where":{},"values":{"a":2}`,
		`"op":"removeWhere","table":"t","where":{}`, `"op":"removeWhere","table":"t","where":{"a":1}`,
		`"op":"upsert","table":"t","values":{}`, `"op":"upsert","table":"t","values":{},"on":["a"]`, `"op":"upsert","table":"t","values":{},"on":["a","b"]`,
		`"op":"insert","table":"t","values":{}`, `"op":"increment","table":"t","row":1,"values":{}`, `"op":"update","table":"t","row":1,"values":{}`,
		`"op":"sql","text":"SELECT 1"`, `"op":"sql","text":"SELECT 1","params":[1]`, `"op":"sql","text":"SELECT 1","params":["1"]`,
		`"op":"batch","operations":[{"op":"remove","table":"t","row":1}]`, `"op":"batch","operations":[{"op":"remove","table":"t","row":2}]`,
		`"op":"batch","operations":[{"op":"remove","table":"t","row":1},{"op":"remove","table":"t","row":1}]`,
		`"op":"batch","operations":[{"op":"send","group":"g","payload":1}]`, `"op":"batch","operations":[{"op":"send","group":"g","payload":2}]`,
	} {
		r, err := data.DecodeRequest([]byte(`{"id":1,"key":"0123456789abcdef",` + line + `}`))
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		key := string(r.WriteKey().Request)
		if other, ok := seen[key]; ok {
			t.Errorf("%s counts as a repeat of %s", line, other)
		}
		seen[key] = line
		again, err := data.DecodeRequest([]byte(`{"id":2, ` + strings.ReplaceAll(line, ":", " : ") + `,"key":"0123456789abcdef" }`))
		if err != nil || string(again.WriteKey().Request) != key {
			t.Errorf("%s: a repeat has the key %s, want %s", line, again.WriteKey().Request, key)
		}
	}
}

// An owner's SELECT waits for nobody; all else of sql may write, and keeps its place.
func TestWaits(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"SELECT 1": false, " \n select\n1": false, "WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a": true, "DELETE FROM t": true, "S": true,
	} {
		r := data.Request{Op: data.OpSQL, Text: text}
		if r.Waits() != want {
			t.Errorf("%q: got %v", text, !want)
		}
	}
}

func FuzzBatch(f *testing.F) {
	for _, ops := range []string{
		`{"op":"insert","table":"questions","values":{"text":"why?"}},{"op":"insert","table":"answers","values":{"question":{"$row":0}}}`,
		`{"op":"insertMany","table":"answers","rows":[{"choice":1},{"question":null}]},{"op":"send","group":"g","payload":{"a":[]}}`,
		`{"op":"upsert","table":"answers","values":{"code":"x","first":1},"on":["code"]},{"op":"remove","table":"answers","row":{"$row":0}}`,
		`{"op":"updateWhere","table":"answers","where":{"or":[{"choice":{"in":[1,2]}}]},"values":{"choice":0}},{"op":"removeWhere","table":"settings","where":{}}`,
		`{"op":"increment","table":"settings","row":7,"values":{"n":-3}},{"op":"update","table":"questions","row":1,"values":{"weight":1e300}}`,
	} {
		f.Add([]byte(`{"id":1,"op":"batch","operations":[` + ops + `],"key":"0123456789abcdef"}`))
	}
	s := siteT(f, gradedQuiz)
	f.Fuzz(func(t *testing.T, line []byte) {
		r, err := data.DecodeRequest(line)
		if err != nil || !r.Op.Writes() {
			return
		}
		if key := r.WriteKey(); !json.Valid(key.Request) {
			t.Fatalf("the key's request is %s", key.Request)
		}
		if r.Weight() < 1 || r.Weight() > 1+100*51 {
			t.Fatalf("it weighs %v", r.Weight())
		}
		if r.Op != data.OpBatch && r.Table == "" {
			return
		}
		writes, err := s.Writes(&r, anyVisitor)
		if err != nil {
			e, ok := errors.AsType[*wire.Error](err)
			if !ok || e.Message == "" || r.Op == data.OpBatch && !strings.HasPrefix(e.Message, "operation ") {
				t.Fatalf("got %#v", err)
			}
			return
		}
		for i, w := range writes {
			values := []data.Value{w.Row}
			for _, row := range w.Rows {
				if len(row) != len(w.Table.Columns) {
					t.Fatalf("a row has %d values", len(row))
				}
				values = append(values, row...)
			}
			for _, c := range w.Changes {
				if col := w.Table.Columns[c.Column]; col.Hidden || col.OwnerSets || col.ReadOnly {
					t.Fatalf("a visitor changes %s", col.Name)
				}
				values = append(values, c.Value)
			}
			for _, v := range values {
				if v.Type == data.Earlier && (v.N < 0 || v.N >= int64(i)) {
					t.Fatalf("operation %d stands for %d", i, v.N)
				}
			}
		}
	})
}
