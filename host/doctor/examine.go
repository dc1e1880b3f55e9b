package doctor

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"goop/shared/door"
)

// What little is.
const (
	wantBuffer = 7 << 20   // bytes; quic-go asks for as much
	lowDisk    = 1 << 30   // bytes
	noDisk     = 100 << 20 // bytes
	spareFiles = 8         // a host keeps one file in so many for the database and the site
)

// Examine says what the facts about a machine come to.
func Examine(f *Facts) Report {
	r := Report{Findings: []Finding{}}
	r.host(f)
	r.links(f)
	r.firewalls(f)
	r.addresses(f)
	r.udp(f)
	r.machine(f)
	r.Visitors = []Visitors{here(f), near(f, &r), far(f)}
	return r
}

// host is about the program itself.
func (r *Report) host(f *Facts) {
	if f.DataFault != "" {
		r.add("data", Bad, "The data folder "+f.Data+" is of no use: "+f.DataFault+".", "The host does not start.", "Give it a folder of its own that it may write: --data DIR")
	}
	if f.Running {
		return
	}
	r.add("host", Bad, "No host runs on the data folder "+f.Data+".", "Nobody can come. What else is said here is about the machine alone.",
		"goop serve --data "+f.Data+", and then goop doctor once more. For a host on another folder: goop doctor --data DIR")
	if f.FreeTCP == "" && f.FreeUDP == "" {
		r.add("port", OK, fmt.Sprintf("TCP and UDP port %d are free.", f.Port), "", "")
	}
	for _, p := range []struct{ name, fault string }{{"TCP", f.FreeTCP}, {"UDP", f.FreeUDP}} {
		if p.fault != "" {
			r.add("port", Bad, fmt.Sprintf("The %s port %d cannot be taken: %s.", p.name, f.Port, p.fault), "The host does not start.", "End what uses it, or choose another port: goop serve --listen :8080")
		}
	}
}

