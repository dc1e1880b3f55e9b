package relay_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"goop/host/relay"
	"goop/shared/group"
	"goop/shared/link"
	"goop/shared/wire"
)

const (
	alice wire.PeerID = "12D3KooWAlice"
	bob   wire.PeerID = "12D3KooWBob"
	carol wire.PeerID = "12D3KooWCarol"
	boss  wire.PeerID = "12D3KooWBoss" // the site's owner
)

// world is a relay with its streams in memory.
type world struct {
	*relay.Relay
	t       testing.TB
	serving sync.WaitGroup
	pipe    int // bytes that a stream holds on its way; 0 for 64 KiB
}

// open returns a world that is shut down at the end of the test; boss is its owner.
func open(t testing.TB, o relay.Options) *world {
	t.Helper()
	if o.IsOwner == nil {
		o.IsOwner = func(p wire.PeerID) bool { return p == boss }
	}
	o.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	r, err := relay.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{Relay: r, t: t}
	t.Cleanup(w.end)
	return w
}

// end shuts the world down; a second call does nothing.
func (w *world) end() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := w.Shutdown(ctx); err != nil {
		w.t.Errorf("Shutdown: %v", err)
	}
	w.serving.Wait()
}

// create makes a group from its JSON.
func (w *world) create(cfg string) group.Info {
	w.t.Helper()
	c, err := group.ParseConfig([]byte(cfg))
	if err != nil {
		w.t.Fatal(err)
	}
	info, err := w.Create(w.t.Context(), group.Caller{Peer: boss, Owner: true}, c)
	if err != nil {
		w.t.Fatal(err)
	}
	return info
}

// dial opens a stream to the relay.
func (w *world) dial(peer wire.PeerID) *member {
	near, far := link.Pipe(w.pipe)
	return w.dialOver(peer, near, far)
}

// dialOver is dial for a stream whose two ends are there.
func (w *world) dialOver(peer wire.PeerID, near, far link.Stream) *member {
	w.serving.Go(func() { w.Serve(context.Background(), peer, far) })
	return &member{t: w.t, peer: peer, stream: near, lines: link.NewReader(near, wire.MaxLine)}
}

// join opens a stream and joins with one line. It returns with the welcome.
func (w *world) join(peer wire.PeerID, line string) *member {
	w.t.Helper()
	m := w.dial(peer)
	m.join(line)
	return m
}

// join joins with one line.
func (m *member) join(line string) {
	m.t.Helper()
	m.send(line)
	f := m.next()
	if f.Type != wire.TypeWelcome {
		m.t.Fatalf("first line: got %s, want a welcome", f.text)
	}
	var err error
	if m.welcome, err = wire.ParseWelcome(f.Payload); err != nil {
		m.t.Fatal(err)
	}
}

// member is the far end of a stream, line by line.
type member struct {
	t       testing.TB
	peer    wire.PeerID
	stream  link.Stream
	lines   *link.Reader
	welcome wire.Welcome
}

type frame struct {
	wire.Frame
	text string
}

func (m *member) send(line string) {
	m.t.Helper()
	if _, err := m.stream.Write([]byte(line + "\n")); err != nil {
		m.t.Errorf("send %s: %v", line, err)
	}
}

// tries is send for a line that the host may not read to its end.
func (m *member) tries(line string) { _, _ = m.stream.Write([]byte(line + "\n")) }

// next returns the next line. It fails the test when there is none.
func (m *member) next() frame {
	m.t.Helper()
	f, err := m.read()
	if err != nil {
		m.t.Fatalf("%s: reading a line: %v", m.peer, err)
	}
	return f
}

func (m *member) read() (frame, error) {
	_ = m.stream.SetReadDeadline(time.Now().Add(5 * time.Minute)) // rather than for ever
	line, err := m.lines.ReadLine()
	if err != nil {
		return frame{}, err
	}
	text := string(line)
	f, err := wire.Decode([]byte(text))
	return frame{f, text}, err
}

// skipTo returns the next line of a type, throwing away what comes before.
func (m *member) skipTo(kind wire.Type) frame {
	m.t.Helper()
	for {
		if f := m.next(); f.Type == kind {
			return f
		}
	}
}

// wants fails the test unless the next line is exactly this one.
func (m *member) wants(line string) {
	m.t.Helper()
	if f := m.next(); f.text != line {
		m.t.Errorf("%s got  %s\n%s want %s", m.peer, f.text, m.peer, line)
	}
}

// ends fails the test unless the stream has ended, and ends it on this side too.
func (m *member) ends() {
	m.t.Helper()
	if f, err := m.read(); !errors.Is(err, io.EOF) {
		m.t.Errorf("%s got %s, %v, want the end", m.peer, f.text, err)
	}
	_ = m.stream.Close()
}

// readsOut reads until the stream has ended, and ends it on this side too.
func (m *member) readsOut() {
	m.t.Helper()
	_, err := m.read()
	for err == nil {
		_, err = m.read()
	}
	if !errors.Is(err, io.EOF) {
		m.t.Errorf("%s got %v, want the end", m.peer, err)
	}
	_ = m.stream.Close()
}

// refused returns the error that is the next line.
func (m *member) refused() *wire.Error {
	m.t.Helper()
	f := m.next()
	if f.Type != wire.TypeError {
		m.t.Fatalf("got %s, want an error", f.text)
	}
	e, err := wire.ParseError(f.Payload)
	if err != nil {
		m.t.Fatal(err)
	}
	return e
}

// goodbye returns the reason of the close that is the next line but for rosters, and of the end.
func (m *member) goodbye() wire.Reason {
	m.t.Helper()
	f := m.skipTo(wire.TypeClose)
	bye, err := wire.ParseGoodbye(f.Payload)
	if err != nil {
		m.t.Fatal(err)
	}
	m.ends()
	return bye.Reason
}

func roster(t testing.TB, f frame) wire.Roster {
	t.Helper()
	if f.Type != wire.TypeMembers {
		t.Fatalf("got %s, want a members frame", f.text)
	}
	r, err := wire.ParseRoster(f.Payload)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// relink returns a new reader of a member's lines, after one whose deadline has passed. All that had
// come was read.
func relink(m *member) *link.Reader { return link.NewReader(m.stream, wire.MaxLine) }
