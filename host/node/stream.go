package node

import (
	"errors"
	"io"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/network"

	"goop/shared/link"
)

// stream makes a libp2p stream keep the contract of package link to the letter: the same errors over
// every transport, and nothing that harms after Close. (A Reset after Close would take back what
// Close has still to deliver.)
type stream struct {
	link.Stream // a network.Stream on the host's side, a network.MuxedStream on the member's
	ended       atomic.Bool
	datagrams   func() link.Datagrams // of the connection; nil when there are none
}

var (
	_ link.Stream      = (*stream)(nil)
	_ link.Datagrammer = (*stream)(nil)
)

// Datagrams implements link.Datagrammer.
func (s *stream) Datagrams() link.Datagrams {
	if s.datagrams == nil {
		return nil
	}
	return s.datagrams()
}

func (s *stream) Read(p []byte) (int, error) {
	n, err := s.Stream.Read(p)
	return n, s.told(err)
}

func (s *stream) Write(p []byte) (int, error) {
	n, err := s.Stream.Write(p)
	return n, s.told(err)
}

func (s *stream) Close() error {
	if s.ended.Swap(true) {
		return nil
	}
	err := s.Stream.Close()
	_ = s.SetReadDeadline(past)
	return err
}

func (s *stream) Reset() error {
	if s.ended.Swap(true) {
		return nil
	}
	err := s.Stream.Reset()
	_ = s.SetReadDeadline(past)
	_ = s.SetWriteDeadline(past)
	return err
}

// past is a deadline for who waits on a stream that is given up. The streams of webtransport-go v0.13.0 need one: when the far
// end has said that its session is gone, a call on one waits for the end of the session, of which a stream that was
// canceled is not told any more; and so it waited for ever, and Node.Close with it.
var past = time.Unix(1, 0)

// told turns what a transport says into what link says.
func (s *stream) told(err error) error {
	switch {
	case err == nil, err == io.EOF:
		return err
	case s.ended.Load():
		return link.ErrClosed
	}
	if e, ok := errors.AsType[*network.StreamError](err); ok && e.Remote {
		return link.ErrReset
	}
	return err
}
