package door

import (
	"net/netip"
	"strings"

	"goop/shared/record"
	"goop/shared/wire"
)

// Scope says who can use an address.
type Scope uint8

const (
	Nowhere  Scope = iota // nobody's, or a network's that means something else elsewhere: link-local, multicast, documentation, tunnels …
	Loopback              // the machine itself
	Private               // a network of one house: private, unique local and carrier-grade NAT
	Global                // everybody
)

// ScopeOf returns the scope of an address.
func ScopeOf(a netip.Addr) Scope {
	a = a.WithZone("")
	switch {
	case !a.IsValid() || a.Is4In6():
		return Nowhere
	case a.IsLoopback():
		return Loopback
	case a.IsPrivate() || within(a, shared):
		return Private
	case a.Is6() && !global6.Contains(a) || a.Is4() && !a.IsGlobalUnicast() || within(a, special):
		return Nowhere
	}
	return Global
}

func within(a netip.Addr, list []netip.Prefix) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

var (
	global6 = netip.MustParsePrefix("2000::/3")
	shared  = []netip.Prefix{netip.MustParsePrefix("100.64.0.0/10")}
	// special are blocks that look global and are not, or that lead to an address inside of them.
	//
	// https://www.iana.org/assignments/iana-ipv4-special-registry
	// https://www.iana.org/assignments/iana-ipv6-special-registry
	special = prefixes("0.0.0.0/8", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
		"203.0.113.0/24", "240.0.0.0/4", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)

func prefixes(list ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

// Network returns what names the network in which an address is, as far as a door can tell: an IPv4 address
// itself, since that of a house is one, and the /64 of an IPv6 address ("2001:db8:1:2::/64"). All addresses of the door's own
// machine are "loopback". A scope of Nowhere comes with an empty name.
func Network(a netip.Addr) (string, Scope) {
	a = a.Unmap().WithZone("")
	scope := ScopeOf(a)
	switch {
	case scope == Nowhere:
		return "", scope
	case scope == Loopback:
		return "loopback", scope
	case a.Is4():
		return a.String(), scope
	}
	p, err := a.Prefix(64)
	if err != nil {
		return "", Nowhere
	}
	return p.String(), scope
}

// addresses checks those of a record that was announced from an address. A record says where visitors' browsers
// go: so its addresses are the announcer's own, or lead into the network that he shares with the visitor.
//
//	announcer   the public record has            the local record has as well
//	global      its own address, or of its /64   private addresses
//	private     its own address, or of its /64   private addresses
//	loopback    private addresses                private addresses, those of loopback
//
// and both have DNS names, with TLS. docs/door.md explains the table.
func (e *Entry) addresses(rec *record.Record, from netip.Addr, local bool) error {
	names := 0
	for _, a := range rec.Addrs {
		if why := e.fault(a, local); why != "" {
			s := seen{from.Unmap().WithZone("")}
			err := wire.E(wire.InvalidValue, "the address ", a.String(), " ", why, "; the announcement comes from ", s.addr.String())
			err.Err = s
			return err
		}
		if a.Name == "" {
			continue
		}
		if names++; names > MaxNames {
			return wire.E(wire.InvalidValue, "a record has at most 4 names")
		}
	}
	return nil
}

// seen is the cause of an error about addresses: where the announcer is, for the door.
type seen struct{ addr netip.Addr }

func (s seen) Error() string { return "seen at " + s.addr.String() }

// fault says what speaks against one address in the public or the local record, nothing when it is allowed.
func (e *Entry) fault(a record.Addr, local bool) string {
	switch {
	case a.Port == 0:
		return "has no port"
	case a.Name == "":
	case a.Kind != record.WebSocket || !a.TLS:
		return "is a name: a record has these only for WebSocket with TLS"
	case !record.ValidName(a.Name) || e.Scope != Loopback && nearby(a.Name):
		return "is no name of the internet"
	default:
		return ""
	}
	network, scope := Network(a.IP)
	own := network == e.Network
	switch {
	case a.IP.Is4In6() || scope == Nowhere:
		return "is not one that visitors can use"
	case scope == Loopback && !(own && local):
		return "means the visitor's own machine"
	case scope == Private && !local && !own && e.Scope != Loopback:
		return "is private, and not the announcer's own"
	case scope == Global && !own:
		return "is not the announcer's"
	}
	return ""
}

// nearby reports whether a name means something else in each network, or on each machine.
func nearby(name string) bool {
	last := name[strings.LastIndexByte(name, '.')+1:]
	return last == name || last == "localhost" || last == "local" || last == "internal" || last == "lan"
}

// Choose takes out of a host's addresses, best first, those that a door will allow in the public and in the local
// record when it sees the announcement come from an address.
func Choose(addrs []record.Addr, from netip.Addr) (public, local []record.Addr) {
	var e Entry
	e.Network, e.Scope = Network(from)
	for _, l := range []struct {
		to    *[]record.Addr
		local bool
	}{{&public, false}, {&local, true}} {
		names := 0
		for _, a := range addrs {
			if a.Name != "" {
				names++
			}
			if len(*l.to) < record.MaxAddrs && e.fault(a, l.local) == "" && (a.Name == "" || names <= MaxNames) {
				*l.to = append(*l.to, a)
			}
		}
	}
	return public, local
}
