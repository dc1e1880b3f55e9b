package docs_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"goop/host/relay"
	"goop/shared/group"
	"goop/shared/link"
	"goop/shared/wire"
)

// step is one line of a session: "ann → {…}", "ann ← {…}", "ann ends", "ann is cut off" or "the host ends".
var step = regexp.MustCompile(`^(the host|\w+) (→|←|ends|is cut off)(?: (.*))?$`)

// secret matches what the host makes up at random; the docs shorten it.
var secret = regexp.MustCompile(`"(epoch|session)":"[A-Z2-7]{26}"`)

// TestSessions plays each session of protocol.md, a second after each line of a member: what the host
// sends is what stands there, all of it and nothing else.
func TestSessions(t *testing.T) {
	for _, script := range blocks(t, "protocol.md", "session") {
		first, _, _ := strings.Cut(script, "\n")
		t.Run(first, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { play(t, script) })
		})
	}
}

// stage is a relay with one group, and the members that a script names.
type stage struct {
	t       *testing.T
	relay   *relay.Relay
	members map[string]*member
	serving sync.WaitGroup
	epoch   string // as the host has made it
	play    []string
}

// member is the far end of a stream. The lines of the host wait in lines, and then it is closed.
type member struct {
	stream link.Stream
	lines  chan string
}

func play(t *testing.T, script string) {
	time.Sleep(time.Until(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)))
	r, err := relay.Open(t.Context(), relay.Options{Logger: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := group.ParseConfig([]byte(`{"id":"lobby","name":"Lobby","type":"open"}`))
	if err == nil {
		err = r.Ensure(t.Context(), cfg)
	}
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t, relay: r, members: map[string]*member{}}
	for line := range strings.Lines(script) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		m := step.FindStringSubmatch(line)
		if m == nil {
			t.Fatalf("not a step of a session: %s", line)
		}
		s.step(m[1], m[2], m[3])
	}
	for name, m := range s.members { // those whose end the script does not tell
		s.none(name, m)
		_ = m.stream.Close()
	}
	s.serving.Wait()
	if err := r.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if t.Failed() {
		t.Logf("the session as it was:\n%s", strings.Join(s.play, "\n"))
	}
}

func (s *stage) step(name, what, line string) {
	m := s.members[name]
	switch {
	case name == "the host":
		// Shutdown waits for the members, who read until the end.
		s.serving.Go(func() { _ = s.relay.Shutdown(context.Background()) })
		s.pass()
	case what == "→":
		if m == nil {
			m = s.dial(name)
		}
		s.play = append(s.play, name+" → "+line)
		if s.epoch != "" {
			line = strings.ReplaceAll(line, `"E1"`, `"`+s.epoch+`"`)
		}
		if _, err := io.WriteString(m.stream, line+"\n"); err != nil {
			s.t.Errorf("%s → %s: %v", name, line, err)
		}
		s.pass()
	case what == "←":
		if got, ok := s.next(name, m); !ok || got != line {
			s.t.Errorf("%s\ngot  %s\nwant %s", name, got, line)
		}
	case what == "ends":
		line, ok := s.next(name, m)
		if f, err := wire.Decode([]byte(line)); err == nil && f.Type == wire.TypeMembers { // of its own leaving, if that was seen in time
			line, ok = s.next(name, m)
		}
		if ok || line != ended {
			s.t.Errorf("%s got %s, want the end", name, line)
		}
		_ = m.stream.Close()
		delete(s.members, name)
	case what == "is cut off":
		s.none(name, m)
		_ = m.stream.Reset()
		delete(s.members, name)
		s.play = append(s.play, name+" is cut off")
		s.pass()
	}
}

// pass lets a second go by.
func (s *stage) pass() {
	time.Sleep(time.Second)
	synctest.Wait()
}

// ended is what next returns for a stream that the host has ended.
const ended = "the end"

// next returns what a member has got next, as the docs show it.
func (s *stage) next(name string, m *member) (string, bool) {
	if m == nil {
		return "nothing: it has no stream", false
	}
	select {
	case line, ok := <-m.lines:
		if !ok {
			return ended, false
		}
		s.play = append(s.play, name+" ← "+line)
		return line, true
	default:
		return "nothing", false
	}
}

// none expects that a member has got all that the script says, and nothing else.
func (s *stage) none(name string, m *member) {
	for {
		line, ok := s.next(name, m)
		if !ok {
			return
		}
		s.t.Errorf("%s got more than the script says: %s", name, line)
	}
}

func (s *stage) dial(name string) *member {
	near, far := link.Pipe(0)
	m := &member{stream: near, lines: make(chan string, 1000)}
	s.members[name] = m
	peer := wire.PeerID("12D3KooW" + strings.ToUpper(name[:1]) + name[1:])
	s.serving.Go(func() { s.relay.Serve(context.Background(), peer, far) })
	s.serving.Go(func() {
		defer close(m.lines)
		lines := link.NewReader(near, wire.MaxLine)
		for {
			line, err := lines.ReadLine()
			if err != nil {
				if !errors.Is(err, io.EOF) && !errors.Is(err, link.ErrClosed) {
					s.t.Errorf("%s: %v", name, err)
				}
				return
			}
			m.lines <- s.shorten(string(line))
		}
	})
	return m
}

// shorten puts short names in the place of what is random.
func (s *stage) shorten(line string) string {
	if f, err := wire.Decode([]byte(line)); err == nil && f.Type == wire.TypeWelcome {
		if w, err := wire.ParseWelcome(f.Payload); err == nil {
			s.epoch = string(w.Epoch)
		}
	}
	return secret.ReplaceAllStringFunc(line, func(found string) string {
		if strings.HasPrefix(found, `"epoch"`) {
			return `"epoch":"E1"`
		}
		return `"session":"S1"`
	})
}
