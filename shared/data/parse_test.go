package data_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"goop/shared/data"
)

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
		{"comma", "{\n  \"name\": \"x\",\n}", `goop.json:3:1: expected a key in double quotes: the last one has no comma behind it`},
		{"comma in a list", `{"groups": [{"id": "g"}, ]}`, `goop.json:1:26: expected a JSON value: the last one has no comma behind it`},
		{"comment", "// my site\n{}", `goop.json:1:1: expected a JSON value: JSON has no comments`},
		{"comment inside", "{\n  /* mine */ \"name\": \"x\"}", `goop.json:2:3: expected a key in double quotes: JSON has no comments`},
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
		{"view of a number", `{"views": {"v": {"sql": 7}}}`, `goop.json:1:25: views.v.sql: expected a string, or a list of lines, got 7`},
		{"line of a view", `{"views": {"v": {"sql": ["SELECT", 7]}}}`, `goop.json:1:36: views.v.sql[1]: expected a line of SQL as a string, got 7`},
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
