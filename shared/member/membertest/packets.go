package membertest

import (
	"bytes"

	"goop/shared/link"
	"goop/shared/wire"
)

// maxPackets is how many datagrams are under way at most, each way; others are dropped.
const maxPackets = 256

// packets is one end of a connection's datagrams.
type packets struct {
	c     *conn
	to    *packets // the other end
	in    chan []byte
	demux link.Demux
}

func newPackets(c *conn) *packets { return &packets{c: c, in: make(chan []byte, maxPackets)} }

// orNone returns nil for a nil pointer.
func (p *packets) orNone() link.Datagrams {
	if p == nil {
		return nil
	}
	return p
}

// run hands over what arrives, until the connection ends.
func (p *packets) run() {
	for {
		select {
		case packet := <-p.in:
			p.demux.Take(packet)
		case <-p.c.done:
			return
		}
	}
}

// Send implements link.Datagrams.
func (p *packets) Send(packet []byte) error {
	select {
	case <-p.c.done:
		return wire.E(wire.Offline, "the connection is lost")
	default:
	}
	if most := p.c.n.MaxPacket; len(packet) > most && (most > 0 || len(packet) > 1400) {
		return link.ErrPacketTooLarge
	}
	if p.c.isFrozen() {
		return nil
	}
	select {
	case p.to.in <- bytes.Clone(packet):
	default:
	}
	return nil
}

// Demux implements link.Datagrams.
func (p *packets) Demux() *link.Demux { return &p.demux }
