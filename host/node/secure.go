package node

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"

	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// TLS has the TCP port speak HTTPS and WebSocket over TLS, and nothing else. WebTransport goes on showing the
// certificates that go-libp2p makes, which browsers check by their hashes.
type TLS struct {
	Config *tls.Config     // what GetCertificate returns may change at any time
	Names  func() []string // the names and IP addresses for which there is a certificate, the best first
}

// names returns the endpoints that a certificate is for.
func (t *TLS) names(port int) []endpoint {
	var list []endpoint
	for _, s := range t.Names() {
		e := endpoint{host: s, port: port}
		if a, err := netip.ParseAddr(s); err == nil {
			e.addr = a.Unmap()
			e.host = e.addr.String()
		}
		if list = append(list, e); len(list) == maxHosts {
			break
		}
	}
	return list
}

// secureEndpoints returns where WebSocket over TLS is offered: where the visitor came from, and at the names that
// browsers believe. The machine's other addresses have no certificate.
func secureEndpoints(from endpoint, names []endpoint) []endpoint {
	var list []endpoint
	if from.host != "" {
		list = append(list, from)
	}
	for _, e := range names {
		if !slices.ContainsFunc(list, func(have endpoint) bool { return have.host == e.host }) {
			list = append(list, e)
		}
	}
	return list
}

// origin is that of a site with TLS, as it stands in a browser.
func (e endpoint) origin() string {
	if e.port != 443 {
		return "https://" + e.String()
	}
	if e.addr.Is6() {
		return "https://[" + e.host + "]"
	}
	return "https://" + e.host
}

// plain serves HTTP without TLS beside the port that has it.
type plain struct {
	node   *Node
	server *http.Server

	// mu guards the following.
	mu   sync.Mutex
	open []net.Listener
}

func newPlain(n *Node, h http.Handler) *plain {
	p := &plain{node: n, server: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { n.serve(w, r, h) })}}
	boundHTTP(p.server)
	p.server.ErrorLog = slog.NewLogLogger(n.log.Handler(), slog.LevelDebug) // what strangers do wrong
	return p
}

// AddListenAddr, ListenAddresses and ListenClose make it a listener like go-libp2p's, for openAll.
func (p *plain) AddListenAddr(a ma.Multiaddr) error {
	at, err := manet.ToNetAddr(a)
	if err != nil {
		return err
	}
	family := "tcp6"
	if ip, err := manet.ToIP(a); err == nil && ip.To4() != nil {
		family = "tcp4"
	}
	l, err := net.Listen(family, at.String())
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open = append(p.open, l)
	return nil
}

func (p *plain) ListenAddresses() []ma.Multiaddr {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []ma.Multiaddr
	for _, l := range p.open {
		if a, err := manet.FromNetAddr(l.Addr()); err == nil {
			list = append(list, a)
		}
	}
	return list
}

func (p *plain) ListenClose(addrs ...ma.Multiaddr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open = slices.DeleteFunc(p.open, func(l net.Listener) bool {
		a, err := manet.FromNetAddr(l.Addr())
		if err != nil || !slices.ContainsFunc(addrs, a.Equal) {
			return false
		}
		l.Close()
		return true
	})
}

// serve begins to answer at all that is open. The node waits for it.
func (p *plain) serve() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.open {
		p.node.wg.Go(func() {
			if err := p.server.Serve(gated{l, p.node.gate}); !errors.Is(err, http.ErrServerClosed) {
				p.node.log.Error("plain HTTP is not served any more", "error", err)
			}
		})
	}
}

func (p *plain) close() error { return p.server.Close() }

// gated lets in whom the gate lets in.
type gated struct {
	net.Listener
	gate *gate
}

func (l gated) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from, err := manet.FromNetAddr(c.RemoteAddr())
		if err == nil {
			var scope network.ConnManagementScope
			if scope, err = l.gate.OpenConnection(network.DirInbound, true, from); err == nil {
				return &scoped{Conn: c, scope: scope}, nil
			}
		}
		c.Close()
	}
}

// scoped is a connection that gives its place back when it is closed.
type scoped struct {
	net.Conn
	scope network.ConnManagementScope
}

func (c *scoped) Close() error {
	c.scope.Done()
	return c.Conn.Close()
}

// listenPlain opens the port for plain HTTP.
func (n *Node) listenPlain(ctx context.Context, avoid int) (int, error) {
	p := newPlain(n, n.plainWeb)
	binds, err := openAll(ctx, p, n.wantedHTTP, tcpLayers, avoid)
	if err != nil {
		return 0, err
	}
	n.plain = p
	return binds[0].port, nil
}

// Ports returns the numbers of the main port and of plain HTTP; each is 0 when there is none, or not yet.
func (n *Node) Ports() (main, http int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.binds) > 0 {
		main = n.binds[0].port
	}
	return main, n.httpPort
}
