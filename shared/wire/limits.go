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

// Limits are the host's bounds, told to the page in the welcome. Sizes are bytes.
// DefaultLimits has the numbers of a host that was told no others.
type Limits struct {
	Line    int // longest line that the host accepts
	Payload int // of one msg
	State   int // of a group's whole state
	Meta    int // of a member's meta
	Data    int // longest line of the data protocol that the host accepts
	Rows    int // most rows of one data answer

	Rate        int // lines a second of one peer, in all its groups together; beyond it they are read more slowly
	Joins       int // joins a minute of one peer
	Sessions    int // of one peer in one group
	Members     int // peers in one group, whatever its maxMembers says
	Groups      int // on the host
	Connections int // from one address that have not said yet who they are
	Idle        int // milliseconds that a connection may be without a stream
	Datagram    int // payload of one unreliable message
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

		Rate:        200,
		Joins:       120,
		Sessions:    16,
		Members:     2000,
		Groups:      1000,
		Connections: 2048,
		Idle:        60_000,
		Datagram:    MaxDatagramPayload,
	}
}

// WithDefaults returns l with the default for each bound that is zero.
func (l Limits) WithDefaults() Limits {
	standard := DefaultLimits()
	have := l.fields()
	for i, f := range standard.fields() {
		if *have[i].n == 0 {
			*have[i].n = *f.n
		}
	}
	return l
}

func (l Limits) append(w *jsontext.Writer) {
	w.Begin('{')
	for _, f := range l.fields() {
		w.Key(f.key)
		w.Int(int64(*f.n))
	}
	w.End('}')
}

// limitField is one bound under its name on the wire.
type limitField struct {
	key string
	n   *int
}

// fields lists the bounds in the order in which they are written.
func (l *Limits) fields() []limitField {
	return []limitField{
		{"line", &l.Line}, {"payload", &l.Payload}, {"state", &l.State}, {"meta", &l.Meta}, {"data", &l.Data}, {"rows", &l.Rows},
		{"rate", &l.Rate}, {"joins", &l.Joins}, {"sessions", &l.Sessions}, {"members", &l.Members}, {"groups", &l.Groups},
		{"connections", &l.Connections}, {"idle", &l.Idle}, {"datagram", &l.Datagram},
	}
}
