package group

import (
	"crypto/sha256"
	"encoding/binary"
	"strconv"

	"goop/shared/wire"
)

// IDs of drafts are remembered for at least this long, or for this many entries, whichever ends first.
const (
	KeepIDs     = 24 * 60 * 60 * 1000 // milliseconds
	KeepIDCount = 10_000
)

// Hash is the fingerprint of what a draft says, without who says it: when the same peer sends the same
// id again, equal hashes make it a repeat and unequal ones an id_conflict.
func (d *Draft) Hash() [sha256.Size]byte {
	h := sha256.New()
	part := func(b []byte) {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(b)))
		h.Write(n[:])
		h.Write(b)
	}
	part([]byte(d.Kind))
	part([]byte(d.To))
	if d.Kind == wire.TypeState {
		part(d.Patch)
	} else {
		part(d.Payload)
	}
	if d.Redact != 0 {
		part(strconv.AppendInt([]byte("redact "), d.Redact, 10))
	}
	if d.IfSeq != nil {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(*d.IfSeq))
		part(n[:])
	}
	var sum [sha256.Size]byte
	h.Sum(sum[:0])
	return sum
}

// ErrNothingToRedact returns the refusal of a redact that names no message which is still kept.
func ErrNothingToRedact() *wire.Error {
	return wire.E(wire.NotFound, `"redact" names no message of this group whose content is still kept`)
}

// ErrIDConflict returns the refusal of a known id with another hash.
func ErrIDConflict() *wire.Error {
	return wire.E(wire.IDConflict, "this id was used for another message; ids are random and used once")
}
