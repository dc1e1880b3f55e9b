package relay_test

import (
	"bufio"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"goop/host/relay"
	"goop/shared/group"
	"goop/shared/wire"
)

// chessFrames reads the golden frames of the session in which TestGoldenFrames is the host.
func chessFrames(t *testing.T) map[string]string {
	t.Helper()
	file, err := os.Open("../../shared/wire/testdata/frames.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	frames := map[string]string{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var g struct{ Name, Way, Line string }
		if err := json.Unmarshal(lines.Bytes(), &g); err != nil {
			t.Fatal(err)
		}
		if name, ok := strings.CutPrefix(g.Name, "chess: "); ok {
			frames[g.Way+" "+name] = g.Line
		}
	}
	return frames
}

// TestGoldenFrames plays a session of which each line, both ways, is a golden frame.
func TestGoldenFrames(t *testing.T) {
	t.Parallel()
	frames := chessFrames(t)
	used := map[string]bool{}
	synctest.Test(t, func(t *testing.T) {
		const chess = `{"id":"chess-42","name":"A match","type":"open","dissolve":{"empty":3600000}}`
		w := open(t, relay.Options{})
		w.create(chess)
		epoch := "none yet"
		sends := func(m *member, name string) {
			t.Helper()
			used["M>H "+name] = true
			m.send(frames["M>H "+name])
		}
		gets := func(m *member, name string) {
			t.Helper()
			used["H>M "+name] = true
			f := m.next()
			if p, err := wire.ParseWelcome(f.Payload); err == nil && f.Type == wire.TypeWelcome {
				epoch = string(p.Epoch)
			}
			if got := strings.ReplaceAll(f.text, `"`+epoch+`"`, `"E1"`); got != frames["H>M "+name] {
				t.Errorf("%s, %s\ngot  %s\nwant %s", m.peer, name, got, frames["H>M "+name])
			}
		}
		skip := func(m *member, kind wire.Type, n int) {
			for range n {
				m.skipTo(kind)
			}
		}

		a := w.dial(alice)
		sends(a, "join")
		gets(a, "welcome")
		synctest.Wait() // the roster with alice is out
		sends(a, "join to change meta")
		gets(a, "members updated")
		time.Sleep(900 * time.Millisecond)

		b := w.dial(bob)
		sends(b, "join plain")
		b.skipTo(wire.TypeWelcome)
		gets(a, "members joined")

		sends(a, "msg")
		gets(a, "msg acknowledged")
		gets(b, "msg entry")
		sends(a, "msg to one peer")
		a.skipTo(wire.TypeMsg)
		gets(b, "msg entry for one peer")
		sends(a, "state")
		gets(a, "state acknowledged")
		gets(b, "state entry")
		sends(a, "state with ifSeq")
		gets(a, "error conflict")
		sends(a, "msg volatile")
		gets(b, "msg volatile")
		a.send(`{"type":"msg","id":"m3"}`)
		gets(a, "error about a frame")

		a2 := w.dial(alice)
		a2.send(`{"type":"join","group":"chess-42","session":"tab2","caps":["delta"],"since":{"epoch":"` + epoch + `","seq":0}}`)
		a2.skipTo(wire.TypeWelcome)
		gets(a2, "msg entry in another tab")
		gets(b, "members whole")
		time.Sleep(900 * time.Millisecond)

		c := w.dial(carol)
		c.send(`{"type":"join","group":"chess-42","session":"c1","caps":["delta"],"since":{"epoch":"` + epoch + `","seq":1}}`)
		gets(c, "welcome resumed")
		gets(c, "state skip")
		c.skipTo(wire.TypeState)
		c2 := w.dial(carol)
		c2.send(`{"type":"join","group":"chess-42","session":"c1","caps":["delta"]}`)
		gets(c2, "welcome to a ghost's place")
		skip(a, wire.TypeMembers, 2) // alice's second page, carol

		_ = a2.stream.Close()
		a.skipTo(wire.TypeMembers)
		_ = b.stream.Close()
		a.skipTo(wire.TypeMembers) // bob without a session
		gets(a, "members dropped")
		sends(c2, "leave")
		gets(a, "members left")
		a.send("nonsense")
		gets(a, "error not JSON")
		a.ends()

		x := w.dial(alice)
		x.send(`{"type":"join","group":"chess-43"}`)
		gets(x, "error no such group")
		x.ends()

		y := w.join(alice, frames["M>H join plain"])
		go func() { _ = w.Close(t.Context(), group.Caller{Peer: boss, Owner: true}, "chess-42") }()
		gets(y, "close closed")
		y.ends()

		w.create(chess)
		y = w.join(alice, frames["M>H join plain"])
		go w.end()
		gets(y, "close shutdown")
		y.ends()
	})

	synctest.Test(t, func(t *testing.T) {
		w := open(t, relay.Options{})
		w.create(`{"id":"chess-42","type":"ephemeral","dissolve":{"expires":946684860000}}`) // after a minute
		a := w.join(alice, frames["M>H join plain"])
		used["H>M close dissolved"] = true
		a.wants(frames["H>M close dissolved"])
		a.ends()
	})
	for name := range frames {
		if !used[name] {
			t.Errorf("golden frame %q is not used", name)
		}
	}
}
