package wire

import (
	"bytes"

	"goop/shared/jsontext"
)

// Frame is one line of the group protocol. Which fields count depends on Type and direction; see
// the package comment. Raw fields are JSON text and alias the line from which they were decoded.
type Frame struct {
	Type  Type
	Group GroupID

	// join
	Session SessionID
	Since   *Position
	Invite  string
	Meta    []byte // an object
	Caps    []string

	// msg and state
	ID       string
	Seq      int64
	From     PeerID
	Time     int64 // milliseconds since 1970, by the host's clock
	Payload  []byte
	Patch    []byte // an object
	To       PeerID
	Key      string
	IfSeq    *int64
	Volatile bool
	Ack      bool
	// Redact is the seq of the msg whose content this msg takes away. It has no payload of its own.
	Redact int64
	// Unreliable marks a msg that came as a datagram. It stands in no line of the protocol: a member sets it for its page.
	Unreliable bool
}

// Append appends the frame as one line, the newline included.
func (f *Frame) Append(dst []byte) []byte {
	w := jsontext.Writer{B: dst}
	w.Begin('{')
	w.Key("type")
	w.Str(string(f.Type))
	num := func(key string, v int64) {
		if v != 0 {
			w.Key(key)
			w.Int(v)
		}
	}
	raw := func(key string, v []byte) {
		if len(v) > 0 {
			w.Key(key)
			w.Raw(v)
		}
	}
	flag := func(key string, v bool) {
		if v {
			w.Key(key)
			w.Bool(v)
		}
	}
	w.StrUnlessEmpty("group", string(f.Group))
	w.StrUnlessEmpty("session", string(f.Session))
	if f.Since != nil {
		w.Key("since")
		f.Since.append(&w)
	}
	w.StrUnlessEmpty("invite", f.Invite)
	raw("meta", f.Meta)
	if len(f.Caps) > 0 {
		w.Key("caps")
		w.Begin('[')
		for _, c := range f.Caps {
			w.Str(c)
		}
		w.End(']')
	}
	w.StrUnlessEmpty("id", f.ID)
	num("seq", f.Seq)
	w.StrUnlessEmpty("from", string(f.From))
	num("time", f.Time)
	w.StrUnlessEmpty("to", string(f.To))
	w.StrUnlessEmpty("key", f.Key)
	if f.IfSeq != nil {
		w.Key("ifSeq")
		w.Int(*f.IfSeq)
	}
	flag("volatile", f.Volatile)
	flag("unreliable", f.Unreliable)
	flag("ack", f.Ack)
	num("redact", f.Redact)
	raw("payload", f.Payload)
	raw("patch", f.Patch)
	w.End('}')
	return append(w.B, '\n')
}

func (p Position) append(w *jsontext.Writer) {
	w.Begin('{')
	w.Key("epoch")
	w.Str(string(p.Epoch))
	w.Key("seq")
	w.Int(p.Seq)
	w.End('}')
}

// Decode reads one line. It checks the syntax, the type of every field that it knows and that none
// stands twice; unknown fields are ignored. What a frame of its type must carry is Validate's
// business. The error is an *Error with code bad_message.
func Decode(line []byte) (Frame, error) {
	var f Frame
	if err := jsontext.Check(line); err != nil {
		return f, &Error{Code: BadMessage, Message: "the line is not JSON: " + err.Error()}
	}
	if jsontext.KindOf(line) != jsontext.Object {
		return f, E(BadMessage, `the line is not a JSON object such as {"type":"join","group":"lobby"}`)
	}
	var seen uint32
	m := jsontext.MembersOf(line)
	for m.Next() {
		bit, err := f.set(string(m.Key), m.Value)
		if err != nil {
			return f, E(BadMessage, `field "`, string(m.Key), `": `, err.Error())
		}
		if seen&bit != 0 {
			return f, E(BadMessage, `field "`, string(m.Key), `" stands twice`)
		}
		seen |= bit
	}
	return f, nil
}

// set stores one field. It returns a bit of its own for each known field, and 0 for an unknown one.
func (f *Frame) set(key string, v []byte) (bit uint32, err error) {
	switch key {
	case "type":
		bit, err = 1<<0, str(&f.Type, v)
	case "group":
		bit, err = 1<<1, str(&f.Group, v)
	case "session":
		bit, err = 1<<2, str(&f.Session, v)
	case "since":
		bit = 1 << 3
		f.Since, err = positionOf(v)
	case "invite":
		bit, err = 1<<4, str(&f.Invite, v)
	case "meta":
		bit, err = 1<<5, object(&f.Meta, v)
	case "caps":
		bit = 1 << 6
		f.Caps, err = stringsOf(v)
	case "id":
		bit, err = 1<<7, str(&f.ID, v)
	case "seq":
		bit, err = 1<<8, integer(&f.Seq, v)
	case "from":
		bit, err = 1<<9, str(&f.From, v)
	case "time":
		bit, err = 1<<10, integer(&f.Time, v)
	case "payload":
		bit, f.Payload = 1<<11, v
	case "patch":
		bit, err = 1<<12, object(&f.Patch, v)
	case "to":
		bit, err = 1<<13, str(&f.To, v)
	case "key":
		bit, err = 1<<14, str(&f.Key, v)
	case "ifSeq":
		bit = 1 << 15
		var n int64
		err = integer(&n, v)
		f.IfSeq = &n
	case "volatile":
		bit, err = 1<<16, boolean(&f.Volatile, v)
	case "ack":
		bit, err = 1<<17, boolean(&f.Ack, v)
	case "redact":
		bit, err = 1<<18, integer(&f.Redact, v)
	case "unreliable":
		bit, err = 1<<19, boolean(&f.Unreliable, v)
	}
	return bit, err
}

