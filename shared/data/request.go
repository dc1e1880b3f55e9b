package data

import (
	"slices"
	"strconv"
	"strings"

	"goop/shared/group"
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
	OpInsertMany  Op = "insertMany"
	OpUpdateWhere Op = "updateWhere"
	OpRemoveWhere Op = "removeWhere"
	OpUpsert      Op = "upsert"
	OpIncrement   Op = "increment"
	OpBatch       Op = "batch"
	OpSend        Op = "send" // of a batch
	OpAggregate   Op = "aggregate"
	OpSQL         Op = "sql"
	OpWatch       Op = "watch"
	OpUnwatch     Op = "unwatch"
	OpGroupCreate Op = "group.create"
	OpGroupUpdate Op = "group.update"
	OpGroupClose  Op = "group.close"
	OpInvite      Op = "group.invite"
	OpRevoke      Op = "group.revoke"
	OpKick        Op = "group.kick"
	OpBan         Op = "group.ban"
	OpUnban       Op = "group.unban"
	OpSetRole     Op = "group.setRole"
	OpHistory     Op = "group.history"
	OpStats       Op = "group.stats"
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
	Peer     wire.PeerID
	Role     wire.Role // one that can be given, or "" when there was none
	Uses     int       // 0 when there was none
	Expires  int64     // a moment in milliseconds, or 0
	Invite   group.InviteID
	Token    string
	Message  string
	Before   int64 // 0 for the newest
	States   bool

	has field
}

// Bounds of a request.
const (
	minKey     = 16
	MaxWatches = 50 // live queries of one connection
	maxColumns = 128
	maxSecret  = 128 // bytes, of an invite's token too

	DefaultHistory = 100 // entries of group.history when there is no limit
	MaxHistory     = 500
)

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
	OpInvite:      {need: fGroup | fKey, may: fRole | fUses | fExpires | fPeer},
	OpRevoke:      {need: fGroup | fKey, may: fInvite | fToken},
	OpKick:        {need: fGroup | fPeer | fKey, may: fMessage},
	OpBan:         {need: fGroup | fPeer | fKey, may: fMessage},
	OpUnban:       {need: fGroup | fPeer | fKey},
	OpSetRole:     {need: fGroup | fPeer | fRole | fKey},
	OpHistory:     {need: fGroup, may: fBefore | fLimit | fStates},
	OpStats:       {need: fGroup},
}

// later lists the ops that the protocol has and this host has not.
var later = []Op{OpUpsert, OpBatch, OpSQL}

// Writes reports whether the op changes something and so carries a key.
func (op Op) Writes() bool { return shapes[op].need&fKey != 0 }

// Manages reports whether the request changes a group or who may do what in it: by an op of its own, or as a
// row of a table that the host makes up.
func (r *Request) Manages() bool {
	return r.Op.Writes() && (shapes[r.Op].need&(fGroup|fConfig) != 0 || strings.HasPrefix(r.Table, "_"))
}

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
	switch r.Op {
	case OpInvite:
		if extra := r.has & (fUses | fExpires); r.has&fPeer != 0 && extra != 0 {
			return wire.E(wire.BadMessage, `"`, extra.names()[0], `" is for an invite that somebody redeems; with "peer" that peer is let in at once`)
		}
	case OpRevoke:
		if by := r.has & (fInvite | fToken); by == 0 || by == fInvite|fToken {
			return wire.E(wire.BadMessage, `"group.revoke" needs one of "invite", the invite's id, and "token"`)
		}
	case OpHistory:
		if r.Limit < 1 || r.Limit > MaxHistory {
			if r.HasLimit {
				return wire.E(wire.BadQuery, `"limit" of "group.history" is 1 to `, strconv.Itoa(MaxHistory), ", got ", strconv.Itoa(r.Limit))
			}
			r.Limit = DefaultHistory
		}
	}
	return nil
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
	if r.has&ofPeople != 0 {
		r.appendPeople(&w)
	}
	w.End(']')
	return WriteKey{r.Key, w.B}
}

// appendPeople writes those fields that ops about a group's people have. An invite stands for its token,
// which is to be kept nowhere.
func (r *Request) appendPeople(w *jsontext.Writer) {
	w.Begin('{')
	w.StrUnlessEmpty("peer", string(r.Peer))
	w.StrUnlessEmpty("role", string(r.Role))
	w.Key("uses")
	w.Int(int64(r.Uses))
	w.Key("expires")
	w.Int(r.Expires)
	w.StrUnlessEmpty("invite", string(r.Revokes()))
	w.StrUnlessEmpty("message", r.Message)
	w.End('}')
}

// Revokes returns the invite that a request of group.revoke names, by its id or by its token.
func (r *Request) Revokes() group.InviteID {
	if r.has&fToken != 0 {
		return group.IDOf(group.HashToken(r.Token))
	}
	return r.Invite
}
