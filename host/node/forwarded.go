package node

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"net/netip"
	"sync"

	"github.com/gorilla/websocket"

	"goop/host/proxy"
)

// configure sets up the server that go-libp2p makes for each listener of the main port.
func (n *Node) configure(s *http.Server) {
	boundHTTP(s)
	if len(n.opts.Proxies) == 0 {
		return
	}
	// go-libp2p sets the handler when this has returned. net/http asks for the base context after that, and before
	// it accepts anybody.
	s.BaseContext = func(net.Listener) context.Context {
		s.Handler = n.forwarded(s.Handler)
		return context.Background()
	}
}

// forwarded has a WebSocket that a trusted proxy brings count, and be known, by the address that the proxy tells.
func (n *Node) forwarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		peer := proxy.Peer(r)
		client := proxy.ClientAddr(r, n.opts.Proxies)
		if client == peer || !websocket.IsWebSocketUpgrade(r) {
			next.ServeHTTP(w, r)
			return
		}
		from := n.gate.originOf(client)
		if !n.gate.bring(from) {
			w.Header().Set("Connection", "close")
			http.Error(w, errBrought.Error(), http.StatusServiceUnavailable)
			return
		}
		b := &bringer{ResponseWriter: w, leave: sync.OnceFunc(func() { n.gate.takeAway(from) })}
		b.from = net.TCPAddrFromAddrPort(netip.AddrPortFrom(client, portOf(r)))
		next.ServeHTTP(b, r)
		if !b.taken {
			b.leave()
		}
	})
}

// portOf returns the port of the far end of a request's connection.
func portOf(r *http.Request) uint16 {
	a, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return 0
	}
	return a.Port()
}

// bringer gives a connection that is taken over its visitor's address.
type bringer struct {
	http.ResponseWriter
	from  net.Addr
	leave func()
	taken bool
}

func (b *bringer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := http.NewResponseController(b.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	b.taken = true
	return &brought{Conn: c, from: b.from, leave: b.leave}, rw, nil
}

// brought is a connection from a proxy, as if it came from its visitor.
type brought struct {
	net.Conn
	from  net.Addr
	leave func()
}

func (c *brought) RemoteAddr() net.Addr { return c.from }

func (c *brought) Close() error {
	c.leave()
	return c.Conn.Close()
}
