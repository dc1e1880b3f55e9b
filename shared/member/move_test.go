package member_test

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"goop/shared/member"
	"goop/shared/wire"
)

// A host that falls silent is left for another connection, and nobody is told more than that.
func TestSilentConnectionIsLeft(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		var statuses statusLog
		var got events
		m := h.start(member.Options{OnStatus: statuses.add, Rand: constant(0xff)})
		s, _ := h.join(m, &got, "e1", 3)
		time.Sleep(time.Second)
		h.net.Freeze()
		begin := time.Now() // the next heartbeat is due in 1s
		p := post(t, s, `"into the void"`)
		g := h.joined()
		// 1s to the heartbeat, and up to 1.25s without an answer.
		if took := time.Since(begin); took < 2*time.Second || took > 2250*time.Millisecond {
			t.Errorf("joined again after %v, want 2s and a little", took)
		}
		if g.join.Since == nil || g.join.Since.Seq != 3 {
			t.Errorf("joined again since %+v, want 3", g.join.Since)
		}
		g.welcome("e1", 3, resumed)
		g.ack(g.next(), 4)
		if got := outcome(t, p); got != "4" {
			t.Errorf("what was posted meanwhile: got %s, want 4", got)
		}
		if got, want := statuses.take(), []string{"online memory"}; !slices.Equal(got, want) {
			t.Errorf("statuses: got %q, want %q", got, want)
		}
		if got, want := got.take(), []string{"welcome", "welcome", `own "into the void"`}; !slices.Equal(got, want) {
			t.Errorf("events: got %q, want %q", got, want)
		}
		time.Sleep(time.Minute)
		if n := h.net.Conns(); n != 1 {
			t.Errorf("%d connections are left, want 1", n)
		}
	})
}

// When nothing can take its place, the connection is given up after 3 s, and what was begun meanwhile goes on.
func TestSilentHostIsLeft(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		var statuses statusLog
		m := h.start(member.Options{OnStatus: statuses.add, Rand: constant(0xff)})
		h.join(m, nil, "e1", 0)
		time.Sleep(time.Second)
		h.net.Freeze()
		h.net.Stick(true)
		begin := time.Now()
		for len(statuses.take()) < 2 {
			time.Sleep(10 * time.Millisecond)
			if m.Status().State == member.Offline {
				break
			}
		}
		if took := time.Since(begin); took < 4*time.Second || took > 4100*time.Millisecond {
			t.Errorf("offline after %v, want 4s", took)
		}
		dials, twice := h.net.Dials()
		if len(dials) != 2 || twice {
			t.Errorf("got %d attempts, two at once: %v, want the first and one that goes on", len(dials), twice)
		}
		time.Sleep(8 * time.Second) // the attempt is given up 10s after it began
		h.net.Stick(false)
		time.Sleep(2 * time.Second)
		if dials, twice = h.net.Dials(); len(dials) != 3 || twice || m.Status().State != member.Online {
			t.Errorf("got %d attempts, two at once: %v, %v", len(dials), twice, m.Status().State)
		}
	})
}

// In a storm of joins the first answer takes long, and a host that is busy answers each a little late: both would
// only suffer from a second handshake of each member.
func TestBusyHostIsNotDoubted(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		h.set(func(h *host) { h.slow = 2500 * time.Millisecond })
		m := h.start(member.Options{Rand: constant(0)})
		h.join(m, nil, "e1", 0)
		h.set(func(h *host) { h.slow = 600 * time.Millisecond })
		time.Sleep(10 * time.Second)
		h.set(func(h *host) { h.slow = 2 * time.Second })
		time.Sleep(time.Minute)
		if dials, _ := h.net.Dials(); len(dials) != 1 {
			t.Errorf("got %d attempts beside a connection that is slow, want none", len(dials)-1)
		}
	})
}

// A slow answer is a false alarm: the attempt is dropped, the connection stays, and is trusted for longer.
func TestLateAnswerEndsTheDoubt(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		var statuses statusLog
		m := h.start(member.Options{OnStatus: statuses.add, Rand: constant(0xff)})
		h.join(m, nil, "e1", 0)
		synctest.Wait() // the first heartbeat has its answer, before which there is no doubt
		h.net.Stick(true)
		h.set(func(h *host) { h.slow = 2 * time.Second })
		time.Sleep(time.Minute)
		dials, _ := h.net.Dials()
		if len(dials) < 2 || len(dials) > 4 {
			t.Errorf("got %d attempts beside a slow connection in a minute, want few", len(dials)-1)
		}
		h.net.Stick(false)
		if got, want := statuses.take(), []string{"online memory"}; !slices.Equal(got, want) {
			t.Errorf("statuses: got %q, want %q", got, want)
		}
		if n := h.net.Conns(); n != 1 {
			t.Errorf("%d connections are left, want 1", n)
		}
	})
}

