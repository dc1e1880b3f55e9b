package data

import (
	"slices"
	"strconv"

	"goop/shared/group"
	"goop/shared/jsontext"
	"goop/shared/wire"
)

// field is a set of fields.
type field uint32

const (
	fID field = 1 << iota
	fOp
	fTable
	fRow
	fWhere
	fValues
	fOrder
	fLimit
	fOffset
	fColumns
	fKey
	fWatch
	fSecret
	fGroup
	fConfig
	fSet
	fPeer
	fRole
	fUses
	fExpires
	fInvite
	fToken
	fMessage
	fBefore
	fStates

	// ofPeople are those of the ops about a group's people that write.
	ofPeople = fPeer | fRole | fUses | fExpires | fInvite | fToken | fMessage
)

// fieldNames are in the order of the bits.
var fieldNames = []string{"id", "op", "table", "row", "where", "values", "order", "limit", "offset", "columns",
	"key", "watch", "secret", "group", "config", "set", "peer", "role", "uses", "expires", "invite", "token", "message",
	"before", "states"}

func (f field) names() []string {
	var out []string
	for i, name := range fieldNames {
		if f&(1<<i) != 0 {
			out = append(out, name)
		}
	}
	return out
}

// set stores one field, and returns its bit; 0 for one that no op has.
func (r *Request) set(key string, v []byte) (field, *wire.Error) {
	i := slices.Index(fieldNames, key)
	if i < 0 {
		return 0, nil
	}
	bit := field(1) << i
	code, want := wire.BadMessage, ""
	switch bit {
	case fID:
		n, err := jsontext.Int(v)
		r.ID, r.HasID = n, err == nil
		want = needs(err == nil, "an integer within ±9007199254740991")
	case fOp:
		want = text(&r.Op, v, "a string")
	case fTable:
		want = text(&r.Table, v, "a table's name")
	case fKey:
		want = text(&r.Key, v, "a string")
		if len(r.Key) < minKey || !wire.ValidID(r.Key) {
			want = `16 to 64 of a-z, A-Z, 0-9, "-", "_" and ".", chosen at random`
		}
	case fSecret:
		want = text(&r.Secret, v, "a string")
		if len(r.Secret) > maxSecret {
			want = "at most 128 bytes long"
		}
	case fGroup:
		want = text(&r.Group, v, "a group's id")
		if !wire.ValidID(string(r.Group)) {
			want = `a group's id: 1 to 64 of a-z, A-Z, 0-9, "-", "_" and "."`
		}
	case fRow:
		kind := jsontext.KindOf(v)
		r.Row, want = v, needs(kind == jsontext.Number || kind == jsontext.String, "the _id of a row")
	case fValues:
		r.Values, want = v, object(v)
	case fConfig:
		r.Config, want = v, object(v)
	case fSet:
		r.Set, want = v, object(v)
	case fWatch:
		n, err := jsontext.Int(v)
		r.Watch, want = n, needs(err == nil, "the id of a watch")
	case fWhere:
		code = wire.BadQuery
		r.Where, want = v, object(v)
	case fLimit:
		code = wire.BadQuery
		n, err := jsontext.Int(v)
		r.Limit, r.HasLimit = int(n), true
		want = needs(err == nil, "an integer from 1 to 1000")
	case fOffset:
		code = wire.BadQuery
		n, err := jsontext.Int(v)
		r.Offset, want = int(n), needs(err == nil, "an integer from 0 to 100000")
	case fOrder:
		code = wire.BadQuery
		r.Order, want = stringsOf(v)
	case fColumns:
		code = wire.BadQuery
		r.Columns, want = stringsOf(v)
	default:
		code, want = r.setPeople(bit, v)
	}
	switch {
	case want != "" && bit&(fSecret|fKey|fToken) != 0: // none of them is anybody's to read in a log
		return bit, wire.E(code, `field "`, key, `" is `, want)
	case want != "":
		return bit, wire.E(code, `field "`, key, `" is `, want, ", got ", describe(v))
	}
	return bit, nil
}

// setPeople stores one of the fields of the ops about a group's people and its log. It returns what the
// field has to be, "" when all is well, and the code of that refusal.
func (r *Request) setPeople(bit field, v []byte) (code wire.Code, want string) {
	code = wire.BadMessage
	switch bit {
	case fPeer:
		want = text(&r.Peer, v, "a peer id")
		if len(r.Peer) == 0 || len(r.Peer) > wire.MaxPeer {
			want = "a peer id of at most " + strconv.Itoa(wire.MaxPeer) + " bytes"
		}
	case fRole:
		code = wire.InvalidValue
		if want = text(&r.Role, v, grantable); !group.Grantable(r.Role) {
			want = grantable
		}
	case fUses:
		code = wire.InvalidValue
		n, err := jsontext.Int(v)
		r.Uses = int(n)
		want = needs(err == nil && n >= 1 && n <= group.MaxInviteUses, "an integer from 1 to "+strconv.Itoa(group.MaxInviteUses))
	case fExpires:
		code = wire.InvalidValue
		n, err := jsontext.Int(v)
		r.Expires, want = n, needs(err == nil && n > 0, "a moment in milliseconds since 1970")
	case fInvite:
		want = text(&r.Invite, v, "an invite's id")
		if !wire.ValidID(string(r.Invite)) {
			want = "an invite's id, as its row of _invites has it"
		}
	case fToken:
		want = text(&r.Token, v, "a string")
		if len(r.Token) > maxSecret {
			want = "at most 128 bytes long"
		}
	case fMessage:
		want = text(&r.Message, v, "a string")
		if len(r.Message) > group.MaxParting {
			want = "at most " + strconv.Itoa(group.MaxParting) + " bytes long"
		}
	case fBefore:
		code = wire.BadQuery
		n, err := jsontext.Int(v)
		r.Before, want = n, needs(err == nil && n > 0, "the seq of an entry, an integer from 1")
	case fStates:
		on, err := jsontext.Boolean(v)
		r.States, want = on, needs(err == nil, "true or false")
	}
	return code, want
}

// grantable lists the roles for which group.Grantable is true.
const grantable = `"moderator", "member" or "viewer"`

// The following return "" when all is well, and otherwise what the field has to be.

func needs(ok bool, want string) string {
	if ok {
		return ""
	}
	return want
}

func text[T ~string](dst *T, v []byte, want string) string {
	s, err := jsontext.Str(v)
	*dst = T(s)
	return needs(err == nil, want)
}

func object(v []byte) string { return needs(jsontext.KindOf(v) == jsontext.Object, "an object") }

func stringsOf(v []byte) ([]string, string) {
	const want = `a list of column names such as ["ply"]`
	if jsontext.KindOf(v) != jsontext.Array {
		return nil, want
	}
	out := []string{}
	for e := jsontext.ElementsOf(v); e.Next(); {
		s, err := jsontext.Str(e.Value)
		if err != nil || len(out) == maxColumns {
			return nil, want
		}
		out = append(out, s)
	}
	return out, ""
}
