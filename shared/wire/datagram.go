package wire

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"

	"goop/shared/jsontext"
)

// MaxDatagramPayload is the largest payload of a datagram in bytes: with all that stands before it, a
// packet fits the smallest path that QUIC works on (RFC 9000, section 14).
const MaxDatagramPayload = 1100

// Datagram is one unreliable message, beside the streams of a WebTransport connection. It may be lost,
// come late or come twice; whoever gets one drops it unless its Seq is above those that came before from
// the same sender under the same Key. Numbers are unsigned varints (the least significant seven bits
// first, as Go's encoding/binary and Protocol Buffers have them), texts stand behind their length:
//
//	M→H  session seq key payload
//	H→M  session seq sender time from key payload
//
// The payload is JSON text without line breaks and takes the rest of the packet.
type Datagram struct {
	Session uint64 // of the member, from its welcome, both ways
	Seq     uint64 // rises with each that a session sends
	Key     string // what the message is about; at most MaxID bytes
	Payload []byte // aliases the packet that it was read from

	// Set by the host.
	Sender uint64 // tells apart the sessions of a group
	Time   int64  // milliseconds, by the host's clock
	From   PeerID
}

// AppendUp appends the datagram as a member sends it.
func (d *Datagram) AppendUp(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, d.Session)
	dst = binary.AppendUvarint(dst, d.Seq)
	dst = appendText(dst, d.Key)
	return append(dst, d.Payload...)
}

// AppendDown appends the datagram as the host sends it.
func (d *Datagram) AppendDown(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, d.Session)
	return d.AppendRest(dst)
}

// AppendRest appends what stands behind the session, which is the same for all who get it.
func (d *Datagram) AppendRest(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, d.Seq)
	dst = binary.AppendUvarint(dst, d.Sender)
	dst = binary.AppendUvarint(dst, uint64(d.Time))
	dst = appendText(dst, string(d.From))
	dst = appendText(dst, d.Key)
	return append(dst, d.Payload...)
}

// ParseUp reads what stands behind the session in a datagram of a member, and ParseDown in one of the
// host. The error is an *Error with code bad_message or too_large.
func ParseUp(rest []byte) (Datagram, error) {
	r := packet{rest: rest}
	d := Datagram{Seq: r.number(), Key: string(r.text(MaxID))}
	return d, r.payload(&d)
}

// ParseDown reads what stands behind the session in a datagram of the host.
func ParseDown(rest []byte) (Datagram, error) {
	r := packet{rest: rest}
	d := Datagram{Seq: r.number(), Sender: r.number(), Time: int64(r.number() & jsontext.MaxInt)}
	d.From = PeerID(r.text(MaxPeer))
	d.Key = string(r.text(MaxID))
	return d, r.payload(&d)
}

func appendText(dst []byte, s string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

// packet is what is left to read of a datagram.
type packet struct {
	rest []byte
	bad  bool
}

func (p *packet) number() uint64 {
	v, n := binary.Uvarint(p.rest)
	if n <= 0 {
		p.bad, p.rest = true, nil
		return 0
	}
	p.rest = p.rest[n:]
	return v
}

func (p *packet) text(most int) []byte {
	n := p.number()
	if n > uint64(most) || n > uint64(len(p.rest)) || !utf8.Valid(p.rest[:n]) {
		p.bad = true
		return nil
	}
	text := p.rest[:n]
	p.rest = p.rest[n:]
	return text
}

func (p *packet) payload(d *Datagram) error {
	switch {
	case p.bad:
		return E(BadMessage, "the datagram is not one of this protocol")
	case len(p.rest) > MaxDatagramPayload:
		return E(TooLarge, "the payload of a datagram has at most 1100 bytes")
	case jsontext.Check(p.rest) != nil || jsontext.Depth(p.rest) > MaxNesting:
		return E(BadMessage, "the payload of a datagram is JSON, nested at most 48 deep")
	case bytes.IndexByte(p.rest, '\n') >= 0: // who has no datagrams gets it in a line
		return E(BadMessage, "the payload of a datagram has no line breaks")
	}
	d.Payload = p.rest
	return nil
}
