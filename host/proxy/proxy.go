// Package proxy tells what a reverse proxy in front has hidden: the visitor's address, and whether he came by
// https. It believes the headers of those proxies alone that the operator has named.
//
// It knows HTTP headers and addresses. It must not know what an address is good for: limits and address rules
// belong to those who ask.
package proxy

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

const (
	// maxHops is how many entries of X-Forwarded-For are looked at, from the right. What a visitor wrote himself
	// stands further left and is never reached, unless that many proxies are trusted in a row.
	maxHops = 16
	// maxTrusted bounds what an operator may name: each entry is compared for each request.
	maxTrusted = 256
)

// Loopback are the addresses of the machine itself.
func Loopback() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
}

// ParseTrusted reads the values of a flag such as --trusted-proxy: each is a net ("10.0.0.0/8", "fd00::/8") or one
// address ("192.0.2.7"), or several of them with commas between. The error names the flag and what is allowed.
func ParseTrusted(flag string, values []string) ([]netip.Prefix, error) {
	var list []netip.Prefix
	for _, v := range values {
		for s := range strings.SplitSeq(v, ",") {
			p, err := parsePrefix(strings.TrimSpace(s))
			if err != nil {
				return nil, fmt.Errorf("%s %q is no address or net; allowed are \"127.0.0.1\", \"10.0.0.0/8\", \"fd00::/8\"", flag, s)
			}
			if p.Bits() == 0 {
				return nil, fmt.Errorf("%s %q would believe everybody; name the proxy's own address", flag, s)
			}
			list = append(list, p)
		}
	}
	if len(list) > maxTrusted {
		return nil, fmt.Errorf("%s: %d nets, and at most %d are allowed", flag, len(list), maxTrusted)
	}
	return list, nil
}

func parsePrefix(s string) (netip.Prefix, error) {
	if !strings.Contains(s, "/") {
		a, err := netip.ParseAddr(s)
		if err != nil {
			return netip.Prefix{}, err
		}
		a = a.Unmap()
		return a.WithZone("").Prefix(a.BitLen())
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, err
	}
	if a := p.Addr(); a.Is4In6() {
		if p.Bits() < 96 {
			return netip.Prefix{}, fmt.Errorf("%s is more than IPv4", s)
		}
		p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
	}
	return p.Masked(), nil
}

// Trusts reports whether an address belongs to a trusted proxy.
func Trusts(trusted []netip.Prefix, a netip.Addr) bool {
	return a.IsValid() && slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(a) })
}

// Peer returns the address of the far end of the request's connection, without zone, IPv4 as such. It is
// invalid when the request did not come over TCP.
func Peer(r *http.Request) netip.Addr { return parseAddr(r.RemoteAddr) }

// ClientAddr returns the visitor's address. That is the far end's, unless it is a trusted proxy; then it is the
// rightmost entry of X-Forwarded-For that is no trusted proxy itself. What stands further left the visitor may
// have written. A trusted proxy that says nothing, or nothing that can be read, stands for its visitors, and so
// does the last of 16 trusted ones in a row. The header Forwarded is not looked at: a proxy that knows only the
// other one would let the visitor's own through.
func ClientAddr(r *http.Request, trusted []netip.Prefix) netip.Addr {
	client := Peer(r)
	if !Trusts(trusted, client) {
		return client
	}
	lines, hops := r.Header["X-Forwarded-For"], 0
	for _, line := range slices.Backward(lines) {
		for more := true; more; {
			var entry string
			if i := strings.LastIndexByte(line, ','); i >= 0 {
				line, entry = line[:i], line[i+1:]
			} else {
				entry, more = line, false
			}
			a := parseAddr(strings.TrimSpace(entry))
			if hops++; !a.IsValid() || hops > maxHops {
				return client
			}
			if client = a; !Trusts(trusted, a) {
				return client
			}
		}
	}
	return client
}

// Secure reports whether the visitor came by https: over TLS that this program ended, or by the word of a trusted
// proxy in X-Forwarded-Proto, the first of several, which is what the outermost proxy saw.
func Secure(r *http.Request, trusted []netip.Prefix) bool {
	if r.TLS != nil {
		return true
	}
	if !Trusts(trusted, Peer(r)) {
		return false
	}
	first, _, _ := strings.Cut(r.Header.Get("X-Forwarded-Proto"), ",")
	return strings.EqualFold(strings.TrimSpace(first), "https")
}

// parseAddr reads an address with or without a port, in brackets or not.
func parseAddr(s string) netip.Addr {
	if host, _, err := net.SplitHostPort(s); err == nil {
		s = host
	} else if rest, ok := strings.CutPrefix(s, "["); ok {
		s = strings.TrimSuffix(rest, "]")
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap().WithZone("")
}
