package relay_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"goop/host/relay"
	"goop/shared/wire"
)

// TestRefusedJoins has streams begin wrongly. Each gets one fatal error, and then the end.
func TestRefusedJoins(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, line string
		code       wire.Code
		says       string
	}{
		{"unknown group", `{"type":"join","group":"nowhere"}`, wire.NoSuchGroup, "no such group"},
		{"no join", `{"type":"msg","payload":1}`, wire.BadMessage, "first line is a join"},
		{"leave", `{"type":"leave"}`, wire.BadMessage, "first line is a join"},
		{"unknown type", `{"type":"hello"}`, wire.UnsupportedType, "join, msg, state and leave"},
		{"no type", `{}`, wire.BadMessage, `no "type"`},
		{"not JSON", `GET / HTTP/1.1`, wire.BadMessage, "not JSON"},
		{"no object", `["join"]`, wire.BadMessage, "not a JSON object"},
		{"a field twice", `{"type":"join","type":"join","group":"lobby"}`, wire.BadMessage, `"type" stands twice`},
		{"group of another kind", `{"type":"join","group":7}`, wire.BadMessage, `"group"`},
		{"no group", `{"type":"join"}`, wire.BadMessage, `needs a "group"`},
		{"bad group", `{"type":"join","group":"../x"}`, wire.BadMessage, `"group" is 1 to 64`},
		{"bad session", `{"type":"join","group":"lobby","session":"a b"}`, wire.BadMessage, `"session"`},
		{"too long", `{"type":"join","group":"` + strings.Repeat("x", 200<<10), wire.TooLarge, "longer than the limit"},
		{"meta too large", `{"type":"join","group":"lobby","meta":{"x":"` + strings.Repeat("x", 1100) + `"}}`, wire.TooLarge, `"meta"`},
		{"meta too deep", `{"type":"join","group":"lobby","meta":{"x":` + strings.Repeat("[", 50) + strings.Repeat("]", 50) + `}}`, wire.TooLarge, "48 deep"},
		{"label too long", `{"type":"join","group":"lobby","meta":{"label":"` + strings.Repeat("x", 65) + `"}}`, wire.InvalidValue, "64 characters"},
		{"invite-only", `{"type":"join","group":"secret"}`, wire.NoSuchGroup, "no such group"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := open(t, relay.Options{})
				w.create(lobby)
				w.create(`{"id":"secret","type":"invite-only","durable":false}`)
				m := w.dial(alice)
				go m.tries(tt.line) // what is too long is not read to its end
				e := m.refused()
				if e.Code != tt.code || !e.Fatal || !strings.Contains(e.Message, tt.says) {
					t.Errorf("got %v, fatal %v; want %s with %q, fatal", e, e.Fatal, tt.code, tt.says)
				}
				m.ends()
				for _, s := range w.Stats() {
					if s.Members != 0 || s.Sessions != 0 {
						t.Errorf("somebody is in: %+v", s)
					}
				}
			})
		})
	}
}