// climbing is a host whose better transport can be had or not.
func climbing(h *host) (open *atomic.Bool) {
	open = new(atomic.Bool)
	h.net.Better = func(now string) (string, error) {
		switch {
		case now == "better":
			return "", wire.E(wire.NotSupported, "there is nothing better")
		case !open.Load():
			return "", wire.E(wire.Timeout, "no answer")
		}
		return "better", nil
	}
	return open
}

func TestClimb(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		var statuses statusLog
		var got events
		open := climbing(h)
		m := h.start(member.Options{OnStatus: statuses.add})
		s, g := h.join(m, &got, "e1", 0)
		open.Store(true)
		g.say(msg(1, "bob", `"before"`))
		g2 := h.joined()
		if g2.join.Since == nil || g2.join.Since.Seq != 1 || g2.join.Session != g.join.Session {
			t.Errorf("joined with %+v, want the same session since 1", g2.join)
		}
		// Until the welcome a volatile message waits; nothing is refused.
		if _, err := s.Post([]byte(`"hand"`), member.SendOptions{Volatile: true, Key: "k"}); err != nil {
			t.Errorf("a volatile message in the middle of the move: %v", err)
		}
		p := post(t, s, `"mine"`)
		g2.welcome("e1", 1, resumed)
		for range 2 {
			f := g2.next()
			if f.Volatile != (string(f.Payload) == `"hand"`) {
				t.Errorf("got %s", f.Append(nil))
			}
			if !f.Volatile {
				g2.ack(f, 2)
			}
		}
		if got := outcome(t, p); got != "2" {
			t.Errorf("got %s, want 2", got)
		}
		if got, want := statuses.take(), []string{"online memory", "online better"}; !slices.Equal(got, want) {
			t.Errorf("statuses: got %q, want %q", got, want)
		}
		if got, want := got.take(), []string{"welcome", `"before"`, "welcome", `own "mine"`}; !slices.Equal(got, want) {
			t.Errorf("events: got %q, want %q", got, want)
		}
		synctest.Wait()
		select {
		case <-g.ended:
			t.Error("the stream on the old connection ended before the new one was joined")
		default:
		}
		time.Sleep(2 * time.Second)
		if n := h.net.Conns(); n != 1 {
			t.Errorf("%d connections are left, want 1", n)
		}
		before := len(h.net.Climbs())
		time.Sleep(time.Hour)
		m.Wake()
		time.Sleep(time.Hour)
		if n := len(h.net.Climbs()) - before; n > 1 {
			t.Errorf("it was tried %d times more where there is nothing better", n)
		}
	})
}

func TestClimbWaits(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		climbing(h)
		m := h.start(member.Options{Rand: constant(0xff)})
		h.join(m, nil, "e1", 0)
		time.Sleep(time.Hour)
		at := h.net.Climbs()
		if len(at) < 12 || len(at) > 20 {
			t.Errorf("%d climbs in an hour, want 12 to 20", len(at))
		}
		for i := 2; i < len(at); i++ {
			if a, b := at[i-1].Sub(at[i-2]), at[i].Sub(at[i-1]); b < a || b > 5*time.Minute {
				t.Errorf("climb %d came %v after the one before, which came after %v", i, b, a)
			}
		}
		m.Wake()
		time.Sleep(time.Second)
		if n := len(h.net.Climbs()); n != len(at)+1 {
			t.Errorf("%d climbs within a second of a wake, want 1", n-len(at))
		}

		m.SetVisible(false)
		before := len(h.net.Climbs())
		time.Sleep(time.Hour)
		if n := len(h.net.Climbs()); n != before {
			t.Errorf("a hidden page climbed %d times", n-before)
		}
		m.SetVisible(true)
		time.Sleep(time.Second)
		if n := len(h.net.Climbs()); n != before+1 {
			t.Errorf("%d climbs within a second of the page being seen, want 1", n-before)
		}
		if _, twice := h.net.Dials(); twice {
			t.Error("two attempts at once")
		}
	})
}

