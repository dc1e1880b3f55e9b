package yamux

import (
	"io"

	"goop/shared/link"
	"goop/shared/wire"
)

// read is the reader: it takes frames in until the session ends. It never waits for anything but the
// connection.
func (s *Session) read() {
	var (
		head [headerSize]byte
		f    frame
		data = make([]byte, maxPart)
	)
	for {
		if _, err := io.ReadFull(s.conn, head[:]); err != nil {
			s.end(lost(err))
			return
		}
		err := errFrame
		if f.parse(&head) {
			err = s.receive(f, data)
		}
		if err != nil {
			s.end(err)
			return
		}
	}
}

var (
	errFrame  error = wire.E(wire.Offline, "the host sent a frame that is not understood")
	errWindow error = wire.E(wire.Offline, "the host sent more than it may")
	errFlood  error = wire.E(wire.Offline, "the host asks more than it lets us answer")
)

// receive handles one frame; data is scratch space for its payload. An error ends the session.
func (s *Session) receive(f frame, data []byte) error {
	switch f.typ {
	case typePing:
		if f.flags&flagSYN != 0 {
			return s.reply(frame{typ: typePing, flags: flagACK, length: f.length})
		}
		return nil
	case typeGoAway:
		return wire.E(wire.Offline, "the host closed the connection")
	}
	if f.flags&flagSYN != 0 {
		if f.stream == 0 || f.stream%2 != 0 {
			return errFrame // a stream number of ours
		}
		if err := s.reply(frame{typ: typeWindow, flags: flagRST, stream: f.stream}); err != nil {
			return err
		}
	}
	if f.typ == typeData {
		if err := s.receiveData(f, data); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.streams[f.stream]
	if st == nil {
		return nil
	}
	if f.flags&flagRST != 0 {
		st.resetLocked(link.ErrReset, link.ErrReset)
		return nil
	}
	if f.typ == typeWindow {
		st.sendWindow += int64(f.length)
		s.scheduleLocked(st)
	}
	if f.flags&flagFIN != 0 {
		st.endedLocked(io.EOF)
	}
	return nil
}

// receiveData takes in the payload of a data frame, part by part.
func (s *Session) receiveData(f frame, data []byte) error {
	if f.length > maxWindow {
		return errWindow
	}
	deaf := false // the stream is ours and nobody reads it any more
	for left := int(f.length); left > 0; {
		part := data[:min(left, len(data))]
		if _, err := io.ReadFull(s.conn, part); err != nil {
			return lost(err)
		}
		left -= len(part)
		s.mu.Lock()
		st := s.streams[f.stream]
		fits := true
		switch {
		case st == nil:
			deaf = f.stream%2 == 1
		case st.rerr != nil:
			st.deaf = true // a reset now could overtake what the far end has yet to read
		default:
			fits = st.acceptLocked(part)
		}
		s.mu.Unlock()
		if !fits {
			return errWindow
		}
	}
	if deaf && f.flags&(flagFIN|flagRST) == 0 {
		return s.reply(frame{typ: typeWindow, flags: flagRST, stream: f.stream})
	}
	return nil
}

// reply queues a frame that is about no open stream of ours.
func (s *Session) reply(f frame) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.control) > maxControl {
		return errFlood
	}
	s.control = f.append(s.control)
	s.wakeLocked()
	return nil
}
