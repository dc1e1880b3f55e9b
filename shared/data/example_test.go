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

func ExampleParseSite_rules() {
	s, err := data.ParseSite([]byte(`{"tables": {
  "questions": {"columns": {"text": {"type": "text"}, "closes_at": {"type": "time"}}},
  "answers": {
    "columns": {"question": {"type": "integer", "references": "questions"}, "choice": {"type": "integer"}},
    "access": {"read": "author", "insert": {"who": "open", "if": {"question.closes_at": {">": "$now"}}}}}}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	questions, answers := s.Tables[0], s.Tables[1]
	question, _ := questions.NewRow([]byte(`{"text": "6 × 7?", "closes_at": 1000}`))
	answer, _ := answers.NewRow([]byte(`{"question": 1, "choice": 42}`))
	follow := func(*data.Table, int64) []data.Value { return question }
	for _, now := range []int64{999, 1000} {
		fmt.Println(answers.Access.Insert.If.Match(answer, &data.Env{Now: now, Follow: follow}))
	}
	// Output:
	// true
	// false
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
