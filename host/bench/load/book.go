package load

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// What a histogram can tell apart: microseconds, to three digits, up to the longest time that matters.
const (
	longest = int64(10 * time.Minute / time.Microsecond)
	digits  = 3
	shards  = 16 // histograms that the clients share, so that thousands of them need no thousand
)

// book keeps what was sent and what arrived.
type book struct {
	plan   Plan
	start  time.Time   // set before begun
	begun  atomic.Bool // what came earlier is from another run
	sent   atomic.Int64
	lag    times // of the schedule
	delays [shards]times
	heard  []heard

	// mu guards the following.
	mu      sync.Mutex
	perOne  []int64 // sent by each sender
	refused int64
	why     error // the first refusal
}

// times is a histogram that may be used from many goroutines.
type times struct {
	mu sync.Mutex // guards h
	h  *hdrhistogram.Histogram
}

func (t *times) add(d time.Duration) {
	us := min(max(0, int64(d/time.Microsecond)), longest)
	t.mu.Lock()
	defer t.mu.Unlock()
	_ = t.h.RecordValue(us) // it is within the bounds
}

// into adds all of it to another histogram.
func (t *times) into(all *hdrhistogram.Histogram) {
	t.mu.Lock()
	defer t.mu.Unlock()
	all.Merge(t.h)
}

func newBook(plan Plan) *book {
	b := &book{plan: plan, perOne: make([]int64, plan.Senders), heard: make([]heard, plan.Members)}
	b.lag.h = hdrhistogram.New(1, longest, digits)
	for i := range b.delays {
		b.delays[i].h = hdrhistogram.New(1, longest, digits)
	}
	for i := range b.heard {
		b.heard[i].next = make([]int64, plan.Senders)
	}
	return b
}

// begin starts the clock.
func (b *book) begin() {
	b.start = time.Now()
	b.begun.Store(true)
}

func (b *book) since() time.Duration { return time.Since(b.start) }

// measured reports whether a message that is due then is one of the measured time.
func (b *book) measured(due time.Duration) bool {
	return due >= b.plan.Warm && due < b.plan.Warm+b.plan.For
}

func (b *book) sentOne(sender int, due, late time.Duration) {
	b.sent.Add(1)
	if b.measured(due) {
		b.lag.add(late)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.perOne[sender]++
}

func (b *book) refuse(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.refused++; b.why == nil {
		b.why = err
	}
}

// delivered is how many deliveries there were so far, of others' messages and each once.
func (b *book) delivered() (n int64) {
	for i := range b.heard {
		n += b.heard[i].count.Load()
	}
	return n
}

// heard is what one client has got. All but count belongs to the goroutine that reads for it.
type heard struct {
	count      atomic.Int64
	next       []int64          // by sender: the number that comes next
	skipped    map[[2]int64]int // sender and number of what others came before
	duplicates atomic.Int64
	disorder   atomic.Int64
}

// reader returns what is called for each delivery to client i.
func (b *book) reader(i int) func(payload []byte) {
	h, delays := &b.heard[i], &b.delays[i%shards]
	return func(payload []byte) {
		sender, number, due, ok := readStamp(payload)
		if !ok || !b.begun.Load() || sender == i || sender >= len(h.next) {
			return // not of this run, or the client's own
		}
		if !h.take(sender, number) {
			return
		}
		if b.measured(due) {
			delays.add(b.since() - due)
		}
		h.count.Add(1) // at last: when all are counted, all is in the histograms
	}
}

// take notes a message, and reports whether it is one that had not come yet.
func (h *heard) take(sender int, number int64) bool {
	switch next := h.next[sender]; {
	case number == next:
		h.next[sender]++
	case number > next:
		if h.skipped == nil {
			h.skipped = map[[2]int64]int{}
		}
		for n := next; n < number; n++ {
			h.skipped[[2]int64{int64(sender), n}]++
		}
		h.next[sender] = number + 1
	default:
		at := [2]int64{int64(sender), number}
		if _, late := h.skipped[at]; !late {
			h.duplicates.Add(1)
			return false
		}
		delete(h.skipped, at)
		h.disorder.Add(1)
	}
	return true
}
