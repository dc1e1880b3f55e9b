package wire

import (
	"bytes"

	"goop/shared/jsontext"
)

// Welcome is the payload of the host's first line. Seq is the position before the first line to come,
// and State is the state at exactly that position; a resumed session gets no state, because it has it,
// and the lines that it missed follow.
type Welcome struct {
	Epoch         Epoch
	Seq           int64
	StateSeq      int64 // of the last entry that changed the state
	You           You
	Members       []Member // as many as fit a line
	More          bool     // the roster goes on in members frames of the same version
	Count         int      // peers in the group
	RosterVersion int64
	State         []byte // an object; absent when resumed
	Name          string
	Durable       bool
	Access        string // "open" or "invite"
	MaxMembers    int    // 0 for no bound
	Limits        Limits
	Resumed       bool
	Time          int64 // the host's clock, milliseconds
	// Datagrams is the number of this session in the datagrams of its connection, and 0 when that has none.
	Datagrams int64
}

// You is what the host knows of the joining session.
type You struct {
	Peer    PeerID
	Session SessionID
	Role    Role
	Rights  []string // what it may do in the group, as package group names it
}

// Member is one peer of a roster.
type Member struct {
	Peer     PeerID
	Label    string // from meta
	Meta     []byte // an object, or absent
	Role     Role
	Sessions int
	Joined   int64 // milliseconds

	text []byte // as append writes it, when it is kept
}

// Keep keeps the member's text, so that it is written once however many rosters it stands in. The fields must not be
// changed any more.
func (m *Member) Keep() {
	var w jsontext.Writer
	m.append(&w)
	m.text = w.B
}

// Roster is the payload of a members frame: whole (Members) or, with cap "delta", what changed since
// the version before (Joined, Updated, Left).
type Roster struct {
	Version int64
	Count   int
	Members []Member
	More    bool // a whole roster goes on in the next members frame of the same version
	Delta   bool
	Joined  []Member
	Updated []Member
	Left    []Departure
	// You is set, for the session that gets the frame alone, when its role or rights have changed.
	You *You
}

// Departure is one peer that left a roster, and why.
type Departure struct {
	Peer   PeerID
	Reason Reason
}

// Snapshot is the payload of a full state frame, sent after a gap. The frame's Seq is its position.
type Snapshot struct {
	Epoch    Epoch
	State    []byte
	StateSeq int64
}

// Goodbye is the payload of a close frame.
type Goodbye struct {
	Reason  Reason
	Message string
}

// Append appends the payload as JSON.
func (p *Welcome) Append(dst []byte) []byte {
	w := jsontext.Writer{B: dst}
	w.Begin('{')
	field(&w, "epoch", string(p.Epoch))
	w.Key("seq")
	w.Int(p.Seq)
	w.Key("stateSeq")
	w.Int(p.StateSeq)
	p.You.append(&w)
	appendMembers(&w, "members", p.Members)
	if p.More {
		w.Key("more")
		w.Bool(true)
	}
	w.Key("count")
	w.Int(int64(p.Count))
	w.Key("rosterVersion")
	w.Int(p.RosterVersion)
	if !p.Resumed {
		w.Key("state")
		w.Raw(p.State)
	}
	field(&w, "name", p.Name)
	w.Key("durable")
	w.Bool(p.Durable)
	field(&w, "access", p.Access)
	w.Key("maxMembers")
	w.Int(int64(p.MaxMembers))
	w.Key("limits")
	p.Limits.append(&w)
	w.Key("resumed")
	w.Bool(p.Resumed)
	w.Key("time")
	w.Int(p.Time)
	if p.Datagrams != 0 {
		w.Key("datagrams")
		w.Int(p.Datagrams)
	}
	w.End('}')
	return w.B
}

func (y *You) append(w *jsontext.Writer) {
	w.Key("you")
	w.Begin('{')
	field(w, "peer", string(y.Peer))
	field(w, "session", string(y.Session))
	field(w, "role", string(y.Role))
	w.Key("rights")
	w.Begin('[')
	for _, r := range y.Rights {
		w.Str(r)
	}
	w.End(']')
	w.End('}')
}

