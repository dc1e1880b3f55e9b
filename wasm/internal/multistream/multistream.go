// Package multistream is the client's half of multistream-select 1.0, by which both ends of a
// connection or stream agree on what is spoken there. This side offers one protocol at a time.
//
// It knows the bytes of the negotiation and no protocol's meaning.
//
// https://github.com/multiformats/multistream-select
package multistream

import (
	"encoding/binary"
	"errors"
	"io"

	"goop/shared/wire"
)

const (
	header  = "/multistream/1.0.0"
	refusal = "na"
	// maxToken bounds one line of the negotiation, its newline included.
	maxToken = 256
)

// errGarbled is returned when the far end does not speak multistream-select.
var errGarbled = errors.New("multistream: the far end does not speak multistream-select 1.0")

// Select negotiates a protocol and waits for the answer. A refusal is an error with code
// not_supported; rw may then be used for nothing else.
func Select(rw io.ReadWriter, protocol string) error {
	if _, err := rw.Write(offer(protocol)); err != nil {
		return err
	}
	var a answer
	return a.read(rw, protocol)
}

// offer returns the bytes that offer a protocol.
func offer(protocol string) []byte {
	return appendToken(appendToken(nil, header), protocol)
}

func appendToken(b []byte, token string) []byte {
	b = binary.AppendUvarint(b, uint64(len(token)+1))
	b = append(b, token...)
	return append(b, '\n')
}

// answer is as much of the far end's answer to an offer as has arrived.
type answer struct{ b []byte }

// read reads the rest of the answer, and not a byte more. After an error of r itself, such as a
// deadline, it may be called again.
func (a *answer) read(r io.Reader, protocol string) error {
	for {
		token, missing, err := verdict(a.b)
		switch {
		case err != nil:
			return err
		case missing > 0:
		case token == protocol:
			return nil
		case token == refusal:
			return wire.E(wire.NotSupported, "the host does not speak ", protocol)
		default:
			return errGarbled
		}
		var more [maxToken]byte
		n, err := r.Read(more[:missing])
		a.b = append(a.b, more[:n]...)
		if err != nil && n == 0 {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
	}
}

// verdict returns the token behind the header, or how many bytes are at least missing for it.
func verdict(b []byte) (token string, missing int, err error) {
	if token, b, missing, err = cutToken(b); err != nil || missing > 0 {
		return "", missing, err
	}
	if token != header {
		return "", 0, errGarbled
	}
	token, _, missing, err = cutToken(b)
	return token, missing, err
}

// cutToken splits one line off b, or tells how many bytes are at least missing for it.
func cutToken(b []byte) (token string, rest []byte, missing int, err error) {
	size, n := binary.Uvarint(b)
	switch {
	case n == 0 && len(b) < 2:
		return "", nil, 1, nil
	case n <= 0 || size == 0 || size > maxToken:
		return "", nil, 0, errGarbled
	}
	b = b[n:]
	if uint64(len(b)) < size {
		return "", nil, int(size) - len(b), nil
	}
	if b[size-1] != '\n' {
		return "", nil, 0, errGarbled
	}
	return string(b[:size-1]), b[size:], 0, nil
}
