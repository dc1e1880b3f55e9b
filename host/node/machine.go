package node

import (
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// Kind says what sort of network an address of this machine is in.
type Kind string

// The kinds, those first whose addresses are the likelier ones to reach the host by.
const (
	Ethernet  Kind = "ethernet"
	WiFi      Kind = "wifi"
	LAN       Kind = "lan"       // a network that does not tell what it is
	VPN       Kind = "vpn"       // reached by those alone who are in it
	Virtual   Kind = "virtual"   // of containers and virtual machines on this machine
	LinkLocal Kind = "linklocal" // 169.254/16: nobody has given the machine an address there
	Loopback  Kind = "loopback"  // this machine alone
)

// Address is one address of this machine.
type Address struct {
	IP        netip.Addr
	Interface string // its name; "" when the system does not tell
	Kind      Kind
	MTU       int  // bytes of a packet there; 0 when the system does not tell
	Default   bool // what goes to the internet leaves by this interface
}

// Network names the network for people: "Wi-Fi wlan0", "VPN tun0".
func (a Address) Network() string {
	kind := map[Kind]string{
		Ethernet: "Ethernet", WiFi: "Wi-Fi", LAN: "network", VPN: "VPN", Virtual: "containers",
		LinkLocal: "no address given", Loopback: "this machine",
	}[a.Kind]
	switch {
	case a.Kind == Loopback || a.Interface == "":
		return kind
	case strings.Contains(strings.ToLower(a.Interface), strings.ToLower(kind)): // Windows calls it "Wi-Fi" itself
		return a.Interface
	}
	return kind + " " + a.Interface
}

// Addresses returns the addresses at which this machine may be reached, those first that are the better
// ones to tell to somebody: of local networks, the one with the default route in front; of VPNs; of
// containers; those that the machine has given itself; loopback. Within each IPv4 comes before IPv6, and
// there what stays before what changes every day and what the internet does not route. Addresses that
// mean nothing without a zone are left out. A list is at most a second old.
func Addresses() []Address { return machine.addresses() }

// machineIPs returns the same without what people want to know.
func machineIPs() []netip.Addr {
	known := machine.addresses()
	ips := make([]netip.Addr, len(known))
	for i, a := range known {
		ips[i] = a.IP
	}
	return ips
}

// known returns what is known of an address.
func known(ip netip.Addr) Address {
	for _, a := range machine.addresses() {
		if a.IP == ip {
			return a
		}
	}
	return Address{IP: ip, Kind: kindOf(fact{ip: ip})}
}

// machine is the machine that we run on.
var machine memory

// memory keeps what the system said for as long as many members come at once: each asks.
type memory struct {
	// mu guards the following.
	mu    sync.Mutex
	known []Address
	asked time.Time
}

// freshness is how old a list of addresses may be.
const freshness = time.Second

func (m *memory) addresses() []Address {
	m.mu.Lock()
	defer m.mu.Unlock()
	if now := time.Now(); m.asked.IsZero() || now.Sub(m.asked) > freshness {
		m.known, m.asked = rank(found(), source("udp4", routed4), source("udp6", routed6)), now
	}
	return m.known
}

// In the nets that are set aside for documents there is nobody, but the way there is the way to everybody.
const (
	routed4 = "192.0.2.1:9"
	routed6 = "[2001:db8::1]:9"
)

// source returns the address from which this machine would send to another; invalid when it has no way there.
// Nothing is sent: UDP knows no connection.
func source(network, to string) netip.Addr {
	c, err := net.Dial(network, to)
	if err != nil {
		return netip.Addr{}
	}
	defer c.Close()
	a, err := netip.ParseAddrPort(c.LocalAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	return a.Addr().Unmap().WithZone("")
}

// fact is an address as the system tells of it.
type fact struct {
	ip     netip.Addr
	name   string // of its interface
	flags  net.Flags
	mtu    int
	radio  bool // the system says that it is Wi-Fi
	passes bool // IPv6: it is replaced after a while, for privacy
	unfit  bool // IPv6: not to be used any more, or not yet
}

// found asks the system.
func found() []fact {
	interfaces, err := net.Interfaces()
	if err != nil {
		return withoutNames()
	}
	var facts []fact
	states := ipv6States()
	for _, i := range interfaces {
		if i.Flags&net.FlagUp == 0 {
			continue
		}
		nets, err := i.Addrs()
		if err != nil {
			continue // it has just gone
		}
		radio := isRadio(i.Name)
		for _, n := range nets {
			p, err := netip.ParsePrefix(n.String())
			if err != nil {
				continue
			}
			f := fact{ip: p.Addr().Unmap().WithZone(""), name: i.Name, flags: i.Flags, mtu: i.MTU, radio: radio}
			if s, ok := states[f.ip]; ok {
				f.passes, f.unfit = s.passes, s.unfit
			}
			facts = append(facts, f)
		}
	}
	return facts
}

// withoutNames is for systems that tell a program its addresses and not its interfaces.
func withoutNames() []fact {
	nets, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var facts []fact
	for _, n := range nets {
		if p, err := netip.ParsePrefix(n.String()); err == nil {
			facts = append(facts, fact{ip: p.Addr().Unmap().WithZone("")})
		}
	}
	return facts
}

// rank sorts what the system told. from4 and from6 are the addresses from which the machine speaks to the
// internet.
func rank(facts []fact, from4, from6 netip.Addr) []Address {
	type placed struct {
		Address
		place [4]int
	}
	var list []placed
	by4, by6 := interfaceOf(facts, from4), interfaceOf(facts, from6)
	for _, f := range facts {
		if !f.ip.IsValid() || f.unfit || f.ip.IsUnspecified() || f.ip.IsMulticast() || f.ip.Is6() && f.ip.IsLinkLocalUnicast() {
			continue
		}
		p := placed{Address: Address{IP: f.ip, Interface: f.name, Kind: kindOf(f), MTU: f.mtu}}
		if slices.ContainsFunc(list, func(have placed) bool { return have.IP == p.IP }) {
			continue
		}
		p.Default = f.name != "" && (f.ip.Is4() && f.name == by4 || f.ip.Is6() && f.name == by6) || f.ip == from4 || f.ip == from6
		p.place = [4]int{class(p.Kind), p.IP.BitLen(), first(p.Default), steadiness(f)}
		if f.ip.Is4() { // of several on one interface, the one that the system itself would take
			p.place[3] = first(f.ip == from4)
		}
		list = append(list, p)
	}
	slices.SortStableFunc(list, func(a, b placed) int { return slices.Compare(a.place[:], b.place[:]) })
	addrs := make([]Address, len(list))
	for i, p := range list {
		addrs[i] = p.Address
	}
	return addrs
}

func first(yes bool) int {
	if yes {
		return 0
	}
	return 1
}

func interfaceOf(facts []fact, ip netip.Addr) string {
	for _, f := range facts {
		if ip.IsValid() && f.ip == ip {
			return f.name
		}
	}
	return ""
}

// class is where a kind stands among the others. What a local network is made of does not matter: only
// the machine's owner knows which one the visitors are in.
func class(k Kind) int {
	switch k {
	case Ethernet, WiFi, LAN:
		return 0
	case VPN:
		return 1
	case Virtual:
		return 2
	case LinkLocal:
		return 3
	}
	return 4
}

// steadiness puts IPv6 addresses in order: those that stay, those that are replaced, those that the
// internet does not route.
func steadiness(f fact) int {
	switch {
	case f.ip.IsPrivate():
		return 2
	case f.passes:
		return 1
	}
	return 0
}

// carrier is the net between a provider's customers and its NAT, of which Tailscale and its like take their
// addresses.
var carrier = netip.MustParsePrefix("100.64.0.0/10")

// kindOf tells the kind by what an address is and by what systems and programs call their interfaces. Most
// names are Linux's; Windows has names for people, macOS calls all that is real en0, en1 and so on.
func kindOf(f fact) Kind {
	name := strings.ToLower(f.name)
	starts := func(with ...string) bool {
		return slices.ContainsFunc(with, func(s string) bool { return strings.HasPrefix(name, s) })
	}
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(s string) bool { return strings.Contains(name, s) })
	}
	kind := LAN
	switch {
	case f.ip.IsLoopback():
		return Loopback
	case f.ip.IsLinkLocalUnicast():
		return LinkLocal
	case starts("docker", "br-", "veth", "virbr", "vnet", "vmnet", "vboxnet", "lxc", "lxdbr", "incusbr", "podman", "cni", "flannel", "cali", "kube", "bridge1") ||
		has("vethernet", "virtualbox", "vmware", "hyper-v", "wsl"):
		return Virtual
	case f.flags&net.FlagPointToPoint != 0,
		starts("tun", "tap", "wg", "tailscale", "utun", "ppp", "zt", "ipsec", "nordlynx", "proton", "mullvad", "gpd", "vti"),
		has("vpn", "tailscale", "wireguard", "zerotier", "tap-windows", "wintun"):
		return VPN
	case f.radio, starts("wl", "ath", "ra0", "wi-fi", "wifi"), has("wireless", "wlan"):
		kind = WiFi
	case starts("eth", "en") && !darwinName(name):
		kind = Ethernet
	}
	if kind == LAN && carrier.Contains(f.ip) {
		return VPN
	}
	return kind
}

// darwinName reports whether a name is one that macOS gives to cables and radio alike.
func darwinName(name string) bool {
	digits, ok := strings.CutPrefix(name, "en")
	return ok && digits != "" && strings.Trim(digits, "0123456789") == ""
}
