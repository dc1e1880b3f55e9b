package terminal_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"goop/host/relay"
	"goop/host/terminal"
	"goop/shared/group"
	"goop/shared/jsontext"
	"goop/shared/link"
	"goop/shared/member"
	"goop/shared/member/membertest"
	"goop/shared/wire"
)

// world is a relay with one group, and its network. Data requests other than the time have the answers of a test.
type world struct {
	t      *testing.T
	net    *membertest.Net
	relay  *relay.Relay
	answer func(id int64, op string, w io.Writer) // of the data protocol
}

func newWorld(t *testing.T, config string) *world {
	t.Helper()
	cfg, err := group.ParseConfig([]byte(config))
	if err != nil {
		t.Fatal(err)
	}
	r, err := relay.Open(context.Background(), relay.Options{})
	if err == nil {
		err = r.Ensure(context.Background(), cfg)
	}
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, relay: r}
	w.net = &membertest.Net{Host: "host", Serve: w.serve}
	return w
}

func (w *world) serve(peer wire.PeerID, protocol string, s link.Stream) {
	if protocol == wire.GroupProtocol {
		w.relay.Serve(context.Background(), peer, s)
		s.Close()
		return
	}
	r := link.NewReader(s, wire.MaxLine)
	for {
		line, err := r.ReadLine()
		if err != nil {
			return
		}
		var id int64
		var op string
		for m := jsontext.MembersOf(line); m.Next(); {
			switch string(m.Key) {
			case "id":
				id, _ = jsontext.Int(m.Value)
			case "op":
				op, _ = jsontext.Str(m.Value)
			}
		}
		if op == "time" {
			_, _ = io.WriteString(s, `{"id":`+strconv.FormatInt(id, 10)+`,"time":1}`+"\n")
		} else if w.answer != nil {
			w.answer(id, op, s)
		}
	}
}

func (w *world) close() {
	w.t.Helper()
	if err := w.relay.Shutdown(context.Background()); err != nil {
		w.t.Error(err)
	}
	w.net.Close()
}

func (w *world) open(peer wire.PeerID, out io.Writer) *terminal.Terminal {
	return terminal.Open(terminal.Options{Dialer: w.net.Dialer(peer), Out: out, Patience: time.Minute, Status: true})
}

// output is what a terminal printed.
type output struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all.Write(p)
}

// lines returns the lines that have a text in them, and that all of them are JSON.
func (o *output) lines(t *testing.T, with string) (found []string) {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	for line := range strings.Lines(o.all.String()) {
		if err := jsontext.Check([]byte(strings.TrimSuffix(line, "\n"))); err != nil {
			t.Errorf("line %q is not JSON: %v", line, err)
		}
		if strings.Contains(line, with) {
			found = append(found, line)
		}
	}
	return found
}

const lobby = `{"id":"lobby","type":"open"}`

var inLobby = terminal.Group{ID: "lobby"}

func TestJoin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, lobby)
		defer w.close()
		var bob output
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		listener := w.open("bob", &bob)
		wg.Go(func() {
			if err := listener.Join(ctx, terminal.JoinOptions{Group: inLobby, Stay: true}); err != nil {
				t.Errorf("bob: %v", err)
			}
			listener.Close()
		})
		synctest.Wait()
		var ann output
		speaker := w.open("ann", &ann)
		err := speaker.Join(ctx, terminal.JoinOptions{Group: terminal.Group{ID: "lobby", Meta: []byte(`{"label":"Ann"}`)},
			In: strings.NewReader("hello\n{\"move\":\"e4\"}\n\n\"a\x1b[2J\"\n5\r\n\xff\n")})
		if err == nil || err.Error() != "line 6: it is not UTF-8 text" {
			t.Errorf("ann: got %v, want that line 6 is not UTF-8", err)
		}
		speaker.Close()
		time.Sleep(time.Second) // of the bubble: a roster has its pace
		synctest.Wait()
		cancel()
		wg.Wait()
		want := []string{`"payload":"hello"`, `"payload":{"move":"e4"}`, `"payload":"\"a\u001b[2J\""`, `"payload":5`}
		for who, o := range map[string]*output{"ann": &ann, "bob": &bob} {
			msgs := o.lines(t, `"type":"msg"`)
			if len(msgs) != len(want) {
				t.Fatalf("%s saw %q, want %d messages", who, msgs, len(want))
			}
			for i, m := range msgs {
				if !strings.Contains(m, want[i]) || strings.Contains(m, `"own":true`) != (who == "ann") {
					t.Errorf("%s, message %d: got %s, want %s", who, i+1, m, want[i])
				}
			}
			for _, typ := range []string{"welcome", "status"} {
				if len(o.lines(t, `"type":"`+typ+`"`)) == 0 {
					t.Errorf("%s has no %s", who, typ)
				}
			}
		}
		if left := bob.lines(t, `{"peer":"ann","reason":"left"}`); len(left) != 1 {
			t.Errorf("bob heard %q of ann's leaving, want it to be in good order", left)
		}
		if e := ann.lines(t, `"type":"error"`); len(e) != 1 || !strings.Contains(e[0], `"line":6,`) {
			t.Errorf("ann's errors: %q, want one for line 6", e)
		}
	})
}

