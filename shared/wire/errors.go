package wire

// Code names why something was refused. It is comparable, is itself an error, and means the same in
// Go, in a page (GoopError.code), on the wire and in the docs. Codes are only ever added.
type Code string

// Error makes a Code an error, so that errors.Is(err, wire.Full) reads as it should.
func (c Code) Error() string { return "goop: " + string(c) }

const (
	BadMessage      Code = "bad_message"      // a line that is not JSON, or not a frame or request
	TooLarge        Code = "too_large"        // a line, payload, state, meta, … over its limit
	UnsupportedType Code = "unsupported_type" // a frame type or op that this host does not know
	NoSuchGroup     Code = "no_such_group"    // missing, or not for the caller to see
	InviteInvalid   Code = "invite_invalid"   // unknown, used up, expired or revoked
	Banned          Code = "banned"
	Full            Code = "full"          // the group has its maxMembers
	Forbidden       Code = "forbidden"     // the caller's role does not allow it
	Closed          Code = "closed"        // the group, connection or member has ended
	Conflict        Code = "conflict"      // ifSeq is older, a unique value is taken, an id exists
	IDConflict      Code = "id_conflict"   // the same message id with another payload
	EpochChanged    Code = "epoch_changed" // the log started anew since the message was sent
	OutboxFull      Code = "outbox_full"   // too much is waiting to be sent
	RateLimited     Code = "rate_limited"  // retryAfter says when to try again
	TooSlow         Code = "too_slow"      // did not read, or did not send the expected line, for too long
	NoSuchTable     Code = "no_such_table"
	NoSuchColumn    Code = "no_such_column"
	BadQuery        Code = "bad_query" // a where, order, limit or operator that is not understood
	NotFound        Code = "not_found" // no such row, or not for the caller to see
	InvalidValue    Code = "invalid_value"
	LimitExceeded   Code = "limit_exceeded" // too many watches, groups, sessions, …
	StorageFull     Code = "storage_full"
	NotSupported    Code = "not_supported" // known, but not built or not possible here
	Offline         Code = "offline"       // no connection, and the call does not wait for one
	Timeout         Code = "timeout"
	WrongHost       Code = "wrong_host" // the host is not the one that was expected
	Internal        Code = "internal"   // a fault of the host; its log has the details
)

// Codes lists every Code, for the tests that hold docs and types against it.
var Codes = []Code{
	BadMessage, TooLarge, UnsupportedType, NoSuchGroup, InviteInvalid, Banned, Full, Forbidden, Closed,
	Conflict, IDConflict, EpochChanged, OutboxFull, RateLimited, TooSlow, NoSuchTable, NoSuchColumn,
	BadQuery, NotFound, InvalidValue, LimitExceeded, StorageFull, NotSupported, Offline, Timeout,
	WrongHost, Internal,
}

// Error is a Code with what a person needs to mend it.
type Error struct {
	Code    Code
	Message string // says what was wrong and what is allowed; may be shown to the far side
	ID      string // of the frame that it is about, if any
	Fatal   bool   // the stream ends with it

	// RetryAfter is in milliseconds, 0 when trying again makes no sense or may be done at once.
	RetryAfter int64
	// Seq is the newer entry that stood against an ifSeq, 0 otherwise.
	Seq int64
	// Err is the cause. It never crosses the wire.
	Err error
}

// E returns an *Error with a message of the given parts put together.
func E(code Code, parts ...string) *Error {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	msg := make([]byte, 0, n)
	for _, p := range parts {
		msg = append(msg, p...)
	}
	return &Error{Code: code, Message: string(msg)}
}

func (e *Error) Error() string {
	s := e.Code.Error()
	if e.Message != "" {
		s += ": " + e.Message
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap lets errors.Is find both the Code and the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Code}
	}
	return []error{e.Code, e.Err}
}