// TestRefusedLines sends lines that are refused within a session. The stream goes on after each.
func TestRefusedLines(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, line string
		code       wire.Code
		id         string
	}{
		{"unknown type", `{"type":"hello","id":"1"}`, wire.UnsupportedType, "1"},
		{"a type of the host", `{"type":"welcome","id":"2"}`, wire.UnsupportedType, "2"},
		{"no payload", `{"type":"msg","id":"3"}`, wire.BadMessage, "3"},
		{"no patch", `{"type":"state","id":"4"}`, wire.BadMessage, "4"},
		{"patch of another kind", `{"type":"state","id":"5","patch":[]}`, wire.BadMessage, "5"},
		{"key twice in a patch", `{"type":"state","id":"6","patch":{"a":1,"a":2}}`, wire.InvalidValue, "6"},
		{"payload too large", `{"type":"msg","id":"7","payload":"` + strings.Repeat("x", 70<<10) + `"}`, wire.TooLarge, "7"},
		{"another group", `{"type":"msg","id":"8","group":"other","payload":1}`, wire.BadMessage, "8"},
		{"id too long", `{"type":"msg","id":"` + strings.Repeat("x", 65) + `","payload":1}`, wire.BadMessage, ""},
		{"seq of another kind", `{"type":"msg","id":"9","seq":"x","payload":1}`, wire.BadMessage, "9"},
		{"label too long", `{"type":"join","group":"lobby","meta":{"label":"` + strings.Repeat("x", 65) + `"}}`, wire.InvalidValue, ""},
		{"too deep", `{"type":"msg","id":"10","payload":` + strings.Repeat("[", 49) + strings.Repeat("]", 49) + `}`, wire.TooLarge, "10"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := open(t, relay.Options{})
				w.create(lobby)
				m := w.join(alice, `{"type":"join","group":"lobby","session":"s"}`)
				m.send(tt.line)
				e := m.refused()
				if e.Code != tt.code || e.Fatal || e.ID != tt.id || e.Message == "" {
					t.Errorf("got %v, id %q, fatal %v; want %s, id %q, not fatal", e, e.ID, e.Fatal, tt.code, tt.id)
				}
				m.send(`{"type":"msg","id":"after","payload":1}`)
				if f := m.next(); !f.Ack || f.ID != "after" || f.Seq != 1 {
					t.Errorf("got %s, want the acknowledgement of what came after", f.text)
				}
				m.send(`{"type":"leave"}`)
				m.ends()
			})
		})
	}
}

func TestFatalLines(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, line string
		code       wire.Code
	}{
		{"not JSON", `{"type":`, wire.BadMessage},
		{"no object", `7`, wire.BadMessage},
		{"invalid UTF-8", "{\"type\":\"msg\",\"payload\":\"\xff\"}", wire.BadMessage},
		{"too long", strings.Repeat("x", 200<<10), wire.TooLarge},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := open(t, relay.Options{})
				w.create(lobby)
				m := w.join(alice, `{"type":"join","group":"lobby"}`)
				m.send(`{"type":"msg","id":"before","payload":1}`)
				go m.tries(tt.line)
				if f := m.next(); !f.Ack || f.ID != "before" {
					t.Errorf("got %s, want the acknowledgement of what came before", f.text)
				}
				if e := m.refused(); e.Code != tt.code || !e.Fatal {
					t.Errorf("got %v, fatal %v; want %s, fatal", e, e.Fatal, tt.code)
				}
				m.ends()
			})
		})
	}
}

func TestStreamThatSaysNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := open(t, relay.Options{})
		m := w.dial(alice)
		start := time.Now()
		if e := m.refused(); e.Code != wire.TooSlow || !e.Fatal {
			t.Errorf("got %v, want too_slow", e)
		}
		if d := time.Since(start); d != 10*time.Second {
			t.Errorf("refused after %v, want 10 s", d)
		}
		m.ends()
	})
}

// TestLastWordsToOneThatIsSilent ends a session whose member neither reads nor ends its half. The host
// does not wait for it for long.
func TestLastWordsToOneThatIsSilent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := open(t, relay.Options{})
		w.create(lobby)
		w.join(alice, `{"type":"join","group":"lobby"}`)
		start := time.Now()
		w.end()
		if d := time.Since(start); d != time.Second {
			t.Errorf("the end took %v, want 1 s", d)
		}
	})
}

// TestShutdownTellsThoseWhoComeLate: a stream that has not joined yet, and one that is opened
// afterwards, are told to come again.
func TestShutdownTellsThoseWhoComeLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := open(t, relay.Options{})
		w.create(lobby)
		early := w.dial(alice)
		synctest.Wait()
		go w.end()
		if reason := early.goodbye(); reason != wire.ReasonShutdown {
			t.Errorf("got %q, want shutdown", reason)
		}
		synctest.Wait()
		late := w.dial(bob)
		go late.tries(`{"type":"join","group":"lobby"}`)
		if reason := late.goodbye(); reason != wire.ReasonShutdown {
			t.Errorf("got %q, want shutdown", reason)
		}
	})
}
