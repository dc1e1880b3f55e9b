package node

import (
	"net"

	"github.com/libp2p/go-libp2p/p2p/transport/quicreuse"
)

// ListenUDP opens a UDP port of a network that a test has made.
type ListenUDP = func(network string, addr *net.UDPAddr) (net.PacketConn, error)

// Over lets a node use another network than the machine's.
func (o *Options) Over(listen ListenUDP) { o.udp = over(listen) }

// Over lets a dialer use another network than the machine's.
func (o *DialerOptions) Over(listen ListenUDP) { o.udp = over(listen) }

func over(listen ListenUDP) []quicreuse.Option {
	return []quicreuse.Option{
		quicreuse.OverrideListenUDP(listen),
		quicreuse.OverrideSourceIPSelector(func() (quicreuse.SourceIPSelector, error) { return loopbackAlone{}, nil }),
	}
}

type loopbackAlone struct{}

func (loopbackAlone) PreferredSourceIPForDestination(*net.UDPAddr) (net.IP, error) {
	return net.IPv4(127, 0, 0, 1), nil
}
