package record

import (
	"bytes"
	"encoding/base64"
	"net/netip"
	"strconv"
	"strings"
)

// Kind is how an address is dialed.
type Kind uint8

const (
	WebTransport Kind = iota + 1 // over QUIC, UDP: browsers
	QUIC                         // UDP: native peers
	WebSocket                    // over TCP: browsers
	TCP                          // native peers
)

// Addr is one address of a host.
type Addr struct {
	Kind       Kind
	IP         netip.Addr // without a zone; the zero Addr when there is a Name
	Name       string     // in the DNS, in small letters; empty when there is an IP
	Port       uint16
	TLS        bool     // WebSocket: wss
	CertHashes [][]byte // WebTransport: SHA-256 hashes, of 32 bytes, of the certificates that it may show; none when one by an authority
}

// String returns the address as a multiaddr, without its peer. Names are dns, and wss is tls/ws, in whatever
// form the record had them.
func (a Addr) String() string {
	family := "/dns/"
	switch {
	case a.IP.Is4():
		family = "/ip4/"
	case a.IP.IsValid():
		family = "/ip6/"
	}
	var s strings.Builder
	s.WriteString(family + a.host())
	port := strconv.Itoa(int(a.Port))
	switch a.Kind {
	case WebTransport:
		s.WriteString("/udp/" + port + "/quic-v1/webtransport")
		for _, h := range a.CertHashes {
			s.WriteString("/certhash/u" + base64.RawURLEncoding.EncodeToString(append([]byte{sha256, hashSize}, h...)))
		}
	case QUIC:
		s.WriteString("/udp/" + port + "/quic-v1")
	case WebSocket:
		s.WriteString("/tcp/" + port)
		if a.TLS {
			s.WriteString("/tls")
		}
		s.WriteString("/ws")
	case TCP:
		s.WriteString("/tcp/" + port)
	}
	return s.String()
}

// URL returns what a browser dials, empty for a kind that none does.
func (a Addr) URL() string {
	host := a.host()
	if a.IP.Is6() {
		host = "[" + host + "]"
	}
	host += ":" + strconv.Itoa(int(a.Port))
	switch {
	case a.Kind == WebTransport:
		return "https://" + host + "/.well-known/libp2p-webtransport?type=noise"
	case a.Kind == WebSocket && a.TLS:
		return "wss://" + host + "/"
	case a.Kind == WebSocket:
		return "ws://" + host + "/"
	}
	return ""
}

func (a Addr) host() string {
	if a.Name != "" {
		return a.Name
	}
	return a.IP.String()
}

// The protocols of a multiaddr that are known, by their codes.
//
// https://github.com/multiformats/multiaddr/blob/master/protocols.csv
const (
	ip4          = 4
	tcp          = 6
	ip6          = 41
	dns          = 53
	dns4         = 54 // read as dns: a browser cannot choose between its families
	dns6         = 55
	udp          = 273
	p2p          = 421
	tls          = 448
	quicV1       = 461
	webtransport = 465
	certhash     = 466
	ws           = 477
	wss          = 478
)

// SHA-256 as a multihash.
const (
	sha256   = 0x12
	hashSize = 32
)

// parseAddr reads a multiaddr in its binary form. own is the peer id that may stand at its end.
func parseAddr(b, own []byte) (a Addr, ok bool) {
	p := parts{b: b}
	switch p.next() {
	case ip4:
		a.IP, _ = netip.AddrFromSlice(p.take(4))
	case ip6:
		a.IP, _ = netip.AddrFromSlice(p.take(16))
	case dns, dns4, dns6:
		if a.Name = string(p.prefixed()); !ValidName(a.Name) {
			return a, false
		}
	default:
		return a, false
	}
	switch p.next() {
	case udp:
		a.Kind, a.Port = QUIC, p.port()
		if p.next() != quicV1 {
			return a, false
		}
		if p.is(webtransport) {
			a.Kind = WebTransport
			for p.is(certhash) {
				h, ok := bytes.CutPrefix(p.prefixed(), []byte{sha256, hashSize})
				if !ok || len(h) != hashSize {
					return a, false
				}
				a.CertHashes = append(a.CertHashes, h)
			}
		}
	case tcp:
		a.Kind, a.Port = TCP, p.port()
		switch {
		case p.is(tls):
			if p.next() != ws {
				return a, false
			}
			a.Kind, a.TLS = WebSocket, true
		case p.is(wss):
			a.Kind, a.TLS = WebSocket, true
		case p.is(ws):
			a.Kind = WebSocket
		}
	default:
		return a, false
	}
	if p.is(p2p) && !bytes.Equal(p.prefixed(), own) {
		return a, false
	}
	return a, !p.bad && len(p.b) == 0
}

// parts reads the protocols of a multiaddr and what belongs to each.
type parts struct {
	b   []byte
	bad bool
}

// next reads the code of a protocol, 0 when there is none.
func (p *parts) next() uint64 {
	code, rest, ok := uvarint(p.b)
	if !ok {
		p.bad = true
		return 0
	}
	p.b = rest
	return code
}

// is passes over a protocol's code if it is next.
func (p *parts) is(code uint64) bool {
	have, rest, ok := uvarint(p.b)
	if !ok || have != code {
		return false
	}
	p.b = rest
	return true
}

func (p *parts) take(n uint64) []byte {
	if n > uint64(len(p.b)) {
		p.bad = true
		return nil
	}
	taken := p.b[:n]
	p.b = p.b[n:]
	return taken
}

func (p *parts) prefixed() []byte {
	n, rest, ok := uvarint(p.b)
	if !ok {
		p.bad = true
		return nil
	}
	p.b = rest
	return p.take(n)
}

func (p *parts) port() uint16 {
	b := p.take(2)
	if b == nil {
		return 0
	}
	return uint16(b[0])<<8 | uint16(b[1])
}

// ValidName reports whether a name is one of the DNS that may stand in an Addr: in small letters, and not an IP
// address in disguise, which browsers make of many things in digits.
func ValidName(s string) bool {
	if len(s) == 0 || len(s) > 253 {
		return false
	}
	var last string
	for last = range strings.SplitSeq(s, ".") {
		if len(last) == 0 || len(last) > 63 || last[0] == '-' || last[len(last)-1] == '-' {
			return false
		}
		for _, c := range []byte(last) {
			switch {
			case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-':
			default:
				return false
			}
		}
	}
	return last[0] < '0' || last[0] > '9'
}

func hex(b []byte) string {
	const digits = "0123456789abcdef"
	out := make([]byte, 0, 2*len(b))
	for _, c := range b {
		out = append(out, digits[c>>4], digits[c&15])
	}
	return string(out)
}
