package doctor

import (
	"net/netip"
	"time"
)

// Facts are what was seen of a machine and of the host on it.
type Facts struct {
	OS   string // as runtime.GOOS
	Port int    // of the host, or the one that it would take
	// Running tells that a host runs on the data folder; otherwise Free says whether the port is.
	Running          bool
	FreeTCP, FreeUDP string // "" when the port is free, else why not
	Data             string // the data folder
	DataFault        string // why it is of no use; "" for nothing that was seen
	Addresses        []Address
	Links            []Link
	Firewalls        []Firewall
	Receive, Send    int   // the most that a socket may have as buffer, in bytes; 0 when not known
	FreeDisk         int64 // bytes; negative when not known
	Files            int64 // how many the host may have open; 0 when not known
	Connections      int64 // how many pages the host takes
	Door             *Door // nil for none
	Certificates     []Own // of https
}

// Door is one at which the host announces itself.
type Door struct {
	Page  string // the host's address there
	Reach string // whom it brings: "everybody", "own network", "nobody", or "" when nothing was announced yet
	Fault string // why the last announcement was not taken; "" when it was

	// Router is an address whose UDP port a router forwards, as the operator says: "93.184.215.14:7780"; "" for none.
	// Unrouted is why there is none although he does.
	Router, Unrouted string
	Forwarded        Try // WebTransport to Router, from this machine
}

// Own is a certificate of the host's own.
type Own struct {
	Names string        // for people
	There bool          // there is one
	Left  time.Duration // until it ends
	Fault string        // why there is none, or no new one; "" when all is well
}

// Address is one of the machine's.
type Address struct {
	IP      netip.Addr
	Kind    string // as node.Kind
	Network string // for people
	MTU     int    // 0 when not known
	Default bool
}

// Link is an address of the site's first page, and how it went to visit it from this machine.
type Link struct {
	URL     string
	Kind    string // as data.LinkKind
	Network string
	Secure  bool
	Page    Try // the descriptor, over HTTP
	// Other tells that another host answered.
	Other                   bool
	WebTransport, WebSocket Try
}

// Works reports whether a page at the link can connect.
func (l *Link) Works() bool { return l.WebTransport.Worked() || l.WebSocket.Worked() }

// Firewall is one that was found on the machine.
type Firewall struct {
	Name     string // the program
	Blind    string // why its rules could not be seen; "" when they were
	Active   bool
	TCP, UDP Verdict
	Rule     string // that drops, as the program writes it
	Allow    string // the command that opens the port
}

// minMTU is what a path must carry for the first packets of QUIC as the host sends them: 1,280 bytes, and the
// headers of IP and UDP.
func minMTU(ip netip.Addr) int {
	const packet, udp = 1280, 8
	if ip.Is4() {
		return packet + udp + 20
	}
	return packet + udp + 40
}
