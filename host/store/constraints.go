package store

import (
	"strconv"
	"strings"

	"goop/shared/data"
)

// constraints looks for rows that are not what the columns ask for, of which something changed since the
// last start; before are their checks then.
func (s *schema) constraints(t *table, before map[string]string) error {
	for i := range t.Columns {
		c := &t.Columns[i]
		if c.Name[0] == '_' || before[c.Name] == checksOf(c) {
			continue
		}
		for _, b := range broken(t, c) {
			if err := s.blockedBy(t, b.where, b.args, "tables."+t.Name+".columns."+c.Name+" "+b.says); err != nil {
				return err
			}
		}
	}
	return nil
}

// breach is what rows may have in a column that it does not allow any more.
type breach struct {
	where string
	args  []any
	says  string // of the column, before how many rows there are
}

func broken(t *table, c *data.Column) (list []breach) {
	name := t.column(c.Name)
	if c.Required {
		list = append(list, breach{name + " IS NULL", nil, "is required, and %s no value in it"})
	}
	if !c.Min.IsNull() {
		list = append(list, breach{name + " < ?", []any{arg(c.Min)}, "is at least " + string(c.Min.Append(nil)) + ", and %s less in it"})
	}
	if !c.Max.IsNull() {
		list = append(list, breach{name + " > ?", []any{arg(c.Max)}, "is at most " + string(c.Max.Append(nil)) + ", and %s more in it"})
	}
	if c.MaxLength > 0 {
		length, unit := "octet_length("+name+")", " bytes"
		if c.Type == data.Text {
			length, unit = "length("+name+")", " characters"
		}
		list = append(list, breach{length + " > ?", []any{c.MaxLength}, "has at most " + strconv.Itoa(c.MaxLength) + unit + ", and %s more in it"})
	}
	if len(c.Enum) > 0 {
		args := make([]any, len(c.Enum))
		for i, v := range c.Enum {
			args[i] = arg(v)
		}
		list = append(list, breach{name + " NOT IN (?" + strings.Repeat(", ?", len(args)-1) + ")", args, "is one of its enum, and %s another value in it"})
	}
	return list
}

// blockedBy notes the rows of a condition as what stands in the way, when there are any. says has a %s for
// how many have.
func (s *schema) blockedBy(t *table, where string, args []any, says string) error {
	for row, err := range s.tx.Query("SELECT count(*), min("+t.columns[0]+") FROM "+t.name+" WHERE "+where, args...) {
		if err != nil {
			return err
		}
		if n := row.Int(0); n > 0 {
			s.block(says+", such as the one with _id "+strconv.FormatInt(row.Int(1), 10), have(n))
		}
	}
	return nil
}

// checksOf returns what a column allows, as a text that is the same when it allows the same.
func checksOf(c *data.Column) string {
	var b []byte
	if c.Required {
		b = append(b, "required "...)
	}
	for _, bound := range []struct {
		name  string
		value data.Value
	}{{"min ", c.Min}, {"max ", c.Max}} {
		if !bound.value.IsNull() {
			b = append(bound.value.Append(append(b, bound.name...)), ' ')
		}
	}
	if c.MaxLength > 0 {
		b = append(strconv.AppendInt(append(b, "maxLength "...), int64(c.MaxLength), 10), ' ')
	}
	if len(c.Enum) > 0 {
		b = append(b, "enum "...)
		for _, v := range c.Enum {
			b = append(v.Append(b), ' ')
		}
	}
	return strings.TrimSuffix(string(b), " ")
}
