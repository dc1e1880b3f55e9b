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
	q.append(it)
	return nil
}

// append is push without the bounds.
func (q *queue) append(it *item) {
	q.last++
	it.n, it.gone = q.last, false
	q.items = append(q.items, it)
	q.count++
	q.bytes += len(it.line)
}

// pushFront puts items before all others, in their order and without the bounds.
func (q *queue) pushFront(items []*item) {
	first := q.last + 1
	if len(q.items) > 0 {
		first = q.items[0].n
	}
	for i, it := range items {
		it.n, it.gone = first-uint64(len(items)-i), false
		q.count++
		q.bytes += len(it.line)
	}
	q.items = append(items, q.items...)
}

// after returns the items behind a place, those that are gone included.
func (q *queue) after(place uint64) []*item {
	if len(q.items) == 0 {
		return nil
	}
	if first := q.items[0].n; place >= first {
		return q.items[min(int(place-first+1), len(q.items)):]
	}
	return q.items
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
	for _, it := range q.after(written) {
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
