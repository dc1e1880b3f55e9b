package multistream

import (
	"errors"
	"io"
	"sync"

	"goop/shared/link"
)

// lazy is a negotiation that travels with the first bytes.
type lazy struct {
	rw       io.ReadWriter
	protocol string
	answered func(error)

	// mu guards the following.
	mu      sync.Mutex
	offered bool

	// The following belong to the reader alone.
	answer answer
	agreed bool
	err    error
}

// Conn returns a connection on which protocol is spoken from the first byte, without a wait for the
// far end's consent: the offer travels with the first Write, or goes out with the first Read, and the
// first Read reads the answer. A refusal is its error, with code not_supported.
func Conn(c io.ReadWriteCloser, protocol string) io.ReadWriteCloser {
	return &lazyConn{Closer: c, lazy: lazy{rw: c, protocol: protocol, answered: func(error) {}}}
}

type lazyConn struct {
	io.Closer
	lazy
}

// Stream is Conn for streams; CloseWrite too sends the offer.
//
// A far end that takes the bytes behind the offer for another one may reset the stream before its
// refusal gets through. answered is therefore told once how the negotiation ended: nil, or the error
// that came in place of an answer; after an error the caller does better to Select on the next stream.
func Stream(s link.Stream, protocol string, answered func(error)) link.Stream {
	return &lazyStream{Stream: s, lazy: lazy{rw: s, protocol: protocol, answered: answered}}
}

type lazyStream struct {
	link.Stream
	lazy lazy
}

func (s *lazyStream) Read(p []byte) (int, error)  { return s.lazy.Read(p) }
func (s *lazyStream) Write(p []byte) (int, error) { return s.lazy.Write(p) }

func (s *lazyStream) CloseWrite() error {
	if err := s.lazy.propose(); err != nil {
		return err
	}
	return s.Stream.CloseWrite()
}

func (l *lazy) Write(p []byte) (int, error) {
	if !l.first() {
		return l.rw.Write(p)
	}
	head := offer(l.protocol)
	n, err := l.rw.Write(append(head, p...))
	return max(0, n-len(head)), err
}

// first reports whether the caller is the one to write the offer. The lock is not held meanwhile: a
// long first Write may have to wait until somebody reads.
func (l *lazy) first() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	was := l.offered
	l.offered = true
	return !was
}

// propose writes the offer alone, unless it has been written. It holds the lock, so that a Write at
// the same time comes behind it.
func (l *lazy) propose() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.offered {
		return nil
	}
	l.offered = true
	_, err := l.rw.Write(offer(l.protocol))
	return err
}

func (l *lazy) Read(p []byte) (int, error) {
	if l.err != nil {
		return 0, l.err
	}
	if !l.agreed {
		if err := l.negotiate(); err != nil {
			return 0, err
		}
	}
	return l.rw.Read(p)
}

func (l *lazy) negotiate() error {
	err := l.propose()
	if err == nil {
		err = l.answer.read(l.rw, l.protocol)
	}
	if late, ok := errors.AsType[timeout](err); ok && late.Timeout() {
		return err // the next Read goes on
	}
	l.agreed, l.err = err == nil, err
	l.answered(err)
	return err
}

// timeout is what an exceeded deadline is, whatever the transport; see link.Stream.
type timeout interface {
	error
	Timeout() bool
}
