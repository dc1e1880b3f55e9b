package data

import (
	"slices"

	"goop/shared/group"
	"goop/shared/jsontext"
	"goop/shared/wire"
)

// extent tells for which rows a caller may do something, as far as that can be told without a row.
func (t *Table) extent(action Action, c group.Caller) string {
	g := t.Access.Rule(action).For(c)
	whole := g.Kind == AllRows || g.Kind == OwnRows && action == Insert // a new row is its inserter's
	switch {
	case g.Kind == NoRows:
		return "none"
	case whole && g.If == nil && g.Then == nil && !slices.Contains(systemTables, t): // in those the groups decide
		return "all"
	}
	return "some"
}

// AppendRoleFor appends the line of an answer to "role" when it named a table.
func AppendRoleFor(dst []byte, id int64, role wire.Role, t *Table, c group.Caller) []byte {
	w := begin(dst, id)
	w.Key("role")
	w.Str(string(role))
	w.Key("access")
	t.Access.append(&w)
	w.Key("may")
	w.Begin('{')
	for _, action := range []Action{Read, Insert, Update, Remove} {
		w.Key(string(action))
		w.Str(t.extent(action, c))
	}
	w.End('}')
	return end(w)
}

// AppendTables appends the line of an answer to "tables".
func AppendTables(dst []byte, id int64, tables []*Table) []byte {
	w := begin(dst, id)
	w.Key("tables")
	w.Begin('[')
	for _, t := range tables {
		w.Begin('{')
		w.Key("name")
		w.Str(t.Name)
		w.Key("access")
		t.Access.append(&w)
		flag(&w, "view", t.View != nil)
		w.End('}')
	}
	w.End(']')
	return end(w)
}

// AppendSchema appends the line of an answer to "schema", without what is hidden from those whom the table
// is for.
func AppendSchema(dst []byte, id int64, t *Table) []byte {
	w := begin(dst, id)
	w.Key("schema")
	w.Begin('{')
	w.Key("name")
	w.Str(t.Name)
	flag(&w, "view", t.View != nil)
	w.Key("columns")
	w.Begin('[')
	for i := range t.Columns {
		if t.Lookup(t.Columns[i].Name) >= 0 {
			t.Columns[i].append(&w)
		}
	}
	w.End(']')
	if len(t.Indexes) > 0 {
		w.Key("indexes")
		w.Begin('[')
		for _, ix := range t.Indexes {
			ix.append(&w)
		}
		w.End(']')
	}
	if len(t.Search) > 0 {
		texts(&w, "search", t.Search)
	}
	if t.MemberOf != "" && t.Lookup(t.MemberOf) >= 0 {
		w.Key("memberOf")
		w.Str(t.MemberOf)
	}
	w.Key("access")
	t.Access.append(&w)
	w.End('}')
	return end(w)
}

// append writes the index as goop.json has it.
func (ix *Index) append(w *jsontext.Writer) {
	if ix.Unique {
		w.Begin('{')
		w.Key("columns")
	}
	w.Begin('[')
	for _, name := range ix.Columns {
		w.Str(name)
	}
	w.End(']')
	if ix.Unique {
		flag(w, "unique", true)
		w.End('}')
	}
}

// append writes the column as goop.json has it, and with its name.
func (c *Column) append(w *jsontext.Writer) {
	value := func(key string, v Value) {
		if !v.IsNull() {
			w.Key(key)
			w.Raw(v.Append(nil))
		}
	}
	w.Begin('{')
	w.Key("name")
	w.Str(c.Name)
	w.Key("type")
	w.Str(string(c.Type))
	flag(w, "required", c.Required)
	value("default", c.Default)
	flag(w, "unique", c.Unique)
	value("min", c.Min)
	value("max", c.Max)
	if c.MaxLength > 0 {
		w.Key("maxLength")
		w.Int(int64(c.MaxLength))
	}
	if len(c.Enum) > 0 {
		w.Key("enum")
		w.Begin('[')
		for _, v := range c.Enum {
			w.Raw(v.Append(nil))
		}
		w.End(']')
	}
	if c.References != "" {
		w.Key("references")
		w.Str(c.References)
		w.StrUnlessEmpty("onRemove", string(c.OnRemove))
	}
	flag(w, "hidden", c.Hidden)
	switch {
	case c.OwnerSets:
		flag(w, "readonly", true)
	case c.Fixed:
		w.Key("readonly")
		w.Str("update")
	}
	flag(w, "readOnly", c.ReadOnly)
	w.End('}')
}

// flag writes a member that is true, and nothing otherwise.
func flag(w *jsontext.Writer, key string, v bool) {
	if v {
		w.Key(key)
		w.Bool(v)
	}
}

// texts writes a member that is a list of texts.
func texts(w *jsontext.Writer, key string, values []string) {
	w.Key(key)
	w.Begin('[')
	for _, v := range values {
		w.Str(v)
	}
	w.End(']')
}