// links is about the addresses at which the host was visited.
func (r *Report) links(f *Facts) {
	for i := range f.Links {
		l := &f.Links[i]
		area := "page " + strings.TrimSuffix(l.URL, "/")
		outside := l.Kind == internet
		switch {
		case !l.Page.Tried:
		case l.Page.Err != "" && outside:
			r.add(area, Warn, "From this machine the page is not reached: "+l.Page.Err+".", "Many routers do not let a network reach itself from outside, so this may look different to others.",
				"Ask somebody on the internet to run: goop doctor "+l.URL)
		case l.Page.Err != "":
			r.add(area, Bad, "The page is not reached, not even from this machine: "+l.Page.Err+".", "Nobody gets in by this address.", "Look at the host's log, and at the firewall of this machine.")
		case l.Other:
			r.add(area, Bad, "Another host answers there.", "Visitors of this address come to somebody else.", "Correct --public-url or what forwards to this host, or end the other one.")
		case !l.Works():
			r.add(area, Bad, "The page is there, but it cannot connect. WebTransport: "+l.WebTransport.String()+"; WebSocket: "+l.WebSocket.String()+".",
				"Visitors see the site, and it stays offline.", "If a proxy stands in front, let it pass WebSocket on; see docs/operating.md.")
		case l.Secure && !l.WebTransport.Worked():
			r.add(area, Warn, fmt.Sprintf("WebTransport does not get through: %s. WebSocket: %s.", l.WebTransport, l.WebSocket),
				"Browsers use WebSocket. That works; under load and in bad networks it is slower.", udpAdvice(f.Port))
		case l.Secure:
			r.add(area, OK, "WebTransport: "+l.WebTransport.String()+". WebSocket: "+l.WebSocket.String()+".", "", "")
		case !l.WebTransport.Worked():
			r.add(area, Note, "WebSocket: "+l.WebSocket.String()+". UDP does not get through: "+l.WebTransport.String()+".",
				"Browsers use WebSocket on plain http whether UDP gets through or not; native members use TCP.", "")
		default:
			r.add(area, OK, "WebSocket: "+l.WebSocket.String()+". UDP gets through, too.", "", "")
		}
	}
	if slices.ContainsFunc(f.Links, func(l Link) bool { return !l.Secure && l.Works() }) {
		r.add("secure context", Note, "The addresses of this machine's networks are plain http, which browsers do not trust.",
			"Pages there have no WebTransport and use WebSocket: that works. They have no service worker, camera, microphone or notifications either.",
			"For a site that needs these: a name and a certificate (goop serve --domain), or a door (--door).")
	}
	for _, c := range f.Certificates {
		switch {
		case !c.There:
			r.add("certificate", Bad, "There is no certificate for "+c.Names+": "+c.Fault+".", "Browsers refuse https, and the site with it.", "docs/operating.md (HTTPS) says what a certificate takes.")
		case c.Left < lastDays:
			r.add("certificate", Bad, fmt.Sprintf("The certificate for %s ends in %d hours, and there is no new one%s.", c.Names, int(c.Left.Hours()), after(c.Fault)), "After that browsers refuse the site.", "docs/operating.md (HTTPS) says what a certificate takes.")
		case c.Fault != "":
			r.add("certificate", Warn, "The certificate for "+c.Names+" is good, and could not be renewed: "+c.Fault+".", "Nothing yet; the host goes on trying.", "")
		default:
			r.add("certificate", OK, fmt.Sprintf("The certificate for %s is good for %d days.", c.Names, int(c.Left.Hours()/24)), "", "")
		}
	}
	switch d := f.Door; {
	case d == nil:
	case d.Fault != "":
		r.add("door", Bad, "The door has not taken this host's address: "+d.Fault+".", "Visitors of "+d.Page+" are told that the host is away.", "Look at the door's address (--door), and at this machine's clock and way to the internet.")
	case d.Unrouted != "":
		r.add("door", Warn, "The router's port of --router-port leads nowhere: "+d.Unrouted+".", "Visitors of "+d.Page+" come by the other addresses of this machine, if at all.", "If no router stands between this machine and the door, leave --router-port out.")
	case d.Router != "" && d.Forwarded.Worked():
		r.add("door", OK, "The door sends visitors to UDP port "+d.Router+" of the router, which leads here. WebTransport: "+d.Forwarded.String()+".", "", "")
	case d.Router != "":
		r.add("door", Note, "The door sends visitors to UDP port "+d.Router+" of the router. From this machine it does not answer: "+d.Forwarded.String()+".",
			"Many routers do not let a network reach itself from outside, so this may look different to others.",
			fmt.Sprintf("Have somebody in another network open %s. If nothing gets through: let the router forward that port to UDP port %d of this machine, and see whether its address is the one above; if it is not, a NAT of the provider stands before it, which forwards nothing.", d.Page, f.Port))
	case d.Reach == "everybody":
		r.add("door", OK, "The door has this host's address, which the internet routes.", "", "")
	case d.Reach == "own network":
		r.add("door", Note, "The door has this host's address, which the internet does not route.", "Visitors of "+d.Page+" get here from the host's own network alone.", fmt.Sprintf("For others: let the router forward UDP port %d to this machine, and say so with goop serve --router-port %d; or a name with a certificate (--domain), for which it forwards TCP too.", f.Port, f.Port))
	case d.Reach == "nobody":
		r.add("door", Warn, "The door knows this host, and has no address of it that anybody could use.", "Visitors of "+d.Page+" are told that the host is away.", "Let the host listen on an address of its networks: goop serve --listen :7780")
	}
}

// after puts why behind what.
func after(why string) string {
	if why == "" {
		return ""
	}
	return ": " + why
}

func udpAdvice(port int) string { return fmt.Sprintf("Let UDP port %d through, as well as TCP.", port) }

// firewalls is about those of this machine. Those on the way are seen from outside alone.
func (r *Report) firewalls(f *Facts) {
	for _, w := range f.Firewalls {
		area := "firewall " + w.Name
		allow := w.Allow
		if allow == "" {
			allow = fmt.Sprintf("Let TCP and UDP port %d in.", f.Port)
		}
		rule := ""
		if w.Rule != "" {
			rule = " (" + w.Rule + ")"
		}
		switch {
		case w.Blind != "":
			r.add(area, Note, "There is "+w.Name+", whose rules cannot be seen: "+w.Blind+".", "Whether it lets others in is not known.", "Run goop doctor as root to have them looked at.")
		case !w.Active:
			r.add(area, OK, w.Name+" is off, or has no rules about what comes in.", "", "")
		case w.TCP == Drops:
			r.add(area, Bad, fmt.Sprintf("%s seems to drop what comes in on TCP port %d%s.", w.Name, f.Port, rule), "Others do not get to the page.", allow)
		case w.UDP == Drops:
			r.add(area, Warn, fmt.Sprintf("%s seems to drop what comes in on UDP port %d%s.", w.Name, f.Port, rule), "Others have no WebTransport and use WebSocket.", allow)
		case w.TCP == Unsure || w.UDP == Unsure:
			r.add(area, Note, fmt.Sprintf("%s is on, and has rules that cannot be judged here for port %d.", w.Name, f.Port), "Whether others get in is not known.", "If they do not: "+allow)
		default:
			r.add(area, OK, fmt.Sprintf("%s lets TCP and UDP port %d in.", w.Name, f.Port), "", "")
		}
	}
}

