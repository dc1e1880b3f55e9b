package together_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"goop/host/relay"
	"goop/shared/member"
)

// A member whose page does not come round to reading for minutes is let go as too slow, comes back by itself,
// and goes on where it was; or, when the log has forgotten, with a whole state.
func TestStuckMemberComesBack(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		entries int // that the log keeps
		gap     bool
	}{{"resumed", 10_000, false}, {"with a gap", 50, true}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, rng *random) {
				log := &truth{Log: relay.NewMemLog(relay.MemLimits{Entries: tt.entries})}
				w := newWorld(t, relay.Options{Memory: log, Limits: relay.Limits{WindowBytes: 20_000}}, lobby)
				players := []*player{newPlayer(t, w, "p0"), newPlayer(t, w, "p1")}
				time.Sleep(time.Second)
				busy := make(chan struct{})
				slow := players[1]
				slow.mu.Lock()
				slow.stall = func() { <-busy }
				slow.mu.Unlock()
				for i := range 200 {
					text := `{"k` + strconv.Itoa(i%3) + `":"` + strings.Repeat("x", 2000) + strconv.Itoa(i) + `"}`
					var err error
					if i%2 == 0 {
						_, err = players[0].s.Send(t.Context(), []byte(text), member.SendOptions{})
					} else {
						_, err = players[0].s.SetState(t.Context(), []byte(text), nil)
					}
					if err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(time.Minute)
				if n := w.current().Counters().TooSlow; n != 1 {
					t.Errorf("%d sessions were too slow, want 1", n)
				}
				close(busy)
				settle(t, players, 200)
				time.Sleep(time.Minute)
				checkStates(t, players)
				saw := slow.look()
				if tt.gap != (saw.gaps > 0) {
					t.Errorf("%d gaps", saw.gaps)
				}
				if !tt.gap && !slices.Equal(saw.seen, log.all()) {
					t.Errorf("the slow one saw %d entries, not those of the log", len(saw.seen))
				}
				closeAll(w, players)
			})
		})
	}
}
