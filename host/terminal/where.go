package terminal

import (
	"fmt"
	"strings"

	"goop/shared/jsontext"
)

// comparisons are what may stand between a column and a value, the longer ones first.
var comparisons = []string{"!=", "<=", ">=", "=", "<", ">"}

// Where puts a condition together: raw, a JSON object or "", and terms such as "ply>3" or "name=Ann", whose values
// are JSON where they are JSON and texts otherwise. All must hold. It returns nil for no condition.
func Where(raw string, terms []string) ([]byte, error) {
	var all [][]byte
	if raw != "" {
		if err := jsontext.Check([]byte(raw)); err != nil || jsontext.KindOf([]byte(raw)) != jsontext.Object {
			return nil, fmt.Errorf(`--where is a JSON object, such as {"ply":{">":3}}, and not %s`, raw)
		}
		all = append(all, []byte(raw))
	}
	for _, term := range terms {
		at := strings.IndexAny(term, "=<>!")
		if at < 1 {
			return nil, fmt.Errorf("%q is not a condition, such as name=Ann or 'ply>3'", term)
		}
		found := ""
		for _, c := range comparisons {
			if strings.HasPrefix(term[at:], c) {
				found = c
				break
			}
		}
		if found == "" {
			return nil, fmt.Errorf("%q is not a condition, such as name=Ann or 'ply>3'", term)
		}
		value, err := Either.Payload(term[at+len(found):])
		if err != nil {
			return nil, fmt.Errorf("%q: %w", term, err)
		}
		w := jsontext.Writer{}
		w.Begin('{')
		w.Key(term[:at])
		w.Begin('{')
		w.Key(found)
		w.Raw(value)
		w.End('}')
		w.End('}')
		all = append(all, w.B)
	}
	switch len(all) {
	case 0:
		return nil, nil
	case 1:
		return all[0], nil
	}
	w := jsontext.Writer{}
	w.Begin('{')
	w.Key("and")
	w.Begin('[')
	for _, term := range all {
		w.Raw(term)
	}
	w.End(']')
	w.End('}')
	return w.B, nil
}
