package data

import (
	"slices"
	"strconv"
	"strings"

	"goop/shared/jsontext"
)

func (p *siteParser) tables(raw []byte, path string) (out []*Table, err error) {
	err = p.object(raw, path, nil, func(name string, v []byte, path string) error {
		if err := p.tableName(name, v, path, "table"); err != nil {
			return err
		}
		if len(out) == MaxTables {
			return p.fail(v, path, "expected at most ", strconv.Itoa(MaxTables), " tables")
		}
		t, err := p.table(name, v, path)
		out = append(out, t)
		return err
	})
	return out, err
}

// tableName checks the name of a table or view; they are names of the same kind.
func (p *siteParser) tableName(name string, v []byte, path, what string) error {
	if err := p.name(name, v, path, what); err != nil {
		return err
	}
	if strings.HasPrefix(strings.ToLower(name), "sqlite_") {
		return p.fail(v, path, `expected a `, what, `'s name that does not begin with "sqlite_"`)
	}
	if !p.taken.add(strings.ToLower(name)) {
		return p.fail(v, path, "expected a name that differs from those of the other tables and views by more than its case")
	}
	return nil
}

// name checks the name of a table, view or column.
func (p *siteParser) name(name string, v []byte, path, what string) error {
	ok := name != "" && len(name) <= maxNameBytes
	for i, c := range []byte(name) {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		ok = ok && (letter || i > 0 && ('0' <= c && c <= '9' || c == '_'))
	}
	switch {
	case strings.HasPrefix(name, "_"):
		return p.fail(v, path, "expected a ", what, `'s name that begins with a letter; those with "_" are the host's`)
	case !ok:
		return p.fail(v, path, "expected a ", what, `'s name of a letter and then letters, digits and "_", at most 64`)
	}
	return nil
}

// unread is what of a table or view is read once all of them are known.
type unread struct {
	table  *Table
	raw    []byte // the whole table or view
	path   string
	access []byte // nil when there is none; of a view its rule for reading
}

func (p *siteParser) table(name string, raw []byte, path string) (*Table, error) {
	var columns []Column
	later := map[string][]byte{} // what can be read once the columns are known
	err := p.object(raw, path, tableKeys, func(key string, v []byte, path string) (err error) {
		if key == "columns" {
			columns, err = p.columns(v, path)
		} else {
			later[key] = v
		}
		return err
	})
	if err == nil && columns == nil {
		err = p.fail(raw, path, `expected "columns", with at least one column`)
	}
	if err != nil {
		return nil, err
	}
	t := named(&Table{Name: name, Columns: withSystem(columns)})
	if v, ok := later["indexes"]; ok && err == nil {
		t.Indexes, err = p.indexes(v, path+".indexes", columns)
	}
	if v, ok := later["memberOf"]; ok && err == nil {
		t.MemberOf, err = p.memberOf(v, path+".memberOf", columns)
	}
	if v, ok := later["search"]; ok && err == nil {
		t.Search, err = p.search(v, path+".search", columns)
	}
	p.unread = append(p.unread, unread{t, raw, path, later["access"]})
	return t, err
}

func (p *siteParser) indexes(raw []byte, path string, columns []Column) (out []Index, err error) {
	err = p.elements(raw, path, MaxIndexes, func(_ int, v []byte, path string) error {
		index, err := p.index(v, path, columns)
		if err == nil && slices.ContainsFunc(out, func(x Index) bool { return slices.Equal(x.Columns, index.Columns) }) {
			err = p.fail(v, path, "expected each index once")
		}
		out = append(out, index)
		return err
	})
	return out, err
}

// index reads a list of columns, or {"columns": list, "unique": true}.
func (p *siteParser) index(raw []byte, path string, columns []Column) (x Index, err error) {
	list, below := raw, path
	if jsontext.KindOf(raw) == jsontext.Object {
		list, below = nil, path+".columns"
		err = p.object(raw, path, indexKeys, func(key string, v []byte, path string) (err error) {
			if key == "columns" {
				list = v
			} else {
				x.Unique, err = p.boolean(v, path)
			}
			return err
		})
		if err == nil && list == nil {
			err = p.fail(raw, path, `expected "columns", such as ["game", "ply"]`)
		}
		if err != nil {
			return x, err
		}
	}
	err = p.elements(list, below, MaxIndexed, func(_ int, v []byte, path string) error {
		c, err := p.columnName(v, path, indexable(columns))
		switch {
		case err != nil:
		case slices.Contains(x.Columns, c.Name):
			err = p.fail(v, path, "expected each column once")
		case c.Type == JSON:
			err = p.fail(v, path, "expected a column that is not json")
		}
		x.Columns = append(x.Columns, c.Name)
		return err
	})
	if err == nil && len(x.Columns) == 0 {
		err = p.fail(list, below, `expected the names of columns, such as ["game", "ply"]`)
	}
	return x, err
}

