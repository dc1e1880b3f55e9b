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

func TestParseSiteErrors(t *testing.T) {
	t.Parallel()
	table := func(columns string) string { return `{"tables": {"t": {"columns": {` + columns + `}}}}` }
	column := func(spec string) string { return table(`"c": {` + spec + `}`) }
	rule := func(rule string) string {
		return `{"tables": {
  "questions": {"columns": {"closes_at": {"type": "time"}, "right": {"type": "integer", "hidden": true}}},
  "answers": {
    "columns": {"question": {"type": "integer", "references": "questions"}, "answer": {"type": "integer", "references": "answers"},
      "choice": {"type": "integer"}, "name": {"type": "text"}},
    "access": {` + rule + `}}}}`
	}
	// chain has tables each of whose rules asks for that of the one before.
	chain := func(n int, terms string) string {
		var s strings.Builder
		s.WriteString(`"t0": {"columns": {"n": {"type": "integer"}}, "access": {"read": {"who": "open", "if": {"n": 1}}}}`)
		for i := range n {
			fmt.Fprintf(&s, `, "t%d": {"columns": {"n": {"type": "integer"}, "a": {"type": "integer", "references": "t%d"}}, "access": {"read": {"who": "open", "if": {"and": [%s]}}}}`, i+1, i, terms)
		}
		return s.String()
	}
	tests := []struct{ name, file, want string }{
		{"empty", "", `goop.json:1:1: unexpected end, expected a JSON value`},
		{"syntax", "{\n  \"name\": \"x\",,\n}", `goop.json:2:15: expected a key in double quotes`},
		{"list", "\n []", `goop.json:2:2: expected an object, got []`},
		{"key", "{\"nmae\": \"x\"}", `goop.json:1:2: nmae: unknown key (did you mean "name"?), expected one of $schema, name, csp, tables, views, groups, create`},
		{"characters are counted", "{\"name\": \"ÄÖÜ\", \"x\": 1}", `goop.json:1:17: x: unknown key, expected one of $schema, name, csp, tables, views, groups, create`},
		{"twice", `{"name": "x", "name": "y"}`, `goop.json:1:15: name: expected each key once, this one stands twice`},
		{"name", `{"name": 7}`, `goop.json:1:10: name: expected a string, got 7`},
		{"csp", `{"csp": "a\nb"}`, `goop.json:1:9: csp: expected text without control characters`},
		{"type", "{\"tables\": {\"moves\": {\"columns\": {\n  \"ply\": {\"type\": \"int\"}}}}}",
			`goop.json:2:19: tables.moves.columns.ply.type: expected one of text, integer, real, boolean, json, blob, time, got "int"`},
		{"no type", table(`"c": {}`), `goop.json:1:36: tables.t.columns.c: expected a "type", one of text, integer, real, boolean, json, blob, time`},
		{"no columns", `{"tables": {"t": {}}}`, `goop.json:1:18: tables.t: expected "columns", with at least one column`},
		{"empty columns", table(``), `goop.json:1:18: tables.t: expected "columns", with at least one column`},
		{"system name", `{"tables": {"_t": {}}}`, `goop.json:1:19: tables._t: expected a table's name that begins with a letter; those with "_" are the host's`},
		{"bad name", table(`"a b": {"type": "text"}`), `goop.json:1:38: tables.t.columns.a b: expected a column's name of a letter and then letters, digits and "_", at most 64`},
		{"sqlite's name", `{"tables": {"SQLite_x": {}}}`, `goop.json:1:25: tables.SQLite_x: expected a table's name that does not begin with "sqlite_"`},
		{"word", table(`"Not": {"type": "text"}`), `goop.json:1:38: tables.t.columns.Not: expected another name, "and", "or" and "not" are words of conditions`},
		{"case of columns", table(`"a": {"type": "text"}, "A": {"type": "text"}`), `goop.json:1:59: tables.t.columns.A: expected a name that differs from the others by more than its case`},
		{"case of tables", `{"tables": {"t": {"columns": {"c": {"type": "text"}}}, "T": {}}}`, `goop.json:1:61: tables.T: expected a name that differs from those of the other tables and views by more than its case`},
		{"column key", column(`"type": "text", "require": true`), `goop.json:1:53: tables.t.columns.c.require: unknown key (did you mean "required"?), expected one of type, required, default, unique, min, max, maxLength, enum, references, onRemove, hidden, readonly`},
		{"required", column(`"type": "text", "required": 1`), `goop.json:1:65: tables.t.columns.c.required: expected true or false, got 1`},
		{"default", column(`"type": "integer", "default": 1.5`), `goop.json:1:67: tables.t.columns.c.default: expected an integer within ±9007199254740991, got 1.5`},
		{"default before max", column(`"default": 9, "type": "integer", "max": 8`), `goop.json:1:48: tables.t.columns.c.default: expected at most 8, got 9`},
		{"default null", column(`"type": "text", "default": null`), `goop.json:1:64: tables.t.columns.c.default: expected a value of type text, got null`},
		{"min above max", column(`"type": "real", "max": 1, "min": 1.5`), `goop.json:1:60: tables.t.columns.c.max: expected at least min, which is 1.5`},
		{"min of text", column(`"type": "text", "min": 1`), `goop.json:1:60: tables.t.columns.c.min: expected it only with the types integer, real, time, this column is text`},
		{"maxLength", column(`"type": "text", "maxLength": 0`), `goop.json:1:66: tables.t.columns.c.maxLength: expected an integer from 1 to 1048576, got 0`},
		{"enum twice", column(`"type": "text", "enum": ["a", "b", "a"]`), `goop.json:1:72: tables.t.columns.c.enum[2]: expected each value once`},
		{"enum empty", column(`"type": "text", "enum": []`), `goop.json:1:61: tables.t.columns.c.enum: expected at least one value`},
		{"unique json", column(`"type": "json", "unique": true`), `goop.json:1:36: tables.t.columns.c.unique: expected a column of another type, json values cannot be unique`},
		{"index", `{"tables": {"t": {"columns": {"game": {"type": "text"}}, "indexes": [["gmae"]]}}}`, `goop.json:1:71: tables.t.indexes[0][0]: expected one of the table's columns, got "gmae" (did you mean "game"?)`},
		{"index of nothing", `{"tables": {"t": {"columns": {"c": {"type": "text"}}, "indexes": [[]]}}}`, `goop.json:1:67: tables.t.indexes[0]: expected the names of columns, such as ["game", "ply"]`},
		{"index object", `{"tables": {"t": {"columns": {"c": {"type": "text"}}, "indexes": [{"column": ["c"]}]}}}`, `goop.json:1:68: tables.t.indexes[0].column: unknown key (did you mean "columns"?), expected one of columns, unique`},
		{"index object of nothing", `{"tables": {"t": {"columns": {"c": {"type": "text"}}, "indexes": [{"unique": true}]}}}`, `goop.json:1:67: tables.t.indexes[0]: expected "columns", such as ["game", "ply"]`},
		{"index twice", `{"tables": {"t": {"columns": {"c": {"type": "text"}}, "indexes": [["c"], {"columns": ["c"], "unique": true}]}}}`, `goop.json:1:74: tables.t.indexes[1]: expected each index once`},
		{"search", `{"tables": {"t": {"columns": {"n": {"type": "integer"}}, "search": ["n"]}}}`, `goop.json:1:69: tables.t.search[0]: expected a column of type text, this column is integer`},
		{"search of nothing", `{"tables": {"t": {"columns": {"n": {"type": "integer"}}, "search": []}}}`, `goop.json:1:68: tables.t.search: expected the names of text columns, such as ["title", "body"]`},
		{"search of what is hidden", `{"tables": {"t": {"columns": {"c": {"type": "text", "hidden": true}}, "search": ["c"]}}}`, `goop.json:1:82: tables.t.search[0]: expected a column that is not hidden, whoever finds a row by its words knows them`},
		{"references", column(`"type": "integer", "references": "tt"`), `goop.json:1:70: tables.t.columns.c.references: expected one of the site's tables, got "tt" (did you mean "t"?)`},
		{"references of a text", column(`"type": "text", "references": "t"`), `goop.json:1:67: tables.t.columns.c.references: expected a column of type integer, which holds the _id of a row, this column is text`},
		{"references with a default", column(`"type": "integer", "references": "t", "default": 1`), `goop.json:1:86: tables.t.columns.c.default: expected none with "references", the host chooses the _id of a row`},
		{"onRemove", column(`"type": "integer", "references": "t", "onRemove": "delete"`), `goop.json:1:87: tables.t.columns.c.onRemove: expected "clear", "cascade" or "keep", got "delete"`},
		{"onRemove of what is required", column(`"type": "integer", "references": "t", "onRemove": "clear", "required": true`), `goop.json:1:87: tables.t.columns.c.onRemove: expected "cascade" or "keep", the column is required and cannot be cleared`},
		{"onRemove alone", column(`"type": "integer", "onRemove": "keep"`), `goop.json:1:68: tables.t.columns.c.onRemove: expected "references" beside it, the table to whose rows the column leads`},
		{"readonly", column(`"type": "integer", "readonly": "insert"`), `goop.json:1:68: tables.t.columns.c.readonly: expected true, false or "update", which lets a new row set it, got "insert"`},
		{"hidden and required", `{"tables": {"t": {"columns": {"c": {"type": "text", "hidden": true, "required": true}}, "access": {"insert": "open"}}}}`,
			`goop.json:1:36: tables.t.columns.c: expected a "default": the column is required, only the site's owner sets it, and others may insert`},
		{"hidden memberOf", `{"tables": {"t": {"columns": {"c": {"type": "text", "hidden": true}}, "memberOf": "c"}}}`, `goop.json:1:83: tables.t.memberOf: expected a column that is not hidden, the group's members know it`},
		{"memberOf", `{"tables": {"t": {"columns": {"c": {"type": "integer"}}, "memberOf": "c"}}}`, `goop.json:1:70: tables.t.memberOf: expected a column of type text, which holds the id of the row's group`},
		{"rule", `{"tables": {"t": {"columns": {"c": {"type": "text"}}, "access": {"read": "opne"}}}}`, `goop.json:1:74: tables.t.access.read: expected one of open, member, role:owner, role:moderator, role:member, role:viewer, author, owner, none, got "opne" (did you mean "open"?)`},
		{"rule object", `{"tables": {"t": {"columns": {"c": {"type": "text"}}, "access": {"read": {"who": "all"}}}}}`, `goop.json:1:82: tables.t.access.read.who: expected one of open, member, role:owner, role:moderator, role:member, role:viewer, author, owner, none, got "all"`},
		{"rule without who", `{"tables": {"t": {"columns": {"c": {"type": "text"}}, "access": {"read": {}}}}}`, `goop.json:1:74: tables.t.access.read: expected "who", one of open, member, role:owner, role:moderator, role:member, role:viewer, author, owner, none`},
		{"member of nothing", `{"tables": {"t": {"columns": {"c": {"type": "text"}}, "access": {"insert": "member"}}}}`, `goop.json:1:76: tables.t.access.insert: expected the table to have "memberOf", the column with the id of the row's group, since "member" asks for it`},
		{"column in a condition", rule(`"insert": {"who": "open", "if": {"question.closes_at": {">": "$now"}, "choise": 1}}`), `goop.json:6:86: tables.answers.access.insert.if: table "answers" has no column "choise" (did you mean "choice"?)`},
		{"then of an insert", rule(`"insert": {"who": "open", "then": {}}`), `goop.json:6:42: tables.answers.access.insert.then: unknown key, expected one of who, if`},
		{"if that is never asked", rule(`"insert": {"who": "owner", "if": {"choice": 1}}`), `goop.json:6:49: tables.answers.access.insert.if: expected none, the site's owner passes every condition`},
		{"if of nobody", rule(`"insert": {"who": "none", "if": {"choice": 1}}`), `goop.json:6:48: tables.answers.access.insert.if: expected none, the rule lets nobody through`},
		{"variable", rule(`"insert": {"who": "open", "if": {"question.closes_at": {">": "$nwo"}}}`), `goop.json:6:77: tables.answers.access.insert.if: unknown variable "$nwo" (did you mean "$now"?); there are "$me", "$role" and "$now", and a text that begins with "$" is written with "$$"`},
		{"variable as a key", rule(`"insert": {"who": "open", "if": {"$mee": "x"}}`), `goop.json:6:49: tables.answers.access.insert.if: unknown variable "$mee" (did you mean "$me"?); there are "$me", "$role" and "$now", and a text that begins with "$" is written with "$$"`},
		{"variable of another type", rule(`"insert": {"who": "open", "if": {"name": "$now"}}`), `goop.json:6:57: tables.answers.access.insert.if: column "name" is of type text and "$now" is of type time`},
		{"variable in a list", rule(`"insert": {"who": "open", "if": {"name": {"in": ["a", "$me"]}}}`), `goop.json:6:70: tables.answers.access.insert.if: column "name": "$me" stands with =, !=, <, <=, > and >= alone`},
		{"role without a group", rule(`"insert": {"who": "open", "if": {"$role": "member"}}`), `goop.json:6:49: tables.answers.access.insert.if: "$role" is the caller's role in the row's group, and the table "answers" has no "memberOf", the column with its id`},
		{"order of peers", rule(`"insert": {"who": "open", "if": {"$me": {">": "a"}}}`), `goop.json:6:57: tables.answers.access.insert.if: "$me" has no ">"; there are "=", "!=", "in" and "null"`},
		{"path that leads nowhere", rule(`"insert": {"who": "open", "if": {"choice.x": 1}}`), `goop.json:6:49: tables.answers.access.insert.if: "choice.x": the column "choice" of the table "answers" leads to no other row, it has no "references"`},
		{"path to no column", rule(`"insert": {"who": "open", "if": {"question.close_at": 1}}`), `goop.json:6:49: tables.answers.access.insert.if: table "questions" has no column "close_at" (did you mean "closes_at"?)`},
		{"long path", rule(`"insert": {"who": "open", "if": {"answer.answer.answer.answer.name": "x"}}`), `goop.json:6:49: tables.answers.access.insert.if: "answer.answer.answer.answer.name" follows more than 3 references`},
		{"search in a rule", rule(`"insert": {"who": "open", "if": {"_search": "x"}}`), `goop.json:6:49: tables.answers.access.insert.if: "_search" is not for rules`},
		{"type in a rule", rule(`"insert": {"who": "open", "if": {"choice": "x"}}`), `goop.json:6:59: tables.answers.access.insert.if: column "choice": expected an integer within ±9007199254740991, got "x"`},
		{"condition in a rule", rule(`"insert": {"who": "open", "if": 7}`), `goop.json:6:48: tables.answers.access.insert.if: expected a condition such as {"game":"chess-42"}, got 7`},
		{"role", `{"tables": {"t": {"columns": {"g": {"type": "text"}}, "memberOf": "g", "access": {"read": {"who": "open", "if": {"$role": "modrator"}}}}}}`,
			`goop.json:1:123: tables.t.access.read.if: "$role" is "owner", "moderator", "member", "viewer" or null, got "modrator" (did you mean "moderator"?)`},
		{"rule that refers to itself", rule(`"read": {"who": "open", "if": {"answer.name": "x"}}`),
			`goop.json:6:46: tables.answers.access.read.if: expected a condition that does not come back to where it is asked, since a reference is followed to rows alone that may be read: answers → answers`},
		{"rules that refer to each other", `{"tables": {
			"c": {"columns": {"a": {"type": "integer", "references": "a"}}, "access": {"read": {"who": "open", "if": {"a.b": 1}}}},
			"a": {"columns": {"b": {"type": "integer", "references": "b"}}, "access": {"read": {"who": "open", "if": {"b.a": 1}}}},
			"b": {"columns": {"a": {"type": "integer", "references": "a"}}, "access": {"read": {"who": "author", "if": {"not": {"a.b": 1}}}}}}}`,
			`goop.json:3:109: tables.a.access.read.if: expected a condition that does not come back to where it is asked, since a reference is followed to rows alone that may be read: a → b → a`},
		{"rule with too many comparisons", `{"tables": {` + chain(6, strings.Repeat(`{"a.n": 1},`, 3)+`{"n": 1}`) + `}}`,
			`goop.json:1:984: tables.t5.access.read: expected at most 500 comparisons, together with those of the rules for reading the rows that it refers to`},
		{"rule that goes too far", `{"tables": {` + chain(15, `{"a.n": 1}`) + `}}`,
			`goop.json:1:2139: tables.t13.access.read: expected at most 12 references one behind the other, together with those of the rules for reading the rows that it refers to`},
		{"view", `{"views": {"v": {"columns": {"c": {"type": "text"}}}}}`, `goop.json:1:17: views.v: expected "sql", the SELECT whose rows the view has`},
		{"view without columns", `{"views": {"v": {"sql": "SELECT 1 AS _id"}}}`, `goop.json:1:17: views.v: expected "columns", with at least one column`},
		{"view of nothing", `{"views": {"v": {"sql": " ; "}}}`, `goop.json:1:25: views.v.sql: expected a SELECT, got " ; "`},
		{"column of a view", `{"views": {"v": {"sql": "SELECT 1", "columns": {"c": {"type": "text", "required": true}}}}}`, `goop.json:1:71: views.v.columns.c.required: unknown key, expected one of type, hidden`},
		{"id of a view", `{"views": {"v": {"id": "blob"}}}`, `goop.json:1:24: views.v.id: expected "text" or "integer", which is what its _id is, got "blob"`},
		{"author of a view", `{"views": {"v": {"sql": "SELECT 1", "columns": {"c": {"type": "text"}}, "read": "author"}}}`,
			`goop.json:1:81: views.v.read: expected another rule, the rows of a view have no _owner; with a column that is one, {"who": "open", "if": {"column": "$me"}} says the same`},
		{"access of a view", `{"views": {"v": {"access": {}}}}`, `goop.json:1:18: views.v.access: unknown key, expected one of sql, id, columns, memberOf, read`},
		{"view with a table's name", `{"tables": {"t": {"columns": {"c": {"type": "text"}}}}, "views": {"T": {}}}`, `goop.json:1:72: views.T: expected a name that differs from those of the other tables and views by more than its case`},
		{"reference to a view", `{"views": {"v": {"sql": "SELECT 1", "columns": {"c": {"type": "text"}}}}, "tables": {"t": {"columns": {"c": {"type": "integer", "references": "v"}}}}}`,
			`goop.json:1:143: tables.t.columns.c.references: expected one of the site's tables, got "v" (did you mean "t"?)`},
		{"record into a view", `{"groups": [{"id": "a", "type": "persistent", "record": "v"}], "views": {"v": {"sql": "SELECT 1", "columns": {"c": {"type": "text"}}}}}`,
			`goop.json:1:13: groups[0]: "record": "v" is a view, into which nothing can be written`},
		{"group", `{"groups": [{"id": "lobby", "typ": "open"}]}`, `goop.json:1:13: groups[0]: unknown key "typ"; a group has id, name, type, durable, access, listed, dissolve, retain, maxMembers, record, seats and rights`},
		{"group without id", `{"groups": [{"name": "x"}]}`, `goop.json:1:13: groups[0]: expected an "id", such as "lobby"`},
		{"group twice", `{"groups": [{"id": "a"}, {"id": "a"}]}`, `goop.json:1:26: groups[1]: expected each id once, "a" stands twice`},
		{"record", `{"groups": [{"id": "a", "record": "move"}], "tables": {"moves": {"columns": {"c": {"type": "text"}}}}}`, `goop.json:1:13: groups[0]: "record": there is no table "move" (did you mean "moves"?)`},
		{"record in memory", `{"groups": [{"id": "a", "record": "t"}], "tables": {"t": {"columns": {"c": {"type": "text"}}}}}`, `goop.json:1:13: groups[0]: "record" needs a durable group, in whose log a message and its row are stored together: set "durable" to true, or "type" to "persistent"`},
		{"template in groups", `{"groups": [{"id": "a", "template": "match"}]}`, `goop.json:1:13: groups[0]: expected no "template", which is for groups that visitors make`},
		{"templates", `{"create": [1]}`, `goop.json:1:12: create: expected an object, got [1]`},
		{"template's name", `{"create": {"a b": {}}}`, `goop.json:1:20: create.a b: expected a template's name of 1 to 64 of a-z, A-Z, 0-9, "-", "_" and "."`},
		{"template", `{"create": {"match": 7}}`, `goop.json:1:22: create.match: expected an object, got 7`},
		{"template's key", `{"create": {"match": {"maxMember": 2}}}`, `goop.json:1:22: create.match: unknown key "maxMember"; a group has id, name, type, durable, access, listed, dissolve, retain, maxMembers, record, seats and rights`},
		{"template with an id", `{"create": {"match": {"id": "a"}}}`, `goop.json:1:29: create.match.id: expected no "id", which is each group's own`},
		{"template of a template", `{"create": {"match": {"template": "a"}}}`, `goop.json:1:35: create.match.template: expected no "template", which is each group's own`},
		{"each", `{"create": {"match": {"each": 0}}}`, `goop.json:1:31: create.match.each: expected an integer from 1 to 1000, got 0`},
		{"total", `{"create": {"match": {"total": "many"}}}`, `goop.json:1:32: create.match.total: expected an integer from 1 to 1000, got "many"`},
		{"template twice", `{"create": {"a": {}, "a": {}}}`, `goop.json:1:22: create.a: expected each key once, this one stands twice`},
		{"record of a template", `{"create": {"match": {"type": "persistent", "record": "t"}}}`, `goop.json:1:22: create.match: "record": there is no table "t"`},
		{"invite-only into what all may read", `{"groups": [{"id": "a", "type": "invite-only", "record": "t"}], "tables": {"t": {"columns": {"c": {"type": "text"}}, "access": {"read": "open"}}}}`,
			`goop.json:1:13: groups[0]: "record": only those who are invited may know of this group, and everybody may read the table "t": let its rule for "read" be "member", with "memberOf", or "author", "owner" or "none"`},
		{"a template of such groups", `{"create": {"invite-only": {"record": "t"}}, "tables": {"t": {"columns": {"c": {"type": "text"}}, "access": {"read": "open"}}}}`,
			`goop.json:1:28: create.invite-only: "record": only those who are invited may know of this group, and everybody may read the table "t": let its rule for "read" be "member", with "memberOf", or "author", "owner" or "none"`},
		{"escaped key", `{"tables": {"t": {"columns": {"c\u0020": {"type": "text"}}}}}`, `goop.json:1:42: tables.t.columns.c : expected a column's name of a letter and then letters, digits and "_", at most 64`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, err := data.ParseSite([]byte(tt.file))
			if err == nil {
				t.Fatalf("got %+v, want an error", s)
			}
			if got := err.Error(); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if _, ok := errors.AsType[*data.SiteError](err); !ok {
				t.Errorf("got a %T", err)
			}
		})
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
