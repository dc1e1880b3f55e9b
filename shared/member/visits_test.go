package member_test

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"goop/shared/member"
	"goop/shared/member/membertest"
	"goop/shared/wire"
)

// tab is a page of ann's, with the store that all her pages share.
type tab struct {
	*member.Member
	h     *host
	store *membertest.Page
	got   events
	s     *member.Session
	g     *groupStream

	mu       sync.Mutex
	warnings []string
}

// tab opens a page, which joins the durable group g at a position.
func (h *host) tab(store *membertest.Store, epoch wire.Epoch, seq int64, change ...func(*wire.Welcome)) *tab {
	h.t.Helper()
	p := &tab{h: h, store: store.Page()}
	p.Member = h.start(member.Options{Store: p.store, OnWarn: p.warn})
	p.s, p.g = h.join(p.Member, &p.got, epoch, seq, append(change, durable)...)
	return p
}

func (p *tab) warn(message string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.warnings = append(p.warnings, message)
}

func (p *tab) warned() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.warnings)
}

// offline takes the host away from all pages.
func (p *tab) offline() {
	p.h.net.Down(wire.E(wire.Offline, "nobody there"))
	p.h.net.Cut()
	synctest.Wait()
}

// kill ends the page as a crash does.
func (p *tab) kill() {
	p.store.Kill()
	p.Close()
}

// leave ends the page as a reload does.
func (p *tab) leave() {
	p.Suspend()
	synctest.Wait()
	p.kill()
}

// leases returns how many of the rows are leases that nobody has taken over.
func leases(rows map[string]string) (n int) {
	for key, value := range rows {
		if strings.Contains(key, "/lease/") && value[0] == 'L' {
			n++
		}
	}
	return n
}

// payloads returns those of the next n frames.
func (g *groupStream) payloads(n int) (out []string, frames []wire.Frame) {
	g.h.t.Helper()
	for range n {
		f := g.next()
		frames = append(frames, f)
		out = append(out, string(f.Payload)+string(f.Patch))
	}
	return out, frames
}

func TestNextVisit(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		end  func(*tab)
		hold time.Duration // until the next visit may send
	}{
		{"the tab is left", (*tab).leave, 0},
		{"the tab is killed", (*tab).kill, 10 * time.Second},
		{"the member is closed", func(p *tab) { p.Close() }, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, h *host) {
				var store membertest.Store
				one := h.tab(&store, "e1", 0)
				one.offline()
				post(t, one.s, `"a"`)
				if _, err := one.s.PostState([]byte(`{"k":1}`), nil); err != nil {
					t.Fatal(err)
				}
				post(t, one.s, `"c"`)
				synctest.Wait()
				if n := store.Entries(); n != 3 {
					t.Fatalf("got %d entries stored, want 3 at once", n)
				}
				tt.end(one)

				h.net.Down(nil)
				began := time.Now()
				two := h.tab(&store, "e1", 4)
				post(t, two.s, `"d"`)
				sent, frames := two.g.payloads(4)
				if want := []string{`"a"`, `{"k":1}`, `"c"`, `"d"`}; !slices.Equal(sent, want) {
					t.Errorf("sent: got %q, want %q", sent, want)
				}
				if took := time.Since(began); took < tt.hold-time.Second || took > tt.hold+time.Second {
					t.Errorf("it went out after %v, want %v", took, tt.hold)
				}
				if n := two.s.Waiting(); n != 4 {
					t.Errorf("waiting: got %d, want 4", n)
				}
				for i, f := range frames {
					two.g.ack(f, int64(5+i))
				}
				want := []string{"welcome", `"a"`, `patch {"k":1}`, `"c"`, `own "d"`}
				if got := two.got.take(); !slices.Equal(got, want) {
					t.Errorf("events: got %q, want %q", got, want)
				}
				time.Sleep(time.Second)
				synctest.Wait()
				if rows := store.Rows(); store.Entries() != 0 {
					t.Errorf("still stored: %q", rows)
				}
				two.leave()

				three := h.tab(&store, "e1", 8)
				three.g.nothing()
			})
		})
	}
}

func TestTrafficStoresNothing(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		var store membertest.Store
		one := h.tab(&store, "e1", 0)
		const n = 1000
		for i := range int64(n) {
			p := post(t, one.s, "1")
			time.Sleep(10 * time.Millisecond) // the round trip
			one.g.ack(one.g.next(), i+1)
			outcome(t, p)
		}
		if w := store.Writes(); w != 0 {
			t.Errorf("%d acknowledged messages made %d writes, want none", n, w)
		}
		p := post(t, one.s, "2")
		time.Sleep(100 * time.Millisecond)
		if n := store.Entries(); n != 1 {
			t.Errorf("unanswered for 100 ms: got %d stored, want 1", n)
		}
		one.g.ack(one.g.next(), n+1)
		outcome(t, p)
		time.Sleep(100 * time.Millisecond)
		if n, w := len(store.Rows()), store.Writes(); n != 0 || w != 2 {
			t.Errorf("got %d rows and %d writes, want none and two", n, w)
		}
		post(t, one.s, "3")
		one.SetVisible(false)
		synctest.Wait()
		if n := store.Entries(); n != 1 {
			t.Errorf("a page that is hidden: got %d stored, want 1", n)
		}
	})
}