// TestManyLines sends more than the outbox holds, and counts: nothing is lost, doubled or refused.
func TestManyLines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, lobby)
		defer w.close()
		const n = 3000
		var in strings.Builder
		for i := range n {
			in.WriteString(strconv.Itoa(i) + "\n")
		}
		in.WriteString(strings.Repeat("x", 100_000) + "\n") // over the host's limit
		var out output
		term := w.open("ann", &out)
		err := term.Send(t.Context(), terminal.SendOptions{Group: inLobby, In: strings.NewReader(in.String())})
		term.Close()
		if err == nil || !strings.Contains(err.Error(), "line 3001: ") {
			t.Errorf("got %v, want that line 3001 is too large", err)
		}
		receipts := out.lines(t, `"seq":`)
		for i, r := range receipts {
			if !strings.HasPrefix(r, `{"seq":`+strconv.Itoa(i+1)+`,"time":`) {
				t.Fatalf("receipt %d is %s", i+1, r)
			}
		}
		if len(receipts) != n || len(out.lines(t, `"too_large"`)) != 1 {
			t.Errorf("%d receipts and %q, want %d and one too_large", len(receipts), out.lines(t, "error"), n)
		}
	})
}

// stalled is an output that nobody reads, until release is closed.
type stalled struct {
	output
	release chan struct{}
}

func (s *stalled) Write(p []byte) (int, error) {
	<-s.release
	return s.output.Write(p)
}

// TestUnread lets a fast group run past a terminal whose output is not read: its memory stays what it is, and when it is
// read again it tells of the gap.
func TestUnread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // not in parallel: it measures memory
		w := newWorld(t, lobby)
		defer w.close()
		out := &stalled{release: make(chan struct{})}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		term := w.open("ann", out)
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := term.Join(ctx, terminal.JoinOptions{Group: inLobby, Stay: true}); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		bob := member.New(member.Options{Dialer: w.net.Dialer("bob")})
		defer bob.Close()
		bob.Start()
		s, err := bob.Join(ctx, "lobby", member.JoinOptions{})
		if err != nil {
			t.Fatal(err)
		}
		payload := jsontext.AppendString(nil, strings.Repeat("x", 60<<10))
		send := func(n int) {
			for range n {
				if _, err := s.Send(ctx, payload, member.SendOptions{}); err != nil {
					t.Fatal(err)
				}
			}
		}
		inUse := func() uint64 {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return m.HeapAlloc
		}
		send(250) // the host's own memory of the group is full
		before := inUse()
		send(250)
		if after := inUse(); after > before+8<<20 {
			t.Errorf("%d more messages took %d MiB", 250, (after-before)>>20)
		}
		close(out.release)
		synctest.Wait()
		time.Sleep(time.Minute) // of the bubble: the host's patience and the pause before the next join
		send(1)
		synctest.Wait()
		if len(out.lines(t, `"type":"gap"`)) == 0 {
			t.Errorf("no gap was told")
		}
		last := out.lines(t, `"type":"msg"`)
		if len(last) == 0 || !strings.Contains(last[len(last)-1], `"seq":501,`) {
			t.Errorf("the last message did not come after the gap")
		}
		cancel()
		wg.Wait()
		term.Close()
	})
}

// TestInterruptUnread checks that Ctrl-C is heard while nobody reads the output.
func TestInterruptUnread(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, lobby)
		defer w.close()
		out := &stalled{release: make(chan struct{})}
		defer close(out.release)
		ctx, cancel := context.WithCancel(t.Context())
		term := w.open("ann", out)
		in, typed := io.Pipe()
		defer typed.Close()
		var wg sync.WaitGroup
		wg.Go(func() {
			_ = term.Join(ctx, terminal.JoinOptions{Group: inLobby, In: in})
			term.Close()
		})
		for range 10 {
			if _, err := io.WriteString(typed, "hello\n"); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		began := time.Now()
		cancel()
		wg.Wait()
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// broken is an output whose reader has gone.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestBrokenPipe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, lobby)
		defer w.close()
		term := w.open("ann", broken{})
		defer term.Close()
		if err := term.Join(t.Context(), terminal.JoinOptions{Group: inLobby, Stay: true}); err != nil {
			t.Error(err)
		}
	})
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, lobby)
		defer w.close()
		var out output
		term := w.open("ann", &out)
		if err := term.Join(t.Context(), terminal.JoinOptions{Group: terminal.Group{ID: "none"}}); !errors.Is(err, wire.NoSuchGroup) {
			t.Errorf("got %v, want no_such_group", err)
		}
		term.Close()
		w.net.Down(errors.New("the cable is out"))
		term = w.open("ann", &out)
		err := term.Send(t.Context(), terminal.SendOptions{Group: inLobby, Messages: []string{"x"}})
		if err == nil || err.Error() != "gave up after 1m0s without a connection: the cable is out" {
			t.Errorf("got %v, want why there is no connection", err)
		}
		term.Close()
	})
}

