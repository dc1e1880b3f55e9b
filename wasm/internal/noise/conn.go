package noise

import (
	"io"
	"slices"

	"goop/shared/wire"
	"goop/wasm/internal/chachapoly"
)

// Conn is the encrypted connection after a handshake.
type Conn struct {
	rw     io.ReadWriteCloser
	muxers []string

	receive  *chachapoly.Key
	received uint64 // messages: the nonce of the next one
	frame    []byte // the buffer behind plain
	plain    []byte // has arrived and is not yet returned

	send *chachapoly.Key
	sent uint64
	out  []byte
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
		plain, ok := c.receive.Open(msg[:0], c.received, msg, nil)
		if !ok {
			return 0, wire.E(wire.Offline, "the connection is damaged")
		}
		c.received++
		c.plain = plain
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
		n := len(part) + overhead
		c.out = append(c.out, byte(n>>8), byte(n))
		c.out = c.send.Seal(c.out, c.sent, part, nil)
		c.sent++ // 2^64 messages are more than anybody sends
	}
	if _, err := c.rw.Write(c.out); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Close closes what the connection runs over.
func (c *Conn) Close() error { return c.rw.Close() }
