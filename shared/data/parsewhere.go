package data

import (
	"slices"
	"strconv"
	"strings"

	"goop/shared/jsontext"
	"goop/shared/wire"
)

// ParseWhere reads a condition on a table; raw is checked JSON text. The error is a *wire.Error with
// code bad_query, no_such_column or invalid_value.
func ParseWhere(t *Table, raw []byte) (*Where, error) {
	p := whereParser{table: t}
	return p.object(raw, 1)
}

type whereParser struct {
	table  *Table
	site   *Site // of a rule: it knows where references lead; nil for a condition of a member
	terms  int
	parts  int
	values int    // of in
	at     []byte // the key or value that is being read
}

// subject is what a comparison is about.
type subject struct {
	Column // with the whole path as its name
	at     int
	via    []Ref
	is     Var
}

// object reads one where object.
func (p *whereParser) object(raw []byte, depth int) (*Where, error) {
	p.at = raw
	if jsontext.KindOf(raw) != jsontext.Object {
		return nil, wire.E(wire.BadQuery, `expected a condition such as {"game":"chess-42"}, got `, describe(raw))
	}
	if depth > MaxDepth {
		return nil, wire.E(wire.BadQuery, "the where is nested more than ", strconv.Itoa(MaxDepth), " deep")
	}
	if p.parts++; p.parts > maxParts {
		return nil, tooManyTerms()
	}
	all := &Where{Test: And}
	var seen names
	for m := jsontext.MembersOf(raw); m.Next(); {
		key := string(m.Key)
		p.at = m.Key
		if !seen.add(key) {
			return nil, wire.E(wire.BadQuery, `"`, clip(key), `" stands twice in one condition; use and`)
		}
		var err error
		switch Test(key) {
		case And, Or:
			var w *Where
			if w, err = p.list(Test(key), m.Value, depth); err == nil {
				all.Terms = append(all.Terms, w)
			}
		case Not:
			var w *Where
			if w, err = p.object(m.Value, depth+1); err == nil {
				all.Terms = append(all.Terms, &Where{Test: Not, Terms: []*Where{w}})
			}
		default:
			err = p.member(all, key, m.Value)
		}
		if err != nil {
			return nil, err
		}
	}
	if len(all.Terms) == 1 {
		return all.Terms[0], nil
	}
	return all, nil
}

// list reads the conditions of an and or an or.
func (p *whereParser) list(test Test, raw []byte, depth int) (*Where, error) {
	p.at = raw
	if jsontext.KindOf(raw) != jsontext.Array {
		return nil, wire.E(wire.BadQuery, `"`, string(test), `" takes a list of conditions, got `, describe(raw))
	}
	if p.parts++; p.parts > maxParts {
		return nil, tooManyTerms()
	}
	w := &Where{Test: test}
	for e := jsontext.ElementsOf(raw); e.Next(); {
		if len(w.Terms) == MaxTerms {
			return nil, tooManyTerms()
		}
		term, err := p.object(e.Value, depth+1)
		if err != nil {
			return nil, err
		}
		w.Terms = append(w.Terms, term)
	}
	return w, nil
}

// member adds to all what a key other than and, or and not asks for.
func (p *whereParser) member(all *Where, key string, raw []byte) error {
	if key == SearchKey {
		return p.search(all, raw)
	}
	s, err := p.subject(key)
	if err != nil {
		return err
	}
	p.at = raw
	if jsontext.KindOf(raw) != jsontext.Object {
		return p.compare(all, s, Equal, raw)
	}
	var seen names
	for m := jsontext.MembersOf(raw); m.Next(); {
		op := string(m.Key)
		p.at = m.Key
		if !seen.add(op) {
			return wire.E(wire.BadQuery, `column "`, s.Name, `": the operator "`, clip(op), `" stands twice`)
		}
		if err := p.compare(all, s, Test(op), m.Value); err != nil {
			return err
		}
	}
	if len(seen) == 0 {
		return wire.E(wire.BadQuery, `column "`, s.Name, `": {} has no operator; there are `, quotedList(operators))
	}
	return nil
}

// subject finds what a key is about: a column, and in a rule a variable or a column of a row that is
// referenced.
func (p *whereParser) subject(key string) (*subject, error) {
	c := variable(key)
	switch {
	case p.site == nil && (c != nil || strings.Contains(key, ".")):
		return nil, wire.E(wire.BadQuery, `"`, clip(key), `" is for the conditions of rules in goop.json; a where is about the columns of its own table`)
	case p.site == nil:
		i, err := p.table.lookup(key)
		if err != nil {
			return nil, err
		}
		return &subject{Column: p.table.Columns[i], at: i}, nil
	case c != nil:
		return &subject{Column: *c, is: Var(key)}, p.grouped(Var(key))
	case strings.HasPrefix(key, "$"):
		return nil, unknownVariable(key)
	}
	return p.path(key)
}