// TestGroupEnds checks that a group that ends by itself ends Join, with its reason.
func TestGroupEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, lobby)
		defer w.close()
		var out output
		term := w.open("ann", &out)
		defer term.Close()
		var wg sync.WaitGroup
		wg.Go(func() {
			err := term.Join(t.Context(), terminal.JoinOptions{Group: inLobby, Stay: true})
			if !errors.Is(err, wire.Closed) {
				t.Errorf("got %v, want closed", err)
			}
		})
		synctest.Wait()
		if err := w.relay.Close(t.Context(), group.Caller{Owner: true}, "lobby"); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		if c := out.lines(t, `"type":"close"`); len(c) != 1 {
			t.Errorf("closes: %q", c)
		}
	})
}

func TestQueryAndWatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, lobby)
		defer w.close()
		pages := 0
		w.answer = func(id int64, op string, to io.Writer) {
			n := strconv.FormatInt(id, 10)
			switch {
			case op == "query" && pages < 2:
				pages++
				_, _ = io.WriteString(to, `{"id":`+n+`,"rows":[{"_id":1},{"_id":2}],"cursor":"A"}`+"\n")
			case op == "query":
				_, _ = io.WriteString(to, `{"id":`+n+`,"rows":[{"_id":3,"t":"`+"\u009b"+`"}]}`+"\n")
			case op == "watch":
				_, _ = io.WriteString(to, `{"id":`+n+`,"rows":[{"_id":1}]}`+"\n"+`{"watch":`+n+`,"added":[{"_id":2}]}`+"\n")
			}
		}
		var out output
		term := w.open("ann", &out)
		if err := term.Query(t.Context(), terminal.Rows{Table: "t"}); err != nil {
			t.Error(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := term.Watch(ctx, terminal.Rows{Table: "t"}); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		cancel()
		wg.Wait()
		term.Close()
		got := strings.Join(out.lines(t, `_id`), "")
		want := "{\"_id\":1}\n{\"_id\":2}\n{\"_id\":1}\n{\"_id\":2}\n{\"_id\":3,\"t\":\"\\u009b\"}\n" +
			"{\"type\":\"rows\",\"rows\":[{\"_id\":1}]}\n{\"type\":\"change\",\"added\":[{\"_id\":2}]}\n"
		if got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}

// TestWatchUnread checks that changes which nobody reads are dropped beyond a bound, that the connection does not
// notice, and that the watch begins anew and says so.
func TestWatchUnread(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, lobby)
		defer w.close()
		watches := 0
		row := strings.Repeat("x", 1<<20)
		w.answer = func(id int64, op string, to io.Writer) {
			if op != "watch" {
				return
			}
			n := strconv.FormatInt(id, 10)
			watches++
			_, _ = io.WriteString(to, `{"id":`+n+`,"rows":[{"_id":`+strconv.Itoa(watches)+`}]}`+"\n")
			if watches == 1 {
				for range 20 {
					_, _ = io.WriteString(to, `{"watch":`+n+`,"added":["`+row+`"]}`+"\n")
				}
			}
		}
		out := &stalled{release: make(chan struct{})}
		ctx, cancel := context.WithCancel(t.Context())
		term := w.open("ann", out)
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := term.Watch(ctx, terminal.Rows{Table: "t"}); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		time.Sleep(time.Minute) // heartbeats go on
		close(out.release)
		synctest.Wait()
		cancel()
		wg.Wait()
		term.Close()
		if n := len(out.lines(t, `"added"`)); n == 0 || n > 8 {
			t.Errorf("%d changes were kept, want a few", n)
		}
		if len(out.lines(t, `"type":"gap"`)) != 1 || len(out.lines(t, `"_id":2`)) != 1 {
			t.Errorf("want a gap, and all rows anew")
		}
		if s := out.lines(t, `"offline"`); len(s) != 0 {
			t.Errorf("the connection was lost: %q", s)
		}
	})
}
