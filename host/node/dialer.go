package node

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/core/sec"
	"github.com/libp2p/go-libp2p/core/transport"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/net/upgrader"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	quic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/quicreuse"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/libp2p/go-libp2p/p2p/transport/websocket"
	webtransport "github.com/libp2p/go-libp2p/p2p/transport/webtransport"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/multiformats/go-multibase"
	"github.com/multiformats/go-multihash"
	"github.com/multiformats/go-multistream"

	"goop/shared/link"
	"goop/shared/member"
	"goop/shared/wire"
)

// The transports of a Dialer, as member.Conn names them.
const (
	QUIC         = "quic"
	WebTransport = "webtransport"
	WebSocket    = "websocket"
	TCP          = "tcp"
)

const (
	dialTimeout   = 15 * time.Second // for one Dial whose context has no end
	fetchTimeout  = 10 * time.Second // for a descriptor
	maxDescriptor = 64 << 10         // bytes
)

// DialerOptions say who dials whom, and how.
type DialerOptions struct {
	Key Key // of the member; the zero Key makes a new one
	// Descriptor tells where the host is; it is asked before each dial. See FetchDescriptor.
	Descriptor func(context.Context) (wire.Descriptor, error)
	// Host is the peer id that the host must prove; "" takes the one of the first descriptor.
	Host wire.PeerID
	// Transport is QUIC, WebTransport, WebSocket or TCP.
	Transport string
}

// Dialer is a native member's end of the network: one key and one transport. It does without
// libp2p's host and swarm, so that a process can hold hundreds, and it answers the host as a browser
// does: streams that the host opens are refused.
type Dialer struct {
	opts      DialerOptions
	transport transport.Transport
	quic      *quicreuse.ConnManager // nil over TCP

	// mu guards the following.
	mu   sync.Mutex
	host wire.PeerID // the expected one, "" until the first descriptor
}

var _ member.Dialer = (*Dialer)(nil)

// NewDialer makes a dialer. It must be closed after the connections that it made.
func NewDialer(opts DialerOptions) (*Dialer, error) {
	if opts.Descriptor == nil {
		return nil, errors.New("dialer: no descriptor to find the host by")
	}
	if !opts.Key.valid() {
		k, err := NewKey()
		if err != nil {
			return nil, err
		}
		opts.Key = k
	}
	d := &Dialer{opts: opts, host: opts.Host}
	var err error
	switch opts.Transport {
	case QUIC, WebTransport:
		err = d.overUDP()
	case WebSocket, TCP:
		err = d.overTCP()
	default:
		err = fmt.Errorf("transport %q is unknown; allowed are quic, webtransport, websocket and tcp", opts.Transport)
	}
	if err != nil {
		return nil, fmt.Errorf("dialer: %w", err)
	}
	return d, nil
}

func (d *Dialer) overUDP() (err error) {
	// Its two keys are for servers, which must recognise what they sent before a restart.
	d.quic, err = quicreuse.NewConnManager([32]byte{}, [32]byte{})
	if err != nil {
		return err
	}
	if d.opts.Transport == QUIC {
		d.transport, err = quic.NewTransport(d.opts.Key.priv, d.quic, nil, nil, nil)
	} else {
		d.transport, err = webtransport.New(d.opts.Key.priv, nil, d.quic, nil, nil)
	}
	return err
}

func (d *Dialer) overTCP() error {
	muxers := []upgrader.StreamMuxer{{ID: yamux.ID, Muxer: muxer(Limits{}.withDefaults())}}
	security, err := noise.New(noise.ID, d.opts.Key.priv, muxers)
	if err != nil {
		return err
	}
	u, err := upgrader.New([]sec.SecureTransport{security}, muxers, nil, &network.NullResourceManager{}, nil)
	if err != nil {
		return err
	}
	if d.opts.Transport == WebSocket {
		d.transport, err = websocket.New(u, nil, nil)
	} else {
		d.transport, err = tcp.NewTCPTransport(u, nil, nil, tcp.DisableReuseport())
	}
	return err
}

