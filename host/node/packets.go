package node

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/webtransport-go"

	"goop/shared/link"
)

const (
	// maxPackets is how many datagrams of one connection wait to be sent, beside those of QUIC's own queue.
	maxPackets = 64
	// largeAgain is how long a size is held to be too large for a connection. It grows when QUIC finds
	// that the path carries more.
	largeAgain = 5 * time.Second
)

// packetConn is what carries datagrams: a WebTransport session or a QUIC connection.
type packetConn interface {
	Context() context.Context
	SendDatagram([]byte) error // blocks while QUIC's own queue is full
	ReceiveDatagram(context.Context) ([]byte, error)
}

// packetConnOf returns what carries datagrams below a connection of go-libp2p, nil over TCP.
func packetConnOf(c interface{ As(target any) bool }) packetConn {
	var session *webtransport.Session
	if c.As(&session) { // which goes first: it has a QUIC connection too
		return session
	}
	var q *quic.Conn
	if c.As(&q) && q.ConnectionState().SupportsDatagrams.Remote {
		return q
	}
	return nil
}

// packets is the datagrams of one connection. A goroutine that reads belongs to it, which ends with the connection, and
// one that writes while something waits: read waits for that, and their starter for read.
type packets struct {
	conn   packetConn
	demux  link.Demux
	writer sync.WaitGroup

	// mu guards the following.
	mu      sync.Mutex
	over    bool     // the connection has ended
	writing bool     // write runs
	waiting [][]byte // in order, at most maxPackets
	spare   [][]byte // buffers to use again
	large   int      // a size that was too large, 0 when none is known
	since   time.Time
}

var _ link.Datagrams = (*packets)(nil)

// startPackets begins to read and write datagrams; it returns nil where there are none.
func startPackets(c packetConn, wg *sync.WaitGroup) link.Datagrams {
	if c == nil {
		return nil
	}
	p := &packets{conn: c}
	wg.Go(p.read)
	return p
}

// Demux implements link.Datagrams.
func (p *packets) Demux() *link.Demux { return &p.demux }

// Send implements link.Datagrams. When the queue is full, the oldest packet makes room.
func (p *packets) Send(packet []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over || p.conn.Context().Err() != nil {
		return link.ErrClosed
	}
	if p.large > 0 && len(packet) >= p.large {
		if time.Since(p.since) < largeAgain {
			return link.ErrPacketTooLarge
		}
		p.large = 0
	}
	var buf []byte
	switch n := len(p.spare); {
	case len(p.waiting) == maxPackets:
		buf = p.waiting[0]
		copy(p.waiting, p.waiting[1:])
		p.waiting = p.waiting[:maxPackets-1]
	case n > 0:
		buf, p.spare = p.spare[n-1], p.spare[:n-1]
	}
	p.waiting = append(p.waiting, append(buf[:0], packet...))
	if !p.writing {
		p.writing = true
		p.writer.Go(p.write)
	}
	return nil
}

// next takes the packet that waits longest, and gives the one before back to be used again. When none waits, the writing
// is over.
func (p *packets) next(done []byte) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	if done != nil {
		p.spare = append(p.spare, done)
	}
	if len(p.waiting) == 0 { // a connection that rests holds one buffer
		clear(p.spare[min(1, len(p.spare)):])
		p.spare = p.spare[:min(1, len(p.spare))]
		p.writing = false
		return nil
	}
	packet := p.waiting[0]
	copy(p.waiting, p.waiting[1:])
	p.waiting = p.waiting[:len(p.waiting)-1]
	return packet
}

func (p *packets) write() {
	for packet := p.next(nil); packet != nil; packet = p.next(packet) {
		err := p.conn.SendDatagram(packet)
		if _, ok := errors.AsType[*quic.DatagramTooLargeError](err); ok {
			p.tooLarge(len(packet))
		} else if err != nil {
			return // the connection has ended, and nothing is sent any more
		}
	}
}

func (p *packets) tooLarge(size int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.large == 0 || size < p.large {
		p.large = size
	}
	p.since = time.Now()
}

func (p *packets) read() {
	for {
		packet, err := p.conn.ReceiveDatagram(p.conn.Context())
		if err != nil {
			p.end()
			return
		}
		p.demux.Take(packet)
	}
}

// end waits until nothing is written any more.
func (p *packets) end() {
	p.mu.Lock()
	p.over = true
	p.mu.Unlock()
	p.writer.Wait()
}
