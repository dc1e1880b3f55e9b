package member

import (
	"bytes"
	"context"
	"io"
	"sync"
	"time"
	"unicode/utf8"

	"goop/shared/jsontext"
	"goop/shared/link"
	"goop/shared/wire"
)

// maxStrikes is how many data streams the host may end over one request before it is given up: it
// might be what ends them.
const maxStrikes = 3

// desk keeps the data requests of a member until they are answered, and its watches.
type desk struct {
	m    *Member
	work chan struct{} // holds one token: the writer has something to do

	// mu guards the following.
	mu      sync.Mutex
	out     queue
	last    int64 // id given last
	replies map[int64]*Reply
	watches []*watch // in the order of their ids
	live    bool     // there is a stream
	written uint64   // the place of the last line that this stream has got
	front   []byte   // lines that go out before the next others: pings, unwatches, watches of a new stream
	pinged  int64    // id of the ping that is on its way, or 0
	pong    chan pong
	limit   int         // of a line, in bytes
	err     *wire.Error // set at the end
}

type pong struct {
	host int64 // milliseconds
	at   time.Time
}

type watch struct {
	fn      func(Change)
	id      int64
	line    []byte // to subscribe with
	fresh   bool   // the next answer is the first one of a subscription
	stopped bool
}

func (d *desk) init(m *Member) {
	d.m = m
	d.work = make(chan struct{}, 1)
	d.pong = make(chan pong, 1)
	d.out.limits = m.opts.Outbox
	d.replies = map[int64]*Reply{}
	d.limit = wire.DefaultLimits().Data
}

// allow takes in the host's limit of a line.
func (d *desk) allow(limit int) {
	if limit <= 0 {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.limit = limit
}

// ask takes in a request. With a watch, its answer is the first of many.
func (d *desk) ask(request []byte, w *watch) (*Reply, *wire.Error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		return nil, d.err
	}
	id := d.last + 1
	line, err := d.m.compose(id, request)
	if err != nil {
		return nil, err
	}
	if len(line)-1 > d.limit {
		return nil, wire.E(wire.TooLarge, `the request is longer than the host's limit "data"`)
	}
	r := &Reply{desk: d, id: id, watch: w, done: make(chan struct{})}
	r.item = item{of: r, line: line}
	if err := d.out.push(&r.item); err != nil {
		return nil, err
	}
	d.last = id
	d.replies[id] = r
	if w != nil {
		w.id, w.line, w.fresh = id, line, true
		d.watches = append(d.watches, w)
	}
	signal(d.work)
	return r, nil
}

// settle ends a request, unless that has happened.
func (d *desk) settle(r *Reply, answer []byte, err *wire.Error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.settleLocked(r, answer, err)
}

func (d *desk) settleLocked(r *Reply, answer []byte, err *wire.Error) {
	if d.replies[r.id] != r {
		return
	}
	delete(d.replies, r.id)
	d.out.remove(&r.item)
	if err != nil && r.watch != nil {
		d.drop(r.watch)
	}
	r.answer, r.err = answer, err
	close(r.done)
}

// unwatch ends a watch, unless that has happened.
func (d *desk) unwatch(w *watch) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if w.stopped {
		return
	}
	w.stopped = true
	d.drop(w)
	if !d.live {
		return
	}
	d.last++
	line := jsontext.Writer{}
	line.Begin('{')
	line.Key("id")
	line.Int(d.last)
	line.Key("op")
	line.Str("unwatch")
	line.Key("watch")
	line.Int(w.id)
	line.End('}')
	d.front = append(append(d.front, line.B...), '\n')
	signal(d.work)
}

// end refuses everything that waits and all that comes.
func (d *desk) end(err *wire.Error) {
	d.mu.Lock()
	if d.err != nil {
		d.mu.Unlock()
		return
	}
	d.err = err
	for _, it := range d.out.all() {
		d.settleLocked(it.of.(*Reply), nil, err)
	}
	watches := d.watches
	d.watches = nil
	d.mu.Unlock()
	for _, w := range watches {
		w.fn(Change{Err: err})
	}
}

// watch returns an open watch, nil when there is none with that id.
func (d *desk) watch(id int64) *watch {
	for _, w := range d.watches {
		if w.id == id {
			return w
		}
	}
	return nil
}

// drop forgets a watch.
func (d *desk) drop(w *watch) {
	for i := range d.watches {
		if d.watches[i] == w {
			d.watches = append(d.watches[:i], d.watches[i+1:]...)
			return
		}
	}
}