// addresses is about where the machine is.
func (r *Report) addresses(f *Facts) {
	var local []Address
	for _, a := range f.Addresses {
		if !a.IP.IsLoopback() && a.Kind != "virtual" {
			local = append(local, a)
		}
	}
	switch {
	case len(f.Addresses) == 0:
		r.add("address", Note, "The system does not tell a program its addresses.", "", "")
	case len(local) == 0:
		r.add("address", Warn, "This machine is in no network.", "Nobody but itself gets to the host.", "Join a network, and look again.")
	case !slices.ContainsFunc(local, func(a Address) bool { return a.Kind != "linklocal" }):
		r.add("address", Warn, "No network has given this machine an address; it has made up "+local[0].IP.String()+".", "Machines on the same cable may get here, others do not.", "Look at the cable, the Wi-Fi and the router's DHCP.")
	default:
		best := local[0]
		way := ", by which the way to the internet leads"
		if !best.Default {
			way = "; the way to the internet leads elsewhere, or nowhere"
		}
		r.add("address", OK, fmt.Sprintf("The first address is %s, %s%s.", best.IP, best.Network, way), "", "")
	}
	six := slices.ContainsFunc(f.Addresses, func(a Address) bool { return a.IP.Is6() && global(a.IP) })
	if len(local) > 0 && !six {
		r.add("ipv6", Note, "No IPv6 address that the internet routes.", "Visitors come over IPv4.", "")
	}
	for _, a := range local {
		if a.MTU > 0 && a.MTU < minMTU(a.IP) {
			r.add("mtu", Warn, fmt.Sprintf("Packets on %s have at most %d bytes; the first ones of QUIC need %d.", a.Network, a.MTU, minMTU(a.IP)),
				"WebTransport and QUIC may not get through there; browsers then use WebSocket.", fmt.Sprintf("Set the MTU of the interface to %d or more where the network carries that.", minMTU(netip.IPv6Unspecified())))
		}
	}
}

// udp is about the sockets of QUIC.
func (r *Report) udp(f *Facts) {
	if f.Receive > 0 && f.Receive < wantBuffer || f.Send > 0 && f.Send < wantBuffer {
		r.add("udp buffers", Note, fmt.Sprintf("UDP sockets may have buffers of %d KiB to receive and %d KiB to send; QUIC asks for %d KiB.", f.Receive>>10, f.Send>>10, wantBuffer>>10),
			"When many send at once over WebTransport, packets are lost and sent again. A host that runs as root is not held to it.",
			"sysctl -w net.core.rmem_max=7500000 net.core.wmem_max=7500000 (in /etc/sysctl.d/ for the next start too)")
	}
}

// machine is about what runs out.
func (r *Report) machine(f *Facts) {
	switch {
	case f.FreeDisk < 0:
	case f.FreeDisk < noDisk:
		r.add("disk", Bad, fmt.Sprintf("The disk of the data folder has %d MiB left.", f.FreeDisk>>20), "Writes are refused with storage_full before long, and no backup can be made.", "Make room, or let --data be on another disk.")
	case f.FreeDisk < lowDisk:
		r.add("disk", Warn, fmt.Sprintf("The disk of the data folder has %d MiB left.", f.FreeDisk>>20), "Writes are refused with storage_full when it is full.", "Make room, or let --data be on another disk.")
	default:
		r.add("disk", OK, fmt.Sprintf("The disk of the data folder has %d GiB left.", f.FreeDisk>>30), "", "")
	}
	if f.Files > 0 && f.Connections > 0 {
		if fit := f.Files - f.Files/spareFiles; fit < f.Connections {
			need := f.Connections*spareFiles/(spareFiles-1) + 1
			r.add("files", Note, fmt.Sprintf("The host may have %d files open, and takes %d pages.", f.Files, f.Connections),
				fmt.Sprintf("A page over WebSocket needs one: %d of these get in, and the others are refused. Pages over WebTransport need none.", fit),
				fmt.Sprintf("Before goop serve: ulimit -n %d (systemd: LimitNOFILE=%d); or fewer pages: --limit pages=%d", need, need, fit))
		} else {
			r.add("files", OK, fmt.Sprintf("The host may have %d files open, enough for the %d pages that it takes.", f.Files, f.Connections), "", "")
		}
	}
}

// The kinds of links that are no address of the machine itself, and that mean the machine itself.
const (
	internet     = "internet"
	loopbackKind = "loopback"
)

// carrier is the net between a provider's customers and its NAT.
var carrier = netip.MustParsePrefix("100.64.0.0/10")

// global reports whether the internet routes an address.
func global(ip netip.Addr) bool { return door.ScopeOf(ip) == door.Global }
