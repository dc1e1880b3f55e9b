package data

import (
	"strings"

	"goop/shared/jsontext"
)

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
