package door

import (
	"strconv"
	"time"

	"goop/shared/record"
	"goop/shared/wire"
)

// Verify is the one of shared/record.
type Verify = record.Verify

// read takes the envelopes out of an announcement, with all that is checked of them.
func (e *Entry) read(a Announcement, verify Verify) error {
	public, local, err := split(a.Body)
	if err != nil {
		return err
	}
	rec, err := e.open(public, verify)
	if err != nil {
		return err
	}
	if rec.Seq >= 1<<63 {
		return ahead(1<<63-1, a.Now)
	}
	e.Seq = int64(rec.Seq)
	if err := e.addresses(&rec, a.From, false); err != nil {
		return err
	}
	if len(rec.Addrs) > 0 {
		e.Public = public
	}
	if local == nil {
		return nil
	}
	near, err := e.open(local, verify)
	if err != nil {
		return err
	}
	if near.Seq != rec.Seq {
		return wire.E(wire.BadMessage, "the public and the local record have different sequence numbers")
	}
	if err := e.addresses(&near, a.From, true); err != nil {
		return err
	}
	if len(near.Addrs) > 0 {
		e.Local = local
	}
	return nil
}

// open reads an envelope, which must be that of the entry's host.
func (e *Entry) open(envelope []byte, verify Verify) (record.Record, error) {
	rec, err := record.Open(envelope, verify)
	switch {
	case err != nil:
		return rec, err
	case rec.Peer != e.Peer:
		return rec, wire.E(wire.WrongHost, "this is another host's record: ", string(rec.Peer))
	case rec.Unknown > 0:
		return rec, wire.E(wire.InvalidValue, "the record has addresses of kinds that a door does not know")
	}
	return rec, nil
}

// split takes an announcement apart. local is nil when there is none.
func split(body []byte) (public, local []byte, err error) {
	if len(body) > MaxBody {
		return nil, nil, wire.E(wire.TooLarge, "an announcement has at most 8192 bytes")
	}
	public, rest, ok := prefixed(body)
	if ok && len(rest) > 0 {
		local, rest, ok = prefixed(rest)
	}
	if !ok || len(rest) > 0 {
		return nil, nil, wire.E(wire.BadMessage, "an announcement is one or two envelopes, each with its length in front")
	}
	return public, local, nil
}

// Body puts an announcement together. local may be nil.
func Body(public, local []byte) []byte {
	b := make([]byte, 0, len(public)+len(local)+4)
	for _, envelope := range [][]byte{public, local} {
		if envelope == nil {
			continue
		}
		if len(envelope) >= 0x80 {
			b = append(b, byte(len(envelope))|0x80)
			b = append(b, byte(len(envelope)>>7))
		} else {
			b = append(b, byte(len(envelope)))
		}
		b = append(b, envelope...)
	}
	return b
}

// prefixed reads an envelope with its length, of at most two bytes: more than MaxBody.
func prefixed(b []byte) (envelope, rest []byte, ok bool) {
	if len(b) == 0 {
		return nil, nil, false
	}
	n, head := int(b[0]), 1
	if n >= 0x80 {
		if len(b) < 2 || b[1] == 0 || b[1] >= 0x80 {
			return nil, nil, false
		}
		n, head = n&0x7f|int(b[1])<<7, 2
	}
	if n == 0 || len(b) < head+n {
		return nil, nil, false
	}
	return b[head : head+n], b[head+n:], true
}

// Older is the error for a record that is not newer than the one of sequence number have.
func Older(have int64) *wire.Error {
	e := wire.E(wire.Conflict, "the door has a newer record of this host, of ", when(have),
		": the host's clock is behind, or another machine runs a host with the same key")
	e.Seq = have
	return e
}

func ahead(seq int64, now time.Time) *wire.Error {
	return wire.E(wire.InvalidValue, "the record is of the future, ", when(seq), ", and the door has ", when(now.UnixNano()),
		": the host's clock is ahead, or the door's behind")
}

// when writes the time of a sequence number.
func when(seq int64) string {
	return time.Unix(0, seq).UTC().Format(time.DateTime) + " UTC"
}

// Full is the error when a new host comes and the door remembers MaxHosts.
func Full() *wire.Error {
	return wire.E(wire.StorageFull, "this door has as many hosts as it may have: ", strconv.Itoa(MaxHosts))
}

// Absent is the error for a visitor when there is no record for him.
func Absent() *wire.Error {
	return wire.E(wire.NotFound, "the host is not there now, or not reached from where you are")
}
