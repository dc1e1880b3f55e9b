package data

import (
	"strings"

	"goop/shared/jsontext"
)

// access reads the rules of a table.
func (p *siteParser) access(s *Site, u unread) (a Access, err error) {
	err = p.object(u.access, u.path+".access", accessKeys, func(key string, v []byte, path string) error {
		keys := ruleKeys
		if Action(key) == Update {
			keys = updateKeys
		}
		r, err := p.rule(s, u.table, v, path, keys)
		switch Action(key) {
		case Read:
			a.Read = r
		case Insert:
			a.Insert = r
		case Update:
			if r.Then == nil {
				r.Then = r.If
			}
			a.Update = r
		case Remove:
			a.Remove = r
		}
		return err
	})
	return a, err
}

// rule reads "x" or {"who": "x", "if": condition}, which may have a "then" when that is among keys.
func (p *siteParser) rule(s *Site, t *Table, raw []byte, path string, keys []string) (r Rule, err error) {
	who, at := raw, path
	var conditions [][]byte
	if jsontext.KindOf(raw) == jsontext.Object {
		who = nil
		err := p.object(raw, path, keys, func(key string, v []byte, below string) error {
			if key == "who" {
				who, at = v, below
			}
			return nil
		})
		if err != nil {
			return r, err
		}
		if who == nil {
			return r, p.fail(raw, path, `expected "who", one of `, strings.Join(ruleNames, ", "))
		}
		conditions = [][]byte{member(raw, "if"), member(raw, "then")}
	}
	name, bad := jsontext.Str(who)
	r, ok := parseRule(name)
	switch {
	case bad != nil || !ok:
		return r, p.fail(who, at, "expected one of ", strings.Join(ruleNames, ", "), ", got ", describe(who), suggest(name, ruleNames))
	case r.needsGroup() && t.MemberOf == "":
		return r, p.fail(who, at, `expected the table to have "memberOf", the column with the id of the row's group, since `,
			describe(who), " asks for it")
	case r.Who == Author && t.View != nil:
		return r, p.fail(who, at, `expected another rule, the rows of a view have no _owner; with a column that is one, `,
			`{"who": "open", "if": {"column": "$me"}} says the same`)
	}
	for i, raw := range conditions {
		if raw == nil {
			continue
		}
		key := []string{"if", "then"}[i]
		switch r.Who {
		case SiteOwner:
			return r, p.fail(raw, path+"."+key, "expected none, the site's owner passes every condition")
		case Nobody:
			return r, p.fail(raw, path+"."+key, "expected none, the rule lets nobody through")
		}
		w, err := p.where(s, t, raw, path+"."+key)
		if err != nil {
			return r, err
		}
		if i == 0 {
			r.If = w
		} else {
			r.Then = w
		}
	}
	return r, nil
}

// where reads a condition of a rule.
func (p *siteParser) where(s *Site, t *Table, raw []byte, path string) (*Where, error) {
	w, at, err := parseRuleWhere(s, t, raw)
	if err == nil {
		return w, nil
	}
	offset, ok := p.offset(at)
	if !ok {
		offset, _ = p.offset(raw)
	} else if p.file[offset-1] == '"' { // a key is shown at its quote
		offset--
	}
	return nil, p.at(offset, path, messageOf(err))
}

// member returns the value of a key of an object, nil when there is none.
func member(raw []byte, key string) []byte {
	for m := jsontext.MembersOf(raw); m.Next(); {
		if string(m.Key) == key {
			return m.Value
		}
	}
	return nil
}
