package model_test

import (
	"errors"
	"io"
	"sync"
	"time"

	"goop/shared/link"
	"goop/shared/wire"
)

// ending is what a stream comes to by the script.
type ending string

const (
	stays    ending = ""
	left     ending = "left"
	hungUp   ending = "hung up"
	refused  ending = "refused" // for rubbish
	lost     ending = "cut"
	replaced ending = "replaced by its return"
	closed   ending = "closed"
	shutdown ending = "shut down"
	given    ending = "given up" // it had not read for too long
	kicked   ending = "kicked"
	banned   ending = "banned"
	barred   ending = "barred" // the group is not for it
)

// stream is one connection of a slot to the relay: what goes out is written by a goroutine of its own,
// and what comes in is kept until the burst has come to rest.
type stream struct {
	link    link.Stream
	ending  ending
	lenient bool      // it has not read, so that the host may have lost patience at any time
	paused  time.Time // since when it does not read
	fresh   bool      // the welcome is still to come
	refusal wire.Code // of the join
	since   *wire.Position
	base    map[string]any       // the state there
	pending []string             // drafts that were sent and have not been seen at the log, in order
	owed    map[string][]outcome // answers that the host has to give, by id
	heard   map[string]int       // the newest volatile message, by sender and key
	pos     int64
	old     bool // it was there before this burst, and nothing was done to it

	// mu guards the following.
	mu    sync.Mutex
	out   []item
	work  chan struct{} // holds one token
	lines []string
	gate  chan struct{} // while it does not read: closed at the end of that
	err   error         // why there are no more lines
}

// item is something that the writer does.
type item struct {
	text string
	wait time.Duration
	end  func()
}

// newStream begins to read and write.
func (w *world) newStream(near link.Stream) *stream {
	s := &stream{link: near, fresh: true, owed: map[string][]outcome{}, heard: map[string]int{}, work: make(chan struct{}, 1)}
	w.streams.Go(s.read)
	w.streams.Go(s.write)
	return s
}

func (s *stream) do(it item) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.out = append(s.out, it)
	select {
	case s.work <- struct{}{}:
	default:
	}
}

func (s *stream) say(line string) { s.do(item{text: line + "\n"}) }

// write does what is queued until the stream has ended.
func (s *stream) write() {
	for range s.work {
		for {
			s.mu.Lock()
			if len(s.out) == 0 {
				ended := s.err != nil
				s.mu.Unlock()
				if ended {
					return
				}
				break
			}
			it := s.out[0]
			s.out = s.out[1:]
			s.mu.Unlock()
			time.Sleep(it.wait)
			if it.text != "" {
				_, _ = s.link.Write([]byte(it.text)) // the reader finds out
			}
			if it.end != nil {
				it.end()
			}
		}
	}
}

// read gathers lines until the stream has ended, and ends it on this side too.
func (s *stream) read() {
	r := link.NewReader(s.link, wire.MaxLine)
	for {
		line, err := r.ReadLine()
		s.mu.Lock()
		if err == nil {
			s.lines = append(s.lines, string(line))
		}
		gate := s.gate
		s.mu.Unlock()
		if gate != nil {
			<-gate
		}
		if err == nil {
			continue
		}
		if errors.Is(err, io.EOF) {
			_ = s.link.Close()
		} else {
			_ = s.link.Reset()
		}
		s.mu.Lock()
		s.err = err
		s.mu.Unlock()
		s.do(item{})
		return
	}
}

func (s *stream) pause(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gate == nil {
		s.gate = make(chan struct{})
		if !s.lenient { // otherwise it has hardly read since the last time
			s.paused, s.lenient = now, true
		}
	}
}

func (s *stream) unpause() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gate != nil {
		close(s.gate)
		s.gate = nil
	}
}

func (s *stream) reading() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gate == nil
}

// take returns what has come since the last take.
func (s *stream) take() ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines := s.lines
	s.lines = nil
	return lines, s.err
}

// end notes what the script has the stream come to. Whoever is ended reads.
func (s *stream) end(how ending) {
	s.ending = how
	s.unpause()
}