// serve works on a data stream until it ends, and returns why it did. Its helpers end with c.
func (d *desk) serve(c *connection, stream link.Stream) error {
	d.begin()
	c.wg.Go(func() {
		if err := d.write(c.ctx, stream); err != nil {
			c.drop(asError(err, wire.Offline))
		}
	})
	c.wg.Go(func() { d.m.heartbeat(c) })
	r := link.NewReader(stream, wire.MaxLine)
	var err error
	for err == nil {
		var line []byte
		if line, err = r.ReadLine(); err == nil {
			err = d.take(bytes.Clone(line))
		}
	}
	d.lose(err == io.EOF)
	stream.Reset()
	return err
}

// begin prepares for a new stream: everything without an answer is sent again, and watches subscribe.
func (d *desk) begin() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.live, d.written, d.pinged, d.front = true, 0, 0, nil
	for _, w := range d.watches {
		w.fresh = true
		if d.replies[w.id] == nil { // else its line waits with the others
			d.front = append(d.front, w.line...)
		}
	}
	signal(d.work)
}

// lose notes the end of a stream, and whether the host has ended it by itself.
func (d *desk) lose(byHost bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.live = false
	if !byHost {
		return
	}
	for _, it := range d.out.all() {
		r := it.of.(*Reply)
		if r.n > d.written {
			continue
		}
		if r.strikes++; r.strikes == maxStrikes {
			d.settleLocked(r, nil, wire.E(wire.Internal, "the host ended the data stream three times without an answer to this request"))
		}
	}
}

func (d *desk) write(ctx context.Context, stream link.Stream) error {
	var buf []byte
	for {
		d.mu.Lock()
		buf = append(buf[:0], d.front...)
		d.front = d.front[:0]
		buf, d.written = d.out.take(buf, d.written, writeSize)
		d.mu.Unlock()
		if len(buf) > 0 {
			if _, err := stream.Write(buf); err != nil {
				return err
			}
			if cap(buf) > 2*writeSize {
				buf = nil
			}
			continue
		}
		select {
		case <-d.work:
		case <-ctx.Done():
			return nil
		}
	}
}

// answer is what a line of the host says.
type answer struct {
	id, watch int64
	time      int64
	err       *wire.Error
}

// parseAnswer goes over a line once only: the rows of an answer may be many.
func parseAnswer(line []byte) (a answer, err error) {
	m := jsontext.MembersOf(line)
	for m.Next() && err == nil {
		switch string(m.Key) {
		case "id":
			if jsontext.KindOf(m.Value) != jsontext.Null {
				a.id, err = jsontext.Int(m.Value)
			}
		case "watch":
			a.watch, err = jsontext.Int(m.Value)
		case "time":
			a.time, err = jsontext.Int(m.Value)
		case "error":
			a.err, err = wire.ParseError(m.Value)
		}
	}
	if err != nil {
		return a, fault(err.Error())
	}
	if !m.Whole() || !utf8.Valid(line) {
		return a, fault("an answer is not a JSON object")
	}
	return a, nil
}

// take works in one line of the host, which is the desk's to keep. An error ends the stream.
func (d *desk) take(line []byte) error {
	a, err := parseAnswer(line)
	if err != nil {
		return err
	}
	d.mu.Lock()
	r, w := d.replies[a.id], d.watch(a.id)
	if a.watch != 0 {
		r, w = nil, d.watch(a.watch)
	}
	change := Change{Answer: line}
	if w != nil {
		change.Fresh, w.fresh = w.fresh, false
		if a.err != nil {
			change = Change{Err: a.err}
			d.drop(w)
		}
	}
	if a.id != 0 && a.id == d.pinged {
		d.pinged = 0
		select {
		case d.pong <- pong{a.time, time.Now()}:
		default:
		}
	}
	d.mu.Unlock()

	switch {
	case a.err != nil && a.err.Fatal:
		return a.err
	case w != nil && (r == nil || a.err == nil): // a first answer that is an error is the caller's
		w.fn(change)
	}
	if r != nil {
		if a.err != nil {
			line = nil
		}
		d.settle(r, line, a.err)
	}
	return nil
}

// ping sends a heartbeat.
func (d *desk) ping() {
	d.mu.Lock()
	defer d.mu.Unlock()
	select {
	case <-d.pong: // of an earlier one
	default:
	}
	d.last++
	d.pinged = d.last
	w := jsontext.Writer{B: d.front}
	w.Begin('{')
	w.Key("id")
	w.Int(d.pinged)
	w.Key("op")
	w.Str("time")
	w.End('}')
	d.front = append(w.B, '\n')
	signal(d.work)
}
