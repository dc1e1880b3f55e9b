// Package node is the host's end of the network: it owns the listening ports, the host's identity, the
// transports with their limits, and the goroutines that serve members' streams.
//
// It is built on go-libp2p and is the only package that imports it. UDP carries QUIC and WebTransport;
// the TCP port of the same number carries the HTTP site and WebSocket, with TLS or without; native libp2p
// TCP and plain HTTP beside TLS have addresses of their own. The package knows bytes, peers and addresses. It must not know what a stream
// says, what a group is, or what the site serves: handlers are given to it.
//
// The life of a node: Open, then Handle and HandleHTTP for all that it serves, then Listen; at the
// end StopAccepting, Drain while the handlers say their last words, and Close.
//
// # Concurrency
//
// A handler runs on a goroutine of its own for each stream; Close waits for all of them. All methods
// but Handle, HandleHTTP and Listen may be called from any goroutine at any time after Listen.
package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"sync"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	quic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/quicreuse"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/libp2p/go-libp2p/p2p/transport/websocket"
	webtransport "github.com/libp2p/go-libp2p/p2p/transport/webtransport"

	"goop/shared/link"
	"goop/shared/wire"
)

// ErrClosed is the cause with which the contexts of handlers end when the node closes.
var ErrClosed = errors.New("node: closed")

// Options say who the host is and where it listens.
type Options struct {
	Key     Key    // from LoadOrCreateKey
	Name    string // for people, in the descriptor
	Version string // of the program, in the descriptor and in identify

	// Listen is the address for HTTP, WebSocket, QUIC and WebTransport, such as ":7780",
	// "127.0.0.1:0" or "[::1]:7780". An empty or unspecified host means every address of the
	// machine, IPv4 and IPv6. Port 0 finds a number that is free for TCP and UDP alike.
	Listen string
	// ListenTCP is the address for native libp2p over TCP, in the same form; "" means none.
	ListenTCP string

	// TLS, when set, is what the TCP port of Listen speaks.
	TLS *TLS
	// ListenHTTP is the address for plain HTTP beside it, in the same form; "" means none.
	ListenHTTP string

	Limits Limits
	// Proxies are the nets of reverse proxies whose X-Forwarded-For is believed. As they bring many visitors, they
	// are without limits per address; a WebSocket counts for the address that they tell.
	Proxies []netip.Prefix
	Log     *slog.Logger // nil discards

	// udp is of tests: another network than the machine's, which has no TCP.
	udp []quicreuse.Option
}

// Handler serves one stream of an authenticated peer. It owns the stream; when it returns, the node
// closes what it left open. The context ends when the node closes.
type Handler func(ctx context.Context, peer wire.PeerID, s link.Stream)

// Node is a running host.
type Node struct {
	opts Options
	log  *slog.Logger
	host host.Host
	quic *quicreuse.ConnManager
	gate *gate
	web  http.Handler // set before Listen, as is the next
	// plainWeb answers plain HTTP beside TLS, and plain serves it; nil for none.
	plainWeb http.Handler
	plain    *plain

	wanted, wantedTCP, wantedHTTP []bind // what Listen will try

	ctx    context.Context // the lifetime of handlers
	cancel context.CancelCauseFunc

	listening chan struct{} // closed once Listen has opened all ports

	wg sync.WaitGroup // showOut, and what belongs to connections

	closeOnce sync.Once
	closeErr  error

	// mu guards the following.
	mu       sync.Mutex
	active   int           // handlers of streams and of HTTP requests that run
	stopping bool          // no further handler may begin
	idle     chan struct{} // closed once stopping and active is 0
	binds    []bind        // of the main address; nil until Listen has opened them
	tcp      []bind        // of native TCP, the same
	httpPort int           // of plain HTTP beside TLS; 0 for none, or not yet
	visiting map[network.Conn]*visit
}

