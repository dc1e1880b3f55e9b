package member_test

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"goop/shared/member"
	"goop/shared/wire"
)

// constant is a source of random bytes that are all the same: 0xff is the longest jitter.
type constant byte

func (c constant) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(c)
	}
	return len(p), nil
}

// seeded is a source that can be had again.
type seeded struct {
	mu  sync.Mutex
	src *rand.ChaCha8
}

func newSeeded(seed uint64) *seeded {
	return &seeded{src: rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16), byte(seed >> 24)})}
}

func (s *seeded) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.src.Read(p)
}

var errNobody = wire.E(wire.Offline, "nobody there")

func TestHeartbeat(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		group   bool
		visible bool
		every   time.Duration
	}{
		{"in a group and visible", true, true, 2 * time.Second},
		{"in a group but hidden", true, false, 15 * time.Second},
		{"visible but in no group", false, true, 15 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, h *host) {
				m := h.start(member.Options{})
				m.SetVisible(tt.visible)
				if tt.group {
					h.join(m, nil, "e1", 0)
				}
				synctest.Wait()
				h.takeBeats()
				begin := time.Now()
				time.Sleep(time.Minute)
				synctest.Wait()
				beats := h.takeBeats()
				if want := int(time.Minute / tt.every); len(beats) != want {
					t.Errorf("got %d heartbeats in a minute, want %d", len(beats), want)
				}
				for i, at := range beats {
					if want := time.Duration(i+1) * tt.every; at.Sub(begin) != want {
						t.Errorf("heartbeat %d came at %v, want %v", i, at.Sub(begin), want)
					}
				}
			})
		})
	}
}

func TestHeartbeatChangesItsPaceAtOnce(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		m := h.start(member.Options{})
		synctest.Wait()
		time.Sleep(10 * time.Second)
		h.takeBeats()
		s, g := h.join(m, nil, "e1", 0)
		synctest.Wait()
		if n := len(h.takeBeats()); n != 1 {
			t.Errorf("on joining: got %d heartbeats, want the one that is due", n)
		}
		time.Sleep(6 * time.Second)
		synctest.Wait()
		if n := len(h.takeBeats()); n != 3 {
			t.Errorf("in a group: got %d heartbeats in 6s, want 3", n)
		}
		m.SetVisible(false)
		time.Sleep(14 * time.Second)
		if n := len(h.takeBeats()); n != 0 {
			t.Errorf("hidden: got %d heartbeats in 14s, want none", n)
		}
		m.SetVisible(true)
		synctest.Wait()
		if n := len(h.takeBeats()); n != 1 {
			t.Errorf("on becoming visible: got %d heartbeats, want one at once", n)
		}
		m.Wake()
		synctest.Wait()
		if n := len(h.takeBeats()); n != 1 {
			t.Errorf("on wake: got %d heartbeats, want one at once", n)
		}
		g.s.Close()
		_ = s.Leave(t.Context())
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := len(h.takeBeats()); n != 0 {
			t.Errorf("in no group: got %d heartbeats in 10s, want none", n)
		}
	})
}

// An answer that comes behind many bytes of another one is late, and the host is not dead for that.
func TestBusyLineIsNotSilent(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		m := h.start(member.Options{})
		_, g := h.join(m, nil, "e1", 0)
		h.set(func(h *host) { h.deaf = true })
		begin := time.Now()
		for time.Since(begin) < 20*time.Second {
			time.Sleep(time.Second)
			g.say(`{"type":"members","group":"g","payload":{"version":1,"count":1,"members":[]}}`)
		}
		if m.Status().State != member.Online {
			t.Errorf("after 20s with other bytes: got %v, want online", m.Status().State)
		}
		time.Sleep(4 * time.Second)
		synctest.Wait()
		if dials, _ := h.net.Dials(); len(dials) < 2 {
			t.Error("after 4s of silence the connection was not dropped")
		}
	})
	bubble(t, func(t *testing.T, h *host) {
		m := h.start(member.Options{})
		_, g := h.join(m, nil, "e1", 0)
		h.set(func(h *host) { h.deaf = true })
		for range 40 {
			time.Sleep(time.Second)
			if _, err := g.s.Write([]byte(`{"type":"members","group":"g","payload":{"version":1,"count":1,"members":[]}}` + "\n")); err != nil {
				return
			}
		}
		t.Error("40s without an answer did not drop the connection")
	})
}

