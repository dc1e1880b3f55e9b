package member

import (
	"bytes"
	"context"
	"sync"

	"goop/shared/link"
	"goop/shared/wire"
)

const (
	// maxUnreliable bounds the unreliable messages that wait for the handler of a session; the oldest
	// goes first.
	maxUnreliable = 64
	// maxOrigins bounds the origins whose last numbers a session remembers, in each of two generations.
	maxOrigins = 512
)

// origin is what the numbers of unreliable messages are counted for.
type origin struct {
	from   wire.PeerID
	sender uint64
	key    string
}

func originOf(d *wire.Datagram) origin { return origin{d.From, d.Sender, d.Key} }

// newest remembers the last number of each origin. When there are too many, those that have been silent
// for longest are forgotten; then an old message may pass for a new one.
type newest struct{ young, old map[origin]uint64 }

// rise notes a number, and reports whether it is above those that came before.
func (n *newest) rise(o origin, seq uint64) bool {
	last, known := n.young[o]
	if !known {
		last = n.old[o]
	}
	if seq <= last {
		return false
	}
	if n.young == nil || !known && len(n.young) == maxOrigins {
		n.young, n.old = map[origin]uint64{}, n.young
	}
	n.young[o] = seq
	return true
}

// inlet is where the datagrams of one session on one connection wait for its handler.
type inlet struct {
	work chan struct{} // holds one token: something waits

	// mu guards the following.
	mu      sync.Mutex
	newest  newest
	waiting []wire.Datagram
}

// take takes in one datagram, on the goroutine that reads the connection. A newer one takes the place
// of one that waits.
func (in *inlet) take(rest []byte) {
	d, err := wire.ParseDown(rest)
	if err != nil {
		return // there is nobody to tell, and the next one may be good
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	o := originOf(&d)
	if !in.newest.rise(o, d.Seq) {
		return
	}
	d.Payload = bytes.Clone(d.Payload)
	for i := range in.waiting {
		if originOf(&in.waiting[i]) == o {
			in.waiting[i] = d
			return
		}
	}
	if len(in.waiting) == maxUnreliable {
		in.waiting = append(in.waiting[:0], in.waiting[1:]...)
	}
	in.waiting = append(in.waiting, d)
	signal(in.work)
}

// events takes what waits.
func (in *inlet) events(to *batch, group wire.GroupID) {
	in.mu.Lock()
	waiting := in.waiting
	in.waiting = nil
	in.mu.Unlock()
	to.begin()
	for _, d := range waiting {
		f := wire.Frame{
			Type: wire.TypeMsg, Group: group, From: d.From, Time: d.Time,
			Key: d.Key, Payload: d.Payload, Volatile: true, Unreliable: true,
		}
		line := f.Append(nil)
		to.add(Event{Frame: f, Line: line[:len(line)-1]})
	}
}

// datagrams returns the connection's unreliable side, or nil.
func (c *connection) datagrams() link.Datagrams {
	if d, ok := c.Conn.(link.Datagrammer); ok {
		return d.Datagrams()
	}
	return nil
}

// bind connects a session that was welcomed with the datagrams of its connection, when there are any on
// both sides. Nothing is delivered from there once unbind, which may be called again, has returned.
func (s *Session) bind(c *connection) (unbind func()) {
	d := c.datagrams()
	s.mu.Lock()
	number := uint64(s.welcome.Datagrams)
	if d == nil || number == 0 {
		s.mu.Unlock()
		return func() {}
	}
	s.datagrams, s.number = d, number
	s.mu.Unlock()

	ctx, cancel := context.WithCancel(s.ctx)
	var wg sync.WaitGroup
	if s.handler != nil || s.text != nil {
		in := &inlet{work: make(chan struct{}, 1)}
		d.Demux().Bind(number, in.take)
		wg.Go(func() { s.deliverFrom(ctx, in) })
	}
	return sync.OnceFunc(func() {
		d.Demux().Detach(number)
		cancel()
		wg.Wait()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.datagrams = nil
	})
}

// deliverFrom hands what comes to the handler, in turns with what comes on the stream.
func (s *Session) deliverFrom(ctx context.Context, in *inlet) {
	batch := batch{asText: s.text != nil}
	for {
		select {
		case <-in.work:
		case <-ctx.Done():
			return
		}
		select {
		case s.turn <- struct{}{}:
		case <-ctx.Done():
			return
		}
		if in.events(&batch, s.id); ctx.Err() == nil {
			s.hand(&batch)
		}
		<-s.turn
	}
}

// postUnreliable sends one message as a datagram, or as a volatile message where that is not possible.
func (s *Session) postUnreliable(f wire.Frame) (*Pending, error) {
	sent, err := s.sendDatagram(&f)
	if err != nil {
		return nil, err
	}
	if !sent {
		f.Volatile = true
		return s.post(f)
	}
	p := &Pending{kind: f.Type, done: make(chan struct{})}
	close(p.done)
	return p, nil
}

func (s *Session) sendDatagram(f *wire.Frame) (sent bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	most := wire.MaxDatagramPayload
	if s.welcome != nil && s.welcome.Limits.Datagram > 0 {
		most = min(most, s.welcome.Limits.Datagram)
	}
	if len(f.Payload) > most {
		return false, wire.E(wire.TooLarge, `the payload of an unreliable message is larger than the group's limit "datagram"`)
	}
	if s.datagrams == nil || s.leaving || f.To != "" {
		return false, nil
	}
	d := wire.Datagram{Session: s.number, Seq: s.m.datagrams.Add(1), Key: f.Key, Payload: f.Payload}
	return s.datagrams.Send(d.AppendUp(nil)) == nil, nil
}
