package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"sync"
)

// Opcodes of WebSocket frames, RFC 6455.
const (
	opContinued = 0
	opText      = 1
	opBinary    = 2
	opClose     = 8
	opPing      = 9
	opPong      = 10
)

// socket is the client's side of a WebSocket, as cheap as can be: the loader must not be what is measured. One
// goroutine reads.
type socket struct {
	conn net.Conn
	in   *bufio.Reader
	left int // bytes of the present frame that have not been read
	last bool

	mu  sync.Mutex // of writes
	out []byte
}

// readSize is room for what waits in a socket's buffer when the loader is behind.
const readSize = 16 << 10

func dial(ctx context.Context, address string) (*socket, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return nil, err
	}
	s := &socket{conn: conn, in: bufio.NewReaderSize(conn, readSize)}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", u.RequestURI(), u.Host)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	res, err := http.ReadResponse(s.in, nil)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	if res.StatusCode != http.StatusSwitchingProtocols {
		return nil, errors.Join(fmt.Errorf("the server answers %s", res.Status), conn.Close())
	}
	return s, nil
}

// next reads the head of the next frame that has a message in it, and answers pings.
func (s *socket) next() error {
	for {
		var head [8]byte
		if _, err := io.ReadFull(s.in, head[:2]); err != nil {
			return err
		}
		op, last, size := head[0]&15, head[0]&128 != 0, int(head[1])
		switch size {
		case 126:
			if _, err := io.ReadFull(s.in, head[:2]); err != nil {
				return err
			}
			size = int(binary.BigEndian.Uint16(head[:2]))
		case 127:
			if _, err := io.ReadFull(s.in, head[:8]); err != nil {
				return err
			}
			size = int(binary.BigEndian.Uint64(head[:8]))
		}
		switch op {
		case opContinued, opText, opBinary:
			s.left, s.last = size, last
			return nil
		case opClose:
			return io.EOF
		case opPing:
			text := make([]byte, size)
			if _, err := io.ReadFull(s.in, text); err != nil {
				return err
			}
			if err := s.send(opPong, text); err != nil {
				return err
			}
		default:
			if _, err := s.in.Discard(size); err != nil {
				return err
			}
		}
	}
}

// message reads a whole message into into, which it returns grown where that was needed.
func (s *socket) message(into []byte) ([]byte, error) {
	into = into[:0]
	for {
		if err := s.next(); err != nil {
			return into, err
		}
		start := len(into)
		if cap(into) < start+s.left {
			into = append(make([]byte, 0, 2*(start+s.left)), into...)
		}
		into = into[:start+s.left]
		if _, err := io.ReadFull(s.in, into[start:]); err != nil {
			return into, err
		}
		s.left = 0
		if s.last {
			return into, nil
		}
	}
}

// Read reads from all messages as from one stream, for protocols to which messages mean nothing.
func (s *socket) Read(p []byte) (int, error) {
	for s.left == 0 {
		if err := s.next(); err != nil {
			return 0, err
		}
	}
	n, err := s.in.Read(p[:min(len(p), s.left)])
	s.left -= n
	return n, err
}

// send writes a message of some parts.
func (s *socket) send(op byte, parts ...[]byte) error {
	size := 0
	for _, p := range parts {
		size += len(p)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out := append(s.out[:0], 128|op)
	switch {
	case size < 126:
		out = append(out, 128|byte(size))
	case size <= 0xffff:
		out = binary.BigEndian.AppendUint16(append(out, 128|126), uint16(size))
	default:
		out = binary.BigEndian.AppendUint64(append(out, 128|127), uint64(size))
	}
	var mask [4]byte
	binary.LittleEndian.PutUint32(mask[:], rand.Uint32())
	out = append(out, mask[:]...)
	body := len(out)
	for _, p := range parts {
		out = append(out, p...)
	}
	for i := range out[body:] {
		out[body+i] ^= mask[i&3]
	}
	s.out = out
	_, err := s.conn.Write(out)
	return err
}

func (s *socket) close() error { return s.conn.Close() }
