package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
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

// Auto is the Transport of a Dialer that takes what works: QUIC, WebTransport, WebSocket or TCP.
const Auto = "auto"

// byUDP and byTCP are the transports of Auto, in the order in which they are tried.
var (
	byUDP = []string{QUIC, WebTransport}
	byTCP = []string{WebSocket, TCP}
)

// dialTimeout is for one Dial whose context has no end.
const dialTimeout = 15 * time.Second

// DialerOptions say who dials whom, and how.
type DialerOptions struct {
	Key Key // of the member; the zero Key makes a new one
	// Descriptor tells where the host is; it is asked before each dial. See FetchDescriptor.
	Descriptor func(context.Context) (wire.Descriptor, error)
	// Host is the peer id that the host must prove; "" takes the one of the first descriptor.
	Host wire.PeerID
	// Transport is Auto, QUIC, WebTransport, WebSocket or TCP; "" is Auto.
	Transport string

	udp []quicreuse.Option // of tests, as in Options
}

// Dialer is a native member's end of the network: one key, and one transport or all of them. It does without
// libp2p's host and swarm, so that a process can hold hundreds, and it answers the host as a browser
// does: streams that the host opens are refused.
type Dialer struct {
	opts       DialerOptions
	transports map[string]transport.Transport
	quic       *quicreuse.ConnManager // nil without a transport over UDP
	wg         sync.WaitGroup         // attempts that were given up and have not ended yet

	// mu guards the following.
	mu   sync.Mutex
	host wire.PeerID // the expected one, "" until the first descriptor
}

var _ member.Climber = (*Dialer)(nil)

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
	d := &Dialer{opts: opts, host: opts.Host, transports: map[string]transport.Transport{}}
	names, err := transportsOf(opts.Transport)
	for _, name := range names {
		if err == nil {
			d.transports[name], err = d.make(name)
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("dialer: %w", err), d.Close())
	}
	return d, nil
}

func transportsOf(name string) ([]string, error) {
	switch name {
	case "", Auto:
		return append(append([]string(nil), byUDP...), byTCP...), nil
	case QUIC, WebTransport, WebSocket, TCP:
		return []string{name}, nil
	}
	return nil, fmt.Errorf("transport %q is unknown; allowed are auto, quic, webtransport, websocket and tcp", name)
}

func (d *Dialer) make(name string) (transport.Transport, error) {
	if overUDP(name) {
		if d.quic == nil {
			// Its two keys are for servers, which must recognise what they sent before a restart.
			m, err := quicreuse.NewConnManager([32]byte{}, [32]byte{}, d.opts.udp...)
			if err != nil {
				return nil, err
			}
			d.quic = m
		}
		if name == QUIC {
			return quic.NewTransport(d.opts.Key.priv, d.quic, nil, nil, nil)
		}
		return webtransport.New(d.opts.Key.priv, nil, d.quic, nil, nil)
	}
	muxers := []upgrader.StreamMuxer{{ID: yamux.ID, Muxer: muxer(Limits{}.withDefaults())}}
	security, err := noise.New(noise.ID, d.opts.Key.priv, muxers)
	if err != nil {
		return nil, err
	}
	u, err := upgrader.New([]sec.SecureTransport{security}, muxers, nil, &network.NullResourceManager{}, nil)
	if err != nil {
		return nil, err
	}
	if name == WebSocket {
		return websocket.New(u, nil, nil)
	}
	return tcp.NewTCPTransport(u, nil, nil, tcp.DisableReuseport())
}

// Close frees the dialer's socket; connections over UDP that still stand are cut.
func (d *Dialer) Close() error {
	d.wg.Wait()
	var errs []error
	for _, t := range d.transports {
		if c, ok := t.(io.Closer); ok {
			errs = append(errs, c.Close())
		}
	}
	if d.quic != nil {
		errs = append(errs, d.quic.Close())
	}
	return errors.Join(errs...)
}

// Dial connects to the host: to whichever of the descriptor's addresses answers first, where those that fit
// the transport are tried one after the other with a short time between, and with Auto those over TCP after
// those over UDP. An error with code wire.WrongHost means that somebody else answered.
func (d *Dialer) Dial(ctx context.Context) (member.Conn, error) {
	return d.dial(ctx, func(string) bool { return true })
}

// Climb tries the ways over UDP for a member of which the connection is over TCP because UDP did not get through.
func (d *Dialer) Climb(ctx context.Context, now member.Conn) (member.Conn, error) {
	if d.quic == nil || overUDP(now.Transport()) {
		return nil, wire.E(wire.NotSupported, "there is no better way than "+now.Transport())
	}
	return d.dial(ctx, overUDP)
}

// dial dials over the transports of which may holds.
func (d *Dialer) dial(ctx context.Context, may func(transport string) bool) (member.Conn, error) {
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
	lanes, err := d.lanes(ctx, desc, may)
	if err != nil {
		return nil, err
	}
	c, by, err := d.race(ctx, id, lanes)
	if err != nil {
		return nil, err
	}
	return newConn(c, d.opts.Key.Peer(), host, by), nil
}

// lanes returns the addresses to try: those over UDP, and those over TCP.
func (d *Dialer) lanes(ctx context.Context, desc wire.Descriptor, may func(transport string) bool) ([]lane, error) {
	var lanes []lane
	var errs []error
	for _, names := range [][]string{byUDP, byTCP} {
		var l lane
		for _, name := range names {
			if d.transports[name] == nil || !may(name) {
				continue
			}
			list, err := candidates(ctx, desc, name)
			errs = append(errs, err)
			l = append(l, list...)
		}
		if len(l) > 0 {
			lanes = append(lanes, l)
		}
	}
	switch {
	case len(lanes) > 0:
		return lanes, nil
	case len(d.transports) > 1:
		return nil, wire.E(wire.NotSupported, "the host names no address that could be dialled")
	}
	return nil, errors.Join(errs...)
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
