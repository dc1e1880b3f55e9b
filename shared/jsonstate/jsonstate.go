// Package jsonstate is the shared state of a group, a JSON object, and the patches of it (RFC 7396). Host and
// member both keep one. It must not know what a key means, nor groups: those bring hashes and random numbers,
// which are not for the page's program.
package jsonstate

import (
	"slices"
	"strings"

	"goop/shared/jsontext"
	"goop/shared/wire"
)

// State is the shared state of a group: a JSON object. It is never changed; Merge makes a new one that
// shares with the old one what is equal. The zero value is {}.
//
// Keys keep the order in which they first came. Whatever is no object is kept as the bytes in which it
// was written, so that numbers come out as they went in.
type State struct{ root *object }

// object is one JSON object.
type object struct {
	members []member
	size    int // bytes of the object as text
}

// member is one key of an object with its value. A value that is no object stands in text behind the
// key; one that is has text end with the colon.
type member struct {
	text string // `"key":value`, or `"key":`
	key  int    // how much of text is the key, its quotes and the colon
	obj  *object
}

func (m *member) name() string { return m.text[:m.key] }

func (m *member) size() int {
	if m.obj != nil {
		return len(m.text) + m.obj.size
	}
	return len(m.text)
}

var emptyObject = &object{size: len("{}")}

func (s State) object() *object {
	if s.root == nil {
		return emptyObject
	}
	return s.root
}

// Parse reads a whole state. Nothing at all is the empty state. A key that stands twice is
// refused. The error is a *wire.Error.
func Parse(raw []byte) (State, error) {
	if len(raw) == 0 {
		return State{}, nil
	}
	if err := checkObject(raw, "the state"); err != nil {
		return State{}, err
	}
	o, err := parseObject(raw)
	if err != nil {
		return State{}, err
	}
	return State{o}, nil
}

// Merge returns the state with a patch applied (RFC 7396, JSON Merge Patch): null removes a key, an
// object is merged into what is there, anything else replaces it. The patch is an object, and a key
// that stands twice in it is refused. The result holds no reference to patch. The error is a *wire.Error
// with code invalid_value.
func (s State) Merge(patch []byte) (State, error) {
	if err := checkObject(patch, "the patch"); err != nil {
		return State{}, err
	}
	o, err := s.object().merge(patch)
	if err != nil {
		return State{}, err
	}
	return State{o}, nil
}

// Size is the length of the state as text.
func (s State) Size() int { return s.object().size }

// Append appends the state as text.
func (s State) Append(dst []byte) []byte { return s.object().append(slices.Grow(dst, s.Size())) }

// Text returns the state as text.
func (s State) Text() []byte { return s.Append(nil) }

// Lookup returns the text of the value at a path of keys, and whether there is one.
func (s State) Lookup(path ...string) ([]byte, bool) {
	o := s.object()
	for i, key := range path {
		at := o.find(nameOf(key))
		switch {
		case at < 0:
			return nil, false
		case o.members[at].obj != nil:
			o = o.members[at].obj
		case i == len(path)-1:
			m := &o.members[at]
			return []byte(m.text[m.key:]), true
		default:
			return nil, false
		}
	}
	return o.append(nil), true
}

// TopKeys returns the top-level keys of a patch, which is what an ifSeq is compared by.
func TopKeys(patch []byte) []string {
	var keys []string
	for m := jsontext.MembersOf(patch); m.Next(); {
		keys = append(keys, string(m.Key))
	}
	return keys
}

func checkObject(raw []byte, what string) error {
	if err := jsontext.Check(raw); err != nil {
		return &wire.Error{Code: wire.InvalidValue, Message: what + " is not JSON: " + err.Error(), Err: err}
	}
	if jsontext.KindOf(raw) != jsontext.Object {
		return wire.E(wire.InvalidValue, what, " is an object")
	}
	if jsontext.Depth(raw) > wire.MaxNesting {
		return wire.E(wire.InvalidValue, what, " is nested too deeply")
	}
	return nil
}

