package data

import (
	"slices"
	"strconv"
	"strings"

	"goop/shared/jsontext"
)

func (p *siteParser) columns(raw []byte, path string) (out []Column, err error) {
	return p.columnsOf(raw, path, p.column)
}

// columnsOf reads the columns of a table or view.
func (p *siteParser) columnsOf(raw []byte, path string, column func(name string, raw []byte, path string) (Column, error)) (out []Column, err error) {
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
		c, err := column(name, v, path)
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
	later := map[string][]byte{} // what can be read once the rest is known
	err := p.object(raw, path, columnKeys, func(key string, v []byte, path string) (err error) {
		switch key {
		case "type":
			c.Type, err = p.columnType(v, path)
		case "required":
			c.Required, err = p.boolean(v, path)
		case "unique":
			c.Unique, err = p.boolean(v, path)
		case "hidden":
			c.Hidden, err = p.boolean(v, path)
			c.OwnerSets = c.OwnerSets || c.Hidden
		case "readonly":
			err = p.readonly(&c, v, path)
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
	if err := p.reference(&c, later, raw, path); err != nil {
		return c, err
	}
	// The default comes last: the others say what it may be.
	for _, key := range []string{"min", "max", "maxLength", "enum", "default"} {
		if v, ok := later[key]; ok && err == nil {
			err = p.bound(&c, key, v, path+"."+key)
		}
	}
	return c, err
}

// readonly reads true, or "update" for a column that a new row may set.
func (p *siteParser) readonly(c *Column, raw []byte, path string) error {
	if s, err := jsontext.Str(raw); err == nil && s == "update" {
		c.Fixed = true
		return nil
	}
	on, err := jsontext.Boolean(raw)
	if err != nil {
		return p.fail(raw, path, `expected true, false or "update", which lets a new row set it, got `, describe(raw))
	}
	c.OwnerSets = c.OwnerSets || on
	return nil
}

// reference reads references and onRemove. Whether there is such a table is known when all are read.
func (p *siteParser) reference(c *Column, keys map[string][]byte, raw []byte, path string) error {
	to, remove := keys["references"], keys["onRemove"]
	if to == nil {
		if remove != nil {
			return p.fail(remove, path+".onRemove", `expected "references" beside it, the table to whose rows the column leads`)
		}
		return nil
	}
	name, err := jsontext.Str(to)
	if err != nil {
		return p.fail(to, path+".references", "expected a table's name, got ", describe(to))
	}
	if c.Type != Integer {
		return p.fail(to, path+".references", "expected a column of type integer, which holds the _id of a row, this column is ", string(c.Type))
	}
	for _, key := range []string{"min", "max", "enum", "default"} {
		if v, ok := keys[key]; ok {
			return p.fail(v, path+"."+key, `expected none with "references", the host chooses the _id of a row`)
		}
	}
	c.References, c.OnRemove = name, Clear
	if c.Required {
		c.OnRemove = Keep
	}
	if remove == nil {
		return nil
	}
	s, err := jsontext.Str(remove)
	switch {
	case err != nil || !slices.Contains(removals, OnRemove(s)):
		return p.fail(remove, path+".onRemove", `expected "clear", "cascade" or "keep", got `, describe(remove))
	case c.Required && OnRemove(s) == Clear:
		return p.fail(remove, path+".onRemove", `expected "cascade" or "keep", the column is required and cannot be cleared`)
	}
	c.OnRemove = OnRemove(s)
	return nil
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
