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
	OpReach       Op = "reach"
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

	After      string // a cursor, or ""
	Rows       []byte // a list of objects
	On         []string
	By         []string
	Compute    []byte    // an object
	Operations []Request // of a batch; they have neither ID nor Key
	Text       string
	Params     []Value
	Payload    []byte // any JSON

	operations []byte // as they came
	params     []byte
	inBatch    bool
	has        field
}

// Bounds of a request.
const (
	minKey     = 16
	MaxWatches = 50 // live queries of one connection
	maxColumns = 128
	maxSecret  = 128 // bytes, of an invite's token too

	MaxInsertMany = 500      // rows of one insertMany
	MaxBatch      = 100      // operations of one batch
	MaxParams     = 500      // of one sql
	maxCursor     = 32 << 10 // bytes

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
	OpReach:       {},
	OpTables:      {},
	OpSchema:      {need: fTable},
	OpQuery:       {need: fTable, may: listing | fAfter},
	OpGet:         {need: fTable | fRow, may: fColumns},
	OpCount:       {need: fTable, may: fWhere},
	OpInsert:      {need: fTable | fValues | fKey},
	OpUpdate:      {need: fTable | fRow | fValues | fKey},
	OpRemove:      {need: fTable | fRow | fKey},
	OpInsertMany:  {need: fTable | fRows | fKey},
	OpUpdateWhere: {need: fTable | fWhere | fValues | fKey},
	OpRemoveWhere: {need: fTable | fWhere | fKey},
	OpUpsert:      {need: fTable | fValues | fKey, may: fOn},
	OpIncrement:   {need: fTable | fRow | fValues | fKey},
	OpBatch:       {need: fOperations | fKey},
	OpAggregate:   {need: fTable | fCompute, may: fWhere | fBy | fOrder | fLimit},
	OpSQL:         {need: fText | fKey, may: fParams},
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

// operations has every op that may stand in a batch.
var operations = map[Op]shape{
	OpInsert:      {need: fTable | fValues},
	OpInsertMany:  {need: fTable | fRows},
	OpUpdate:      {need: fTable | fRow | fValues},
	OpUpdateWhere: {need: fTable | fWhere | fValues},
	OpRemove:      {need: fTable | fRow},
	OpRemoveWhere: {need: fTable | fWhere},
	OpUpsert:      {need: fTable | fValues, may: fOn},
	OpIncrement:   {need: fTable | fRow | fValues},
	OpSend:        {need: fGroup | fPayload},
}

// Writes reports whether the op changes something and so carries a key.
func (op Op) Writes() bool { return shapes[op].need&fKey != 0 }

// Weight is as how many writes of one row the request counts. Rows that come together cost a tenth of what
// each would cost alone, and how many a condition is true for is not known before.
func (r *Request) Weight() float64 {
	const together, unknown = 0.1, 5
	switch r.Op {
	case OpInsertMany:
		n := 0.0
		for e := jsontext.ElementsOf(r.Rows); e.Next(); {
			n++
		}
		return 1 + n*together
	case OpUpdateWhere, OpRemoveWhere:
		return unknown
	case OpBatch:
		n := 1.0
		for i := range r.Operations {
			switch op := &r.Operations[i]; op.Op {
			case OpInsertMany, OpUpdateWhere, OpRemoveWhere:
				n += op.Weight()
			default:
				n += together
			}
		}
		return n
	}
	return 1
}

// Waits reports whether the request is done behind those writes that came before it. An owner's SELECT is
// not: it may take long.
func (r *Request) Waits() bool {
	if r.Op == OpSQL {
		text := strings.TrimSpace(r.Text)
		const read = "SELECT"
		return len(text) < len(read) || !strings.EqualFold(text[:len(read)], read)
	}
	return r.Op.Writes() || r.Op == OpClaim
}

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

// TimeRequest reads a line that asks for the time, as members write it every other second, and nothing else: what it
// does not know is for DecodeRequest.
func TimeRequest(line []byte) (id int64, ok bool) {
	const before, after, digits = `{"id":`, `,"op":"time"}`, 15
	n := len(line) - len(before) - len(after)
	if n < 1 || n > digits || string(line[:len(before)]) != before || string(line[len(before)+n:]) != after {
		return 0, false
	}
	for _, c := range line[len(before) : len(before)+n] {
		if c < '0' || c > '9' || c == '0' && id == 0 {
			return 0, false
		}
		id = 10*id + int64(c-'0')
	}
	return id, true
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
	switch {
	case r.has&fOp != 0:
	case r.inBatch:
		return wire.E(wire.BadMessage, `the operation has no "op"`)
	default:
		return wire.E(wire.BadMessage, `the request has no "op"`)
	}
	if r.inBatch {
		sh, ok := operations[r.Op]
		if !ok {
			return wire.E(wire.UnsupportedType, `an operation of a batch is one of `, quotedList(operationNames), `, got "`, clip(string(r.Op)), `"`)
		}
		return r.fits(sh, stray)
	}
	sh, ok := shapes[r.Op]
	switch {
	case !ok:
		return wire.E(wire.UnsupportedType, `unknown op "`, clip(string(r.Op)), `"`, suggest(string(r.Op), opNames))
	case !r.HasID:
		return wire.E(wire.BadMessage, `the request has no "id", which is an integer that the answer will carry`)
	}
	return r.fits(sh, stray)
}

// fits checks the fields against what the op takes.
func (r *Request) fits(sh shape, stray string) *wire.Error {
	takes := fOp | sh.need | sh.may
	if !r.inBatch {
		takes |= fID
	}
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
	case OpQuery:
		if r.has&fAfter != 0 && r.has&fOffset != 0 {
			return wire.E(wire.BadQuery, `"after" goes on behind a row, so that "offset" has nothing to count from; leave one of them out`)
		}
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

// opNames and operationNames list the ops of shapes and operations, for messages.
var opNames, operationNames = namesOf(shapes), namesOf(operations)

func namesOf(shapes map[Op]shape) (out []string) {
	for op := range shapes {
		out = append(out, string(op))
	}
	slices.Sort(out)
	return out
}
