package data

import (
	"slices"

	"goop/shared/jsontext"
	"goop/shared/wire"
)

// Op is what a request asks for.
type Op string

// The ops that this host has.
const (
	OpTime        Op = "time"
	OpRole        Op = "role"
	OpClaim       Op = "claim"
	OpTables      Op = "tables"
	OpSchema      Op = "schema"
	OpQuery       Op = "query"
	OpGet         Op = "get"
	OpCount       Op = "count"
	OpInsert      Op = "insert"
	OpUpdate      Op = "update"
	OpRemove      Op = "remove"
	OpWatch       Op = "watch"
	OpUnwatch     Op = "unwatch"
	OpGroupCreate Op = "group.create"
	OpGroupUpdate Op = "group.update"
	OpGroupClose  Op = "group.close"
)

// Request is one line of a member, decoded. Its raw fields are checked JSON text and alias the line.
type Request struct {
	ID       int64
	HasID    bool
	Op       Op
	Table    string
	Row      []byte // an integer or a string
	Where    []byte // an object, as are Values, Config and Set
	Values   []byte
	Order    []string
	Limit    int
	HasLimit bool
	Offset   int
	Columns  []string // not nil when the field was there
	Key      string
	Watch    int64
	Secret   string
	Group    wire.GroupID
	Config   []byte
	Set      []byte

	has field
}

// Bounds of a request.
const (
	minKey     = 16
	MaxWatches = 50 // live queries of one connection
	maxColumns = 128
	maxSecret  = 128
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
)

// fieldNames are in the order of the bits.
var fieldNames = []string{"id", "op", "table", "row", "where", "values", "order", "limit", "offset", "columns",
	"key", "watch", "secret", "group", "config", "set"}

// shape tells which fields an op needs, and which it may have.
type shape struct{ need, may field }

const listing = fWhere | fOrder | fLimit | fOffset | fColumns

// shapes has every op that DecodeRequest lets through.
var shapes = map[Op]shape{
	OpTime:        {},
	OpRole:        {may: fTable},
	OpClaim:       {need: fSecret},
	OpTables:      {},
	OpSchema:      {need: fTable},
	OpQuery:       {need: fTable, may: listing},
	OpGet:         {need: fTable | fRow, may: fColumns},
	OpCount:       {need: fTable, may: fWhere},
	OpInsert:      {need: fTable | fValues | fKey},
	OpUpdate:      {need: fTable | fRow | fValues | fKey},
	OpRemove:      {need: fTable | fRow | fKey},
	OpWatch:       {need: fTable, may: listing},
	OpUnwatch:     {need: fWatch},
	OpGroupCreate: {need: fConfig | fKey},
	OpGroupUpdate: {need: fGroup | fSet | fKey},
	OpGroupClose:  {need: fGroup | fKey},
}

// later lists the ops that the protocol has and this host has not.
var later = []Op{"upsert", "batch", "sql", "group.invite", "group.revoke", "group.kick", "group.ban", "group.unban",
	"group.setRole", "group.history", "group.stats"}

// Writes reports whether the op changes something and so carries a key.
func (op Op) Writes() bool { return shapes[op].need&fKey != 0 }

// DecodeRequest reads one line. The error is a *wire.Error, fatal when the line is no JSON object; the
// request then holds the id if there was one. The request aliases line.
func DecodeRequest(line []byte) (Request, error) {
	var r Request
	if err := jsontext.Check(line); err != nil {
		return r, &wire.Error{Code: wire.BadMessage, Message: "the line is not JSON: " + err.Error(), Fatal: true}
	}
	if jsontext.KindOf(line) != jsontext.Object {
		return r, &wire.Error{Code: wire.BadMessage, Message: `the line is not a JSON object such as {"id":1,"op":"time"}`, Fatal: true}
	}
	err := r.decode(line)
	if err == nil {
		return r, nil
	}
	return r, err
}

func (r *Request) decode(line []byte) *wire.Error {
	// The first fault is told only after the whole line has been seen, because the id may stand last.
	var fault *wire.Error
	stray := ""
	for m := jsontext.MembersOf(line); m.Next(); {
		bit, err := r.set(string(m.Key), m.Value)
		switch {
		case err != nil:
		case bit == 0 && stray == "":
			stray = string(m.Key)
		case r.has&bit != 0:
			err = wire.E(wire.BadMessage, `field "`, string(m.Key), `" stands twice`)
		}
		r.has |= bit
		if fault == nil {
			fault = err
		}
	}
	r.HasID = r.has&fID != 0 && r.HasID
	if fault != nil {
		return fault
	}
	if r.has&fOp == 0 {
		return wire.E(wire.BadMessage, `the request has no "op"`)
	}
	sh, ok := shapes[r.Op]
	switch {
	case slices.Contains(later, r.Op):
		return wire.E(wire.NotSupported, `this host does not have "`, string(r.Op), `"`)
	case !ok:
		return wire.E(wire.UnsupportedType, `unknown op "`, clip(string(r.Op)), `"`, suggest(string(r.Op), opNames))
	case !r.HasID:
		return wire.E(wire.BadMessage, `the request has no "id", which is an integer that the answer will carry`)
	}
	return r.fits(sh, stray)
}

// fits checks the fields against what the op takes.
func (r *Request) fits(sh shape, stray string) *wire.Error {
	takes := fID | fOp | sh.need | sh.may
	if stray != "" {
		return wire.E(wire.BadMessage, `"`, string(r.Op), `" has no field "`, clip(stray), `"`, suggest(stray, takes.names()))
	}
	if extra := r.has &^ takes; extra != 0 {
		return wire.E(wire.BadMessage, `"`, string(r.Op), `" has no field "`, extra.names()[0], `"`)
	}
	if missing := sh.need &^ r.has; missing != 0 {
		return wire.E(wire.BadMessage, `"`, string(r.Op), `" needs the field "`, missing.names()[0], `"`)
	}
	return nil
}

func (f field) names() []string {
	var out []string
	for i, name := range fieldNames {
		if f&(1<<i) != 0 {
			out = append(out, name)
		}
	}
	return out
}

// opNames lists the ops of shapes, for suggestions.
var opNames = func() []string {
	var out []string
	for op := range shapes {
		out = append(out, string(op))
	}
	slices.Sort(out)
	return out
}()

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
	}
	switch {
	case want != "" && bit&(fSecret|fKey) != 0: // neither is anybody's to read in a log
		return bit, wire.E(code, `field "`, key, `" is `, want)
	case want != "":
		return bit, wire.E(code, `field "`, key, `" is `, want, ", got ", describe(v))
	}
	return bit, nil
}

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

// WriteKey recognises a repeat of a writing request.
type WriteKey struct {
	Key     string
	Request []byte // what has to be the same in a repeat
}

// WriteKey returns the request's key, and the rest of it without the id, which is another one in a
// repeat.
func (r *Request) WriteKey() WriteKey {
	w := jsontext.Writer{}
	w.Begin('[')
	w.Str(string(r.Op))
	w.Str(r.Table)
	w.Str(string(r.Group))
	for _, raw := range [][]byte{r.Row, r.Values, r.Config, r.Set} {
		w.Raw(compact(raw))
	}
	w.End(']')
	return WriteKey{r.Key, w.B}
}
