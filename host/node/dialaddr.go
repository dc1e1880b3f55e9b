package node

import (
	"context"
	"encoding/hex"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	ma "github.com/multiformats/go-multiaddr"
	"github.com/multiformats/go-multibase"
	"github.com/multiformats/go-multihash"

	"goop/shared/wire"
)

// maxCandidates bounds the addresses that one Dial tries over one transport: a descriptor comes from outside.
const maxCandidates = 8

// maxResolved bounds the addresses of one name.
const maxResolved = 4

// candidate is one way to reach the host.
type candidate struct {
	transport string
	addr      ma.Multiaddr
	first     bool // of its transport: the one that fits the address under which the host was asked
}

// overUDP reports whether a transport is carried by UDP.
func overUDP(transport string) bool { return transport == QUIC || transport == WebTransport }

// candidates returns the descriptor's addresses for one transport, those first that fit the address under
// which the host was asked. What cannot be read is passed over; the error is that of the first such, when
// there is nothing else.
func candidates(ctx context.Context, d wire.Descriptor, transport string) ([]candidate, error) {
	var list []candidate
	var unread error
	add := func(a ma.Multiaddr, err error) {
		if len(list) == maxCandidates {
			return // whose names need not be looked up
		}
		if err != nil {
			if unread == nil {
				unread = err
			}
			return
		}
		for _, a := range resolved(ctx, a, transport) {
			if len(list) < maxCandidates && !slices.ContainsFunc(list, func(c candidate) bool { return c.addr.Equal(a) }) {
				list = append(list, candidate{transport, a, len(list) == 0})
			}
		}
	}
	switch transport {
	case WebTransport:
		for _, w := range d.WebTransport {
			add(webTransportAddr(w))
		}
	case WebSocket:
		for _, s := range d.WebSocket {
			add(webSocketAddr(s))
		}
	default:
		last := ma.P_TCP
		if transport == QUIC {
			last = ma.P_QUIC_V1
		}
		for _, s := range d.Addrs {
			a, err := ma.NewMultiaddr(s)
			if err != nil {
				continue // of a protocol that is newer than this program
			}
			a, _ = ma.SplitFunc(a, func(c ma.Component) bool { return c.Protocol().Code == ma.P_P2P })
			if len(a) > 0 && a[len(a)-1].Protocol().Code == last {
				add(a, nil)
			}
		}
	}
	switch {
	case len(list) > 0:
		return list, nil
	case unread != nil:
		return nil, unread
	}
	return nil, wire.E(wire.NotSupported, "the host has no address for "+transport)
}

// resolved returns the addresses of the machine that a multiaddr names. Only those over UDP need it: the
// transports over TCP look names up by themselves, and need them, for certificates. A name that has no
// address stays as it is, and dialling says so.
func resolved(ctx context.Context, a ma.Multiaddr, transport string) []ma.Multiaddr {
	if !overUDP(transport) || len(a) == 0 {
		return []ma.Multiaddr{a}
	}
	network := map[int]string{ma.P_DNS: "ip", ma.P_DNS4: "ip4", ma.P_DNS6: "ip6"}[a[0].Protocol().Code]
	if network == "" {
		return []ma.Multiaddr{a}
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, network, a[0].Value())
	if err != nil || len(ips) == 0 {
		return []ma.Multiaddr{a}
	}
	var list []ma.Multiaddr
	for _, ip := range ips[:min(len(ips), maxResolved)] {
		family, ip := "ip6", ip.Unmap().WithZone("")
		if ip.Is4() {
			family = "ip4"
		}
		c, err := ma.NewComponent(family, ip.String())
		if err == nil {
			list = append(list, append(c.Multiaddr(), a[1:]...))
		}
	}
	return list
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
