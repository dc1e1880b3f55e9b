package member

import (
	"strconv"
	"strings"

	"goop/shared/jsontext"
	"goop/shared/wire"
)

// The rows of a Store, of which the first part of each key is the host's peer id:
//
//	HOST/outbox/SELF/GROUP/OWNER/ORDER/ID/SIZE  an entry that waits: {"epoch","seq"?,"time"?,"frame"}
//	HOST/lease/SELF/GROUP/OWNER                 "L" or "T" and a time
//
// OWNER is the session id of the page load that holds the entry, ORDER its place among the entries of
// its peer in its group, ID that of the message, SIZE its bytes. What was written by another version, or
// by somebody else, is read with suspicion.

// box names the outbox of one peer in one group of one host.
type box struct {
	host, self wire.PeerID
	group      wire.GroupID
}

func (b box) entries() string { return outboxOf(b.host) + string(b.self) + "/" + string(b.group) + "/" }

func (b box) leases() string {
	return string(b.host) + "/lease/" + string(b.self) + "/" + string(b.group) + "/"
}

// outboxOf is what the keys of all entries for a host begin with.
func outboxOf(host wire.PeerID) string { return string(host) + "/outbox/" }

// keptKey is the key of an entry without that of its box.
type keptKey struct {
	owner wire.SessionID
	// order rises with each entry. It is about the time when the entry was posted, in microseconds since
	// 1970 by this machine's clock.
	order int64
	id    string
	size  int // of the line, in bytes
}

const orderDigits = 16

func (b box) key(k keptKey) string {
	order := strconv.FormatInt(k.order, 10)
	for len(order) < orderDigits {
		order = "0" + order
	}
	return b.entries() + string(k.owner) + "/" + order + "/" + k.id + "/" + strconv.Itoa(k.size)
}

// parseKey reads a key behind that of its box.
func parseKey(key string) (k keptKey, ok bool) {
	var parts [4]string // strings.Split would make the browser's member 4 KB larger
	for i := range parts {
		at := strings.IndexByte(key, '/')
		if last := i == len(parts)-1; last != (at < 0) {
			return k, false
		} else if last {
			at = len(key)
		}
		parts[i], key = key[:at], key[min(at+1, len(key)):]
	}
	if !wire.ValidID(parts[0]) || !wire.ValidID(parts[2]) || len(parts[1]) != orderDigits {
		return k, false
	}
	order, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil || order < 0 || order > jsontext.MaxInt {
		return k, false
	}
	size, err := strconv.Atoi(parts[3])
	if err != nil || size <= 0 || size > wire.MaxLine || strconv.Itoa(size) != parts[3] {
		return k, false
	}
	return keptKey{wire.SessionID(parts[0]), order, parts[2], size}, true
}

// attempt is when an entry was written to a stream for the first time, as the host counts: the last entry
// before it that was seen, and the time in milliseconds. The zero value is never.
type attempt struct {
	seq  int64
	time int64
}

// record is what is kept of an entry beside its key.
type record struct {
	epoch wire.Epoch
	tried attempt
	line  []byte // of the frame, with its newline
}

func (r record) text() string {
	w := jsontext.Writer{B: make([]byte, 0, len(r.line)+100)}
	w.Begin('{')
	w.Key("epoch")
	w.Str(string(r.epoch))
	if r.tried.time != 0 {
		w.Key("seq")
		w.Int(r.tried.seq)
		w.Key("time")
		w.Int(r.tried.time)
	}
	w.Key("frame")
	w.Raw(r.line[:len(r.line)-1])
	w.End('}')
	return string(w.B)
}

// parseRecord reads what is kept under a key. The error says what is wrong with it.
func parseRecord(id, text string) (r record, f wire.Frame, err error) {
	raw := []byte(text)
	if err := jsontext.Check(raw); err != nil {
		return r, f, err
	}
	fields := jsontext.MembersOf(raw)
	for fields.Next() && err == nil {
		switch string(fields.Key) {
		case "epoch":
			var epoch string
			epoch, err = jsontext.Str(fields.Value)
			r.epoch = wire.Epoch(epoch)
		case "seq":
			r.tried.seq, err = jsontext.Int(fields.Value)
		case "time":
			r.tried.time, err = jsontext.Int(fields.Value)
		case "frame":
			f, err = wire.Decode(fields.Value)
		}
	}
	if err != nil {
		return r, f, err
	}
	if f, err = resendable(f); err != nil {
		return r, f, err
	}
	if r.epoch == "" || f.ID != id || r.tried.seq < 0 || r.tried.time < 0 {
		return r, f, fault("the entry is not what its key says")
	}
	r.line = f.Append(nil)
	return r, f, nil
}

// resendable returns of a frame what a member sends as a message or a patch, if it is one.
func resendable(f wire.Frame) (wire.Frame, error) {
	out := wire.Frame{Type: f.Type, ID: f.ID, To: f.To, Key: f.Key, IfSeq: f.IfSeq, Redact: f.Redact}
	raw, kind := f.Payload, jsontext.Invalid
	if f.Type == wire.TypeState {
		raw, kind = f.Patch, jsontext.Object
	}
	switch {
	case f.Type != wire.TypeMsg && f.Type != wire.TypeState, f.Volatile, f.ID == "":
		return out, fault("the entry is no message")
	case f.Type == wire.TypeMsg && f.Redact != 0 && len(raw) == 0:
		return out, nil
	}
	body, err := oneLine(raw, kind, wire.MaxNesting, "the entry")
	if err != nil {
		return out, err
	}
	if f.Type == wire.TypeState {
		out.Patch = body
	} else {
		out.Payload = body
	}
	return out, nil
}

// tenure is what a page load says of its entries in a box.
type tenure struct {
	taken bool  // another one took them over
	until int64 // when it runs out, or when they were taken: milliseconds since 1970 by this machine's clock
}

func (t tenure) text() string {
	kind := "L"
	if t.taken {
		kind = "T"
	}
	return kind + strconv.FormatInt(t.until, 10)
}

// stands reports whether the page load may live. A lease that runs for longer than any is given is from before
// this machine's clock was set back; its page, if it lives, finds out that it was taken over.
func (t tenure) stands(ms int64) bool {
	return !t.taken && t.until > ms && t.until-ms <= 2*leaseFor.Milliseconds()
}

func parseTenure(text string) (t tenure, ok bool) {
	if len(text) < 2 || text[0] != 'L' && text[0] != 'T' {
		return t, false
	}
	until, err := strconv.ParseInt(text[1:], 10, 64)
	return tenure{text[0] == 'T', until}, err == nil && until >= 0 && until <= jsontext.MaxInt
}
