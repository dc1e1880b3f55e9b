package webtransport

import (
	"sync"
	"syscall/js"

	"goop/shared/link"
	"goop/wasm/internal/jsx"
)

// maxWriting is how many datagrams the browser may hold that it has not taken yet; more are dropped. The
// stream's own desiredSize is 0 from one write to the next turn of the event loop, so that of several
// messages that a page sends at once it would let pass the first.
const maxWriting = 16

// datagrams is the unreliable side of a session.
type datagrams struct {
	session *Session
	duplex  js.Value // the browser's object
	reader  js.Value
	writer  js.Value
	demux   link.Demux

	// mu guards the following. A callback takes it too.
	mu      sync.Mutex
	writing int
}

// openDatagrams returns nil where the browser has no datagrams.
func openDatagrams(s *Session) *datagrams {
	d := &datagrams{session: s, duplex: s.transport.Get("datagrams")}
	if d.duplex.Type() != js.TypeObject {
		return nil
	}
	_, err := jsx.Try(func() js.Value {
		writable := d.duplex.Get("writable")
		if writable.IsUndefined() { // which the standard has given up for
			writable = d.duplex.Call("createWritable")
		}
		d.writer = writable.Call("getWriter")
		d.reader = d.duplex.Get("readable").Call("getReader")
		ignore(d.writer.Get("closed"))
		ignore(d.writer.Get("ready"))
		ignore(d.reader.Get("closed"))
		d.duplex.Set("incomingHighWaterMark", maxWriting) // one, unless it is set
		return d.duplex
	})
	if err != nil {
		return nil
	}
	return d
}

// Datagrams implements link.Datagrammer.
func (s *Session) Datagrams() link.Datagrams {
	if s.datagrams == nil {
		return nil
	}
	return s.datagrams
}

// Demux implements link.Datagrams.
func (d *datagrams) Demux() *link.Demux { return &d.demux }

// Send implements link.Datagrams.
func (d *datagrams) Send(packet []byte) error {
	if err := d.session.Err(); err != nil {
		return err
	}
	if most := d.duplex.Get("maxDatagramSize"); most.Type() == js.TypeNumber && len(packet) > most.Int() {
		return link.ErrPacketTooLarge
	}
	if d.count(1) {
		jsx.Then(d.writer.Call("write", jsx.Uint8Array(packet)), func(js.Value, error) { d.count(-1) })
	}
	return nil
}

// count changes how many are being written, and reports false when that would be too many.
func (d *datagrams) count(by int) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.writing+by > maxWriting {
		return false
	}
	d.writing += by
	return true
}

// read hands over what comes, until the session ends.
func (d *datagrams) read() {
	for {
		next, err := jsx.Await(d.session.ctx, d.reader.Call("read"))
		if err != nil || next.Get("done").Truthy() {
			return
		}
		if packet, err := jsx.Bytes(next.Get("value")); err == nil {
			d.demux.Take(packet)
		}
	}
}