// Append appends the payload as JSON.
func (p *Roster) Append(dst []byte) []byte {
	w := jsontext.Writer{B: dst}
	w.Begin('{')
	w.Key("version")
	w.Int(p.Version)
	if p.Delta {
		appendMembers(&w, "joined", p.Joined)
		appendMembers(&w, "updated", p.Updated)
		w.Key("left")
		w.Begin('[')
		for _, d := range p.Left {
			w.Begin('{')
			field(&w, "peer", string(d.Peer))
			field(&w, "reason", string(d.Reason))
			w.End('}')
		}
		w.End(']')
	} else {
		appendMembers(&w, "members", p.Members)
	}
	w.Key("count")
	w.Int(int64(p.Count))
	if p.More {
		w.Key("more")
		w.Bool(true)
	}
	if p.You != nil {
		p.You.append(&w)
	}
	w.End('}')
	return w.B
}

// Append appends the payload as JSON.
func (p *Snapshot) Append(dst []byte) []byte {
	w := jsontext.Writer{B: dst}
	w.Begin('{')
	field(&w, "epoch", string(p.Epoch))
	w.Key("state")
	w.Raw(p.State)
	w.Key("stateSeq")
	w.Int(p.StateSeq)
	w.End('}')
	return w.B
}

// Append appends the payload as JSON.
func (p *Goodbye) Append(dst []byte) []byte {
	w := jsontext.Writer{B: dst}
	w.Begin('{')
	field(&w, "reason", string(p.Reason))
	if p.Message != "" {
		field(&w, "message", p.Message)
	}
	w.End('}')
	return w.B
}

// Append appends the error as JSON: the payload of an error frame, and the "error" of a data answer.
func (e *Error) Append(dst []byte) []byte {
	w := jsontext.Writer{B: dst}
	w.Begin('{')
	field(&w, "code", string(e.Code))
	field(&w, "message", e.Message)
	if e.ID != "" {
		field(&w, "id", e.ID)
	}
	w.Key("fatal")
	w.Bool(e.Fatal)
	if e.RetryAfter != 0 {
		w.Key("retryAfter")
		w.Int(e.RetryAfter)
	}
	if e.Seq != 0 {
		w.Key("seq")
		w.Int(e.Seq)
	}
	w.End('}')
	return w.B
}

func field(w *jsontext.Writer, key, v string) {
	w.Key(key)
	w.Str(v)
}

func appendMembers(w *jsontext.Writer, key string, ms []Member) {
	w.Key(key)
	w.Begin('[')
	for i := range ms {
		ms[i].append(w)
	}
	w.End(']')
}

func (m *Member) append(w *jsontext.Writer) {
	if m.text != nil {
		w.Raw(m.text)
		return
	}
	w.Begin('{')
	field(w, "peer", string(m.Peer))
	field(w, "label", m.Label)
	if len(m.Meta) > 0 {
		w.Key("meta")
		w.Raw(m.Meta)
	}
	field(w, "role", string(m.Role))
	w.Key("sessions")
	w.Int(int64(m.Sessions))
	w.Key("joined")
	w.Int(m.Joined)
	w.End('}')
}

// fields hands each member of the object raw to set, and stops at the first error.
func fields(raw []byte, set func(key string, v []byte) error) error {
	if jsontext.KindOf(raw) != jsontext.Object {
		return E(BadMessage, "the payload is not an object")
	}
	m := jsontext.MembersOf(raw)
	for m.Next() {
		if err := set(string(m.Key), m.Value); err != nil {
			return E(BadMessage, `payload field "`, string(m.Key), `": `, err.Error())
		}
	}
	return nil
}

// ParseWelcome reads the payload of a welcome frame that Decode has accepted, as ParseRoster,
// ParseSnapshot, ParseGoodbye and ParseError do for theirs. Unknown fields are ignored.
func ParseWelcome(raw []byte) (p Welcome, err error) {
	err = fields(raw, func(key string, v []byte) error {
		switch key {
		case "epoch":
			return str(&p.Epoch, v)
		case "seq":
			return integer(&p.Seq, v)
		case "stateSeq":
			return integer(&p.StateSeq, v)
		case "you":
			return you(&p.You, v)
		case "members":
			return members(&p.Members, v)
		case "more":
			return boolean(&p.More, v)
		case "count":
			return number(&p.Count, v)
		case "rosterVersion":
			return integer(&p.RosterVersion, v)
		case "state":
			p.State = bytes.TrimSpace(v)
		case "name":
			return str(&p.Name, v)
		case "durable":
			return boolean(&p.Durable, v)
		case "access":
			return str(&p.Access, v)
		case "maxMembers":
			return number(&p.MaxMembers, v)
		case "limits":
			return limits(&p.Limits, v)
		case "resumed":
			return boolean(&p.Resumed, v)
		case "time":
			return integer(&p.Time, v)
		case "datagrams":
			return integer(&p.Datagrams, v)
		}
		return nil
	})
	return p, err
}

