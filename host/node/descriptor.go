package node

import (
	"encoding/hex"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	ma "github.com/multiformats/go-multiaddr"
	"github.com/multiformats/go-multihash"

	"goop/shared/wire"
)

// maxHosts bounds the addresses that a descriptor names; a machine with containers has dozens.
const maxHosts = 16

// webTransportPath is where go-libp2p's WebTransport listens.
const webTransportPath = "/.well-known/libp2p-webtransport?type=noise"

// Descriptor says how to reach the host now. The first URL of each kind fits requestHost, the Host
// header of the request that it answers; then come the machine's other addresses, for WebSocket over TLS
// the names of the certificate. secure tells that the visitor came by https, which a proxy in front has
// ended when the node itself has no TLS. The certificates' hashes (those of now
// and of next) are read at each call: keep nothing of it for longer than a few minutes.
func (n *Node) Descriptor(requestHost string, secure bool) wire.Descriptor {
	n.mu.Lock()
	binds, tcp := n.binds, n.tcp
	n.mu.Unlock()
	d := wire.Descriptor{Peer: n.Peer(), Name: n.opts.Name, Version: n.opts.Version}
	if len(binds) == 0 {
		return d
	}
	port := binds[0].port
	machine := machineIPs()
	certs := n.certHashes()
	hashes := make([]string, len(certs))
	var certPath strings.Builder
	for i, c := range certs {
		hashes[i] = c.hex
		certPath.WriteString("/certhash/" + c.multibase)
	}

	own := n.opts.TLS != nil
	from := parseHost(requestHost, secure || own)
	reach := reachable(binds, machine, from.loopback())
	wt, ws := endpoints(from, secure && !own, port, reach)
	if own {
		ws = secureEndpoints(from, n.opts.TLS.names(port))
	}
	for _, e := range wt {
		d.WebTransport = append(d.WebTransport, wire.WebTransportAddr{URL: "https://" + e.String() + webTransportPath, CertHashes: hashes})
	}
	p2p := "/p2p/" + string(d.Peer)
	for _, e := range wt {
		d.Addrs = append(d.Addrs,
			e.multiaddr("udp")+"/quic-v1"+p2p,
			e.multiaddr("udp")+"/quic-v1/webtransport"+certPath.String()+p2p)
	}
	for i, e := range ws {
		scheme, rest := "ws://", "/ws"
		if own || i == 0 && secure && e == from { // only the proxy in front has a certificate
			scheme, rest = "wss://", "/tls/ws"
		}
		d.WebSocket = append(d.WebSocket, scheme+e.String()+"/")
		d.Addrs = append(d.Addrs, e.multiaddr("tcp")+rest+p2p)
	}
	for _, a := range reachable(tcp, machine, from.loopback()) {
		d.Addrs = append(d.Addrs, endpoint{host: a.String(), addr: a, port: tcp[0].port}.multiaddr("tcp")+p2p)
	}
	return d
}

// Origin is an http:// origin under which this machine's own networks reach the site, or with TLS an https://
// one at a name of the certificate, of which Address is empty.
type Origin struct {
	URL string // without a slash at the end
	Address
}

// Reach returns the origins of the site in this machine's own networks, in the order of [Addresses], those
// of the machine itself last. It is empty before Listen.
func (n *Node) Reach() []Origin {
	n.mu.Lock()
	binds := n.binds
	n.mu.Unlock()
	var origins []Origin
	if n.opts.TLS != nil && len(binds) > 0 {
		for _, e := range n.opts.TLS.names(binds[0].port) {
			o := Origin{URL: e.origin()}
			if e.addr.IsValid() {
				o.Address = known(e.addr)
			}
			origins = append(origins, o)
		}
		return origins
	}
	for _, loopback := range []bool{false, true} {
		for _, ip := range reachable(binds, machineIPs(), loopback) {
			o := "http://" + endpoint{host: ip.String(), addr: ip, port: binds[0].port}.String()
			if ip.IsLoopback() == loopback && !slices.ContainsFunc(origins, func(have Origin) bool { return have.URL == o }) {
				origins = append(origins, Origin{o, known(ip)})
			}
		}
	}
	return origins
}

// Origins returns the URLs of Reach.
func (n *Node) Origins() []string {
	var urls []string
	for _, o := range n.Reach() {
		urls = append(urls, o.URL)
	}
	return urls
}

// endpoint is a host and a port as they stand in a URL. addr is invalid when host is a name.
type endpoint struct {
	host string
	addr netip.Addr
	port int
}

func (e endpoint) String() string { return net.JoinHostPort(e.host, strconv.Itoa(e.port)) }

