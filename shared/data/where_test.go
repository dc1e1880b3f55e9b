package data_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"goop/shared/data"
	"goop/shared/wire"
)

// tableT has a column of each type, with the type's first letter as its name.
func tableT(t testing.TB) *data.Table {
	t.Helper()
	s, err := data.ParseSite([]byte(`{"tables":{"t":{"columns":{
		"t":{"type":"text"},"i":{"type":"integer"},"r":{"type":"real"},"b":{"type":"boolean"},
		"j":{"type":"json"},"blob":{"type":"blob"},"time":{"type":"time"}}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	return s.Tables[0]
}

func contains(s, part string) bool { return strings.Contains(s, part) }

func TestParseWhereErrors(t *testing.T) {
	t.Parallel()
	table := tableT(t)
	deep := strings.Repeat(`{"not":`, 8) + `{"i":1}` + strings.Repeat(`}`, 8)
	wide := `{"or":[` + strings.Repeat(`{"i":1},`, 100) + `{"i":1}]}`
	long := `{"i":{"in":[` + strings.Repeat(`1,`, 500) + `1]}}`
	tests := []struct {
		where string
		code  wire.Code
		part  string
	}{
		{`{"tt":1}`, wire.NoSuchColumn, `table "t" has no column "tt"`},
		{`{"tiem":1}`, wire.NoSuchColumn, `(did you mean "time"?)`},
		{`{"i":{"==":1}}`, wire.BadQuery, `unknown operator "==" (did you mean "="?)`},
		{`{"i":{"=>":1}}`, wire.BadQuery, `unknown operator "=>" (did you mean ">="?)`},
		{`{"i":{}}`, wire.BadQuery, `{} has no operator`},
		{`{"i":"1"}`, wire.InvalidValue, `column "i": expected an integer within ±9007199254740991, got "1"`},
		{`{"i":1.5}`, wire.InvalidValue, `got 1.5`},
		{`{"t":1}`, wire.InvalidValue, `expected a string, got 1`},
		{`{"t":"a\u0000b"}`, wire.InvalidValue, `U+0000`},
		{`{"b":1}`, wire.InvalidValue, `expected true or false`},
		{`{"r":"1"}`, wire.InvalidValue, `expected a number`},
		{`{"r":1e999}`, wire.InvalidValue, `fits 64 bits`},
		{`{"blob":"a"}`, wire.InvalidValue, `base64`},
		{`{"time":"2026-11-22"}`, wire.InvalidValue, `milliseconds`},
		{`{"i":{"<":null}}`, wire.InvalidValue, `does not take null`},
		{`{"b":{"<":true}}`, wire.BadQuery, `is of type boolean and has no "<"`},
		{`{"j":1}`, wire.BadQuery, `is of type json and has no "="`},
		{`{"j":{"in":[1]}}`, wire.BadQuery, `is of type json and has no "in"`},
		{`{"i":{"like":"1"}}`, wire.BadQuery, `is of type integer and has no "like"`},
		{`{"t":{"like":1}}`, wire.InvalidValue, `"like" takes a string`},
		{`{"t":{"contains":null}}`, wire.InvalidValue, `"contains" takes a string`},
		{`{"t":{"like":"a\\"}}`, wire.BadQuery, `ends with a single \`},
		{`{"t":{"like":"` + strings.Repeat("a", 257) + `"}}`, wire.BadQuery, `at most 256 bytes`},
		{`{"t":{"null":1}}`, wire.InvalidValue, `"null" takes true or false`},
		{`{"i":{"in":1}}`, wire.InvalidValue, `"in" takes a list`},
		{`{"i":{"in":["a"]}}`, wire.InvalidValue, `expected an integer`},
		{`{"i":{">":1,">":2}}`, wire.BadQuery, `stands twice`},
		{`{"i":1,"i":2}`, wire.BadQuery, `stands twice`},
		{`{"or":{"i":1}}`, wire.BadQuery, `takes a list of conditions`},
		{`{"and":[1]}`, wire.BadQuery, `expected a condition`},
		{`{"not":[]}`, wire.BadQuery, `expected a condition`},
		{deep, wire.BadQuery, `more than 8 deep`},
		{wide, wire.BadQuery, `more than 100 comparisons`},
		{`{"or":[` + strings.Repeat(`{},`, 100) + `{}]}`, wire.BadQuery, `more than 100`},
		{long, wire.BadQuery, `more than 500 values`},
	}
	for _, tt := range tests {
		_, err := data.ParseWhere(table, []byte(tt.where))
		e, ok := errors.AsType[*wire.Error](err)
		if !ok || e.Code != tt.code || !contains(e.Message, tt.part) {
			t.Errorf("%.60s: got %v, want %s with %q", tt.where, err, tt.code, tt.part)
		}
	}
}

func TestQueryErrors(t *testing.T) {
	t.Parallel()
	table := tableT(t)
	tests := []struct {
		fields string
		code   wire.Code
		part   string
	}{
		{`"limit":0`, wire.BadQuery, `"limit" is 1 to 1000, got 0`},
		{`"limit":1001`, wire.BadQuery, `"limit" is 1 to 1000, got 1001`},
		{`"offset":-1`, wire.BadQuery, `"offset" is 0 to 100000`},
		{`"offset":100001`, wire.BadQuery, `"offset" is 0 to 100000`},
		{`"order":["-j"]`, wire.BadQuery, `is of type json, which has no order`},
		{`"order":["x"]`, wire.NoSuchColumn, `no column "x"`},
		{`"order":["i","-i"]`, wire.BadQuery, `twice`},
		{`"order":["t","i","r","b","time","_id","_owner","_seq","_created_at"]`, wire.BadQuery, `more than 8 columns`},
		{`"columns":["x"]`, wire.NoSuchColumn, `no column "x"`},
	}
	for _, tt := range tests {
		r, err := data.DecodeRequest([]byte(`{"id":1,"op":"query","table":"t",` + tt.fields + `}`))
		if err != nil {
			t.Fatal(err)
		}
		_, err = table.Query(&r)
		e, ok := errors.AsType[*wire.Error](err)
		if !ok || e.Code != tt.code || !contains(e.Message, tt.part) {
			t.Errorf("%s: got %v, want %s with %q", tt.fields, err, tt.code, tt.part)
		}
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	table := tableT(t)
	full, err := table.NewRow([]byte(`{"t":"Hello World","i":5,"r":2.5,"b":true,"j":[1],"blob":"AQI=","time":1000}`))
	if err != nil {
		t.Fatal(err)
	}
	empty, err := table.NewRow([]byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		where       string
		full, empty bool
	}{
		{`{}`, true, true},
		{`{"i":5}`, true, false},
		{`{"i":6}`, false, false},
		{`{"i":null}`, false, true},
		{`{"i":{"!=":null}}`, true, false},
		{`{"i":{"=":5,">":4}}`, true, false},
		{`{"i":{"!=":5}}`, false, true},
		{`{"i":{"<":5}}`, false, false},
		{`{"i":{"<=":5}}`, true, false},
		{`{"i":{">":5}}`, false, false},
		{`{"i":{">=":5}}`, true, false},
		{`{"not":{"i":{">=":5}}}`, false, true},
		{`{"not":{"i":{"<":5}}}`, true, true},
		{`{"i":{"in":[4,5]}}`, true, false},
		{`{"i":{"in":[4,null]}}`, false, true},
		{`{"i":{"in":[]}}`, false, false},
		{`{"not":{"i":{"in":[]}}}`, true, true},
		{`{"r":2.5,"b":true,"blob":"AQI=","time":1000}`, true, false},
		{`{"r":{"<":3}}`, true, false},
		{`{"b":false}`, false, false},
		{`{"t":{"like":"hello%"}}`, true, false},
		{`{"t":{"like":"_ello world"}}`, true, false},
		{`{"t":{"contains":"hello"}}`, false, false},
		{`{"t":{"contains":"o W"}}`, true, false},
		{`{"t":{"contains":""}}`, true, false},
		{`{"j":{"null":true}}`, false, true},
		{`{"j":{"null":false}}`, true, false},
		{`{"or":[{"i":6},{"t":"Hello World"}]}`, true, false},
		{`{"or":[]}`, false, false},
		{`{"and":[]}`, true, true},
		{`{"and":[{"i":5},{"i":6}]}`, false, false},
		{`{"_id":null}`, true, true},
	}
	for _, tt := range tests {
		w, err := data.ParseWhere(table, []byte(tt.where))
		if err != nil {
			t.Errorf("%s: %v", tt.where, err)
			continue
		}
		if got := w.Match(full, nil); got != tt.full {
			t.Errorf("%s: got %v for the full row", tt.where, got)
		}
		if got := w.Match(empty, nil); got != tt.empty {
			t.Errorf("%s: got %v for the empty row", tt.where, got)
		}
	}
}

func TestSelect(t *testing.T) {
	t.Parallel()
	table := tableT(t)
	var rows [][]data.Value
	for i, s := range []string{`{"i":2,"t":"b"}`, `{"t":"c"}`, `{"i":2,"t":"a"}`, `{"i":1,"t":"d"}`} {
		row, err := table.NewRow([]byte(s))
		if err != nil {
			t.Fatal(err)
		}
		row[0] = data.IntegerValue(int64(i + 1))
		rows = append(rows, row)
	}
	tests := []struct{ fields, want string }{
		{`"columns":["t"]`, `[{"_id":1,"t":"b"} {"_id":2,"t":"c"} {"_id":3,"t":"a"} {"_id":4,"t":"d"}]`},
		{`"columns":[],"order":["i"]`, `[{"_id":2} {"_id":4} {"_id":1} {"_id":3}]`},
		{`"columns":[],"order":["-i"]`, `[{"_id":1} {"_id":3} {"_id":4} {"_id":2}]`},
		{`"columns":[],"order":["-i","t"],"limit":2,"offset":1`, `[{"_id":1} {"_id":4}]`},
		{`"columns":[],"where":{"i":2},"order":["-_id"]`, `[{"_id":3} {"_id":1}]`},
		{`"columns":[],"offset":9`, `[]`},
	}
	for _, tt := range tests {
		r, err := data.DecodeRequest([]byte(`{"id":1,"op":"query","table":"t",` + tt.fields + `}`))
		if err != nil {
			t.Fatal(err)
		}
		q, err := table.Query(&r)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, row := range q.Select(append([][]data.Value(nil), rows...)) {
			got = append(got, string(row.JSON))
		}
		if s := fmt.Sprint(got); s != tt.want {
			t.Errorf("%s: got %s, want %s", tt.fields, s, tt.want)
		}
	}
}

func TestLike(t *testing.T) {
	t.Parallel()
	tests := []struct {
		pattern, s string
		want       bool
	}{
		{"", "", true}, {"", "a", false}, {"%", "", true}, {"%", "abc", true}, {"_", "", false}, {"_", "ä", true},
		{"a%b", "aXXb", true}, {"a%b", "aXXbc", false}, {"a%b%c", "abbbc", true}, {"%aab", "aaaab", true},
		{"A_C", "abc", true}, {"Ä", "ä", false}, {`\%`, "%", true}, {`\%`, "a", false}, {`a\_b`, "a_b", true}, {`a\_b`, "axb", false},
		{`\\`, `\`, true}, {"%%%_", "a", true}, {"%_%_%", "a", false},
	}
	for _, tt := range tests {
		if got := data.IsLike(tt.s, tt.pattern); got != tt.want {
			t.Errorf("%q like %q: got %v", tt.s, tt.pattern, got)
		}
	}
}