func TestReconnectWaits(t *testing.T) {
	t.Parallel()
	t.Run("longest jitter", func(t *testing.T) {
		t.Parallel()
		bubble(t, func(t *testing.T, h *host) {
			h.start(member.Options{Rand: constant(0xff)})
			synctest.Wait()
			h.net.Down(errNobody)
			h.net.Cut()
			begin := time.Now()
			time.Sleep(5 * time.Minute)
			at, _ := h.net.Dials()
			at = at[1:]
			bound, prev := 250*time.Millisecond, begin
			for i, dial := range at {
				limit := bound
				if prev.Sub(begin) < 30*time.Second {
					limit = min(limit, 2*time.Second)
				}
				if wait, want := dial.Sub(prev), limit-1; wait != want {
					t.Errorf("wait %d, after %v: got %v, want %v", i, prev.Sub(begin), wait, want)
				}
				prev = dial
				bound = min(2*bound, 30*time.Second)
			}
			if len(at) < 20 {
				t.Errorf("got %d attempts in 5 minutes", len(at))
			}
		})
	})
	t.Run("any jitter", func(t *testing.T) {
		t.Parallel()
		for seed := range uint64(20) {
			bubble(t, func(t *testing.T, h *host) {
				h.start(member.Options{Rand: newSeeded(seed)})
				synctest.Wait()
				h.net.Down(errNobody)
				h.net.Cut()
				begin := time.Now()
				time.Sleep(10 * time.Minute)
				at, twice := h.net.Dials()
				at = at[1:]
				if twice {
					t.Error("two attempts ran at once")
				}
				prev, early, late := begin, time.Duration(0), time.Duration(0)
				for _, dial := range at {
					wait := dial.Sub(prev)
					if prev.Sub(begin) < 30*time.Second {
						early = max(early, wait)
					} else {
						late = max(late, wait)
					}
					prev = dial
				}
				if early >= 2*time.Second || late >= 30*time.Second || late <= 2*time.Second {
					t.Errorf("seed %d: the longest wait was %v in the first 30s and %v later, want less than 2s and 30s", seed, early, late)
				}
			})
		}
	})
}

func TestConnectionThatDoesNotLastKeepsTheBackoff(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		h.net.Budget = func(wire.PeerID) int { return 10 } // cut within the first line
		h.start(member.Options{Rand: constant(0xff)})
		time.Sleep(5 * time.Minute)
		if at, _ := h.net.Dials(); len(at) > 30 {
			t.Errorf("got %d attempts in 5 minutes, want no more than a backoff allows", len(at))
		}
	})
}

func TestWake(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		m := h.start(member.Options{Rand: constant(0xff)})
		synctest.Wait()
		h.net.Down(errNobody)
		h.net.Cut()
		time.Sleep(5 * time.Minute) // waits are 30s now
		synctest.Wait()
		before, _ := h.net.Dials()
		m.Wake()
		synctest.Wait()
		after, _ := h.net.Dials()
		if len(after) != len(before)+1 || time.Since(after[len(after)-1]) != 0 {
			t.Errorf("got %d attempts at once, want 1", len(after)-len(before))
		}
		time.Sleep(3 * time.Second) // and short waits again
		if more, _ := h.net.Dials(); len(more) < len(after)+2 {
			t.Errorf("got %d attempts in the 3s after, want at least 2", len(more)-len(after))
		}
	})
}

func TestOneAttemptAtATime(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		h.net.Stick(true)
		m := h.start(member.Options{Rand: constant(0xff)})
		synctest.Wait()
		for range 5 {
			m.Wake()
			synctest.Wait()
		}
		if at, _ := h.net.Dials(); len(at) != 1 {
			t.Errorf("waking during a young attempt: got %d attempts, want 1", len(at))
		}
		time.Sleep(5 * time.Second)
		m.Wake()
		synctest.Wait()
		at, twice := h.net.Dials()
		if len(at) != 2 || twice {
			t.Errorf("waking during an old attempt: got %d, two at once: %v, want it to be begun anew", len(at), twice)
		}
		time.Sleep(10*time.Second + 300*time.Millisecond)
		if at, twice = h.net.Dials(); len(at) != 3 || twice {
			t.Errorf("an attempt that does not end: got %d after 10s, two at once: %v, want the next one", len(at), twice)
		}
		h.net.Stick(false)
		m.Wake()
		time.Sleep(11 * time.Second)
		if m.Status().State != member.Online {
			t.Errorf("got %v, want online", m.Status().State)
		}
	})
}

