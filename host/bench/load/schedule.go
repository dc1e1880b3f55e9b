package load

import (
	"context"
	"strconv"
	"time"
)

// send keeps the schedule of one sender. Its message k is due (k + s/senders) / (its part of the rate) after
// the start: the senders take turns. What could not be sent in time is sent as soon as it can be.
func (r *run) send(ctx context.Context, s int) {
	part := r.plan.Rate / float64(r.plan.Senders)
	offset := float64(s) / float64(r.plan.Senders)
	end := r.plan.Warm + r.plan.For
	var number int64
	for k := 0; ; k++ {
		due := time.Duration((float64(k) + offset) / part * float64(time.Second))
		if due >= end || sleep(ctx, due-r.book.since()) != nil {
			return
		}
		late := r.book.since() - due
		if err := r.clients[s].Send(stamp(s, number, due, r.plan.Size)); err != nil {
			r.book.refuse(err)
			continue // it has no number: the next one gets it
		}
		r.book.sentOne(s, due, late)
		number++
	}
}

// stamp returns the payload of a sender's message: {"s":3,"n":17,"t":123456789,"x":"…"}, of size bytes.
func stamp(sender int, number int64, due time.Duration, size int) []byte {
	b := make([]byte, 0, max(size, 64))
	b = append(b, `{"s":`...)
	b = strconv.AppendInt(b, int64(sender), 10)
	b = append(b, `,"n":`...)
	b = strconv.AppendInt(b, number, 10)
	b = append(b, `,"t":`...)
	b = strconv.AppendInt(b, int64(due), 10)
	const before, after = `,"x":"`, `"}`
	if len(b)+len(before)+len(after) > size {
		return append(b, '}')
	}
	b = append(b, before...)
	for len(b)+len(after) < size {
		b = append(b, '.')
	}
	return append(b, after...)
}

// readStamp reads the beginning of a payload. ok is false for one that stamp has not made.
func readStamp(b []byte) (sender int, number int64, due time.Duration, ok bool) {
	var s, t int64
	if b, s, ok = field(b, `{"s":`); !ok {
		return 0, 0, 0, false
	}
	if b, number, ok = field(b, `,"n":`); !ok {
		return 0, 0, 0, false
	}
	_, t, ok = field(b, `,"t":`)
	return int(s), number, time.Duration(t), ok
}

// field reads a number behind a key, and returns what is behind it.
func field(b []byte, key string) (rest []byte, v int64, ok bool) {
	if len(b) < len(key) || string(b[:len(key)]) != key {
		return nil, 0, false
	}
	i := len(key)
	for ; i < len(b) && '0' <= b[i] && b[i] <= '9'; i++ {
		v = 10*v + int64(b[i]-'0')
	}
	return b[i:], v, i > len(key)
}