// Validate checks that a frame from a member carries what its type needs, in the bounds of l. The
// error is an *Error with code bad_message, unsupported_type or too_large; it carries the frame's id.
func (f *Frame) Validate(l Limits) error {
	err := f.validate(l)
	if err != nil {
		if len(f.ID) <= MaxID {
			err.ID = f.ID
		}
		return err
	}
	return nil
}

func (f *Frame) validate(l Limits) *Error {
	if f.Group != "" && !ValidID(string(f.Group)) {
		return E(BadMessage, `"group" is 1 to 64 of a-z, A-Z, 0-9, "-", "_" and "."`)
	}
	if len(f.ID) > MaxID || len(f.Key) > MaxID {
		return E(BadMessage, `"id" and "key" are at most 64 bytes long`)
	}
	if len(f.To) > MaxPeer {
		return E(BadMessage, `"to" is a peer id, at most 128 bytes long`)
	}
	switch f.Type {
	case TypeJoin:
		switch {
		case f.Group == "":
			return E(BadMessage, `a join needs a "group"`)
		case f.Session != "" && !ValidID(string(f.Session)):
			return E(BadMessage, `"session" is 1 to 64 of a-z, A-Z, 0-9, "-", "_" and "."`)
		case len(f.Meta) > l.Meta:
			return E(TooLarge, `"meta" is larger than the limit "meta" of the welcome`)
		case jsontext.Depth(f.Meta) > MaxNesting:
			return E(TooLarge, `"meta" is nested more than 48 deep`)
		case len(f.Caps) > MaxCaps:
			return E(TooLarge, `"caps" has more than 16 entries`)
		}
	case TypeMsg:
		switch {
		case f.Redact != 0 && (f.Redact < 0 || len(f.Payload) > 0 || f.Volatile || f.To != ""):
			return E(BadMessage, `a msg with "redact", the seq of the message that it takes away, has no "payload", "to" or "volatile"`)
		case f.Redact != 0:
		case len(f.Payload) == 0:
			return E(BadMessage, `a msg needs a "payload"`)
		case len(f.Payload) > l.Payload:
			return E(TooLarge, `"payload" is larger than the limit "payload" of the welcome`)
		case jsontext.Depth(f.Payload) > MaxNesting:
			return E(TooLarge, `"payload" is nested more than 48 deep`)
		}
	case TypeState:
		switch {
		case len(f.Patch) == 0:
			return E(BadMessage, `a state needs a "patch", which is an object`)
		case len(f.Patch) > l.State:
			return E(TooLarge, `"patch" is larger than the limit "state" of the welcome`)
		case jsontext.Depth(f.Patch) > MaxNesting:
			return E(TooLarge, `"patch" is nested more than 48 deep`)
		case f.IfSeq != nil && *f.IfSeq < 0:
			return E(BadMessage, `"ifSeq" is the seq of an entry, or 0 for none`)
		}
	case TypeLeave:
	case TypeWelcome, TypeMembers, TypeClose, TypeError:
		return E(UnsupportedType, `a "`, string(f.Type), `" is sent by the host alone; a member sends join, msg, state and leave`)
	case "":
		return E(BadMessage, `the frame has no "type"`)
	default:
		return E(UnsupportedType, `unknown type; a member sends join, msg, state and leave`)
	}
	return nil
}

func str[T ~string](dst *T, v []byte) error {
	s, err := jsontext.Str(v)
	*dst = T(s)
	return err
}

func integer(dst *int64, v []byte) (err error) {
	*dst, err = jsontext.Int(v)
	return err
}

func boolean(dst *bool, v []byte) (err error) {
	*dst, err = jsontext.Boolean(v)
	return err
}

func object(dst *[]byte, v []byte) error {
	if jsontext.KindOf(v) != jsontext.Object {
		return jsontext.ErrKind
	}
	*dst = bytes.TrimSpace(v)
	return nil
}

func stringsOf(v []byte) ([]string, error) {
	if jsontext.KindOf(v) != jsontext.Array {
		return nil, jsontext.ErrKind
	}
	var out []string
	e := jsontext.ElementsOf(v)
	for e.Next() {
		s, err := jsontext.Str(e.Value)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

func positionOf(v []byte) (*Position, error) {
	if jsontext.KindOf(v) != jsontext.Object {
		return nil, jsontext.ErrKind
	}
	var p Position
	m := jsontext.MembersOf(v)
	for m.Next() {
		var err error
		switch string(m.Key) {
		case "epoch":
			err = str(&p.Epoch, m.Value)
		case "seq":
			err = integer(&p.Seq, m.Value)
		}
		if err != nil {
			return nil, err
		}
	}
	return &p, nil
}
