// Package link is the contract between the two ends of one stream: an ordered, reliable, closable
// pipe that carries lines of UTF-8 text in both directions.
//
// Both sides of the house implement Stream (the host over libp2p, the browser over WebTransport and
// WebSocket, tests in memory with Pipe) and linktest proves each implementation the same way. The
// package knows bytes and lines; it must not know what a line means, who sent it, or how it travels.
//
// # Concurrency
//
// One goroutine may read while another writes. Two goroutines must not read, or write, at once.
// Close, Reset and the deadline setters may be called from any goroutine at any time, and unblock
// what is waiting.
package link

import (
	"errors"
	"io"
	"time"
)

// Stream is one end of a bidirectional pipe. It is the subset of libp2p's network.Stream that the
// project needs, so that a libp2p stream is a Stream as it is.
type Stream interface {
	// Read fills p with what has arrived, and blocks until there is at least one byte. It returns
	// io.EOF once the far end called CloseWrite or Close and everything before it has been read, and
	// another error when the stream was reset or lost, or this end was closed.
	io.Reader

	// Write sends all of p or returns an error. It blocks while the far end does not read.
	io.Writer

	// CloseWrite ends the writing half: the far end reads io.EOF after everything written before.
	// Reading goes on. A second call does nothing.
	CloseWrite() error

	// Close ends both halves at this end. The far end reads what was written, and then io.EOF. It
	// does not wait for the far end. A second call does nothing.
	Close() error

	// Reset throws the stream away: both ends get an error, bytes on their way may be lost.
	Reset() error

	// SetReadDeadline and SetWriteDeadline bound the calls that wait now and later; the zero time
	// removes the bound. An exceeded bound is an error whose Timeout method returns
	// true, as ErrDeadline's, os.ErrDeadlineExceeded's and net.Error's do.
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

// ErrClosed is returned by calls on a stream that this end has closed or reset.
var ErrClosed = errors.New("link: stream is closed")

// ErrReset is returned by calls on a stream that the far end has reset.
var ErrReset = errors.New("link: stream was reset")

// ErrDeadline is the exceeded bound of the project's own streams. It is not os's, because os alone would be a
// fiftieth of the page's program.
var ErrDeadline error = deadlineError{}

type deadlineError struct{}

func (deadlineError) Error() string { return "link: the deadline has passed" }
func (deadlineError) Timeout() bool { return true }

// ErrLineTooLong is returned by Reader.ReadLine when a line does not fit. The stream is then at an
// unknown position and of no more use for reading.
var ErrLineTooLong = errors.New("link: line too long")