// Close frees the dialer's socket; connections over UDP that still stand are cut.
func (d *Dialer) Close() error {
	var errs []error
	if c, ok := d.transport.(io.Closer); ok {
		errs = append(errs, c.Close())
	}
	if d.quic != nil {
		errs = append(errs, d.quic.Close())
	}
	return errors.Join(errs...)
}

// Dial connects to the first address of the descriptor that fits the transport. An error with code
// wire.WrongHost means that somebody else answered.
func (d *Dialer) Dial(ctx context.Context) (member.Conn, error) {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, dialTimeout)
		defer cancel()
	}
	desc, err := d.opts.Descriptor(ctx)
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	host, err := d.expect(desc.Peer)
	if err != nil {
		return nil, err
	}
	id, err := peer.Decode(string(host))
	if err != nil {
		return nil, wire.E(wire.BadMessage, "the descriptor's peer is not a peer id")
	}
	addr, err := address(desc, d.opts.Transport)
	if err != nil {
		return nil, err
	}
	c, err := d.transport.Dial(ctx, addr, id)
	if err != nil {
		if wrong, ok := errors.AsType[sec.ErrPeerIDMismatch](err); ok {
			return nil, wire.E(wire.WrongHost, "the host is ", wrong.Actual.String(), ", not ", string(host))
		}
		return nil, fmt.Errorf("dial %s: %w", addr, err)
	}
	return newConn(c, d.opts, host), nil
}

// expect returns the host that must answer, given the one that the descriptor names.
func (d *Dialer) expect(named wire.PeerID) (wire.PeerID, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.host == "" {
		d.host = named
	}
	if d.host != named {
		return "", wire.E(wire.WrongHost, "the host at this address is ", string(named), ", not ", string(d.host))
	}
	return d.host, nil
}

// address returns where the descriptor's host is reached over a transport.
func address(d wire.Descriptor, transport string) (ma.Multiaddr, error) {
	missing := wire.E(wire.NotSupported, "the host has no address for "+transport)
	switch transport {
	case WebTransport:
		if len(d.WebTransport) == 0 {
			return nil, missing
		}
		return webTransportAddr(d.WebTransport[0])
	case WebSocket:
		if len(d.WebSocket) == 0 {
			return nil, missing
		}
		return webSocketAddr(d.WebSocket[0])
	}
	for _, s := range d.Addrs {
		a, err := ma.NewMultiaddr(s)
		if err != nil {
			continue
		}
		a, _ = ma.SplitFunc(a, func(c ma.Component) bool { return c.Protocol().Code == ma.P_P2P })
		if len(a) == 0 {
			continue
		}
		last := a[len(a)-1].Protocol().Code
		if transport == QUIC && last == ma.P_QUIC_V1 || transport == TCP && last == ma.P_TCP {
			return a, nil
		}
	}
	return nil, missing
}

func webTransportAddr(w wire.WebTransportAddr) (ma.Multiaddr, error) {
	base, err := urlAddr(w.URL, "udp")
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	b.WriteString(base + "/quic-v1/webtransport")
	for _, h := range w.CertHashes {
		digest, err := hex.DecodeString(h)
		if err != nil {
			return nil, wire.E(wire.BadMessage, "the descriptor's certhash is not hexadecimal")
		}
		mh, err := multihash.Encode(digest, multihash.SHA2_256)
		if err != nil {
			return nil, err
		}
		text, err := multibase.Encode(multibase.Base64url, mh)
		if err != nil {
			return nil, err
		}
		b.WriteString("/certhash/" + text)
	}
	return ma.NewMultiaddr(b.String())
}

func webSocketAddr(s string) (ma.Multiaddr, error) {
	base, err := urlAddr(s, "tcp")
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(s, "wss:") {
		base += "/tls"
	}
	return ma.NewMultiaddr(base + "/ws")
}

