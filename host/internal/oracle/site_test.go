package oracle_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// site is what a goop.json declares.
type site struct {
	tables []*table
	views  []*table
}

// table is one table of a site.
type table struct {
	name     string
	columns  []column
	memberOf string
	unique   [][]string // columns that are unique together
	search   []string
	access   map[string]rule // of an action; a missing one is the owner's

	of    *table // of a view: the table whose rows it shows, whoever may read those
	shows string // of a view: the column in which these have a value
}

type column struct {
	name       string
	typ        string
	required   bool
	hidden     bool
	readonly   string // "", "always" or "update"
	unique     bool
	def        any // nil for none
	least      any
	most       any
	enum       []any
	references *table
	onRemove   string // "clear", "cascade" or "keep"
}

// rule is who may do something, and under which condition.
type rule struct {
	who  string
	cond *cond // nil for none
	then *cond // of an update: nil for the same
}

var actions = []string{"read", "insert", "update", "remove"}

// system are the columns that the host keeps.
var system = []column{{name: "_id", typ: "id"}, {name: "_owner", typ: "text"}, {name: "_created_at", typ: "time"}, {name: "_updated_at", typ: "time"}}

// find returns a column, nil when there is none.
func (t *table) find(name string) *column {
	for i := range t.columns {
		if t.columns[i].name == name {
			return &t.columns[i]
		}
	}
	for i := range t.system() {
		if system[i].name == name {
			return &system[i]
		}
	}
	return nil
}

// system returns the columns that the host keeps in the table.
func (t *table) system() []column {
	if t.of != nil {
		return system[:1]
	}
	return system
}

// known returns the columns that somebody may know of, in the order in which a row shows them.
func (t *table) known(owner bool) []column {
	var out []column
	for _, c := range slices.Concat(system[:1], t.columns, t.system()[1:]) {
		if owner || !c.hidden {
			out = append(out, c)
		}
	}
	return out
}

// newSite makes up a site. References lead to tables that come earlier, so that rules never go in a circle.
func newSite(r *rand.Rand) *site {
	s := &site{}
	for i := range 2 + r.IntN(2) {
		s.tables = append(s.tables, newTable(r, fmt.Sprint("t", i), s.tables))
	}
	if chance(r, 60) {
		s.views = append(s.views, newView(r, "v0", pick(r, s.tables...)))
	}
	return s
}

// newView makes up a view of some columns of a table, hidden ones too.
func newView(r *rand.Rand, name string, of *table) *table {
	v := &table{name: name, of: of, access: map[string]rule{}}
	for _, c := range of.columns {
		if c.references == nil && chance(r, 70) {
			v.columns = append(v.columns, column{name: c.name, typ: c.typ, hidden: chance(r, 10)})
		}
	}
	if v.columns == nil {
		v.columns = []column{{name: "c", typ: "time"}}
	}
	v.shows = v.columns[0].name
	for _, c := range v.columns {
		if c.name == "g" {
			v.memberOf = "g"
			v.columns[0].hidden = false
		}
	}
	v.access["read"] = newRule(r, v, "read")
	for v.access["read"].who == "author" {
		v.access["read"] = newRule(r, v, "read")
	}
	return v
}

// source is the column of the table behind a view's column.
func source(name string) string {
	if name == "c" {
		return "_created_at"
	}
	return name
}

// viewed declares a view.
func (t *table) viewed(open bool) object {
	var columns object
	var sql strings.Builder
	sql.WriteString("SELECT _id")
	for _, c := range t.columns {
		o := object{{"type", c.typ}}
		if c.hidden && !open {
			o = append(o, pair{"hidden", true})
		}
		columns = append(columns, pair{c.name, o})
		sql.WriteString(", " + source(c.name) + " AS " + c.name)
	}
	o := object{{"sql", sql.String() + " FROM " + t.of.name + " WHERE " + source(t.shows) + " IS NOT NULL"}, {"id", "integer"}, {"columns", columns}}
	if t.memberOf != "" {
		o = append(o, pair{"memberOf", t.memberOf})
	}
	return append(o, t.rules(open, "read")...)
}

// typed are the columns that a table may have, by what is in them.
var typed = []column{
	{name: "a", typ: "text"}, {name: "b", typ: "boolean"}, {name: "d", typ: "time"}, {name: "f", typ: "text"},
	{name: "h", typ: "integer"}, {name: "k", typ: "text"}, {name: "n", typ: "integer"}, {name: "p", typ: "integer"},
	{name: "u", typ: "integer"}, {name: "w", typ: "text"}, {name: "x", typ: "real"},
}

