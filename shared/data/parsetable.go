package data

import (
	"slices"
	"strconv"
	"strings"

	"goop/shared/jsontext"
)

func (p *siteParser) tables(raw []byte, path string) (out []*Table, err error) {
	var seen names
	err = p.object(raw, path, nil, func(name string, v []byte, path string) error {
		if err := p.name(name, v, path, "table"); err != nil {
			return err
		}
		if strings.HasPrefix(strings.ToLower(name), "sqlite_") {
			return p.fail(v, path, `expected a table's name that does not begin with "sqlite_"`)
		}
		if !seen.add(strings.ToLower(name)) {
			return p.fail(v, path, "expected a name that differs from the others by more than its case")
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

// name checks the name of a table or column.
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

func (p *siteParser) table(name string, raw []byte, path string) (*Table, error) {
	var columns []Column
	var indexes []Index
	var access Access
	var memberOf string
	var rawIndexes, rawMember, rawAccess []byte
	err := p.object(raw, path, tableKeys, func(key string, v []byte, path string) (err error) {
		switch key {
		case "columns":
			columns, err = p.columns(v, path)
		case "indexes":
			rawIndexes = v
		case "memberOf":
			rawMember = v
		case "access":
			rawAccess = v
		}
		return err
	})
	if err == nil && columns == nil {
		err = p.fail(raw, path, `expected "columns", with at least one column`)
	}
	if err == nil && rawIndexes != nil {
		indexes, err = p.indexes(rawIndexes, path+".indexes", columns)
	}
	if err == nil && rawMember != nil {
		memberOf, err = p.memberOf(rawMember, path+".memberOf", columns)
	}
	if err == nil && rawAccess != nil {
		access, err = p.access(rawAccess, path+".access", memberOf)
	}
	if err != nil {
		return nil, err
	}
	return NewTable(name, columns, indexes, memberOf, access), nil
}

func (p *siteParser) columns(raw []byte, path string) (out []Column, err error) {
	var seen names
	err = p.object(raw, path, nil, func(name string, v []byte, path string) error {
		if err := p.name(name, v, path, "column"); err != nil {
			return err
		}
		switch lower := strings.ToLower(name); {
		case slices.Contains([]Test{And, Or, Not}, Test(lower)):
			return p.fail(v, path, `expected another name, "and", "or" and "not" are words of conditions`)
		case !seen.add(lower):
			return p.fail(v, path, "expected a name that differs from the others by more than its case")
		case len(out) == MaxColumns:
			return p.fail(v, path, "expected at most ", strconv.Itoa(MaxColumns), " columns")
		}
		c, err := p.column(name, v, path)
		out = append(out, c)
		return err
	})
	return out, err
}

// typeList is "text, integer, …".
var typeList = func() string {
	var list []string
	for _, t := range Types {
		list = append(list, string(t))
	}
	return strings.Join(list, ", ")
}()

func (p *siteParser) column(name string, raw []byte, path string) (Column, error) {
	c := Column{Name: name}
	later := map[string][]byte{} // what can be read once the type is known
	err := p.object(raw, path, columnKeys, func(key string, v []byte, path string) (err error) {
		switch key {
		case "type":
			s, err := jsontext.Str(v)
			if err != nil || !slices.Contains(Types, Type(s)) {
				return p.fail(v, path, "expected one of ", typeList, ", got ", describe(v))
			}
			c.Type = Type(s)
		case "required":
			c.Required, err = p.boolean(v, path)
		case "unique":
			c.Unique, err = p.boolean(v, path)
		default:
			later[key] = v
		}
		return err
	})
	if err != nil {
		return c, err
	}
	if c.Type == "" {
		return c, p.fail(raw, path, `expected a "type", one of `, typeList)
	}
	if c.Unique && c.Type == JSON {
		return c, p.fail(raw, path+".unique", "expected a column of another type, json values cannot be unique")
	}
	// The default comes last: the others say what it may be.
	for _, key := range []string{"min", "max", "maxLength", "enum", "default"} {
		if v, ok := later[key]; ok && err == nil {
			err = p.bound(&c, key, v, path+"."+key)
		}
	}
	return c, err
}

// fitting tells for which types each of these keys makes sense.
var fitting = map[string][]Type{
	"min":       {Integer, Real, Time},
	"max":       {Integer, Real, Time},
	"maxLength": {Text, Blob, JSON},
	"enum":      {Text, Integer},
	"default":   Types,
}

// bound reads one of the keys that depend on the column's type.
func (p *siteParser) bound(c *Column, key string, raw []byte, path string) (err error) {
	if !slices.Contains(fitting[key], c.Type) {
		return p.fail(raw, path, "expected it only with the types ", typesOf(fitting[key]), ", this column is ", string(c.Type))
	}
	switch key {
	case "min":
		c.Min, err = p.value(c, raw, path)
	case "max":
		if c.Max, err = p.value(c, raw, path); err == nil && !c.Min.IsNull() && compare(c.Min, c.Max) > 0 {
			err = p.fail(raw, path, "expected at least min, which is ", string(c.Min.Append(nil)))
		}
	case "maxLength":
		n, wrong := jsontext.Int(raw)
		if wrong != nil || n < 1 || n > MaxSite {
			return p.fail(raw, path, "expected an integer from 1 to ", strconv.Itoa(MaxSite), ", got ", describe(raw))
		}
		c.MaxLength = int(n)
	case "enum":
		err = p.elements(raw, path, MaxEnum, func(_ int, v []byte, path string) error {
			x, err := p.value(c, v, path)
			if err == nil && slices.Contains(c.Enum, x) {
				err = p.fail(v, path, "expected each value once")
			}
			c.Enum = append(c.Enum, x)
			return err
		})
		if err == nil && len(c.Enum) == 0 {
			err = p.fail(raw, path, "expected at least one value")
		}
	case "default":
		if c.Default, err = p.value(c, raw, path); err == nil {
			if wrong := c.check(c.Default); wrong != nil {
				err = p.fail(raw, path, wrong.Error())
			}
		}
	}
	return err
}

// value reads a value of the column's type that is not null.
func (p *siteParser) value(c *Column, raw []byte, path string) (Value, error) {
	v, err := c.Type.parse(raw)
	if err == nil && v.IsNull() {
		err = expected("a value of type " + string(c.Type) + ", got null")
	}
	if err != nil {
		return v, p.fail(raw, path, err.Error())
	}
	return v, nil
}

func typesOf(types []Type) string {
	var list []string
	for _, t := range types {
		list = append(list, string(t))
	}
	return strings.Join(list, ", ")
}

func (p *siteParser) indexes(raw []byte, path string, columns []Column) (out []Index, err error) {
	err = p.elements(raw, path, MaxIndexes, func(_ int, v []byte, path string) error {
		var index []string
		err := p.elements(v, path, MaxIndexed, func(_ int, v []byte, path string) error {
			c, err := p.columnName(v, path, columns)
			switch {
			case err != nil:
			case slices.Contains(index, c.Name):
				err = p.fail(v, path, "expected each column once")
			case c.Type == JSON:
				err = p.fail(v, path, "expected a column that is not json")
			}
			index = append(index, c.Name)
			return err
		})
		switch {
		case err != nil:
		case len(index) == 0:
			err = p.fail(v, path, `expected the names of columns, such as ["game", "ply"]`)
		case slices.ContainsFunc(out, func(x Index) bool { return slices.Equal(x.Columns, index) }):
			err = p.fail(v, path, "expected each index once")
		}
		out = append(out, Index{Columns: index})
		return err
	})
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
	if err == nil && c.Type != Text {
		err = p.fail(raw, path, "expected a column of type text, which holds the id of the row's group")
	}
	return c.Name, err
}

func (p *siteParser) access(raw []byte, path, memberOf string) (a Access, err error) {
	err = p.object(raw, path, accessKeys, func(key string, v []byte, path string) error {
		r, err := p.rule(v, path, memberOf)
		switch Action(key) {
		case Read:
			a.Read = r
		case Insert:
			a.Insert = r
		case Update:
			a.Update = r
		case Remove:
			a.Remove = r
		}
		return err
	})
	return a, err
}

// rule reads "x" or {"who": "x"}.
func (p *siteParser) rule(raw []byte, path, memberOf string) (r Rule, err error) {
	who := raw
	if jsontext.KindOf(raw) == jsontext.Object {
		who = nil
		err := p.object(raw, path, ruleKeys, func(_ string, v []byte, below string) error {
			who, path = v, below
			return nil
		})
		if err != nil {
			return r, err
		}
		if who == nil {
			return r, p.fail(raw, path, `expected "who", one of `, strings.Join(ruleNames, ", "))
		}
	}
	s, bad := jsontext.Str(who)
	r, ok := parseRule(s)
	switch {
	case bad != nil || !ok:
		return r, p.fail(who, path, "expected one of ", strings.Join(ruleNames, ", "), ", got ", describe(who), suggest(s, ruleNames))
	case r.needsGroup() && memberOf == "":
		return r, p.fail(who, path, `expected the table to have "memberOf", the column with the id of the row's group, since `,
			describe(who), " asks for it")
	}
	return r, nil
}
