package door

import (
	"errors"
	"strconv"

	"goop/shared/jsontext"
	"goop/shared/wire"
)

// Status returns the HTTP status of an error: that of its wire.Code.
func Status(err error) int {
	e, ok := errors.AsType[*wire.Error](err)
	if !ok {
		return 500
	}
	switch e.Code {
	case wire.BadMessage, wire.InvalidValue, wire.LimitExceeded:
		return 400
	case wire.WrongHost:
		return 403
	case wire.NotFound:
		return 404
	case wire.UnsupportedType:
		return 405
	case wire.Conflict:
		return 409
	case wire.TooLarge:
		return 413
	case wire.RateLimited:
		return 429
	case wire.StorageFull:
		return 507
	}
	return 500
}

// RetryAfter returns the header of that name for an error, in whole seconds, empty when it has none.
func RetryAfter(err error) string {
	e, ok := errors.AsType[*wire.Error](err)
	if !ok || e.RetryAfter <= 0 {
		return ""
	}
	return strconv.FormatInt((e.RetryAfter+999)/1000, 10)
}

// AppendError appends the JSON of an answer: {"error":{"code":…,"message":…}}, with retryAfter in milliseconds
// for rate_limited, and for conflict with seq, the sequence number that the door has, as a text because
// JavaScript's numbers do not hold it. What is no *wire.Error is told as internal, without its text.
func AppendError(dst []byte, err error) []byte {
	e, ok := errors.AsType[*wire.Error](err)
	if !ok {
		e = wire.E(wire.Internal, "the door has a fault; its log has more")
	}
	w := jsontext.Writer{B: dst}
	w.Begin('{')
	w.Key("error")
	w.Begin('{')
	w.Key("code")
	w.Str(string(e.Code))
	w.Key("message")
	w.Str(e.Message)
	if e.RetryAfter > 0 {
		w.Key("retryAfter")
		w.Int(e.RetryAfter)
	}
	if e.Seq > 0 {
		w.Key("seq")
		w.Str(strconv.FormatInt(e.Seq, 10))
	}
	w.End('}')
	w.End('}')
	return w.B
}
