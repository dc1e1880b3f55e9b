package group

import (
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"goop/shared/jsontext"
	"goop/shared/wire"
)

// Bounds of a Config. None of them can be set wider.
const (
	MaxName       = 100    // bytes of a name
	MaxSeats      = 16     // seats of one group
	MaxPeers      = 10_000 // largest maxMembers
	MaxRecordName = 64     // bytes of a table's name
	MaxEmpty      = 366 * 24 * time.Hour
	// Of a retain; the host's own bounds are narrower.
	MaxRetainCount = 1_000_000
	MaxRetainBytes = 1 << 30
	MaxRetainAge   = 3660 * 24 * time.Hour

	maxKeys = 32 // of any object in a configuration
)

// presets holds the defaults of each type.
var presets = map[Preset]Config{
	Ephemeral:  {Type: Ephemeral, Access: Open, Dissolve: Dissolve{Empty: 30 * time.Second}},
	Persistent: {Type: Persistent, Durable: true, Access: Open, Listed: true},
	OpenGroup:  {Type: OpenGroup, Access: Open, Listed: true},
	InviteOnly: {Type: InviteOnly, Durable: true, Access: Invited},
}

// ParseConfig reads a group's configuration:
//
//	{"id": "chess-42", "name": "A match", "type": "persistent", "durable": true, "access": "open",
//	 "listed": true, "dissolve": {"empty": 600000, "expires": 1790000000000},
//	 "retain": {"count": 1000, "bytes": 1000000, "age": 86400000}, "maxMembers": 50,
//	 "record": "moves", "seats": ["white", "black"], "rights": {"close": ["moderator", "seat"]}}
//
// The type (without one, "open") gives each field its default, and the other fields override those one
// by one. Unknown keys are refused by name. Creator and CreatedAt are the host's to know and not part of
// the JSON form. The error is a *wire.Error with code invalid_value; when the text is not JSON at all,
// its cause is a *jsontext.SyntaxError.
func ParseConfig(raw []byte) (Config, error) {
	preset := OpenGroup
	err := eachKey(raw, "a group", func(key string, v []byte) error {
		if key != "type" {
			return nil
		}
		name, err := text(v, "type")
		preset = Preset(name)
		return err
	})
	if err != nil {
		return Config{}, err
	}
	c, ok := presets[preset]
	if !ok {
		return Config{}, invalid(`"type" is "ephemeral", "persistent", "open" or "invite-only"`)
	}
	if err := eachKey(raw, "a group", c.set); err != nil {
		return Config{}, err
	}
	return c, nil
}

// fixed are the fields that a group keeps for its whole life.
var fixed = []string{"id", "type", "durable", "record", "template"}

// Update returns the configuration with the fields of patch, an object as for ParseConfig, changed. The
// id, type, durable, record and template of a group stay as they are; naming one of them is refused.
func (c *Config) Update(patch []byte) (Config, error) {
	next := *c
	err := eachKey(patch, "a group", func(key string, v []byte) error {
		if slices.Contains(fixed, key) {
			return invalid(`"`, key, `" of a group cannot be changed; name, access, listed, dissolve, retain, maxMembers, seats and rights can`)
		}
		return next.set(key, v)
	})
	if err != nil {
		return Config{}, err
	}
	return next, nil
}