// Where the better transport opens and dies again, each climb costs an outage, so they become rare.
func TestClimbsIntoATrapBecomeRare(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		climbing(h).Store(true)
		var moves atomic.Int64
		m := h.start(member.Options{OnStatus: func(s member.Status) {
			if s.Transport == "better" {
				moves.Add(1)
				time.AfterFunc(10*time.Second, h.net.Freeze) // and no goroutine that sleeps at the end of the bubble
			}
		}})
		h.join(m, nil, "e1", 0)
		go func() {
			for {
				select {
				case g := <-h.groups:
					g.welcome("e1", 0, resumed)
				case <-t.Context().Done():
					return
				}
			}
		}()
		time.Sleep(time.Hour)
		if n := moves.Load(); n < 5 || n > 20 {
			t.Errorf("%d climbs in an hour, want 5 to 20", n)
		}
	})
}

// Connections that are lost on the way say nothing about the better transport, so the waits stay short.
func TestLossesDoNotMakeClimbsRare(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		open := climbing(h)
		h.start(member.Options{Rand: constant(0xff)})
		for range 10 {
			synctest.Wait()
			h.net.Cut()
			time.Sleep(time.Second)
		}
		open.Store(true)
		before := len(h.net.Climbs())
		time.Sleep(6 * time.Second) // up to 2s until it is connected again, and up to 4s
		if n := len(h.net.Climbs()) - before; n == 0 {
			t.Error("no climb within 6s")
		}
	})
}

// What a session sends just before it leaves arrives although the member moves in between.
func TestLeaveOutlastsAMove(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		open := climbing(h)
		m := h.start(member.Options{})
		s, g := h.join(m, nil, "e1", 0)
		p := post(t, s, `"last"`)
		g.next() // not answered
		open.Store(true)
		m.Wake()
		left := make(chan error, 1)
		time.Sleep(100 * time.Millisecond)
		go func() { left <- s.Leave(t.Context()) }()
		g2 := h.joined()
		g2.welcome("e1", 0, resumed)
		g2.ack(g2.next(), 1)
		if f := g2.next(); f.Type != wire.TypeLeave {
			t.Errorf("got %s, want a leave", f.Append(nil))
		}
		g2.s.Close()
		if err := <-left; err != nil {
			t.Error(err)
		}
		if got := outcome(t, p); got != "1" {
			t.Errorf("got %s, want 1", got)
		}
	})
}

// Requests that wait for their answers are asked again on the new connection, with the same keys, and watches
// go on.
func TestRequestsOutlastAMove(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		open := climbing(h)
		var mute atomic.Bool
		mute.Store(true)
		h.answer = func(d *dataStream, id int64, op, line string) {
			if !mute.Load() {
				d.say(`{"id":` + strconv.FormatInt(id, 10) + `,"done":true}`)
			}
		}
		m := h.start(member.Options{})
		r, err := m.Ask([]byte(`{"op":"insert","table":"t","row":{}}`))
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		first := h.takeRequests()
		mute.Store(false)
		open.Store(true)
		<-r.Done()
		if again := h.takeRequests(); len(first) != 1 || !slices.Equal(first, again) || !strings.Contains(first[0], `"key"`) {
			t.Errorf("got %q and then %q, want the same request twice, with a key", first, again)
		}
		if s := m.Status(); s.Transport != "better" {
			t.Errorf("got %+v", s)
		}
	})
}

func TestCloseInTheMiddleOfAMove(t *testing.T) {
	t.Parallel()
	for _, after := range []time.Duration{0, 500 * time.Millisecond, 2100 * time.Millisecond, 3 * time.Second, 6 * time.Second} {
		bubble(t, func(t *testing.T, h *host) {
			h.net.Better = func(string) (string, error) { return "", errors.New("no") }
			m := h.start(member.Options{Rand: constant(0xff)})
			h.join(m, nil, "e1", 0)
			h.net.Freeze()
			h.net.Stick(true)
			time.Sleep(after)
			m.Close()
			synctest.Wait()
			if n := h.net.Conns(); n != 0 {
				t.Errorf("closed after %v: %d connections are left", after, n)
			}
		})
	}
}
