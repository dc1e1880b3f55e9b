package data

import (
	"slices"
	"strconv"
	"strings"

	"goop/shared/jsontext"
)

func (p *siteParser) views(raw []byte, path string) (out []*Table, err error) {
	err = p.object(raw, path, nil, func(name string, v []byte, path string) error {
		if err := p.tableName(name, v, path, "view"); err != nil {
			return err
		}
		if len(out) == MaxViews {
			return p.fail(v, path, "expected at most ", strconv.Itoa(MaxViews), " views")
		}
		t, err := p.view(name, v, path)
		out = append(out, t)
		return err
	})
	return out, err
}

func (p *siteParser) view(name string, raw []byte, path string) (*Table, error) {
	view := &View{}
	id := Column{Name: IDColumn, Type: Text, ReadOnly: true}
	var columns []Column
	err := p.object(raw, path, viewKeys, func(key string, v []byte, path string) (err error) {
		switch key {
		case "sql":
			view.SQL, err = p.sql(v, path)
		case "id":
			s, bad := jsontext.Str(v)
			if id.Type = Type(s); bad != nil || id.Type != Text && id.Type != Integer {
				return p.fail(v, path, `expected "text" or "integer", which is what its _id is, got `, describe(v))
			}
		case "columns":
			columns, err = p.columnsOf(v, path, p.viewColumn)
		}
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case view.SQL == "":
		return nil, p.fail(raw, path, `expected "sql", the SELECT whose rows the view has`)
	case columns == nil:
		return nil, p.fail(raw, path, `expected "columns", with at least one column`)
	}
	t := named(&Table{Name: name, Columns: append([]Column{id}, columns...), View: view})
	if v := member(raw, "memberOf"); v != nil {
		t.MemberOf, err = p.memberOf(v, path+".memberOf", columns)
	}
	p.unread = append(p.unread, unread{t, raw, path, member(raw, "read")})
	return t, err
}

// sql reads the text of a view, a string or a list of its lines. The database will tell whether it is SQL.
func (p *siteParser) sql(raw []byte, path string) (string, error) {
	s, err := jsontext.Str(raw)
	if jsontext.KindOf(raw) == jsontext.Array {
		var lines []string
		err = p.elements(raw, path, MaxViewSQL, func(_ int, v []byte, path string) error {
			line, err := jsontext.Str(v)
			if err != nil {
				return p.fail(v, path, "expected a line of SQL as a string, got ", describe(v))
			}
			lines = append(lines, line)
			return nil
		})
		if err != nil {
			return "", err
		}
		s = strings.Join(lines, "\n")
	} else if err != nil {
		return "", p.fail(raw, path, "expected a string, or a list of lines, got ", describe(raw))
	}
	s = strings.TrimRight(s, "; \t\r\n")
	switch {
	case s == "":
		return "", p.fail(raw, path, "expected a SELECT, got ", describe(raw))
	case len(s) > MaxViewSQL:
		return "", p.fail(raw, path, "expected at most ", strconv.Itoa(MaxViewSQL), " bytes")
	case strings.IndexByte(s, 0) >= 0:
		return "", p.fail(raw, path, "expected text without the character U+0000")
	}
	return s, nil
}

func (p *siteParser) viewColumn(name string, raw []byte, path string) (Column, error) {
	c := Column{Name: name, ReadOnly: true}
	err := p.object(raw, path, viewColumnKeys, func(key string, v []byte, path string) (err error) {
		switch key {
		case "type":
			c.Type, err = p.columnType(v, path)
		case "hidden":
			c.Hidden, err = p.boolean(v, path)
		}
		return err
	})
	if err == nil && c.Type == "" {
		err = p.fail(raw, path, `expected a "type", one of `, typeList)
	}
	return c, err
}

// columnType reads the type of a column.
func (p *siteParser) columnType(raw []byte, path string) (Type, error) {
	s, err := jsontext.Str(raw)
	if err != nil || !slices.Contains(Types, Type(s)) {
		return "", p.fail(raw, path, "expected one of ", typeList, ", got ", describe(raw))
	}
	return Type(s), nil
}