// Open makes a node that does not listen yet. The error says which option was wrong. A node that was
// opened must be closed, also when Listen fails.
func Open(ctx context.Context, opts Options) (*Node, error) {
	if !opts.Key.valid() {
		return nil, errors.New("node: no identity key")
	}
	wanted, err := parseListen("--listen", opts.Listen)
	if err != nil {
		return nil, err
	}
	var wantedTCP []bind
	if opts.ListenTCP != "" {
		if wantedTCP, err = parseListen("--listen-tcp", opts.ListenTCP); err != nil {
			return nil, err
		}
	}
	var wantedHTTP []bind
	if opts.ListenHTTP != "" {
		if wantedHTTP, err = parseListen("--listen-http", opts.ListenHTTP); err != nil {
			return nil, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	opts.Limits = opts.Limits.withDefaults()
	n := &Node{opts: opts, log: opts.Log, wanted: wanted, wantedTCP: wantedTCP, wantedHTTP: wantedHTTP, visiting: map[network.Conn]*visit{}}
	n.idle, n.listening = make(chan struct{}), make(chan struct{})
	if n.log == nil {
		n.log = slog.New(slog.DiscardHandler)
	}
	n.gate, err = newGate(opts.Limits, opts.Proxies)
	if err != nil {
		return nil, fmt.Errorf("node: resource limits: %w", err)
	}
	quiet(n.log)
	n.quic, err = n.gate.quicManager(opts.Key.priv, opts.udp...)
	if err != nil {
		return nil, fmt.Errorf("node: %w", errors.Join(err, n.gate.Close()))
	}
	socket := []any{
		websocket.WithHandshakeTimeout(handshakeTimeout),
		websocket.WithHTTPHandler(http.HandlerFunc(n.serveHTTP)),
		websocket.WithHTTPServerConfig(n.configure),
	}
	if opts.TLS != nil {
		socket = append(socket, websocket.WithTLSConfig(opts.TLS.Config))
	}
	n.host, err = libp2p.New(
		libp2p.Identity(opts.Key.priv),
		libp2p.NoListenAddrs,
		libp2p.UserAgent("goop/"+opts.Version),
		libp2p.ResourceManager(n.gate),
		// Nobody is thrown out to make room: what is over the limit is refused at the door.
		libp2p.ConnectionManager(connmgr.NullConnMgr{}),
		libp2p.Security(noise.ID, noise.New),
		libp2p.Muxer(yamux.ID, muxer(opts.Limits)),
		libp2p.QUICReuse(func() *quicreuse.ConnManager { return n.quic }),
		libp2p.Transport(quic.NewTransport),
		libp2p.Transport(webtransport.New),
		libp2p.Transport(websocket.New, socket...),
		// With its port sharing two hosts could listen on one port, and each would get half of the
		// members.
		libp2p.Transport(tcp.NewTCPTransport, tcp.DisableReuseport()),
		libp2p.DisableRelay(),
		libp2p.Ping(false),
		libp2p.DisableMetrics(),
		libp2p.DisableIdentifyAddressDiscovery(),
		// Known reachability keeps the prober of addresses off.
		libp2p.ForceReachabilityPublic(),
	)
	if err != nil {
		return nil, fmt.Errorf("node: %w", errors.Join(err, n.quic.Close(), n.gate.Close()))
	}
	n.ctx, n.cancel = context.WithCancelCause(context.Background())
	n.host.Network().Notify(n.visits())
	n.wg.Go(n.showOut)
	return n, nil
}

// Handle has fn serve the streams of a protocol. It must be called before Listen, so that no member
// ever finds a host that does not know its protocols yet.
func (n *Node) Handle(proto string, fn Handler) {
	n.host.SetStreamHandler(protocol.ID(proto), func(ns network.Stream) {
		s := &stream{Stream: ns}
		if !n.enter() {
			s.Reset()
			return
		}
		v := n.arrive(ns.Conn())
		if v != nil {
			s.datagrams = v.datagrams
		}
		peer := wire.PeerID(ns.Conn().RemotePeer().String())
		// In a goroutine of its own: below libp2p's frames, which decided on the protocol, each reader of a silent member
		// would hold a stack of twice the size.
		go n.handle(proto, fn, peer, s, v)
	})
}

// handle has a handler work on a stream; leave and depart follow.
func (n *Node) handle(proto string, fn Handler, peer wire.PeerID, s *stream, v *visit) {
	defer n.leave()
	defer n.depart(v)
	defer func() {
		if p := recover(); p != nil {
			n.log.Error("stream handler panicked", "protocol", proto, "peer", peer, "panic", p, "stack", string(debug.Stack()))
			s.Reset()
			return
		}
		s.Close()
	}()
	fn(n.ctx, peer, s)
}

// HandleHTTP has h serve all HTTP requests that are not WebSocket upgrades. It must be called before
// Listen; without it they get a 404.
func (n *Node) HandleHTTP(h http.Handler) { n.web = h }

// HandlePlainHTTP has h answer plain HTTP beside TLS. It must be called before Listen.
func (n *Node) HandlePlainHTTP(h http.Handler) { n.plainWeb = h }

// Peer is the host's own id.
func (n *Node) Peer() wire.PeerID { return n.opts.Key.Peer() }

// Connections is the number of connections whose peers are known.
func (n *Node) Connections() int { return n.gate.connections() }

// StopAccepting refuses new connections, streams and HTTP requests from now on. What runs goes on, so
// that handlers can say their last words on connections that still stand.
func (n *Node) StopAccepting() {
	n.gate.shut()
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.stopping {
		return
	}
	n.stopping = true
	if n.active == 0 {
		close(n.idle)
	}
}

// Drain waits until every handler has returned, and returns the context's cause if it ends first.
// It returns at once only after StopAccepting; before, it waits for ever.
func (n *Node) Drain(ctx context.Context) error {
	select {
	case <-n.idle:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Close ends the contexts of all handlers, cuts all connections, frees the ports and waits for the
// handlers and for what belongs to connections. A second call waits for the first and returns the same error.
func (n *Node) Close() error {
	n.closeOnce.Do(func() {
		n.StopAccepting()
		n.cancel(ErrClosed)
		n.closeErr = errors.Join(n.host.Close(), n.quic.Close())
		if n.plain != nil {
			n.closeErr = errors.Join(n.closeErr, n.plain.close())
		}
		<-n.idle
		n.wg.Wait()
	})
	return n.closeErr
}

// enter reports whether a handler may begin; leave must follow.
func (n *Node) enter() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.stopping {
		return false
	}
	n.active++
	return true
}

func (n *Node) leave() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.active--
	if n.stopping && n.active == 0 {
		close(n.idle)
	}
}