func (e endpoint) loopback() bool { return e.addr.IsLoopback() || e.host == "localhost" }

func (e endpoint) multiaddr(network string) string {
	family := "dns"
	switch {
	case e.addr.Is4():
		family = "ip4"
	case e.addr.Is6():
		family = "ip6"
	}
	return "/" + family + "/" + e.host + "/" + network + "/" + strconv.Itoa(e.port)
}

// parseHost reads a Host header. What is no host gives the zero endpoint: the header is the visitor's
// own, but what stands in a descriptor should be a host.
func parseHost(s string, secure bool) endpoint {
	e := endpoint{port: 80}
	if secure {
		e.port = 443
	}
	if host, port, err := net.SplitHostPort(s); err == nil {
		p, err := strconv.ParseUint(port, 10, 16)
		if err != nil || p == 0 {
			return endpoint{}
		}
		s, e.port = host, int(p)
	} else {
		s = strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")
	}
	s, _, _ = strings.Cut(s, "%") // a zone means nothing on the far machine
	if addr, err := netip.ParseAddr(s); err == nil {
		addr = addr.Unmap()
		if addr.IsUnspecified() || addr.IsMulticast() {
			return endpoint{}
		}
		e.host, e.addr = addr.String(), addr
		return e
	}
	if !validName(s) {
		return endpoint{}
	}
	e.host = strings.ToLower(s)
	return e
}

// validName reports whether s looks like a name in the DNS.
func validName(s string) bool {
	if len(s) == 0 || len(s) > 253 {
		return false
	}
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '.', c == '_':
		default:
			return false
		}
	}
	return true
}

// endpoints puts the endpoints for WebTransport and for WebSocket in order: what fits the request,
// then the machine's own.
func endpoints(from endpoint, secure bool, port int, reach []netip.Addr) (wt, ws []endpoint) {
	add := func(list []endpoint, e endpoint) []endpoint {
		if e.host == "" || slices.ContainsFunc(list, func(have endpoint) bool { return have.host == e.host && have.port == e.port }) {
			return list
		}
		return append(list, e)
	}
	own := from
	own.port = port
	switch {
	case from.host == "localhost" && !secure:
		// A browser may take it for an address that is not listened on, and QUIC does not try a
		// second one. reach begins with an address that is.
	case secure:
		// A proxy has ended TLS on TCP. It forwards no UDP, so our own port is more likely.
		wt = add(add(wt, own), from)
		ws = add(ws, from)
	default:
		// Port forwarding, if there is any, forwards both.
		wt = add(add(wt, from), own)
		ws = add(ws, from)
	}
	for _, a := range reach {
		e := endpoint{host: a.String(), addr: a, port: port}
		wt, ws = add(wt, e), add(ws, e)
	}
	return wt, ws
}

// reachable returns the addresses on which the binds are reached, in the order of machine, which has all that
// there are. Loopback addresses are in it for a visitor from this machine (then first), or when there is
// nothing else.
func reachable(binds []bind, machine []netip.Addr, local bool) []netip.Addr {
	var near, far []netip.Addr
	add := func(a netip.Addr) {
		if a.IsLoopback() {
			near = append(near, a)
		} else {
			far = append(far, a)
		}
	}
	everyIP4, everyIP6 := false, false
	for _, b := range binds {
		switch {
		case !b.addr.IsUnspecified():
			add(b.addr)
		case b.addr.Is4():
			everyIP4 = true
		default:
			everyIP6 = true
		}
	}
	for _, a := range machine {
		if a.Is4() && everyIP4 || a.Is6() && everyIP6 {
			add(a)
		}
	}
	switch {
	case local:
		far = append(near, far...)
	case len(far) == 0:
		far = near
	}
	return far[:min(len(far), maxHosts)]
}

// certHash is the SHA-256 hash of a certificate, in the two forms in which it is told.
type certHash struct{ hex, multibase string }

// certHashes returns the hashes of the certificates that WebTransport shows now and next.
func (n *Node) certHashes() []certHash {
	var hashes []certHash
	for _, a := range n.host.Network().ListenAddresses() {
		for _, c := range a {
			if c.Protocol().Code != ma.P_CERTHASH {
				continue
			}
			h, err := multihash.Decode(c.RawValue())
			if err != nil || h.Code != multihash.SHA2_256 {
				continue
			}
			e := certHash{hex: hex.EncodeToString(h.Digest), multibase: c.Value()}
			if !slices.Contains(hashes, e) {
				hashes = append(hashes, e)
			}
		}
	}
	return hashes
}
