package doctor

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
)

// here is about visitors on the machine itself.
func here(f *Facts) Visitors {
	v := Visitors{Who: "on this machine", Level: Warn}
	if !f.Running {
		v.Level, v.Can = Bad, "No host runs."
		return v
	}
	v.Level, v.Can = Bad, "The host answers at none of its addresses."
	for i := range f.Links {
		l := &f.Links[i]
		switch {
		case !l.Works():
		case l.Secure && l.WebTransport.Worked():
			v.Level, v.Can = OK, "Everything works at "+l.URL+", over WebTransport."
			return v
		case l.Secure:
			v.Level, v.Can = OK, "Everything works at "+l.URL+", over WebSocket: UDP does not get through."
			return v
		case v.Level != OK:
			v.Level, v.Can = OK, "The site works at "+l.URL+", over WebSocket: browsers do not trust plain http there."
		}
	}
	return v
}

// near is about visitors in the networks of the machine.
func near(f *Facts, r *Report) Visitors {
	v := Visitors{Who: "in the local network", Level: Warn}
	if !f.Running {
		v.Level, v.Can = Bad, "No host runs."
		return v
	}
	v.Level, v.Can = Note, "They cannot come: the host listens on this machine alone. With goop serve --listen :7780 they could."
	shut := slices.IndexFunc(f.Firewalls, func(w Firewall) bool { return w.Active && w.TCP == Drops })
	for i := range f.Links {
		l := &f.Links[i]
		switch l.Kind {
		case loopbackKind, internet, "virtual":
			continue
		}
		switch {
		case !l.Works():
			if v.Level != OK {
				v.Level, v.Can = Bad, "They cannot come: "+l.URL+" does not answer, not even to this machine."
			}
			continue
		case shut >= 0:
			v.Level, v.Can = Bad, fmt.Sprintf("They cannot come: %s on this machine seems to drop TCP port %d.", f.Firewalls[shut].Name, f.Port)
			return v
		case l.Secure:
			v.Level, v.Can = OK, "Everything works at "+l.URL+" ("+l.Network+")."
		default:
			v.Level, v.Can = OK, "The site works at "+l.URL+" ("+l.Network+"), over WebSocket: browsers do not trust plain http."
		}
		v.Can += " What stands between them and this machine was not seen; from one of theirs, goop doctor " + l.URL + " sees it."
		return v
	}
	if v.Level == Note {
		for i := range f.Links {
			if l := &f.Links[i]; l.Kind == internet && l.Works() && !l.Other {
				v.Level, v.Can = OK, "They come as everybody does, by "+l.URL+"."
				break
			}
		}
	}
	return v
}

// far is about visitors on the internet.
func far(f *Facts) Visitors {
	v := Visitors{Who: "on the internet", Level: Warn}
	if !f.Running {
		v.Level, v.Can = Bad, "No host runs."
		return v
	}
	for i := range f.Links {
		l := &f.Links[i]
		if l.Kind != internet {
			continue
		}
		switch {
		case l.Works() && !l.Other && l.Secure && l.WebTransport.Worked():
			v.Level, v.Can = OK, "Everything works at "+l.URL+", over WebTransport where UDP gets through."
			return v
		case l.Works() && !l.Other:
			v.Level, v.Can = OK, "The site works at "+l.URL+", over WebSocket."
			return v
		}
		v.Can = l.URL + " was not reached from this machine; somebody on the internet sees more with: goop doctor " + l.URL
	}
	if d := f.Door; d != nil && d.Fault == "" && d.Router != "" {
		if v.Level, v.Can = OK, "The site works at "+d.Page+", through the door and the router's UDP port "+d.Router+"."; !d.Forwarded.Worked() {
			v.Level, v.Can = Warn, "Perhaps, at "+d.Page+", through the door: whether the router's UDP port "+d.Router+" leads here is seen from outside alone."
		}
		return v
	}
	if d := f.Door; d != nil && d.Fault == "" && d.Reach == "everybody" {
		v.Level, v.Can = OK, "The site works at "+d.Page+", through the door, where no firewall stands before this machine; that was not seen."
		return v
	}
	if slices.ContainsFunc(f.Links, func(l Link) bool { return l.Kind == internet }) {
		return v
	}
	for i := range f.Links {
		l := &f.Links[i]
		u, err := url.Parse(l.URL)
		if err != nil {
			continue
		}
		if ip, err := netip.ParseAddr(u.Hostname()); err == nil && global(ip) && l.Works() {
			v.Can = "Perhaps, at " + l.URL + ": the internet routes the address. Whether a firewall stands between was not seen; somebody out there sees it with: goop doctor " + l.URL
			return v
		}
	}
	v.Level = Note
	if !slices.ContainsFunc(f.Links, func(l Link) bool { return l.Kind != loopbackKind }) {
		v.Can = "They cannot come: the host listens on this machine alone. A proxy in front of it is told of with --public-url."
		return v
	}
	if slices.ContainsFunc(f.Addresses, func(a Address) bool { return carrier.Contains(a.IP) && a.Kind != "vpn" }) {
		v.Can = "They cannot come: this machine is behind its provider's NAT (100.64.0.0/10), which forwards no ports. An address of its own, from the provider, would do, or another machine."
		return v
	}
	v.Can = fmt.Sprintf("They cannot come: all addresses of this machine are private. Forward UDP port %d of the router to this machine and say so with --router-port %d, "+
		"beside a door (--door). Or forward TCP too, and say so with --public-url, or use a name with --domain.", f.Port, f.Port)
	return v
}
