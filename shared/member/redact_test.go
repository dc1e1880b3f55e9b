package member_test

import (
	"slices"
	"testing"
	"testing/synctest"

	"goop/shared/member"
	"goop/shared/wire"
)

// A redaction travels as a message does: with an id, in its place, and again after a loss.
func TestRedact(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		m := h.start(member.Options{})
		var got events
		s, g := h.join(m, &got, "e1", 5)
		got.take()
		for _, seq := range []int64{0, -1, 1 << 53} {
			if _, err := s.PostRedact(seq); err == nil || codeOf(t, err) != string(wire.InvalidValue) {
				t.Errorf("redact %d: got %v, want invalid_value", seq, err)
			}
		}
		p, err := s.PostRedact(3)
		if err != nil {
			t.Fatal(err)
		}
		f := g.next()
		if want := `{"type":"msg","id":"` + f.ID + `","redact":3}` + "\n"; string(f.Append(nil)) != want || len(f.ID) != 32 {
			t.Errorf("got %s, want %s", f.Append(nil), want)
		}
		g.ack(f, 6)
		g.say(`{"type":"msg","group":"g","seq":7,"from":"bob","time":1007,"redact":4}`)
		if got := outcome(t, p); got != "6" {
			t.Errorf("the redaction: got %s, want 6", got)
		}
		synctest.Wait()
		var lines []string
		for _, e := range got.all {
			lines = append(lines, string(e.Line))
		}
		want := []string{
			`{"type":"msg","group":"g","id":"` + f.ID + `","seq":6,"from":"ann","time":1006,"redact":3,"own":true}`,
			`{"type":"msg","group":"g","seq":7,"from":"bob","time":1007,"redact":4}`,
		}
		if !slices.Equal(lines, want) {
			t.Errorf("events: got %q, want %q", lines, want)
		}
	})
}