// What a page had sent when it was killed is sent again, for the host knows whether it had come; and what
// the host might not know any more is given up.
func TestSentBefore(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		epoch   wire.Epoch
		seq     int64
		after   time.Duration
		given   string // the code with which a is given up, "" when it is sent
		unsentB string // the same of b, which was never sent
	}{
		{"soon", "e1", 5, time.Minute, "", ""},
		{"within a day", "e1", 8000, 22 * time.Hour, "", ""},
		{"later", "e1", 5, 24 * time.Hour, "timeout", ""},
		{"many entries later", "e1", 9100, time.Minute, "timeout", ""},
		{"in another log", "e2", 5, time.Minute, "epoch_changed", "epoch_changed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, h *host) {
				var store membertest.Store
				one := h.tab(&store, "e1", 0)
				post(t, one.s, `"a"`)
				fa := one.g.next()
				time.Sleep(100 * time.Millisecond)
				one.offline()
				post(t, one.s, `"b"`)
				synctest.Wait()
				one.kill()

				time.Sleep(tt.after)
				h.net.Down(nil)
				two := h.tab(&store, tt.epoch, tt.seq)
				time.Sleep(100 * time.Millisecond)
				if tt.given == "" {
					if f := two.g.next(); f.ID != fa.ID || string(f.Payload) != `"a"` {
						t.Errorf("got %s, want a again, with its id", f.Append(nil))
					}
					two.g.ack(fa, 1) // it had come
				}
				if tt.unsentB == "" {
					if f := two.g.next(); string(f.Payload) != `"b"` {
						t.Errorf("got %s, want b", f.Append(nil))
					}
				}
				two.g.nothing()
				want := []string{"welcome"}
				for _, code := range []string{tt.given, tt.unsentB} {
					if code != "" {
						want = append(want, "error "+code)
					}
				}
				two.got.mu.Lock()
				for _, e := range two.got.all[1:] {
					if e.Unsent == nil || e.Err.ID == "" || !strings.HasSuffix(string(e.Line), `,"unsent":{"type":"msg","payload":`+string(e.Unsent.Payload)+`}}`) {
						t.Errorf("got %s, want it to say what was not sent", e.Line)
					}
				}
				two.got.mu.Unlock()
				if got := two.got.take(); !slices.Equal(got, want) {
					t.Errorf("events: got %q, want %q", got, want)
				}
			})
		})
	}
}

// What the host has taken in while the page was killed is stored as tried before it goes out again.
func TestTriedIsStoredFirst(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		var store membertest.Store
		one := h.tab(&store, "e1", 0)
		one.offline()
		post(t, one.s, `"a"`)
		synctest.Wait()
		h.net.Down(nil)
		g := h.joined()
		g.welcome("e1", 0, durable)
		g.next()
		for key, text := range store.Rows() {
			if strings.Contains(key, "/outbox/") && !strings.Contains(text, `"time":`) {
				t.Errorf("it is on its way, and %s says %s", key, text)
			}
		}
	})
}

func TestTwoTabs(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		var store membertest.Store
		one, two := h.tab(&store, "e1", 0), h.tab(&store, "e1", 0)
		one.offline()
		post(t, one.s, `"a"`)
		post(t, two.s, `"b"`)
		time.Sleep(time.Minute) // which both live to see
		h.net.Down(nil)
		for range 2 {
			g := h.joined()
			g.welcome("e1", 0, durable)
			want := `"b"`
			if g.join.Session == one.Session() {
				want = `"a"`
			}
			if f := g.next(); string(f.Payload) != want {
				t.Errorf("got %s, want %s alone", f.Append(nil), want)
			}
			defer g.nothing()
		}
		time.Sleep(time.Minute)
	})
}

// The clock of this machine was a day ahead when a tab died, and was set right: its lease holds nobody up.
func TestLeaseOfAnotherClock(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		var store membertest.Store
		one := h.tab(&store, "e1", 0)
		one.offline()
		post(t, one.s, `"a"`)
		synctest.Wait()
		one.kill()
		rows := store.Rows()
		for key := range rows {
			if strings.Contains(key, "/lease/") {
				rows[key] = "L" + strconv.FormatInt(time.Now().Add(24*time.Hour).UnixMilli(), 10)
			}
		}
		store.Set(rows)
		h.net.Down(nil)
		began := time.Now()
		two := h.tab(&store, "e1", 0)
		post(t, two.s, `"b"`)
		if got, _ := two.g.payloads(2); !slices.Equal(got, []string{`"a"`, `"b"`}) {
			t.Errorf("got %q", got)
		}
		if took := time.Since(began); took > 15*time.Second {
			t.Errorf("they went out after %v", took)
		}
	})
}

// gated is a dialer of one page that can be shut.
type gated struct {
	member.Dialer
	shut atomic.Bool
}