func you(dst *You, v []byte) error {
	return fields(v, func(key string, v []byte) (err error) {
		switch key {
		case "peer":
			return str(&dst.Peer, v)
		case "session":
			return str(&dst.Session, v)
		case "role":
			return str(&dst.Role, v)
		case "rights":
			dst.Rights, err = stringsOf(v)
		}
		return err
	})
}

// ParseRoster reads the payload of a members frame.
func ParseRoster(raw []byte) (p Roster, err error) {
	err = fields(raw, func(key string, v []byte) error {
		switch key {
		case "version":
			return integer(&p.Version, v)
		case "count":
			return number(&p.Count, v)
		case "members":
			return members(&p.Members, v)
		case "more":
			return boolean(&p.More, v)
		case "you":
			p.You = &You{}
			return you(p.You, v)
		case "joined":
			p.Delta = true
			return members(&p.Joined, v)
		case "updated":
			p.Delta = true
			return members(&p.Updated, v)
		case "left":
			p.Delta = true
			e := jsontext.ElementsOf(v)
			for e.Next() {
				var d Departure
				if err := fields(e.Value, func(key string, v []byte) error {
					switch key {
					case "peer":
						return str(&d.Peer, v)
					case "reason":
						return str(&d.Reason, v)
					}
					return nil
				}); err != nil {
					return err
				}
				p.Left = append(p.Left, d)
			}
		}
		return nil
	})
	return p, err
}

// ParseSnapshot reads the payload of a full state frame.
func ParseSnapshot(raw []byte) (p Snapshot, err error) {
	err = fields(raw, func(key string, v []byte) error {
		switch key {
		case "epoch":
			return str(&p.Epoch, v)
		case "state":
			p.State = bytes.TrimSpace(v)
		case "stateSeq":
			return integer(&p.StateSeq, v)
		}
		return nil
	})
	return p, err
}

// ParseGoodbye reads the payload of a close frame.
func ParseGoodbye(raw []byte) (p Goodbye, err error) {
	err = fields(raw, func(key string, v []byte) error {
		switch key {
		case "reason":
			return str(&p.Reason, v)
		case "message":
			return str(&p.Message, v)
		}
		return nil
	})
	return p, err
}

// ParseError reads the payload of an error frame, or the "error" of a data answer.
func ParseError(raw []byte) (*Error, error) {
	p := &Error{}
	err := fields(raw, func(key string, v []byte) error {
		switch key {
		case "code":
			return str(&p.Code, v)
		case "message":
			return str(&p.Message, v)
		case "id":
			return str(&p.ID, v)
		case "fatal":
			return boolean(&p.Fatal, v)
		case "retryAfter":
			return integer(&p.RetryAfter, v)
		case "seq":
			return integer(&p.Seq, v)
		}
		return nil
	})
	return p, err
}

func members(dst *[]Member, v []byte) error {
	if jsontext.KindOf(v) != jsontext.Array {
		return jsontext.ErrKind
	}
	e := jsontext.ElementsOf(v)
	for e.Next() {
		var m Member
		if err := fields(e.Value, func(key string, v []byte) error {
			switch key {
			case "peer":
				return str(&m.Peer, v)
			case "label":
				return str(&m.Label, v)
			case "meta":
				return object(&m.Meta, v)
			case "role":
				return str(&m.Role, v)
			case "sessions":
				return number(&m.Sessions, v)
			case "joined":
				return integer(&m.Joined, v)
			}
			return nil
		}); err != nil {
			return err
		}
		*dst = append(*dst, m)
	}
	return nil
}

func limits(dst *Limits, v []byte) error {
	known := dst.fields()
	return fields(v, func(key string, v []byte) error {
		for _, f := range known {
			if f.key == key {
				return number(f.n, v)
			}
		}
		return nil
	})
}

func number(dst *int, v []byte) error {
	n, err := jsontext.Int(v)
	*dst = int(n)
	return err
}