// indexable returns the author's columns and those of the host's that may be in an index.
func indexable(columns []Column) []Column {
	return append(slices.Clone(columns), Column{Name: OwnerColumn, Type: Text}, Column{Name: CreatedColumn, Type: Time})
}

// search reads the names of the columns whose words are indexed.
func (p *siteParser) search(raw []byte, path string, columns []Column) (out []string, err error) {
	err = p.elements(raw, path, MaxIndexed, func(_ int, v []byte, path string) error {
		c, err := p.columnName(v, path, columns)
		switch {
		case err != nil:
		case c.Type != Text:
			err = p.fail(v, path, "expected a column of type text, this column is ", string(c.Type))
		case c.Hidden:
			err = p.fail(v, path, "expected a column that is not hidden, whoever finds a row by its words knows them")
		case slices.Contains(out, c.Name):
			err = p.fail(v, path, "expected each column once")
		}
		out = append(out, c.Name)
		return err
	})
	if err == nil && len(out) == 0 {
		err = p.fail(raw, path, `expected the names of text columns, such as ["title", "body"]`)
	}
	return out, err
}

// columnName reads the name of one of the columns.
func (p *siteParser) columnName(raw []byte, path string, columns []Column) (Column, error) {
	name, err := jsontext.Str(raw)
	if err != nil {
		return Column{}, p.fail(raw, path, "expected a column's name, got ", describe(raw))
	}
	var known []string
	for _, c := range columns {
		if c.Name == name {
			return c, nil
		}
		known = append(known, c.Name)
	}
	return Column{}, p.fail(raw, path, `expected one of the table's columns, got "`, clip(name), `"`, suggest(name, known))
}

func (p *siteParser) memberOf(raw []byte, path string, columns []Column) (string, error) {
	c, err := p.columnName(raw, path, columns)
	switch {
	case err != nil:
	case c.Type != Text:
		err = p.fail(raw, path, "expected a column of type text, which holds the id of the row's group")
	case c.Hidden:
		err = p.fail(raw, path, "expected a column that is not hidden, the group's members know it")
	}
	return c.Name, err
}

// links reads what of the tables needs all of them: where references lead, and the rules.
func (p *siteParser) links(s *Site) error {
	for _, u := range p.unread {
		for i := range u.table.Columns {
			if err := p.target(s, &u.table.Columns[i], u); err != nil {
				return err
			}
		}
	}
	for _, u := range p.unread {
		if err := p.rules(s, u); err != nil {
			return err
		}
	}
	if err := p.reach(); err != nil {
		return err
	}
	for _, u := range p.unread {
		u.table.visitors = u.table.twin()
	}
	return nil
}

// rules reads the rules of a table or view.
func (p *siteParser) rules(s *Site, u unread) (err error) {
	a := &u.table.Access
	switch {
	case u.table.View != nil:
		*a = Access{Insert: Rule{Who: Nobody}, Update: Rule{Who: Nobody}, Remove: Rule{Who: Nobody}}
		if u.access != nil {
			a.Read, err = p.rule(s, u.table, u.access, u.path+".read", ruleKeys)
		}
	case u.access != nil:
		*a, err = p.access(s, u)
	}
	if err == nil {
		err = p.settable(u)
	}
	return err
}

// target checks that a reference leads to a table.
func (p *siteParser) target(s *Site, c *Column, u unread) error {
	if c.References == "" {
		return nil
	}
	if _, ok := s.Table(c.References); ok {
		return nil
	}
	part := find(u.raw, "columns", c.Name, "references")
	return p.fail(part, u.path+".columns."+c.Name+".references", `expected one of the site's tables, got "`, clip(c.References), `"`,
		suggest(c.References, s.tableNames()))
}

// settable checks that those who may insert can.
func (p *siteParser) settable(u unread) error {
	switch u.table.Access.Insert.Who {
	case "", SiteOwner, Nobody:
		return nil
	}
	for _, c := range u.table.Columns {
		if c.OwnerSets && c.Required && c.Default.IsNull() {
			return p.fail(find(u.raw, "columns", c.Name), u.path+".columns."+c.Name,
				`expected a "default": the column is required, only the site's owner sets it, and others may insert`)
		}
	}
	return nil
}

// find returns the value that stands at a path of keys below an object, all of which are there.
func find(raw []byte, keys ...string) []byte {
	for _, key := range keys {
		raw = member(raw, key)
	}
	return raw
}
