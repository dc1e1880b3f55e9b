package group

import (
	"bytes"
	"unicode/utf8"

	"goop/shared/jsontext"
)

// MaxLabel is the longest label of a peer, in characters.
const MaxLabel = 64

// Meta is what a peer says about itself. Raw holds all of it; of the keys, only label means something
// to the host.
type Meta struct {
	Label string
	Raw   []byte // an object, or nil
}

// ParseMeta reads the meta of a join, which the frame's Validate has measured. The result holds no
// reference to raw. The error is a *wire.Error with code invalid_value.
func ParseMeta(raw []byte) (Meta, error) {
	if len(raw) == 0 {
		return Meta{}, nil
	}
	m := Meta{Raw: bytes.Clone(raw)}
	found := false
	for f := jsontext.MembersOf(m.Raw); f.Next(); {
		if string(f.Key) != "label" {
			continue
		}
		label, err := jsontext.Str(f.Value)
		if err != nil || found || utf8.RuneCountInString(label) > MaxLabel {
			return Meta{}, invalid(`"label" in "meta" is text of at most 64 characters`)
		}
		m.Label, found = label, true
	}
	return m, nil
}
