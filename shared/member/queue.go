package member

import "goop/shared/wire"

const (
	defaultOutboxCount = 1000
	defaultOutboxBytes = 4 << 20
)

// item is one line that waits to be answered. It may be written several times, once for each stream.
type item struct {
	of   any    // the *Pending or *Reply that it is a part of
	n    uint64 // its place in the order
	line []byte
	gone bool
}

// queue keeps lines in order until they are answered. Its owner guards it.
type queue struct {
	limits OutboxLimits
	items  []*item // by n without holes; those that are gone are taken off the front
	last   uint64  // the n given last
	count  int     // of items that are not gone
	bytes  int
}

func (q *queue) push(it *item) *wire.Error {
	if q.count >= q.limits.Count || q.bytes+len(it.line) > q.limits.Bytes {
		return wire.E(wire.OutboxFull, "too much is waiting for the host; wait for what was sent before")
	}
	q.last++
	it.n = q.last
	q.items = append(q.items, it)
	q.count++
	q.bytes += len(it.line)
	return nil
}

// all returns the items that are not gone, in order.
func (q *queue) all() []*item {
	all := make([]*item, 0, q.count)
	for _, it := range q.items {
		if !it.gone {
			all = append(all, it)
		}
	}
	return all
}

func (q *queue) remove(it *item) {
	if it.gone {
		return
	}
	it.gone = true
	q.count--
	q.bytes -= len(it.line)
	for len(q.items) > 0 && q.items[0].gone {
		q.items[0] = nil
		q.items = q.items[1:]
	}
}

// take appends the lines after place written to dst, until dst holds at least budget bytes, and
// returns the place of the last one.
func (q *queue) take(dst []byte, written uint64, budget int) ([]byte, uint64) {
	if len(q.items) == 0 {
		return dst, q.last
	}
	start := 0
	if first := q.items[0].n; written >= first {
		start = int(written - first + 1)
	}
	for _, it := range q.items[start:] {
		if len(dst) >= budget {
			return dst, written
		}
		if !it.gone {
			dst = append(dst, it.line...)
		}
		written = it.n
	}
	return dst, written
}
