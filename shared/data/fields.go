package data

import (
	"bytes"
	"slices"
	"strconv"

	"goop/shared/group"
	"goop/shared/jsontext"
	"goop/shared/wire"
)

// field is a set of fields.
type field uint64

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
	fAfter
	fRows
	fOn
	fBy
	fCompute
	fOperations
	fText
	fParams
	fPayload

	// ofPeople are those of the ops about a group's people that write.
	ofPeople = fPeer | fRole | fUses | fExpires | fInvite | fToken | fMessage
	// ofMany are those of the ops about more than one row that write, and of sql.
	ofMany = fWhere | fRows | fOn | fOperations | fText | fParams
)

// fieldNames are in the order of the bits.
var fieldNames = []string{"id", "op", "table", "row", "where", "values", "order", "limit", "offset", "columns",
	"key", "watch", "secret", "group", "config", "set", "peer", "role", "uses", "expires", "invite", "token", "message",
	"before", "states", "after", "rows", "on", "by", "compute", "operations", "text", "params", "payload"}

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
		r.Row, want = v, needs(kind == jsontext.Number || kind == jsontext.String || kind == jsontext.Object && r.inBatch, "the _id of a row")
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
	case fOperations:
		var wrong *wire.Error
		if want, wrong = r.setOperations(v); wrong != nil {
			return bit, wrong
		}
	case fAfter, fRows, fOn, fBy, fCompute, fText, fParams, fPayload:
		code, want = r.setMany(bit, v)
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

// setMany stores one of the fields of the ops about more than one row, as setPeople does.
func (r *Request) setMany(bit field, v []byte) (code wire.Code, want string) {
	code = wire.BadMessage
	switch bit {
	case fAfter:
		code = wire.BadQuery
		want = text(&r.After, v, "the cursor of an answer")
		if len(r.After) == 0 || len(r.After) > maxCursor {
			want = "the cursor of an answer"
		}
	case fRows:
		r.Rows, want = v, needs(listOf(v, jsontext.Object, MaxInsertMany), "a list of 1 to "+strconv.Itoa(MaxInsertMany)+" objects")
	case fOn:
		code = wire.BadQuery
		r.On, want = stringsOf(v)
	case fBy:
		code = wire.BadQuery
		r.By, want = stringsOf(v)
	case fCompute:
		code = wire.BadQuery
		r.Compute, want = v, object(v)
	case fText:
		want = text(&r.Text, v, "a statement of SQL")
		if r.Text == "" {
			want = "a statement of SQL"
		}
	case fParams:
		r.params = v
		r.Params, want = params(v)
	case fPayload:
		r.Payload = v
	}
	return code, want
}

// setOperations decodes the operations of a batch. want is what the field has to be; the error is that of
// one operation.
func (r *Request) setOperations(v []byte) (want string, _ *wire.Error) {
	if r.inBatch {
		return "", nil // it is not for an operation, which is going to be told
	}
	if !listOf(v, jsontext.Object, MaxBatch) {
		return "a list of 1 to " + strconv.Itoa(MaxBatch) + " operations", nil
	}
	r.operations, r.Operations = v, nil
	for e := jsontext.ElementsOf(v); e.Next(); {
		op := Request{inBatch: true}
		if err := op.decode(e.Value); err != nil {
			return "", InOperation(len(r.Operations), err)
		}
		r.Operations = append(r.Operations, op)
	}
	return "", nil
}

// InOperation returns the error of one operation of a batch, counted from 0.
func InOperation(i int, err *wire.Error) *wire.Error {
	in := *err
	in.Message = "operation " + strconv.Itoa(i) + ": " + err.Message
	return &in
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

// listOf reports whether v is a list of 1 to most values of a kind.
func listOf(v []byte, kind jsontext.Kind, most int) bool {
	if jsontext.KindOf(v) != jsontext.Array {
		return false
	}
	n := 0
	for e := jsontext.ElementsOf(v); e.Next(); n++ {
		if n == most || jsontext.KindOf(e.Value) != kind {
			return false
		}
	}
	return n > 0
}

// params reads the values of a statement's parameters.
func params(v []byte) ([]Value, string) {
	const want = `a list of at most 500 texts, numbers, true, false and null`
	if jsontext.KindOf(v) != jsontext.Array {
		return nil, want
	}
	var out []Value
	for e := jsontext.ElementsOf(v); e.Next(); {
		t := Text
		switch jsontext.KindOf(e.Value) {
		case jsontext.Object, jsontext.Array:
			return nil, want
		case jsontext.Bool:
			t = Boolean
		case jsontext.Number:
			if t = Integer; bytes.ContainsAny(e.Value, ".eE") {
				t = Real
			}
		}
		p, err := t.parse(e.Value)
		if err != nil || len(out) == MaxParams {
			return nil, want
		}
		out = append(out, p)
	}
	return out, ""
}

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
