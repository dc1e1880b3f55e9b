package link

import (
	"io"
	"time"
)

// LastWords ends a stream so that its last line arrives: it writes line, ends the writing half, waits
// up to wait for the far end to end the other half, and closes. Closing at once would lose what is
// still on its way. The writing itself may take up to wait as well. The stream is closed when LastWords
// returns; nobody else may be reading from it or writing to it.
func LastWords(s Stream, line []byte, wait time.Duration) error {
	_ = s.SetWriteDeadline(time.Now().Add(wait))
	if _, err := s.Write(line); err != nil {
		_ = s.Reset()
		return err
	}
	if err := s.CloseWrite(); err != nil {
		_ = s.Reset()
		return err
	}
	AwaitEnd(s, wait)
	return s.Close()
}

// AwaitEnd reads and throws away what comes until the far end has ended its half or is lost, for at
// most wait.
func AwaitEnd(s Stream, wait time.Duration) {
	_ = s.SetReadDeadline(time.Now().Add(wait))
	_, _ = io.Copy(io.Discard, s)
}
