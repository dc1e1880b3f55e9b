package data_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"goop/shared/data"
	"goop/shared/wire"
)

func aggregateOf(t testing.TB, table *data.Table, fields string) (*data.Aggregate, error) {
	t.Helper()
	r, err := data.DecodeRequest([]byte(`{"id":1,"op":"aggregate","table":"t",` + fields + `}`))
	if err != nil {
		return nil, err
	}
	return table.Aggregate(&r)
}

func TestAggregate(t *testing.T) {
	t.Parallel()
	table := tableT(t)
	var rows [][]data.Value
	for i, values := range []string{
		`{"t":"a","i":3,"r":0.5}`, `{"t":"b","i":5,"b":true}`, `{"t":"a","i":-1,"r":2,"time":9}`, `{"i":7}`, `{"t":"b"}`,
	} {
		row, err := table.NewRow([]byte(values))
		if err != nil {
			t.Fatal(err)
		}
		row[0] = data.IntegerValue(int64(i + 1))
		rows = append(rows, row)
	}
	for fields, want := range map[string]string{
		`"compute":{"n":"count"}`:                                                `[{"n":5}]`,
		`"compute":{"n":"count"},"where":{"t":"z"}`:                              `[{"n":0}]`,
		`"compute":{"n":{"sum":"i"},"m":{"avg":"i"}},"where":{"t":"z"}`:          `[{"n":null,"m":null}]`,
		`"by":["t"],"compute":{"n":"count"},"where":{"t":"z"}`:                   `[]`,
		`"by":["t"],"compute":{"n":"count","i":{"count":"i"},"s":{"sum":"i"}}`:   `[{"t":null,"n":1,"i":1,"s":7} {"t":"a","n":2,"i":2,"s":2} {"t":"b","n":2,"i":1,"s":5}]`,
		`"by":["t"],"compute":{"n":"count"},"order":["-n","-t"],"limit":2`:       `[{"t":"b","n":2} {"t":"a","n":2}]`,
		`"compute":{"a":{"avg":"i"},"r":{"sum":"r"},"x":{"avg":"r"}}`:            `[{"a":3.5,"r":2.5,"x":1.25}]`,
		`"compute":{"l":{"min":"t"},"m":{"max":"time"},"b":{"max":"b"}}`:         `[{"l":"a","m":9,"b":true}]`,
		`"by":["b","t"],"compute":{},"order":["t"],"where":{"t":{"null":false}}`: `[{"b":null,"t":"a"} {"b":null,"t":"b"} {"b":true,"t":"b"}]`,
	} {
		a, err := aggregateOf(t, table, fields)
		if err != nil {
			t.Errorf("%s: %v", fields, err)
			continue
		}
		var got []string
		for _, row := range a.Select(append([][]data.Value(nil), rows...)) {
			got = append(got, string(row.JSON))
		}
		if s := fmt.Sprint(got); s != want {
			t.Errorf("%s: got %s, want %s", fields, s, want)
		}
	}
}

func TestAggregateErrors(t *testing.T) {
	t.Parallel()
	table := tableT(t)
	many := strings.TrimSuffix(strings.Repeat(`"t",`, 9), ",")
	var names []string
	for i := range 17 {
		names = append(names, fmt.Sprintf(`"n%d":"count"`, i))
	}
	for _, tt := range []struct {
		fields string
		code   wire.Code
	}{
		{`"compute":{}`, wire.BadQuery},
		{`"compute":[]`, wire.BadQuery},
		{`"compute":{"n":"sum"}`, wire.BadQuery},
		{`"compute":{"n":{}}`, wire.BadQuery},
		{`"compute":{"n":{"sum":"i","avg":"i"}}`, wire.BadQuery},
		{`"compute":{"n":{"median":"i"}}`, wire.BadQuery},
		{`"compute":{"n":{"sum":7}}`, wire.BadQuery},
		{`"compute":{"n":{"sum":"t"}}`, wire.BadQuery},
		{`"compute":{"n":{"avg":"time"}}`, wire.BadQuery},
		{`"compute":{"n":{"min":"j"}}`, wire.BadQuery},
		{`"compute":{"n":{"max":"blob"}}`, wire.BadQuery},
		{`"compute":{"n":{"sum":"ii"}}`, wire.NoSuchColumn},
		{`"compute":{"n":"count","n":"count"}`, wire.BadQuery},
		{`"compute":{"t":"count"},"by":["t"]`, wire.BadQuery},
		{`"compute":{"":"count"}`, wire.BadQuery},
		{`"compute":{"a\"b":"count"}`, wire.BadQuery},
		{`"compute":{"1a":"count"}`, wire.BadQuery},
		{`"compute":{"` + strings.Repeat("x", 65) + `":"count"}`, wire.BadQuery},
		{`"compute":{` + strings.Join(names, ",") + `}`, wire.BadQuery},
		{`"compute":{"n":"count"},"by":["j"]`, wire.BadQuery},
		{`"compute":{"n":"count"},"by":["t","t"]`, wire.BadQuery},
		{`"compute":{"n":"count"},"by":[` + many + `]`, wire.BadQuery},
		{`"compute":{"n":"count"},"by":["nope"]`, wire.NoSuchColumn},
		{`"compute":{"n":"count"},"order":["t"]`, wire.BadQuery},
		{`"compute":{"n":"count"},"order":["n","-n"]`, wire.BadQuery},
		{`"compute":{"n":"count"},"limit":0`, wire.BadQuery},
		{`"compute":{"n":"count"},"limit":1001`, wire.BadQuery},
		{`"compute":{"n":"count"},"offset":1`, wire.BadMessage},
		{`"compute":{"n":"count"},"where":{"nope":1}`, wire.NoSuchColumn},
	} {
		if _, err := aggregateOf(t, table, tt.fields); !errors.Is(err, tt.code) {
			t.Errorf("%s: got %v, want %s", tt.fields, err, tt.code)
		}
	}
}

// What is hidden from a caller cannot be counted, grouped or searched by it either.
func TestAggregateOfHiddenColumns(t *testing.T) {
	t.Parallel()
	whole := siteT(t, `{"tables":{"t":{"columns":{"a":{"type":"text"},"secret":{"type":"integer","hidden":true}}}}}`).Tables[0]
	for _, fields := range []string{
		`"compute":{"n":{"count":"secret"}}`, `"compute":{"n":{"max":"secret"}}`, `"compute":{"n":"count"},"by":["secret"]`,
		`"compute":{"n":"count"},"where":{"secret":1}`,
	} {
		if _, err := aggregateOf(t, whole, fields); err != nil {
			t.Errorf("%s: %v for the owner", fields, err)
		}
		_, err := aggregateOf(t, whole.For(anyVisitor), fields)
		if !errors.Is(err, wire.NoSuchColumn) || contains(err.Error(), "did you mean") {
			t.Errorf("%s: got %v", fields, err)
		}
	}
}
