package data

import (
	"strconv"
	"strings"

	"goop/shared/jsontext"
	"goop/shared/wire"
)

// The following is what the conditions of rules have beside those of members.

// parseRuleWhere reads a condition of a rule of a table. The error is a *wire.Error about the part of raw
// that is returned with it.
func parseRuleWhere(s *Site, t *Table, raw []byte) (w *Where, at []byte, err error) {
	p := whereParser{table: t, site: s}
	w, err = p.object(raw, 1)
	return w, p.at, err
}

// dollar returns a text that begins with "$", which in a rule stands for something.
func (p *whereParser) dollar(raw []byte) (string, bool) {
	if p.site == nil || jsontext.KindOf(raw) != jsontext.String {
		return "", false
	}
	s, err := jsontext.Str(raw)
	return s, err == nil && strings.HasPrefix(s, "$")
}

func unknownVariable(name string) error {
	list := make([]string, len(variables))
	for i, v := range variables {
		list[i] = v.Name
	}
	return wire.E(wire.BadQuery, `unknown variable "`, clip(name), `"`, suggest(name, list), `; there are `, quotedList(list),
		`, and a text that begins with "$" is written with "$$"`)
}

// operand reads with what something is compared: a value, or in a rule a variable.
func (p *whereParser) operand(w *Where, s *subject, raw []byte) (err error) {
	name, isText := p.dollar(raw)
	if !isText || strings.HasPrefix(name, "$$") {
		w.Value, err = p.value(&s.Column, raw)
		return err
	}
	v := variable(name)
	switch {
	case v == nil:
		return unknownVariable(name)
	case s.is != "":
		return wire.E(wire.BadQuery, `"`, s.Name, `" is compared with a value, not with "`, name, `"`)
	case v.Type != s.Type:
		return wire.E(wire.BadQuery, `column "`, s.Name, `" is of type `, string(s.Type), ` and "`, name, `" is of type `, string(v.Type))
	}
	w.Against = Var(name)
	return p.grouped(w.Against)
}

// grouped checks that there is a group in which the caller can have a role.
func (p *whereParser) grouped(v Var) error {
	if v == MyRole && p.table.MemberOf == "" {
		return wire.E(wire.BadQuery, `"$role" is the caller's role in the row's group, and the table "`, p.table.Name, `" has no "memberOf", the column with its id`)
	}
	return nil
}

// path finds the column at the end of a path such as "question.session", all but the last part of which are
// references.
func (p *whereParser) path(key string) (*subject, error) {
	steps := strings.Split(key, ".")
	if len(steps) > MaxVia+1 {
		return nil, wire.E(wire.BadQuery, `"`, clip(key), `" follows more than `, strconv.Itoa(MaxVia), " references")
	}
	s := &subject{}
	t := p.table
	for i, step := range steps {
		at, err := t.lookup(step)
		if err != nil {
			return nil, err
		}
		c := &t.Columns[at]
		if i == len(steps)-1 {
			s.Column, s.at = *c, at
			break
		}
		next, ok := p.site.Table(c.References)
		if !ok {
			return nil, wire.E(wire.BadQuery, `"`, clip(key), `": the column "`, c.Name, `" of the table "`, t.Name, `" leads to no other row, it has no "references"`)
		}
		s.via = append(s.via, Ref{at, next})
		t = next
	}
	s.Name = key
	return s, nil
}