func TestWrongHostEndsIt(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		first bool
	}{{"at first", true}, {"later", false}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, h *host) {
				var statuses statusLog
				var got events
				m := h.start(member.Options{OnStatus: statuses.add, Dialer: h.net.Dialer("ann")})
				var s *member.Session
				var err error
				if tt.first {
					h.net.Down(wire.E(wire.WrongHost, "this is another host"))
					h.net.Cut()
					s, err = m.Open("g", member.JoinOptions{Handler: &got})
					if err != nil {
						t.Fatal(err)
					}
				} else {
					s, _ = h.join(m, &got, "e1", 0)
					h.net.Down(wire.E(wire.WrongHost, "this is another host"))
					h.net.Cut()
				}
				<-s.Closed()
				if got := codeOf(t, s.Err()); got != "wrong_host" {
					t.Errorf("session: got %s", got)
				}
				want := []string(nil)
				if !tt.first {
					want = []string{"welcome", "error wrong_host"}
				}
				if got := got.take(); !slices.Equal(got, want) {
					t.Errorf("events: got %q, want %q", got, want)
				}
				before, _ := h.net.Dials()
				time.Sleep(time.Hour)
				if after, _ := h.net.Dials(); len(after) != len(before) {
					t.Error("it goes on trying")
				}
				if st := m.Status(); st.State != member.Closed || st.Err == nil || st.Err.Code != wire.WrongHost {
					t.Errorf("status: got %+v", st)
				}
				if _, err := m.Ask([]byte(`{"op":"role"}`)); err == nil || codeOf(t, err) != "wrong_host" {
					t.Errorf("ask: got %v, want wrong_host", err)
				}
			})
		})
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		var statuses statusLog
		h.net.Down(errNobody)
		m := h.start(member.Options{OnStatus: statuses.add})
		if st := m.Status(); st != (member.Status{State: member.Connecting}) {
			t.Errorf("at first: got %+v", st)
		}
		time.Sleep(time.Second)
		h.net.Down(nil)
		m.Wake()
		synctest.Wait()
		want := member.Status{State: member.Online, Transport: "memory", Self: "ann", Host: "host"}
		if st := m.Status(); st != want {
			t.Errorf("online: got %+v, want %+v", st, want)
		}
		h.net.Down(errNobody)
		h.net.Cut()
		synctest.Wait()
		if st := m.Status(); st.State != member.Offline || st.Self != "ann" || st.Err == nil || st.Transport != "" {
			t.Errorf("offline: got %+v", st)
		}
		m.Close()
		got := slices.Compact(statuses.take())
		if want := []string{"offline offline", "online memory", "offline offline", "closed closed"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestClockFollowsTheHost(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		m := member.New(member.Options{Dialer: h.net.Dialer("ann")})
		t.Cleanup(m.Close)
		if ms, within := m.Now(); ms != time.Now().UnixMilli() || within >= 0 {
			t.Errorf("before the first answer: got %d within %v, want this clock within less than nothing", ms, within)
		}
		m.Start()
		synctest.Wait()
		time.Sleep(1234567 * time.Microsecond)
		ms, within := m.Now()
		if off := ms - time.Now().UnixMilli(); off < -1 || off > 1 || within <= 0 || within > 2*time.Millisecond {
			t.Errorf("got %dms off within %v", off, within)
		}
	})
}

// statusLog keeps what OnStatus was told: the state, with the transport or the error's code.
type statusLog struct {
	mu  sync.Mutex
	all []string
}

func (l *statusLog) add(s member.Status) {
	l.mu.Lock()
	defer l.mu.Unlock()
	word := string(s.State) + " " + s.Transport
	if s.Err != nil {
		word += string(s.Err.Code)
	}
	l.all = append(l.all, word)
}

func (l *statusLog) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.all
	l.all = nil
	return all
}