// set stores one field.
func (c *Config) set(key string, v []byte) (err error) {
	switch key {
	case "id":
		var id string
		if id, err = text(v, key); err == nil && !wire.ValidID(id) {
			err = invalid(`"id" is 1 to 64 of a-z, A-Z, 0-9, "-", "_" and "."; without it the host makes one`)
		}
		c.ID = wire.GroupID(id)
	case "name":
		c.Name, err = text(v, key)
		if err == nil && (len(c.Name) > MaxName || !printable(c.Name)) {
			err = invalid(`"name" is at most `, strconv.Itoa(MaxName), ` bytes of text on one line`)
		}
	case "type": // ParseConfig has looked at it
	case "durable":
		c.Durable, err = boolean(v, key)
	case "access":
		var access string
		access, err = text(v, key)
		c.Access = Access(access)
		if err == nil && c.Access != Open && c.Access != Invited {
			err = invalid(`"access" is "open" or "invite"`)
		}
	case "listed":
		c.Listed, err = boolean(v, key)
	case "dissolve":
		err = eachKey(v, `"dissolve"`, c.Dissolve.set)
	case "retain":
		err = eachKey(v, `"retain"`, c.Retain.set)
	case "template":
		c.Template, err = text(v, key)
		if err == nil && !wire.ValidID(c.Template) {
			err = invalid(`"template" is the name of a template of goop.json`)
		}
	case "maxMembers":
		var n int64
		n, err = integer(v, key, MaxPeers)
		c.MaxMembers = int(n)
	case "record":
		c.Record, err = text(v, key)
		if err == nil && !tableName(c.Record) {
			err = invalid(`"record" is the name of a table: a letter, then letters, digits and "_", at most 64 bytes`)
		}
	case "seats":
		c.Seats, err = seatNames(v)
	case "rights":
		c.Rights, err = parseRights(v)
	default:
		err = invalid(`unknown key "`, key, `"; a group has id, name, type, durable, access, listed, dissolve, retain, maxMembers, record, seats and rights`)
	}
	return err
}

func (r *Retain) set(key string, v []byte) (err error) {
	var n int64
	switch key {
	case "count":
		n, err = integer(v, "retain.count", MaxRetainCount)
		r.Count = int(n)
	case "bytes":
		n, err = integer(v, "retain.bytes", MaxRetainBytes)
		r.Bytes = int(n)
	case "age":
		n, err = integer(v, "retain.age", MaxRetainAge.Milliseconds())
		r.Age = time.Duration(n) * time.Millisecond
	default:
		err = invalid(`unknown key "retain.`, key, `"; there are count (entries), bytes, and age (milliseconds)`)
	}
	return err
}

func (d *Dissolve) set(key string, v []byte) (err error) {
	switch key {
	case "empty":
		var ms int64
		ms, err = integer(v, "dissolve.empty", MaxEmpty.Milliseconds())
		d.Empty = time.Duration(ms) * time.Millisecond
	case "expires":
		d.Expires, err = integer(v, "dissolve.expires", jsontext.MaxInt)
	default:
		err = invalid(`unknown key "dissolve.`, key, `"; there are empty (milliseconds without a member) and expires (a moment, in milliseconds)`)
	}
	return err
}

func seatNames(v []byte) ([]string, error) {
	if jsontext.KindOf(v) != jsontext.Array {
		return nil, invalid(`"seats" is an array of names such as ["white","black"]`)
	}
	var seats []string
	for e := jsontext.ElementsOf(v); e.Next(); {
		name, err := text(e.Value, "seats")
		switch {
		case err != nil:
			return nil, err
		case !wire.ValidID(name):
			return nil, invalid(`a name in "seats" is 1 to 64 of a-z, A-Z, 0-9, "-", "_" and "."`)
		case slices.Contains(seats, name):
			return nil, invalid(`"seats" names "`, name, `" twice`)
		case len(seats) == MaxSeats:
			return nil, invalid(`"seats" has at most `, strconv.Itoa(MaxSeats), ` names`)
		}
		seats = append(seats, name)
	}
	return seats, nil
}

func parseRights(v []byte) (Rights, error) {
	rights := Rights{}
	err := eachKey(v, `"rights"`, func(key string, v []byte) error {
		right := Right(key)
		if !slices.Contains(rightNames, right) {
			return invalid(`unknown key "rights.`, key, `"; there are send, state, close, manage, invite, kick, setRole, redact and seeMembers`)
		}
		if jsontext.KindOf(v) != jsontext.Array {
			return invalid(`"rights.`, key, `" is an array of roles such as ["moderator","seat"]`)
		}
		roles := []wire.Role{}
		for e := jsontext.ElementsOf(v); e.Next(); {
			name, err := text(e.Value, "rights."+key)
			if err != nil {
				return err
			}
			role := wire.Role(name)
			if !slices.Contains(roleNames, role) {
				return invalid(`a role in "rights.`, key, `" is owner, moderator, member, viewer or seat (whoever holds one)`)
			}
			if !slices.Contains(roles, role) {
				roles = append(roles, role)
			}
		}
		rights[right] = roles
		return nil
	})
	return rights, err
}

