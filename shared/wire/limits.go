package wire

import "goop/shared/jsontext"

// Bounds that are part of the protocol: no host may set them wider.
const (
	MaxID   = 64   // bytes of a GroupID, SessionID, message id or volatile key
	MaxPeer = 128  // bytes of a PeerID
	MaxMeta = 1024 // bytes of a member's meta
	MaxCaps = 16   // entries of a join's caps
	// MaxNesting is the deepest nesting of a payload, patch or meta. It is less than jsontext allows,
	// because others get them inside of further objects.
	MaxNesting = 48
	// MaxLine is the longest line that a member need accept, in bytes; a host's welcome and full
	// state keep within it.
	MaxLine = 4 << 20
)

// Limits are the host's bounds for one group, told to the page in the welcome. Sizes are bytes.
// DefaultLimits has the numbers of a host that was told no others.
type Limits struct {
	Line    int // longest line that the host accepts
	Payload int // of one msg
	State   int // of a group's whole state
	Meta    int // of a member's meta
	Data    int // longest line of the data protocol that the host accepts
	Rows    int // most rows of one data answer
}

// DefaultLimits returns the bounds that a host has without flags.
func DefaultLimits() Limits {
	return Limits{
		Line:    128 << 10,
		Payload: 64 << 10,
		State:   256 << 10,
		Meta:    MaxMeta,
		Data:    256 << 10,
		Rows:    1000,
	}
}

func (l Limits) append(w *jsontext.Writer) {
	w.Begin('{')
	for _, f := range []struct {
		key string
		n   int
	}{{"line", l.Line}, {"payload", l.Payload}, {"state", l.State}, {"meta", l.Meta}, {"data", l.Data}, {"rows", l.Rows}} {
		w.Key(f.key)
		w.Int(int64(f.n))
	}
	w.End('}')
}
