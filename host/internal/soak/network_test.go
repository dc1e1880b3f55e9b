package soak_test

import (
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// badUDP is a network of bad quality in front of one UDP port: it loses, repeats and holds back packets.
type badUDP struct {
	conn   *net.UDPConn
	target *net.UDPAddr
	down   atomic.Bool // nothing comes through
	wg     sync.WaitGroup

	dropped, repeated, delayed, passed atomic.Int64

	// mu guards the following.
	mu      sync.Mutex
	rng     *rand.Rand
	clients map[string]*net.UDPConn // by who sends
	closed  bool
}

func openBadUDP(t *testing.T, target string, seed uint64) *badUDP {
	t.Helper()
	to, err := net.ResolveUDPAddr("udp", target)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	p := &badUDP{conn: conn, target: to, rng: rand.New(rand.NewPCG(seed, 2)), clients: map[string]*net.UDPConn{}}
	p.wg.Go(p.in)
	return p
}

func (p *badUDP) address() string { return p.conn.LocalAddr().String() }

// in carries packets from members to the host.
func (p *badUDP) in() {
	buf := make([]byte, 64<<10)
	for {
		n, from, err := p.conn.ReadFromUDP(buf)
		if err != nil {
			p.mu.Lock()
			closed := p.closed
			p.mu.Unlock()
			if closed {
				return
			}
			continue // of a packet to somebody who is gone
		}
		up := p.client(from)
		if up == nil {
			return
		}
		p.carry(buf[:n], func(packet []byte) { _, _ = up.Write(packet) })
	}
}

// client returns the socket that stands for a member on the host's side.
func (p *badUDP) client(from *net.UDPAddr) *net.UDPConn {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	up := p.clients[from.String()]
	if up == nil {
		var err error
		if up, err = net.DialUDP("udp", nil, p.target); err != nil {
			return nil
		}
		p.clients[from.String()] = up
		p.wg.Go(func() { p.out(up, from) })
	}
	return up
}

// out carries packets from the host to one member.
func (p *badUDP) out(up *net.UDPConn, to *net.UDPAddr) {
	buf := make([]byte, 64<<10)
	for {
		n, err := up.Read(buf)
		if err != nil {
			p.mu.Lock()
			closed := p.closed
			p.mu.Unlock()
			if closed {
				return
			}
			continue // the host is down, and its port refuses, once for each packet
		}
		p.carry(buf[:n], func(packet []byte) { _, _ = p.conn.WriteToUDP(packet, to) })
	}
}

// carry lets a packet through, or not, or twice, or late.
func (p *badUDP) carry(packet []byte, send func([]byte)) {
	if p.down.Load() {
		return
	}
	p.mu.Lock()
	luck, wait := p.rng.IntN(1000), time.Duration(1+p.rng.IntN(20))*time.Millisecond
	p.mu.Unlock()
	switch {
	case luck < 50:
		p.dropped.Add(1)
		return
	case luck < 70:
		p.repeated.Add(1)
		send(packet)
	case luck < 120:
		p.delayed.Add(1)
		later := append([]byte(nil), packet...)
		time.AfterFunc(wait, func() { send(later) })
		return
	}
	p.passed.Add(1)
	send(packet)
}

func (p *badUDP) close() {
	p.mu.Lock()
	p.closed = true
	for _, up := range p.clients {
		_ = up.Close()
	}
	p.mu.Unlock()
	_ = p.conn.Close()
	p.wg.Wait()
}

// cutTCP is a network in front of one TCP port whose links can be cut.
type cutTCP struct {
	ln     net.Listener
	target string
	down   atomic.Bool
	cuts   atomic.Int64 // links that were cut
	wg     sync.WaitGroup

	// mu guards the following.
	mu    sync.Mutex
	links map[net.Conn]bool
}

func openCutTCP(t *testing.T, target string) *cutTCP {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &cutTCP{ln: ln, target: target, links: map[net.Conn]bool{}}
	p.wg.Go(p.accept)
	return p
}

func (p *cutTCP) address() string { return p.ln.Addr().String() }

func (p *cutTCP) accept() {
	for {
		near, err := p.ln.Accept()
		if err != nil {
			return
		}
		if p.down.Load() {
			_ = near.Close()
			continue
		}
		p.wg.Go(func() {
			defer near.Close()
			far, err := net.Dial("tcp", p.target)
			if err != nil {
				return
			}
			defer far.Close()
			p.keep(near, far, true)
			defer p.keep(near, far, false)
			var both sync.WaitGroup
			for _, way := range [][2]net.Conn{{near, far}, {far, near}} {
				both.Go(func() {
					_, _ = io.Copy(way[0], way[1])
					if c, ok := way[0].(*net.TCPConn); ok {
						_ = c.CloseWrite()
					}
				})
			}
			both.Wait()
		})
	}
}

func (p *cutTCP) keep(near, far net.Conn, there bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range []net.Conn{near, far} {
		if there {
			p.links[c] = true
		} else {
			delete(p.links, c)
		}
	}
}

// cut cuts every link, in the middle of whatever is on its way.
func (p *cutTCP) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.links {
		if tc, ok := c.(*net.TCPConn); ok {
			_ = tc.SetLinger(0)
		}
		_ = c.Close()
	}
	p.cuts.Add(int64(len(p.links) / 2))
}

func (p *cutTCP) close() {
	_ = p.ln.Close()
	p.cut()
	p.wg.Wait()
}
