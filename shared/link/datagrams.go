package link

import (
	"encoding/binary"
	"errors"
	"sync"
)

// Datagrams is the unreliable side of one connection: packets that may be lost, come late or come twice.
// Each begins with a number, an unsigned varint, that says which of the connection's streams it belongs
// to. A Stream whose connection has datagrams also implements Datagrammer.
//
// Everything may be called from many goroutines.
type Datagrams interface {
	// Send hands over one packet, number included, without waiting: a full queue drops it. The packet is
	// the caller's again when Send returns. The error says that the connection has ended or that the packet
	// is too large for it.
	Send(packet []byte) error

	// Demux is where what comes in goes to.
	Demux() *Demux
}

// Datagrammer is a Stream that knows the datagrams of its connection.
type Datagrammer interface {
	// Datagrams returns nil when the connection has none.
	Datagrams() Datagrams
}

// ErrPacketTooLarge is returned by Datagrams.Send.
var ErrPacketTooLarge = errors.New("link: the packet is too large for a datagram here")

// Demux hands the packets of one connection to whom they belong. The zero value is ready; it may be used
// from many goroutines.
type Demux struct {
	// mu guards the following.
	mu   sync.Mutex
	last uint64
	to   map[uint64]func(rest []byte)
}

// Attach has fn called, by the goroutine that reads the connection, with what stands behind the number in
// each packet with the number that it returns. fn must not block and not keep rest.
func (d *Demux) Attach(fn func(rest []byte)) (number uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last++
	d.set(d.last, fn)
	return d.last
}

// Bind is Attach for a number that the far side has chosen.
func (d *Demux) Bind(number uint64, fn func(rest []byte)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.set(number, fn)
}

func (d *Demux) set(number uint64, fn func(rest []byte)) {
	if d.to == nil {
		d.to = map[uint64]func([]byte){}
	}
	d.to[number] = fn
}

// Detach forgets a number. A call of its function may still be under way.
func (d *Demux) Detach(number uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.to, number)
}

// Take hands one packet to whom it belongs, and drops it when there is nobody.
func (d *Demux) Take(packet []byte) {
	number, n := binary.Uvarint(packet)
	if n <= 0 {
		return
	}
	d.mu.Lock()
	fn := d.to[number]
	d.mu.Unlock()
	if fn != nil {
		fn(packet[n:])
	}
}