func newTable(r *rand.Rand, name string, earlier []*table) *table {
	t := &table{name: name, access: map[string]rule{}}
	if chance(r, 60) {
		t.memberOf = "g"
		t.columns = append(t.columns, column{name: "g", typ: "text", required: chance(r, 30)})
	}
	for _, c := range typed {
		if !chance(r, 55) {
			continue
		}
		switch c.name {
		case "f":
			c.readonly = "update"
		case "h", "k":
			c.hidden = true
		case "p":
			c.readonly = "always"
			if chance(r, 70) {
				c.def = int64(0)
			}
		case "u":
			c.unique = chance(r, 60)
		case "n":
			if chance(r, 30) {
				c.least, c.most = int64(0), int64(4)
			}
		case "a":
			if chance(r, 20) {
				c.enum = []any{"x", "y", "Xy"}
			}
		}
		if c.def == nil && chance(r, 20) && !c.unique && c.enum == nil {
			c.def = someValue(r, &c, nil)
		}
		if c.readonly != "always" && !c.hidden && chance(r, 15) {
			c.required = true
		}
		if c.name == "w" && chance(r, 70) {
			t.search = append(t.search, c.name)
		}
		t.columns = append(t.columns, c)
	}
	for i, to := range earlier {
		if chance(r, 70) {
			c := column{name: fmt.Sprint("r", i), typ: "integer", references: to, required: chance(r, 20)}
			c.onRemove = pick(r, "clear", "cascade", "keep")
			if c.required && c.onRemove == "clear" {
				c.onRemove = "keep"
			}
			t.columns = append(t.columns, c)
		}
	}
	if len(t.columns) == 0 {
		t.columns = append(t.columns, column{name: "n", typ: "integer"})
	}
	if t.find("n") != nil && chance(r, 15) {
		t.unique = append(t.unique, []string{"n", "_owner"})
	}
	for _, action := range actions {
		if !chance(r, 96) {
			continue
		}
		t.access[action] = newRule(r, t, action)
	}
	return t
}

func newRule(r *rand.Rand, t *table, action string) rule {
	who := []string{"open", "open", "open", "open", "open", "author", "author", "owner"}
	if t.memberOf != "" {
		who = append(who, "member", "member", "role:viewer", "role:member", "role:moderator")
	}
	if chance(r, 5) {
		who = []string{"none"}
	}
	u := rule{who: pick(r, who...)}
	if u.who != "none" && u.who != "owner" && chance(r, 35) {
		u.cond = newCond(r, t, 2, true, true)
		if action == "update" && chance(r, 50) {
			u.then = newCond(r, t, 2, true, true)
		}
	}
	return u
}

// object is a JSON object whose keys keep their order.
type object []pair

type pair struct {
	key   string
	value any
}

// MarshalJSON implements json.Marshaler.
func (o object) MarshalJSON() ([]byte, error) {
	out := []byte{'{'}
	for i, p := range o {
		if i > 0 {
			out = append(out, ',')
		}
		key, err := json.Marshal(p.key)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(p.value)
		if err != nil {
			return nil, err
		}
		out = append(append(append(out, key...), ':'), value...)
	}
	return append(out, '}'), nil
}

// text returns the goop.json; for everybody to do everything with all columns, when it is open.
func (s *site) text(open bool) string {
	var tables object
	for _, t := range s.tables {
		tables = append(tables, pair{t.name, t.declared(open)})
	}
	views := object{}
	for _, v := range s.views {
		views = append(views, pair{v.name, v.viewed(open)})
	}
	raw, err := json.Marshal(object{{"name", "Oracle"}, {"tables", tables}, {"views", views}})
	must(err)
	return string(raw)
}

func (t *table) declared(open bool) object {
	var columns object
	for _, c := range t.columns {
		o := object{{"type", c.typ}}
		add := func(key string, v any, when bool) {
			if when {
				o = append(o, pair{key, v})
			}
		}
		add("required", true, c.required)
		add("default", c.def, c.def != nil)
		add("unique", true, c.unique)
		add("min", c.least, c.least != nil)
		add("max", c.most, c.most != nil)
		add("enum", c.enum, c.enum != nil)
		add("hidden", true, c.hidden && !open)
		add("readonly", true, c.readonly == "always" && !open)
		add("readonly", "update", c.readonly == "update" && !open)
		if c.references != nil {
			add("references", c.references.name, true)
			add("onRemove", c.onRemove, true)
		}
		columns = append(columns, pair{c.name, o})
	}
	o := object{{"columns", columns}}
	var indexes []any
	for _, list := range t.unique {
		indexes = append(indexes, object{{"columns", list}, {"unique", true}})
	}
	if indexes != nil {
		o = append(o, pair{"indexes", indexes})
	}
	if t.memberOf != "" {
		o = append(o, pair{"memberOf", t.memberOf})
	}
	if t.search != nil {
		o = append(o, pair{"search", t.search})
	}
	return append(o, pair{"access", t.rules(open, actions...)})
}

// rules declares who may do what.
func (t *table) rules(open bool, actions ...string) object {
	var access object
	for _, action := range actions {
		u, ok := t.access[action]
		switch {
		case open:
			access = append(access, pair{action, "open"})
		case ok && u.cond == nil:
			access = append(access, pair{action, u.who})
		case ok:
			full := object{{"who", u.who}, {"if", u.cond}}
			if u.then != nil {
				full = append(full, pair{"then", u.then})
			}
			access = append(access, pair{action, full})
		}
	}
	return access
}
