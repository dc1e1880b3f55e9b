package door

import (
	"errors"
	"net/netip"
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
// for rate_limited, for conflict with seq, the sequence number that the door has, as a text because
// JavaScript's numbers do not hold it, and for addresses with seen, the announcer's for the door. What is no *wire.Error is told as internal, without its text.
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
	if s, ok := errors.AsType[seen](err); ok {
		w.Key("seen")
		w.Str(s.addr.String())
	}
	w.End('}')
	w.End('}')
	return w.B
}

// Refusal is an answer that was written by AppendError.
type Refusal struct {
	wire.Error            // RetryAfter in milliseconds, and Seq
	Seen       netip.Addr // the announcer's address for the door, when it refuses others; else the zero Addr
}

// ParseRefusal reads an answer. ok is false for what no door has written.
func ParseRefusal(b []byte) (r Refusal, ok bool) {
	if jsontext.Check(b) != nil {
		return r, false
	}
	for outer := jsontext.MembersOf(b); outer.Next(); {
		if string(outer.Key) != "error" || jsontext.KindOf(outer.Value) != jsontext.Object {
			continue
		}
		for m := jsontext.MembersOf(outer.Value); m.Next(); {
			text, err := jsontext.Str(m.Value)
			switch string(m.Key) {
			case "code":
				r.Code = wire.Code(text)
			case "message":
				r.Message = text
			case "retryAfter":
				r.RetryAfter, err = jsontext.Int(m.Value)
			case "seq":
				if err == nil {
					r.Seq, err = strconv.ParseInt(text, 10, 64)
				}
			case "seen":
				if err == nil {
					r.Seen, err = netip.ParseAddr(text)
				}
			default:
				err = nil
			}
			if err != nil {
				return r, false
			}
		}
	}
	return r, r.Code != ""
}
