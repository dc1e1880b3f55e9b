package data_test

import (
	"fmt"

	"goop/shared/data"
)

func ExampleParseSite() {
	_, err := data.ParseSite([]byte(`{
  "tables": {
    "moves": {
      "columns": {
        "ply": {"type": "int"}
      }
    }
  }
}`))
	fmt.Println(err)
	// Output:
	// goop.json:5:25: tables.moves.columns.ply.type: expected one of text, integer, real, boolean, json, blob, time, got "int"
}

func ExampleDiff() {
	row := func(id, json string) data.Row { return data.Row{ID: id, JSON: []byte(json)} }
	before := []data.Row{row("1", `{"_id":1,"score":5}`), row("2", `{"_id":2,"score":3}`)}
	after := []data.Row{row("2", `{"_id":2,"score":9}`), row("1", `{"_id":1,"score":5}`)}
	d, _ := data.Diff(before, after)
	fmt.Printf("%s", d.Append(nil, 7))
	// Output:
	// {"watch":7,"changed":[{"_id":2,"score":9}],"order":[2,1]}
}
