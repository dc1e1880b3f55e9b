package member

import (
	"errors"
	"testing"
)

// A connection that is lost at the very moment at which another one is there to take its place: the other one is used.
func TestHandOverThatComesTooLate(t *testing.T) {
	t.Parallel()
	for _, late := range []bool{false, true} {
		m := New(Options{})
		c := m.connect(nil)
		a := &try{giveUp: func(error) {}, done: make(chan struct{})}
		close(a.done)
		if late {
			c.drop(errors.New("lost"))
		}
		m.handOver(c, a, true)
		next := c.moved()
		if (next == nil) != late || (m.running == a) != late {
			t.Errorf("late %v: moved to %v, and the attempt is left for the next one: %v", late, next, m.running == a)
		}
		if next == nil && c.next.ctx.Err() == nil {
			t.Error("what nobody uses is not over")
		}
		m.Close()
	}
}
