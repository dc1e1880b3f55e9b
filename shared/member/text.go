package member

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/bits"
	"time"

	"goop/shared/jsontext"
	"goop/shared/wire"
)

var (
	// errClosed is the cause of everything that ends because Close was called.
	errClosed = wire.E(wire.Closed, "this member was closed")
	// errStale ends an attempt to connect that began before the network or the page came back.
	errStale = errors.New("member: the attempt was from before the wake")
	// errNotNeeded ends an attempt whose reason is gone.
	errNotNeeded = errors.New("member: the connection in doubt is good, or there is none any more")
	// errMoved is the cause of the end of a connection that another one has taken the place of.
	errMoved = wire.E(wire.Offline, "the member moved to another connection")
	// errLost is the cause of the end of a connection that its transport reported.
	errLost = wire.E(wire.Offline, "the connection was lost")
	// errSilent is the cause of the end of a connection whose heartbeat had no answer.
	errSilent = wire.E(wire.Offline, "the host did not answer for 3 seconds")
)

// asError makes any error a *wire.Error; one without a code gets the given.
func asError(err error, code wire.Code) *wire.Error {
	if e, ok := errors.AsType[*wire.Error](err); ok {
		return e
	}
	if c, ok := errors.AsType[wire.Code](err); ok {
		code = c
	}
	return &wire.Error{Code: code, Err: err}
}

// gaveUp returns the error of a caller whose context ended.
func gaveUp(ctx context.Context, what string) *wire.Error {
	return &wire.Error{Code: wire.Timeout, Message: what, Err: context.Cause(ctx)}
}

const hexDigits = "0123456789abcdef"

// newID returns 128 random bits as 32 hexadecimal digits.
func (m *Member) newID() string {
	var b [16]byte
	m.random(b[:])
	return hex(b)
}

// newKey is newID for a request that changes something: with the time in its first 48 bits, so that the host
// finds the keys of one hour near each other.
func (m *Member) newKey() string {
	var b [16]byte
	m.random(b[:])
	now := uint64(time.Now().UnixMilli())
	for i := range 6 {
		b[i] = byte(now >> (40 - 8*i))
	}
	return hex(b)
}

func hex(b [16]byte) string {
	out := make([]byte, 0, 2*len(b))
	for _, c := range b {
		out = append(out, hexDigits[c>>4], hexDigits[c&15])
	}
	return string(out)
}

// jitter returns a random duration below d: full jitter.
func (m *Member) jitter(d time.Duration) time.Duration {
	var b [8]byte
	m.random(b[:])
	var n uint64
	for _, c := range b {
		n = n<<8 | uint64(c)
	}
	high, _ := bits.Mul64(n, uint64(d))
	return time.Duration(high)
}

func (m *Member) random(b []byte) {
	if _, err := io.ReadFull(m.opts.Rand, b); err != nil {
		panic("member: Options.Rand failed: " + err.Error()) // as crypto/rand does: ids must not repeat
	}
}

// oneLine returns a copy of a JSON value without newlines, which would end the line that it is put
// into. Between the tokens they are white space; within a string Check has refused them.
func oneLine(raw []byte, kind jsontext.Kind, deepest int, what string) ([]byte, *wire.Error) {
	if err := jsontext.Check(raw); err != nil {
		return nil, wire.E(wire.InvalidValue, what, " is not JSON: ", err.Error())
	}
	if kind != jsontext.Invalid && jsontext.KindOf(raw) != kind {
		return nil, wire.E(wire.InvalidValue, what, " has to be a JSON object")
	}
	if jsontext.Depth(raw) > deepest {
		return nil, wire.E(wire.TooLarge, what, " is nested too deeply")
	}
	out := bytes.Clone(bytes.TrimSpace(raw))
	for i, c := range out {
		if c == '\n' || c == '\r' {
			out[i] = ' '
		}
	}
	return out, nil
}