func (g *gated) Dial(ctx context.Context) (member.Conn, error) {
	if g.shut.Load() {
		return nil, wire.E(wire.Offline, "no network")
	}
	return g.Dialer.Dial(ctx)
}

// A tab that joins while another one is offline with messages of its own leaves them alone, and does
// not wait long; when the other one is gone for good, it sends them.
func TestAnotherTabIsOffline(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		var store membertest.Store
		gate := &gated{Dialer: h.net.Dialer("ann")}
		one := &tab{h: h, store: store.Page()}
		one.Member = h.start(member.Options{Store: one.store, Dialer: gate})
		one.s, _ = h.join(one.Member, nil, "e1", 0, durable)
		gate.shut.Store(true)
		h.net.Cut()
		synctest.Wait()
		post(t, one.s, `"a"`)
		time.Sleep(time.Minute)
		began := time.Now()
		two := h.tab(&store, "e1", 0)
		post(t, two.s, `"b"`)
		if f := two.g.next(); string(f.Payload) != `"b"` {
			t.Errorf("got %s, want b", f.Append(nil))
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("it went out after %v", took)
		}
		one.kill()
		if f := two.g.next(); string(f.Payload) != `"a"` {
			t.Errorf("got %s, want a", f.Append(nil))
		}
	})
}

// A tab that was frozen does not send what another one has taken over, and still learns what became of it.
func TestFrozenTab(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		arrives bool
		outcome string
	}{
		{"it arrives", true, "1"},
		{"it does not", false, "timeout"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, h *host) {
				var store membertest.Store
				one := h.tab(&store, "e1", 0)
				one.offline()
				a := post(t, one.s, `"a"`)
				synctest.Wait()
				one.store.Freeze() // a frozen page renews nothing; its connection is gone all the while
				h.net.Down(nil)
				again := h.joined() // one is back, but frozen before its welcome

				two := h.tab(&store, "e1", 0)
				f := two.g.next()
				if string(f.Payload) != `"a"` {
					t.Fatalf("got %s, want a", f.Append(nil))
				}
				one.store.Thaw()
				again.welcome("e1", 0, durable, resumed)
				again.nothing()
				if tt.arrives {
					two.g.ack(f, 1)
					again.say(`{"type":"msg","group":"g","seq":1,"from":"ann","time":9,"id":"` + f.ID + `","payload":"a"}`)
				}
				if o := outcome(t, a); o != tt.outcome {
					t.Errorf("got %s, want %s", o, tt.outcome)
				}
				again.nothing()
			})
		})
	}
}

func TestLeavingWhileOffline(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		var store membertest.Store
		one := h.tab(&store, "e1", 0)
		one.offline()
		post(t, one.s, `"a"`)
		synctest.Wait()
		one.leave()
		h.net.Down(nil)
		two := h.tab(&store, "e1", 0)
		two.g.next()
		two.offline()
		b := post(t, two.s, `"b"`)
		synctest.Wait()
		if n := store.Entries(); n != 2 {
			t.Errorf("got %d entries stored, want 2", n)
		}
		// b's sender learns that it was not sent; nobody would learn it of a.
		if err := two.s.Leave(t.Context()); err != nil {
			t.Fatal(err)
		}
		if o := outcome(t, b); o != "closed" {
			t.Errorf("b: got %s, want closed", o)
		}
		if rows := store.Rows(); store.Entries() != 1 || leases(rows) != 0 {
			t.Errorf("stored: got %q, want a, for whoever comes next", rows)
		}
	})
}

// What an earlier visit has sent and the host refuses is told to the page, in front of a close.
func TestRestoredIsRefused(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		var store membertest.Store
		one := h.tab(&store, "e1", 0)
		one.offline()
		for _, p := range []string{`"a"`, `"b"`, `"` + strings.Repeat("x", 100) + `"`} {
			post(t, one.s, p)
		}
		synctest.Wait()
		one.leave()
		h.net.Down(nil)
		two := h.tab(&store, "e1", 0, func(w *wire.Welcome) { w.Limits.Payload = 50 })
		a := two.g.next()
		two.g.say(`{"type":"error","group":"g","payload":{"code":"forbidden","message":"no","id":"`+a.ID+`"}}`,
			`{"type":"close","group":"g","payload":{"reason":"closed"}}`)
		<-two.s.Closed()
		want := []string{"welcome", "error too_large", "error forbidden", "error closed", "close closed"}
		if got := two.got.take(); !slices.Equal(got, want) {
			t.Errorf("events: got %q, want %q", got, want)
		}
		if rows := store.Rows(); store.Entries() != 0 || leases(rows) != 0 {
			t.Errorf("still stored: %q", rows)
		}
	})
}

func TestMemoryGroupsAreNotStored(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		var store membertest.Store
		one := &tab{h: h, store: store.Page()}
		one.Member = h.start(member.Options{Store: one.store})
		one.s, one.g = h.join(one.Member, &one.got, "e1", 0)
		one.offline()
		post(t, one.s, `"a"`)
		one.Suspend()
		time.Sleep(time.Minute)
		if rows := store.Rows(); len(rows) != 0 {
			t.Errorf("got %q", rows)
		}
	})
}