// urlAddr turns the host and port of a URL into the beginning of a multiaddr.
func urlAddr(s, network string) (string, error) {
	u, err := url.Parse(s)
	if err != nil {
		return "", wire.E(wire.BadMessage, "the descriptor has a URL that is none")
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "ws": "80"}[u.Scheme]
	}
	if port == "" {
		port = "443"
	}
	n, err := net.LookupPort(network, port)
	if err != nil {
		return "", wire.E(wire.BadMessage, "the descriptor has a URL without a port")
	}
	e := endpoint{host: u.Hostname(), port: n}
	e.addr, _ = netip.ParseAddr(e.host)
	return e.multiaddr(network), nil
}

// FetchDescriptor returns a function that reads the descriptor of the host whose site is at origin,
// such as "http://192.168.1.5:7780".
func FetchDescriptor(origin string) func(context.Context) (wire.Descriptor, error) {
	client := &http.Client{Timeout: fetchTimeout, Transport: &http.Transport{DisableKeepAlives: true}}
	target := strings.TrimSuffix(origin, "/") + wire.HostPath
	return func(ctx context.Context) (wire.Descriptor, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
		if err != nil {
			return wire.Descriptor{}, fmt.Errorf("fetch the descriptor: %w", err)
		}
		res, err := client.Do(req)
		if err != nil {
			return wire.Descriptor{}, fmt.Errorf("fetch the descriptor: %w", err)
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return wire.Descriptor{}, fmt.Errorf("fetch the descriptor: %s answers %s", target, res.Status)
		}
		b, err := io.ReadAll(io.LimitReader(res.Body, maxDescriptor))
		if err != nil {
			return wire.Descriptor{}, fmt.Errorf("fetch the descriptor: %w", err)
		}
		return wire.ParseDescriptor(b)
	}
}

// conn is one connection of a Dialer.
type conn struct {
	transport.CapableConn
	self, host wire.PeerID
	name       string
	done       chan struct{} // closed by refuse
	wg         sync.WaitGroup
	datagrams  link.Datagrams // nil when there are none
}

var (
	_ member.Conn      = (*conn)(nil)
	_ link.Datagrammer = (*conn)(nil)
)

func newConn(c transport.CapableConn, opts DialerOptions, host wire.PeerID) *conn {
	m := &conn{CapableConn: c, self: opts.Key.Peer(), host: host, name: opts.Transport, done: make(chan struct{})}
	m.wg.Go(m.refuse)
	m.datagrams = startPackets(packetConnOf(c), &m.wg)
	return m
}

// refuse resets what the host opens, such as identify, and notices the end of the connection.
func (c *conn) refuse() {
	defer close(c.done)
	for {
		s, err := c.AcceptStream()
		if err != nil {
			return
		}
		_ = s.Reset()
	}
}

func (c *conn) Self() wire.PeerID     { return c.self }
func (c *conn) Host() wire.PeerID     { return c.host }
func (c *conn) Transport() string     { return c.name }
func (c *conn) Done() <-chan struct{} { return c.done }

// Datagrams implements link.Datagrammer.
func (c *conn) Datagrams() link.Datagrams { return c.datagrams }

func (c *conn) Close() error {
	err := c.CapableConn.Close()
	c.wg.Wait()
	return err
}

func (c *conn) Open(ctx context.Context, proto string) (link.Stream, error) {
	ms, err := c.OpenStream(ctx)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", proto, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = ms.Reset() })
	err = multistream.SelectProtoOrFail(protocol.ID(proto), ms)
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err == nil {
		return &stream{Stream: ms}, nil
	}
	_ = ms.Reset()
	if _, ok := errors.AsType[multistream.ErrNotSupported[protocol.ID]](err); ok {
		return nil, wire.E(wire.NotSupported, "the host does not speak ", proto)
	}
	return nil, fmt.Errorf("open %s: %w", proto, err)
}
