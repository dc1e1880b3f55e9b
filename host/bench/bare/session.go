package bare

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"goop/shared/link"
	"goop/shared/wire"
)

// session is one stream of one member in a group. The goroutine of serve reads from it, and write is the only one that writes to it.
type session struct {
	group  *group
	peer   wire.PeerID
	stream link.Stream
	wake   chan struct{} // there may be something to write
	gone   chan struct{} // closed when there is nothing more to write
	cursor int64         // the last line that was taken up; the group's mu guards it
}

// serve runs one stream of the group protocol.
func (h *host) serve(ctx context.Context, peer wire.PeerID, stream link.Stream) {
	defer context.AfterFunc(ctx, func() { _ = stream.Reset() })()
	lines := link.NewReader(stream, wire.MaxLine)
	join, err := frame(lines)
	if err != nil || join.Type != wire.TypeJoin {
		_ = stream.Reset()
		return
	}
	s := &session{group: h.group(join.Group), peer: peer, stream: stream, wake: make(chan struct{}, 1), gone: make(chan struct{})}
	seq := s.group.enter(s)
	var writer sync.WaitGroup
	writer.Go(func() { s.write(s.welcome(join.Session, seq)) })
	for err == nil {
		err = s.read(lines)
	}
	s.group.leave(s)
	close(s.gone)
	if !errors.Is(err, io.EOF) {
		_ = stream.Reset() // which the writer notices
	}
	writer.Wait()
	_ = stream.CloseWrite()
}

// frame reads the next line.
func frame(lines *link.Reader) (wire.Frame, error) {
	text, err := lines.ReadLine()
	if err != nil {
		return wire.Frame{}, err
	}
	return wire.Decode(text)
}

// read takes one line. It returns io.EOF when the member leaves.
func (s *session) read(lines *link.Reader) error {
	f, err := frame(lines)
	switch {
	case err != nil:
		return err
	case f.Type == wire.TypeLeave:
		return io.EOF
	case f.Type == wire.TypeMsg && len(f.Payload) > 0:
		s.group.add(s, f.ID, f.Payload)
		return nil
	}
	return wire.E(wire.UnsupportedType, "a bare host takes messages alone")
}

func (s *session) welcome(id wire.SessionID, seq int64) []byte {
	w := wire.Welcome{
		Epoch: "bare", Seq: seq, You: wire.You{Peer: s.peer, Session: id, Role: wire.RoleMember}, State: []byte("{}"),
		Name: "bare", Access: "open", Limits: wire.DefaultLimits(), Time: time.Now().UnixMilli(),
	}
	f := wire.Frame{Type: wire.TypeWelcome, Group: s.group.id, Payload: w.Append(nil)}
	return f.Append(nil)
}

// write writes what it is given, and then all that comes to lie behind the cursor, as much of it as there is with one
// call, until the member is gone.
func (s *session) write(buf []byte) {
	for more := true; ; {
		if len(buf) > 0 {
			n, err := s.stream.Write(buf)
			s.group.counts.bytesOut.Add(int64(n))
			if err != nil {
				_ = s.stream.Reset() // which the reader notices
				return
			}
		}
		if !more {
			select {
			case <-s.wake:
			case <-s.gone:
				return
			}
		}
		buf, more = s.take(buf[:0])
	}
}

// take appends what lies behind the cursor, as the member sees it, and reports whether there is more.
func (s *session) take(buf []byte) ([]byte, bool) {
	lines, more := s.group.after(s)
	s.group.counts.deliveries.Add(int64(len(lines)))
	for _, l := range lines {
		if l.from == s && l.id != "" {
			ack := wire.Frame{Type: wire.TypeMsg, Group: s.group.id, ID: l.id, Seq: l.seq, Time: l.time, Ack: true}
			buf = ack.Append(buf)
			continue
		}
		buf = append(buf, l.text...)
	}
	return buf, more
}