// Append appends the configuration as ParseConfig reads it, with every field that differs from what
// an absent one means. Creator and CreatedAt are not part of it.
func (c *Config) Append(dst []byte) []byte {
	w := jsontext.Writer{B: dst}
	w.Begin('{')
	w.StrUnlessEmpty("id", string(c.ID))
	w.StrUnlessEmpty("name", c.Name)
	w.StrUnlessEmpty("type", string(c.Type))
	w.Key("durable")
	w.Bool(c.Durable)
	w.StrUnlessEmpty("access", string(c.Access))
	w.Key("listed")
	w.Bool(c.Listed)
	w.Key("dissolve")
	w.Begin('{')
	w.Key("empty")
	w.Int(c.Dissolve.Empty.Milliseconds())
	w.Key("expires")
	w.Int(c.Dissolve.Expires)
	w.End('}')
	if c.Retain != (Retain{}) {
		w.Key("retain")
		w.Begin('{')
		w.Key("count")
		w.Int(int64(c.Retain.Count))
		w.Key("bytes")
		w.Int(int64(c.Retain.Bytes))
		w.Key("age")
		w.Int(c.Retain.Age.Milliseconds())
		w.End('}')
	}
	w.StrUnlessEmpty("template", c.Template)
	w.Key("maxMembers")
	w.Int(int64(c.MaxMembers))
	w.StrUnlessEmpty("record", c.Record)
	if len(c.Seats) > 0 {
		w.Key("seats")
		w.Begin('[')
		for _, s := range c.Seats {
			w.Str(s)
		}
		w.End(']')
	}
	if len(c.Rights) > 0 {
		w.Key("rights")
		w.Begin('{')
		for _, right := range rightNames {
			roles, ok := c.Rights[right]
			if !ok {
				continue
			}
			w.Key(string(right))
			w.Begin('[')
			for _, role := range roles {
				w.Str(string(role))
			}
			w.End(']')
		}
		w.End('}')
	}
	w.End('}')
	return w.B
}

// Kept reports whether the group itself outlives the host's process, whatever its log does.
func (c *Config) Kept() bool { return c.Type != Ephemeral || c.Durable }

func invalid(parts ...string) error { return wire.E(wire.InvalidValue, parts...) }

// eachKey hands each member of the object raw to set, refusing a key that stands twice.
func eachKey(raw []byte, what string, set func(key string, v []byte) error) error {
	if err := jsontext.Check(raw); err != nil {
		return &wire.Error{Code: wire.InvalidValue, Message: what + " is not JSON: " + err.Error(), Err: err}
	}
	if jsontext.KindOf(raw) != jsontext.Object {
		return invalid(what, " is an object")
	}
	var seen []string
	for m := jsontext.MembersOf(raw); m.Next(); {
		key := string(m.Key)
		switch {
		case slices.Contains(seen, key):
			return invalid(what, ` has the key "`, key, `" twice`)
		case len(seen) == maxKeys:
			return invalid(what, " has too many keys")
		}
		if err := set(key, m.Value); err != nil {
			return err
		}
		seen = append(seen, key)
	}
	return nil
}

func text(v []byte, key string) (string, error) {
	s, err := jsontext.Str(v)
	if err != nil {
		return "", invalid(`"`, key, `" is text in double quotes`)
	}
	return s, nil
}

func boolean(v []byte, key string) (bool, error) {
	b, err := jsontext.Boolean(v)
	if err != nil {
		return false, invalid(`"`, key, `" is true or false`)
	}
	return b, nil
}

func integer(v []byte, key string, most int64) (int64, error) {
	n, err := jsontext.Int(v)
	if err != nil || n < 0 || n > most {
		return 0, invalid(`"`, key, `" is an integer from 0 to `, strconv.FormatInt(most, 10))
	}
	return n, nil
}

func printable(s string) bool {
	for _, r := range s {
		if r < ' ' || r == 0x7f || r == utf8.RuneError {
			return false
		}
	}
	return true
}

func tableName(s string) bool {
	for i, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
		case i > 0 && ('0' <= c && c <= '9' || c == '_'):
		default:
			return false
		}
	}
	return s != "" && len(s) <= MaxRecordName
}
