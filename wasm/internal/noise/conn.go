package noise

import (
	"encoding/binary"
	"io"
	"slices"

	"github.com/flynn/noise"

	"goop/shared/wire"
)

// Conn is the encrypted connection after a handshake.
type Conn struct {
	rw     io.ReadWriteCloser
	muxers []string

	dec   *noise.CipherState
	frame []byte // the buffer behind plain
	plain []byte // has arrived and is not yet returned

	enc *noise.CipherState
	out []byte
}

var _ io.ReadWriteCloser = (*Conn)(nil)

// Speaks reports whether the host offered a stream multiplexer in its handshake. When it did and we
// offered that one alone, both sides use it without further negotiation.
func (c *Conn) Speaks(muxer string) bool { return slices.Contains(c.muxers, muxer) }

// Read implements io.Reader. A message that was tampered with is an error with code offline.
func (c *Conn) Read(p []byte) (int, error) {
	for len(c.plain) == 0 {
		msg, err := readFrame(c.rw, c.frame)
		if err != nil {
			return 0, err
		}
		c.frame = msg[:0]
		if c.plain, err = c.dec.Decrypt(msg[:0], nil, msg); err != nil {
			return 0, &wire.Error{Code: wire.Offline, Message: "the connection is damaged", Err: err}
		}
	}
	n := copy(p, c.plain)
	c.plain = c.plain[n:]
	return n, nil
}

// Write encrypts p, in messages as large as they may be, and sends all of them in one call.
func (c *Conn) Write(p []byte) (int, error) {
	c.out = c.out[:0]
	for rest := p; len(rest) > 0; {
		part := rest[:min(len(rest), maxPlain)]
		rest = rest[len(part):]
		c.out = binary.BigEndian.AppendUint16(c.out, uint16(len(part)+overhead))
		var err error
		if c.out, err = c.enc.Encrypt(c.out, nil, part); err != nil {
			return 0, err
		}
	}
	if _, err := c.rw.Write(c.out); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Close closes what the connection runs over.
func (c *Conn) Close() error { return c.rw.Close() }
