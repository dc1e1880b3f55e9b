package node

import (
	"math"
	"net/netip"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/x/rate"
)

// Limits bound what one host spends on strangers. A field that is 0 has its default. go-libp2p's own
// table is made for nodes that are each other's equals: it lets 8 connections in from one address
// and keeps 160 in all, which stops a class at one school's address.
//
// Addresses of the machine itself (127.0.0.0/8, ::1) and of Options.Proxies have no limits per address, for
// a reverse proxy brings everybody from there. "One address" is an IPv4 address or an IPv6 /64 net; a /48 gets four
// times as much.
type Limits struct {
	// Connections is the number of authenticated connections at once, one for each open page;
	// default 12,000, which is 10,000 members and some second tabs.
	Connections int
	// Pending is the number of connections at once that are not authenticated: in the middle of a
	// handshake, or HTTP; default 8,192.
	Pending int

	// AddressConnections is the number of connections at once from one address, pending ones
	// included; default 4,096.
	AddressConnections int
	// AddressPending is the number of pending connections at once from one address; default 2,048:
	// 300 pages that load at once, with six HTTP connections each. A /48 gets no more than half of
	// Pending.
	AddressPending int
	// AddressRate is the number of new connections a second from one address, once a burst of
	// AddressConnections is used up; default 100.
	AddressRate int

	// PeerConnections is the number of connections at once of one peer (its tabs, and ghosts of
	// networks that it left); default 32.
	PeerConnections int
	// PeerStreams is the number of streams at once of one peer; default 256.
	PeerStreams int
	// Streams is the number of streams at once of all peers; default 100,000.
	Streams int

	// PeerWindow and Window bound, in bytes, what one peer and all together may send before the host
	// has read it; defaults 96 MiB and 8 GiB. They count promises, not use: a WebSocket or TCP stream
	// counts 256 KiB from the start, a QUIC connection what it gets beyond its first 768 KiB.
	PeerWindow int64
	Window     int64

	// Idle is how long a connection may be without a stream; default 60 s.
	Idle time.Duration
}

// Times and sizes that are no matter of taste.
const (
	// handshakeTimeout ends a TCP connection that has sent neither an HTTP request nor finished its
	// WebSocket upgrade. (QUIC handshakes end after 10 s, Noise after 15 s, in go-libp2p.)
	handshakeTimeout = 10 * time.Second

	// transientStreams bounds streams whose protocol is not negotiated yet. After a restart all
	// members open theirs at once.
	transientStreams = 32768

	// maxWindow is how far one WebSocket or TCP stream's window may grow, in bytes. A frame is at
	// most 256 KiB.
	maxWindow = 1 << 20
	// connWindow is how much one QUIC connection may get beyond its first window, in bytes.
	connWindow = 4 << 20

	// spareFiles is the part of the process's files that is kept for the database and the site.
	spareFiles = 1.0 / 8
)

func (l Limits) withDefaults() Limits {
	set := func(p *int, v int) {
		if *p <= 0 {
			*p = v
		}
	}
	set(&l.Connections, 12000)
	set(&l.Pending, 8192)
	set(&l.AddressConnections, 4096)
	set(&l.AddressPending, 2048)
	set(&l.AddressRate, 100)
	set(&l.PeerConnections, 32)
	set(&l.PeerStreams, 256)
	set(&l.Streams, 100_000)
	if l.PeerWindow <= 0 {
		l.PeerWindow = 96 << 20
	}
	if l.Window <= 0 {
		l.Window = 8 << 30
	}
	if l.Idle <= 0 {
		l.Idle = time.Minute
	}
	return l
}

// loopback are nets without limits per address.
var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// newResources makes go-libp2p's resource manager with our table.
func newResources(l Limits, exempt []netip.Prefix) (network.ResourceManager, error) {
	files := rcmgr.Unlimited
	if max := fileLimit(); max > 0 && max < math.MaxInt32 {
		files = rcmgr.LimitVal(float64(max) * (1 - spareFiles))
	}
	count := func(n int) rcmgr.LimitVal { return rcmgr.LimitVal(n) }
	var rates []rate.PrefixLimit
	nets := map[bool][]rcmgr.NetworkPrefixLimit{} // by whether it is IPv4
	for _, p := range exempt {
		rates = append(rates, rate.PrefixLimit{Prefix: p})
		v4 := p.Addr().Is4()
		nets[v4] = append(nets[v4], rcmgr.NetworkPrefixLimit{Network: p, ConnCount: math.MaxInt})
	}
	table := rcmgr.PartialLimitConfig{
		System: rcmgr.ResourceLimits{
			Conns: count(l.Connections + l.Pending), ConnsInbound: count(l.Connections + l.Pending),
			ConnsOutbound: rcmgr.BlockAllLimit,                                                                       // a host never dials
			Streams:       count(l.Streams), StreamsInbound: count(l.Streams), StreamsOutbound: count(l.Connections), // identify
			Memory: rcmgr.LimitVal64(l.Window), FD: files,
		},
		Transient: rcmgr.ResourceLimits{
			Conns: count(l.Pending), ConnsInbound: count(l.Pending), ConnsOutbound: rcmgr.BlockAllLimit,
			Streams: transientStreams, StreamsInbound: transientStreams, StreamsOutbound: transientStreams,
			Memory: rcmgr.LimitVal64(l.Window), FD: files,
		},
		PeerDefault: rcmgr.ResourceLimits{
			Conns: count(l.PeerConnections), ConnsInbound: count(l.PeerConnections), ConnsOutbound: rcmgr.BlockAllLimit,
			Streams: count(l.PeerStreams), StreamsInbound: count(l.PeerStreams), StreamsOutbound: count(l.PeerConnections),
			Memory: rcmgr.LimitVal64(l.PeerWindow), FD: count(l.PeerConnections),
		},
		Conn: rcmgr.ResourceLimits{Conns: 1, ConnsInbound: 1, FD: 1, Memory: connWindow},
	}
	return rcmgr.NewResourceManager(rcmgr.NewFixedLimiter(table.Build(rcmgr.InfiniteLimits)),
		rcmgr.WithMetricsDisabled(),
		rcmgr.WithNetworkPrefixLimit(nets[true], nets[false]),
		rcmgr.WithLimitPerSubnet(
			[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 32, ConnCount: l.AddressConnections}},
			[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 64, ConnCount: l.AddressConnections}, {PrefixLength: 48, ConnCount: 4 * l.AddressConnections}},
		),
		rcmgr.WithConnRateLimiters(&rate.Limiter{
			NetworkPrefixLimits: rates,
			SubnetRateLimiter: rate.SubnetLimiter{
				IPv4SubnetLimits: []rate.SubnetLimit{{PrefixLength: 32, Limit: rate.Limit{RPS: float64(l.AddressRate), Burst: l.AddressConnections}}},
				IPv6SubnetLimits: []rate.SubnetLimit{
					{PrefixLength: 64, Limit: rate.Limit{RPS: float64(l.AddressRate), Burst: l.AddressConnections}},
					{PrefixLength: 48, Limit: rate.Limit{RPS: 4 * float64(l.AddressRate), Burst: 4 * l.AddressConnections}},
				},
				GracePeriod: time.Minute,
			},
		}),
	)
}

// muxer is the stream multiplexer of WebSocket and TCP connections.
func muxer(l Limits) *yamux.Transport {
	c := *yamux.DefaultTransport.Config()
	c.MaxStreamWindowSize = maxWindow
	c.MaxIncomingStreams = uint32(l.PeerStreams)
	return (*yamux.Transport)(&c)
}
