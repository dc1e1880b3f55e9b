package main

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestPace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		var p pace
		p.stop() // one that has not started
		want := func(most, least float64) {
			t.Helper()
			if got := p.perSecond(time.Now(), n.Load()); got < least || got > most {
				t.Errorf("after %d: got %v a second, want %v to %v", n.Load(), got, least, most)
			}
		}
		p.start(n.Load)
		want(0, 0)
		for range 300 {
			time.Sleep(100 * time.Millisecond)
			n.Add(1)
		}
		want(10, 10)
		time.Sleep(31 * time.Second)
		want(5, 4.5)
		time.Sleep(2 * time.Minute)
		want(0, 0)
		if len(p.samples) > int(paceTime/paceStep)+2 {
			t.Errorf("%d samples are kept", len(p.samples))
		}
		p.stop()
	})
}
