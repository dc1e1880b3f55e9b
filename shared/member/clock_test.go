package member

import (
	"testing"
	"time"
)

func TestClock(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	type sample struct {
		at   time.Duration // of this clock, when the answer came
		rtt  time.Duration
		host int64 // milliseconds
	}
	for _, tt := range []struct {
		name    string
		samples []sample
		at      time.Duration
		want    int64
		within  time.Duration
	}{
		{"one answer", []sample{{100 * ms, 20 * ms, 1000}}, 200 * ms, 1110, 10*ms + ms/2 + 10*time.Microsecond},
		{"a longer round trip changes nothing", []sample{{100 * ms, 20 * ms, 1000}, {200 * ms, 80 * ms, 1090}}, 200 * ms, 1110, 10*ms + ms/2 + 10*time.Microsecond},
		{"a shorter one is better", []sample{{100 * ms, 80 * ms, 1000}, {200 * ms, 10 * ms, 1130}}, 200 * ms, 1135, 5*ms + ms/2},
		{"a long one is better than a very old one", []sample{{100 * ms, 20 * ms, 1000}, {time.Hour, 200 * ms, 3_600_820}}, time.Hour, 3_600_920, 100*ms + ms/2},
		{"the host's clock was set forward", []sample{{100 * ms, 20 * ms, 1000}, {200 * ms, 200 * ms, 9000}}, 200 * ms, 9100, 100*ms + ms/2},
		{"the host's clock was set far back", []sample{{100 * ms, 20 * ms, 10_000}, {200 * ms, 20 * ms, 1000}}, 200 * ms, 1010, 10*ms + ms/2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var c clock
			c.begin()
			for _, s := range tt.samples {
				c.sample(s.host, c.base.Add(s.at-s.rtt), c.base.Add(s.at))
				c.now(c.base.Add(s.at))
			}
			got, within := c.now(c.base.Add(tt.at))
			if got != tt.want || within != tt.within {
				t.Errorf("got %d within %v, want %d within %v", got, within, tt.want, tt.within)
			}
		})
	}
}

func TestClockDoesNotGoBack(t *testing.T) {
	t.Parallel()
	var c clock
	c.begin()
	at := func(d time.Duration) time.Time { return c.base.Add(d * time.Millisecond) }
	c.sample(1000, at(0), at(100)) // estimate: 1000.5 at 50
	before, _ := c.now(at(200))
	c.sample(1100, at(198), at(200)) // 1100.5 at 199: the clock was 50ms ahead
	after, _ := c.now(at(201))
	if before != 1150 || after != before {
		t.Errorf("got %d and then %d, want 1150 twice", before, after)
	}
	if later, _ := c.now(at(300)); later != 1201 {
		t.Errorf("got %d later, want 1201", later)
	}
}

func TestLease(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name                string
		late, silent, asked time.Duration
		want                time.Duration
	}{
		{"silence", 0, 4 * time.Second, 3 * time.Second, 0},
		{"silence for just as long as may be", 0, 3 * time.Second, 3 * time.Second, 0},
		{"something else came", 0, time.Second, 3 * time.Second, 2 * time.Second},
		{"something else comes all the time", 0, time.Second, 30 * time.Second, 0},
		{"the page was frozen", time.Minute, time.Minute, time.Minute, 3 * time.Second},
		{"the timer was a little late", time.Second, 4 * time.Second, 4 * time.Second, 0},
	} {
		if got := lease(tt.late, tt.silent, tt.asked); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestQueue(t *testing.T) {
	t.Parallel()
	q := queue{limits: OutboxLimits{Count: 4, Bytes: 100}}
	var items []*item
	for _, line := range []string{"a", "b", "c", "d"} {
		it := &item{line: []byte(line)}
		if err := q.push(it); err != nil {
			t.Fatal(err)
		}
		items = append(items, it)
	}
	if err := q.push(&item{line: []byte("e")}); err == nil {
		t.Error("the fifth was taken")
	}
	take := func(written uint64, budget int, want string, upTo uint64) {
		t.Helper()
		got, last := q.take(nil, written, budget)
		if string(got) != want || last != upTo {
			t.Errorf("after %d: got %q up to %d, want %q up to %d", written, got, last, want, upTo)
		}
	}
	take(0, 100, "abcd", 4)
	take(0, 2, "ab", 2)
	take(2, 100, "cd", 4)
	take(4, 100, "", 4)
	q.remove(items[1])
	q.remove(items[1])
	take(0, 100, "acd", 4)
	take(1, 100, "cd", 4)
	q.remove(items[0])
	if len(q.items) != 2 {
		t.Errorf("%d items are kept, want 2", len(q.items))
	}
	take(0, 100, "cd", 4)
	q.remove(items[2])
	q.remove(items[3])
	take(0, 100, "", 4)
	take(4, 100, "", 4)
	if q.count != 0 || q.bytes != 0 {
		t.Errorf("got %d items with %d bytes in an empty queue", q.count, q.bytes)
	}
	if err := q.push(&item{line: make([]byte, 101)}); err == nil {
		t.Error("too many bytes were taken")
	}
}
