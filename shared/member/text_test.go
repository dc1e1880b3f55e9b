package member_test

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"goop/shared/jsontext"
	"goop/shared/member"
	"goop/shared/wire"
)

// texts keeps what a page would get.
type texts struct {
	mu  sync.Mutex
	all []string
}

func (x *texts) deliver(events []byte) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.all = append(x.all, string(events))
	clear(events) // nothing may be left to whoever comes later
}

func (x *texts) take() []string {
	synctest.Wait()
	x.mu.Lock()
	defer x.mu.Unlock()
	all := x.all
	x.all = nil
	return all
}

// TestTextHasTheLines plays the same host to a handler and to a page: what one gets as events, the other gets
// as one text for each delivery.
func TestTextHasTheLines(t *testing.T) {
	t.Parallel()
	var lines [2][]string
	for i := range lines {
		bubble(t, func(t *testing.T, h *host) {
			m := h.start(member.Options{Session: "s1", Rand: zeros{}})
			var got events
			var page texts
			opts := member.JoinOptions{Handler: &got}
			if i == 1 {
				opts = member.JoinOptions{Text: page.deliver}
			}
			s, err := m.Open("g", opts)
			if err != nil {
				t.Fatal(err)
			}
			g := h.joined()
			g.welcome("e1", 5)
			if err := s.Joined(t.Context()); err != nil {
				t.Fatal(err)
			}
			post(t, s, `"mine"`)
			own := g.next()
			synctest.Wait()
			got.all, page.all = nil, nil // a welcome has the time in it
			volatile := `{"type":"msg","group":"g","from":"bob","time":7,"key":"k","volatile":true,"payload":[1, 2]}`
			g.say(msg(6, "bob", `{"é": "\"\u2028"}`), volatile, msg(6, "bob", `"again"`), msg(7, "bob", `1`))
			synctest.Wait()
			g.ack(own, 8)
			g.say(`{"type":"state","group":"g","seq":9,"from":"bob","time":7,"patch":{"a":1}}`)
			g.say(`{"type":"error","group":"g","payload":{"code":"conflict","message":"m","fatal":false}}`, ` {"type": "later"}`)
			g.say(`{"type":"msg","group":"g","seq":10,"from":"bob","time":7,"redact":6}`, msg(11, "bob", `"`+strings.Repeat("x", 500)+`"`))
			synctest.Wait()
			g.say(`{"type":"close","group":"g","payload":{"reason":"closed"}}`)
			<-s.Closed()
			synctest.Wait()
			for _, e := range got.all {
				lines[0] = append(lines[0], string(e.Line))
			}
			for _, text := range page.take() {
				if err := jsontext.Check([]byte(text)); err != nil {
					t.Fatalf("%s: %v", text, err)
				}
				for e := jsontext.ElementsOf([]byte(text)); e.Next(); {
					lines[1] = append(lines[1], string(e.Value))
				}
			}
		})
	}
	if want := strings.Join(lines[0], "\n"); len(lines[0]) != 9 || strings.Join(lines[1], "\n") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(lines[1], "\n"), want)
	}
}

// zeros makes the same ids each time.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// TestTextOfAFault checks that what came in order before a fault of the host is handed on, and nothing of it
// twice when the session has joined again.
func TestTextOfAFault(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		`{"type":"msg","group":"g","seq":2,"from":"bob","time":7,"payload":{]}`,
		`{"type":"msg","group":"g","seq":2,"from":"bob","time":7,"payload":"` + "\xff" + `"}`,
		`{"type":"msg","group":"g","seq":2,"from":"bob","time":7,"payload":1},{"type":"close"}`,
		msg(3, "bob", `"behind a hole"`),
	} {
		bubble(t, func(t *testing.T, h *host) {
			m := h.start(member.Options{})
			var page texts
			s, err := m.Open("g", member.JoinOptions{Text: page.deliver})
			if err != nil {
				t.Fatal(err)
			}
			g := h.joined()
			g.welcome("e1", 0)
			if err := s.Joined(t.Context()); err != nil {
				t.Fatal(err)
			}
			page.take()
			g.say(msg(1, "bob", `"good"`), bad)
			g = h.joined()
			if g.join.Since == nil || g.join.Since.Seq != 1 {
				t.Errorf("%s: joined again behind %v, want 1", bad, g.join.Since)
			}
			if got := page.take(); len(got) != 1 || got[0] != "["+msg(1, "bob", `"good"`)+"]" {
				t.Errorf("%s: got %q", bad, got)
			}
			g.welcome("e1", 1, resumed, func(w *wire.Welcome) { w.State = nil })
			g.say(msg(2, "bob", `"better"`))
			if got := page.take(); !strings.Contains(strings.Join(got, ""), msg(2, "bob", `"better"`)) {
				t.Errorf("%s: got %q", bad, got)
			}
		})
	}
}
