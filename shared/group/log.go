package group

import (
	"errors"

	"goop/shared/jsonstate"
	"goop/shared/wire"
)

// Head is where a group's log stands.
type Head struct {
	Epoch    wire.Epoch
	Seq      int64 // of the last entry, 0 when there is none
	State    jsonstate.State
	StateSeq int64 // of the last entry that changed the state, 0 when there is none
}

// Draft is an entry that wants to be appended to a group's log.
type Draft struct {
	From    wire.PeerID
	Session wire.SessionID
	Role    wire.Role // of From in the group, when the draft was accepted for appending
	ID      string    // chosen by the sender, or "": not recognised when it comes again
	Kind    wire.Type // msg or state
	To      wire.PeerID
	IfSeq   *int64
	Payload []byte // of a msg, JSON
	Patch   []byte // of a state, a JSON object
	Redact  int64  // of a msg without a payload: the seq of the msg whose content is to be erased
	With    Companion
}

// Companion is what is done in the transaction that appends a draft: both happen, or neither does. Who
// drafts has it from the log's engine, and the relay only hands it back.
type Companion interface{ Companion() }

// Result is what became of a Draft.
type Result struct {
	Seq  int64
	Time int64 // milliseconds
	Dup  bool  // the id was known: Seq and Time are those of the first time
	Err  error // a *wire.Error when the draft was refused
	// State is the group's whole state after this draft, for a state draft that was appended.
	State jsonstate.State
}

// Entry is one sequenced entry of a log.
type Entry struct {
	Seq     int64
	Time    int64
	From    wire.PeerID
	Session wire.SessionID // of the sender; "" when it is no longer known
	ID      string
	Kind    wire.Type
	To      wire.PeerID
	Payload []byte // of a msg
	Patch   []byte // of a state
	Redact  int64  // of a msg without a payload: the seq of the msg that it took away
	// Redacted marks a msg whose content a later entry took away. It has no payload.
	Redacted bool
}

// ErrForgotten tells that a log no longer holds the entries that were asked for: the reader has to be
// given the whole state.
var ErrForgotten = errors.New("group: the entries are no longer kept")