// compare adds one comparison to all.
func (p *whereParser) compare(all *Where, s *subject, test Test, raw []byte) error {
	if p.terms++; p.terms > MaxTerms {
		return tooManyTerms()
	}
	c := &s.Column
	w := &Where{Test: test, Column: s.at, Via: s.via, Var: s.is}
	if p.site != nil && p.table.MemberOf != "" {
		w.group = p.table.Lookup(p.table.MemberOf)
	}
	if !slices.Contains(operators, string(test)) {
		return wire.E(wire.BadQuery, `column "`, c.Name, `": unknown operator "`, clip(string(test)), `"`,
			suggest(string(test), operators), `; there are `, quotedList(operators))
	}
	if s.is == Me || s.is == MyRole {
		if !slices.Contains([]Test{Equal, NotEqual, In, Null}, test) {
			return wire.E(wire.BadQuery, `"`, c.Name, `" has no "`, string(test), `"; there are "=", "!=", "in" and "null"`)
		}
	}
	p.at = raw
	kind := jsontext.KindOf(raw)
	var err error
	switch test {
	case Equal, NotEqual:
		if kind == jsontext.Null {
			w.Test, w.IsNull = Null, test == Equal
			break
		}
		if c.Type == JSON {
			return unfit(c, test, `; a json column can only be tested with {"null": true} or {"null": false}`)
		}
		err = p.operand(w, s, raw)
	case Less, AtMost, Greater, AtLeast:
		if c.Type == JSON || c.Type == Blob || c.Type == Boolean {
			return unfit(c, test, "; it is for text, integer, real and time")
		}
		if kind == jsontext.Null {
			return wire.E(wire.InvalidValue, `column "`, c.Name, `": "`, string(test), `" does not take null`)
		}
		err = p.operand(w, s, raw)
	case In:
		err = p.in(w, c, raw)
	case Like, Contains:
		if c.Type != Text {
			return unfit(c, test, "; it is for text")
		}
		if kind != jsontext.String {
			return wire.E(wire.InvalidValue, `column "`, c.Name, `": "`, string(test), `" takes a string, got `, describe(raw))
		}
		if w.Value, err = p.value(c, raw); err == nil && test == Like {
			err = checkPattern(c, w.Value.S)
		}
	case Null:
		if w.IsNull, err = jsontext.Boolean(raw); err != nil {
			return wire.E(wire.InvalidValue, `column "`, c.Name, `": "null" takes true or false, got `, describe(raw))
		}
	}
	if err != nil {
		return err
	}
	all.Terms = append(all.Terms, w)
	return nil
}

func (p *whereParser) in(w *Where, c *Column, raw []byte) error {
	if c.Type == JSON {
		return unfit(c, In, `; a json column can only be tested with {"null": true} or {"null": false}`)
	}
	if jsontext.KindOf(raw) != jsontext.Array {
		return wire.E(wire.InvalidValue, `column "`, c.Name, `": "in" takes a list of values, got `, describe(raw))
	}
	for e := jsontext.ElementsOf(raw); e.Next(); {
		if p.values++; p.values > MaxIn {
			return wire.E(wire.BadQuery, `"in" has more than `, strconv.Itoa(MaxIn), ` values`)
		}
		p.at = e.Value
		v, err := p.value(c, e.Value)
		switch {
		case err != nil:
			return err
		case v.IsNull():
			w.IsNull = true
		default:
			w.Values = append(w.Values, v)
		}
	}
	return nil
}

// value reads a value of a column's type. In a rule "$$x" is the text $x, and no other text begins so.
func (p *whereParser) value(c *Column, raw []byte) (Value, error) {
	if s, ok := p.dollar(raw); ok {
		if !strings.HasPrefix(s, "$$") {
			if variable(s) != nil {
				return Value{}, wire.E(wire.BadQuery, `column "`, c.Name, `": "`, s, `" stands with =, !=, <, <=, > and >= alone`)
			}
			return Value{}, unknownVariable(s)
		}
		raw = jsontext.AppendString(nil, s[1:])
	}
	v, err := c.Type.parse(raw)
	if err != nil {
		return v, wire.E(wire.InvalidValue, `column "`, c.Name, `": `, err.Error())
	}
	if c.Name == string(MyRole) && !v.IsNull() && rank(wire.Role(v.S)) == 0 {
		return v, wire.E(wire.InvalidValue, `"$role" is "owner", "moderator", "member", "viewer" or null, got `, describe(raw), suggest(v.S, roleNames))
	}
	return v, nil
}

func checkPattern(c *Column, pattern string) error {
	if len(pattern) > MaxLike {
		return wire.E(wire.BadQuery, `column "`, c.Name, `": a pattern of "like" is at most `, strconv.Itoa(MaxLike), " bytes long")
	}
	for i := 0; i < len(pattern); i++ {
		if pattern[i] == '\\' {
			if i++; i == len(pattern) {
				return wire.E(wire.BadQuery, `column "`, c.Name, `": the pattern of "like" ends with a single \`)
			}
		}
	}
	return nil
}

func tooManyTerms() error {
	return wire.E(wire.BadQuery, "the where has more than ", strconv.Itoa(MaxTerms), " comparisons")
}

func unfit(c *Column, test Test, why string) error {
	return wire.E(wire.BadQuery, `column "`, c.Name, `" is of type `, string(c.Type), ` and has no "`, string(test), `"`, why)
}

// quotedList returns "a", "b" and "c".
func quotedList(list []string) string {
	var s strings.Builder
	for i, v := range list {
		switch {
		case i == 0:
		case i == len(list)-1:
			s.WriteString(" and ")
		default:
			s.WriteString(", ")
		}
		s.WriteString(`"` + v + `"`)
	}
	return s.String()
}

// names is a small set, to find what stands twice.
type names map[string]bool

// add reports whether name was new.
func (n *names) add(name string) bool {
	if (*n)[name] {
		return false
	}
	if *n == nil {
		*n = names{}
	}
	(*n)[name] = true
	return true
}