// nameOf returns a key as member.name has it. Two keys are equal when their names are: there is one
// way only in which a key is written.
func nameOf(key string) string {
	return string(append(jsontext.AppendString(nil, key), ':'))
}

// checkedName is nameOf for keys from outside. U+FFFD stands for half a surrogate pair, which one side
// could tell from another half and the other side could not.
func checkedName(key []byte) (string, error) {
	if strings.ContainsRune(string(key), '\ufffd') {
		return "", wire.E(wire.InvalidValue, "a key holds half a surrogate pair or U+FFFD")
	}
	return nameOf(string(key)), nil
}

func twice(name string) error {
	return wire.E(wire.InvalidValue, "the key ", name[:len(name)-1], " stands twice")
}

func (o *object) append(dst []byte) []byte {
	dst = append(dst, '{')
	for i := range o.members {
		if i > 0 {
			dst = append(dst, ',')
		}
		m := &o.members[i]
		dst = append(dst, m.text...)
		if m.obj != nil {
			dst = m.obj.append(dst)
		}
	}
	return append(dst, '}')
}

func (o *object) find(name string) int {
	return slices.IndexFunc(o.members, func(m member) bool { return m.name() == name })
}

// measure sets the size from the members.
func (o *object) measure() *object {
	o.size = len("{}") + max(0, len(o.members)-1)
	for i := range o.members {
		o.size += o.members[i].size()
	}
	return o
}

// parseObject reads an object that has been checked, keeping its nulls.
func parseObject(raw []byte) (*object, error) {
	o := &object{}
	seen := map[string]bool{}
	for m := jsontext.MembersOf(raw); m.Next(); {
		name, err := checkedName(m.Key)
		if err != nil {
			return nil, err
		}
		if seen[name] {
			return nil, twice(name)
		}
		seen[name] = true
		if jsontext.KindOf(m.Value) == jsontext.Object {
			sub, err := parseObject(m.Value)
			if err != nil {
				return nil, err
			}
			o.members = append(o.members, member{text: name, key: len(name), obj: sub})
			continue
		}
		o.members = append(o.members, leaf(name, m.Value))
	}
	return o.measure(), nil
}

func leaf(name string, value []byte) member {
	return member{text: name + string(value), key: len(name)}
}

// merge returns o with a checked patch applied. It goes over each of the two once, however many keys
// they have, and leaves o as it is.
func (o *object) merge(patch []byte) (*object, error) {
	type change struct {
		name string
		raw  []byte
		used bool
	}
	var changes []change
	at := map[string]int{}
	for m := jsontext.MembersOf(patch); m.Next(); {
		name, err := checkedName(m.Key)
		if err != nil {
			return nil, err
		}
		if _, ok := at[name]; ok {
			return nil, twice(name)
		}
		at[name] = len(changes)
		changes = append(changes, change{name: name, raw: m.Value})
	}
	if len(changes) == 0 {
		return o, nil
	}
	next := &object{members: make([]member, 0, len(o.members)+len(changes))}
	apply := func(name string, old *object, raw []byte) error {
		switch jsontext.KindOf(raw) {
		case jsontext.Null:
		case jsontext.Object:
			if old == nil {
				old = emptyObject
			}
			sub, err := old.merge(raw)
			if err != nil {
				return err
			}
			next.members = append(next.members, member{text: name, key: len(name), obj: sub})
		default:
			next.members = append(next.members, leaf(name, raw))
		}
		return nil
	}
	for _, m := range o.members {
		i, ok := at[m.name()]
		if !ok {
			next.members = append(next.members, m)
			continue
		}
		changes[i].used = true
		if err := apply(m.name(), m.obj, changes[i].raw); err != nil {
			return nil, err
		}
	}
	for _, c := range changes {
		if c.used {
			continue
		}
		if err := apply(c.name, nil, c.raw); err != nil {
			return nil, err
		}
	}
	return next.measure(), nil
}
