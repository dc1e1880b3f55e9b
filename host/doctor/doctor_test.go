package doctor

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// A good way, and what happens to one where packets are dropped.
var (
	good = Try{Tried: true, Connected: 4 * time.Millisecond, Welcome: 6 * time.Millisecond}
	lost = Try{Tried: true, Err: "no answer"}
)

// school is a teacher's laptop with a host that runs, as it should be.
func school() Facts {
	return Facts{
		OS: "linux", Port: 7780, Running: true, Data: "goop-data", FreeDisk: 40 << 30, Files: 20_000, Connections: 12_000,
		Receive: 8 << 20, Send: 8 << 20,
		Addresses: []Address{
			{IP: netip.MustParseAddr("192.168.1.5"), Kind: "wifi", Network: "Wi-Fi wlan0", MTU: 1500, Default: true},
			{IP: netip.MustParseAddr("127.0.0.1"), Kind: "loopback", Network: "this machine", MTU: 65536},
		},
		Links: []Link{
			{URL: "http://localhost:7780/", Kind: "loopback", Secure: true, Page: good, WebTransport: good, WebSocket: good},
			{URL: "http://192.168.1.5:7780/", Kind: "wifi", Network: "Wi-Fi wlan0", Page: good, WebTransport: good, WebSocket: good},
		},
	}
}

// of returns the findings of an area, one a line.
func (r *Report) of(area string) string {
	var b strings.Builder
	for _, f := range r.Findings {
		if strings.HasPrefix(f.Area, area) {
			fmt.Fprintf(&b, "%s: %s | %s | %s\n", f.Level, f.Seen, f.Means, f.Do)
		}
	}
	return b.String()
}

// TestExamine is the table of what facts come to.
func TestExamine(t *testing.T) {
	t.Parallel()
	public := Link{URL: "https://quiz.example.org/", Kind: "internet", Network: "the internet", Secure: true, Page: good, WebTransport: good, WebSocket: good}
	for _, tt := range []struct {
		name    string
		change  func(*Facts)
		healthy bool
		levels  [3]Level // of visitors: here, near, far
		far     string   // a part of what is said of the internet
		area    string
		want    string // a part of what is said of the area; "" for nothing at all
	}{
		{"a laptop in a school", func(*Facts) {}, true, [3]Level{OK, OK, Note}, "They cannot come: all addresses of this machine are private.", "secure context", "note: The addresses of this machine's networks are plain http"},
		{"buffers", func(f *Facts) { f.Receive, f.Send = 212992, 212992 }, true, [3]Level{OK, OK, Note}, "", "udp buffers", "note: UDP sockets may have buffers of 208 KiB"},
		{"buffers that are not known", func(f *Facts) { f.Receive, f.Send = 0, 0 }, true, [3]Level{OK, OK, Note}, "", "udp buffers", ""},
		{"UDP is dropped", func(f *Facts) { f.Links[0].WebTransport, f.Links[1].WebTransport = lost, lost }, true, [3]Level{OK, OK, Note}, "",
			"page http://192.168.1.5", "note: WebSocket: connected after 4 ms, first answer after 6 ms. UDP does not get through: no answer. | Browsers use WebSocket on plain http whether"},
		{"UDP is dropped, here too", func(f *Facts) { f.Links[0].WebTransport = lost }, true, [3]Level{OK, OK, Note}, "",
			"page http://localhost", "warn: WebTransport does not get through: no answer."},
		{"nothing connects", func(f *Facts) {
			for i := range f.Links {
				f.Links[i].WebTransport, f.Links[i].WebSocket = lost, lost
			}
		}, false, [3]Level{Bad, Bad, Note}, "", "page http://192.168.1.5", "bad: The page is there, but it cannot connect."},
		{"the page is not there", func(f *Facts) { f.Links[1] = Link{URL: "http://192.168.1.5:7780/", Kind: "wifi", Page: lost} }, false, [3]Level{OK, Bad, Note}, "",
			"page http://192.168.1.5", "bad: The page is not reached, not even from this machine: no answer."},
		{"a firewall drops TCP", func(f *Facts) {
			f.Firewalls = []Firewall{{Name: "ufw", Active: true, TCP: Drops, UDP: Drops, Rule: "the default is to deny", Allow: "ufw allow 7780"}}
		}, false, [3]Level{OK, Bad, Note}, "", "firewall ufw", "bad: ufw seems to drop what comes in on TCP port 7780 (the default is to deny). | Others do not get to the page. | ufw allow 7780"},
		{"a firewall drops UDP", func(f *Facts) {
			f.Firewalls = []Firewall{{Name: "nft", Active: true, TCP: Passes, UDP: Drops, Rule: "chain input: drop"}}
		}, true, [3]Level{OK, OK, Note}, "", "firewall nft", "warn: nft seems to drop what comes in on UDP port 7780"},
		{"a firewall that cannot be seen", func(f *Facts) { f.Firewalls = []Firewall{{Name: "nft", Blind: "Operation not permitted"}} }, true, [3]Level{OK, OK, Note}, "", "firewall nft",
			"note: There is nft, whose rules cannot be seen: Operation not permitted. | Whether it lets others in is not known."},
		{"a firewall that cannot be judged", func(f *Facts) { f.Firewalls = []Firewall{{Name: "nft", Active: true, TCP: Passes}} }, true, [3]Level{OK, OK, Note}, "", "firewall nft", "note: nft is on, and has rules that cannot be judged"},
		{"one that is off", func(f *Facts) { f.Firewalls = []Firewall{{Name: "ufw", TCP: Drops}} }, true, [3]Level{OK, OK, Note}, "", "firewall ufw", "ok: ufw is off"},
		{"this machine alone", func(f *Facts) { f.Links = f.Links[:1] }, true, [3]Level{OK, Note, Note}, "", "secure context", ""},
		{"a public name", func(f *Facts) { f.Links = append([]Link{public}, f.Links...) }, true, [3]Level{OK, OK, OK}, "Everything works at https://quiz.example.org/", "page https", "ok: WebTransport"},
		{"a public name without UDP", func(f *Facts) { l := public; l.WebTransport = lost; f.Links = append([]Link{l}, f.Links...) }, true, [3]Level{OK, OK, OK}, "over WebSocket", "page https", "Let UDP port 7780 through"},
		{"a public name that is not reached from inside", func(f *Facts) {
			f.Links = append([]Link{{URL: public.URL, Kind: "internet", Secure: true, Page: lost}}, f.Links...)
		}, true, [3]Level{OK, OK, Warn},
			"was not reached from this machine", "page https", "warn: From this machine the page is not reached"},
		{"another host has the name", func(f *Facts) { l := public; l.Other = true; f.Links = append([]Link{l}, f.Links...) }, false, [3]Level{OK, OK, Warn}, "", "page https", "bad: Another host answers there."},
		{"an address that the internet routes", func(f *Facts) {
			f.Links[1].URL, f.Addresses[0].IP = "http://193.0.2.9:7780/", netip.MustParseAddr("193.0.2.9")
		}, true, [3]Level{OK, OK, Warn}, "Perhaps, at http://193.0.2.9:7780/", "ipv6", "note: No IPv6"},
		{"a provider's NAT", func(f *Facts) { f.Addresses[0].IP = netip.MustParseAddr("100.64.3.3") }, true, [3]Level{OK, OK, Note}, "behind its provider's NAT", "ipv6", "note"},
		{"a door", func(f *Facts) { f.Door = &Door{Page: "https://k51.door.example/", Reach: "everybody"} }, true, [3]Level{OK, OK, OK}, "through the door", "door", "ok"},
		{"a door, from a private network", func(f *Facts) { f.Door = &Door{Page: "https://k51.door.example/", Reach: "own network"} }, true, [3]Level{OK, OK, Note}, "", "door", "note: The door has this host's address, which the internet does not route."},
		{"a door, and a router that forwards", func(f *Facts) {
			f.Door = &Door{Page: "https://k51.door.example/", Reach: "everybody", Router: "193.0.2.9:7999", Forwarded: good}
		}, true, [3]Level{OK, OK, OK}, "through the door and the router's UDP port 193.0.2.9:7999", "door", "ok: The door sends visitors to UDP port 193.0.2.9:7999 of the router, which leads here."},
		{"a door, and a router that is silent from inside", func(f *Facts) {
			f.Door = &Door{Page: "https://k51.door.example/", Reach: "everybody", Router: "193.0.2.9:7999", Forwarded: lost}
		}, true, [3]Level{OK, OK, Warn}, "Perhaps, at https://k51.door.example/", "door", "note: The door sends visitors to UDP port 193.0.2.9:7999 of the router. From this machine it does not answer: no answer."},
		{"a door, and no router", func(f *Facts) {
			f.Door = &Door{Page: "https://k51.door.example/", Reach: "everybody", Unrouted: "the door sees this machine at 193.0.2.9"}
		}, true, [3]Level{OK, OK, OK}, "through the door", "door", "warn: The router's port of --router-port leads nowhere: the door sees this machine at 193.0.2.9."},
		{"a door that says no", func(f *Facts) { f.Door = &Door{Page: "https://k51.door.example/", Fault: "its clock is wrong"} }, false, [3]Level{OK, OK, Note}, "", "door", "bad"},
		{"a certificate", func(f *Facts) {
			f.Certificates = []Own{{Names: "quiz.example.org", There: true, Left: 60 * 24 * time.Hour}}
		}, true, [3]Level{OK, OK, Note}, "", "certificate", "ok: The certificate for quiz.example.org is good for 60 days."},
		{"a certificate that is not renewed", func(f *Facts) {
			f.Certificates = []Own{{Names: "quiz.example.org", There: true, Left: 20 * 24 * time.Hour, Fault: "the name is gone"}}
		}, true, [3]Level{OK, OK, Note}, "", "certificate", "warn"},
		{"a certificate that ends", func(f *Facts) {
			f.Certificates = []Own{{Names: "quiz.example.org", There: true, Left: 30 * time.Hour, Fault: "the name is gone"}}
		}, false, [3]Level{OK, OK, Note}, "", "certificate", "bad: The certificate for quiz.example.org ends in 30 hours, and there is no new one: the name is gone."},
		{"no certificate", func(f *Facts) { f.Certificates = []Own{{Names: "quiz.example.org", Fault: "the name has no address"}} }, false, [3]Level{OK, OK, Note}, "", "certificate", "bad: There is no certificate for quiz.example.org: the name has no address."},
		{"https alone", func(f *Facts) { f.Links = []Link{public} }, true, [3]Level{OK, OK, OK}, "", "secure context", ""},
		{"no network", func(f *Facts) { f.Addresses, f.Links = f.Addresses[1:], f.Links[:1] }, true, [3]Level{OK, Note, Note}, "", "address", "warn: This machine is in no network."},
		{"no address was given", func(f *Facts) {
			f.Addresses[0].Kind, f.Addresses[0].IP = "linklocal", netip.MustParseAddr("169.254.7.7")
		}, true, [3]Level{OK, OK, Note}, "", "address", "warn: No network has given this machine an address; it has made up 169.254.7.7."},
		{"small packets", func(f *Facts) { f.Addresses[0].MTU = 1280 }, true, [3]Level{OK, OK, Note}, "", "mtu", "warn: Packets on Wi-Fi wlan0 have at most 1280 bytes; the first ones of QUIC need 1308."},
		{"packets that just fit", func(f *Facts) { f.Addresses[0].MTU = 1308 }, true, [3]Level{OK, OK, Note}, "", "mtu", ""},
		{"a full disk", func(f *Facts) { f.FreeDisk = 50 << 20 }, false, [3]Level{OK, OK, Note}, "", "disk", "bad: The disk of the data folder has 50 MiB left."},
		{"a disk that is nearly full", func(f *Facts) { f.FreeDisk = 500 << 20 }, true, [3]Level{OK, OK, Note}, "", "disk", "warn"},
		{"a disk that is not known", func(f *Facts) { f.FreeDisk = -1 }, true, [3]Level{OK, OK, Note}, "", "disk", ""},
		{"few files", func(f *Facts) { f.Files = 1024 }, true, [3]Level{OK, OK, Note}, "", "files", "A page over WebSocket needs one: 896 of these get in, and the others are refused. Pages over WebTransport need none. | Before goop serve: ulimit -n 13715"},
		{"no host", func(f *Facts) { f.Running, f.Links = false, nil }, false, [3]Level{Bad, Bad, Bad}, "No host runs.", "port", "ok: TCP and UDP port 7780 are free."},
		{"no host, and the port is taken", func(f *Facts) { f.Running, f.Links, f.FreeUDP = false, nil, "address already in use" }, false, [3]Level{Bad, Bad, Bad}, "", "port", "bad: The UDP port 7780 cannot be taken: address already in use."},
		{"a data folder of somebody else", func(f *Facts) { f.Running, f.Links, f.DataFault = false, nil, "permission denied" }, false, [3]Level{Bad, Bad, Bad}, "", "data", "bad"},
	} {
		f := school()
		tt.change(&f)
		r := Examine(&f)
		if r.Healthy() != tt.healthy {
			t.Errorf("%s: healthy %v, want %v: %+v", tt.name, r.Healthy(), tt.healthy, r.Findings)
		}
		if got := [3]Level{r.Visitors[0].Level, r.Visitors[1].Level, r.Visitors[2].Level}; got != tt.levels {
			t.Errorf("%s: visitors %v, want %v: %+v", tt.name, got, tt.levels, r.Visitors)
		}
		if !strings.Contains(r.Visitors[2].Can, tt.far) {
			t.Errorf("%s: the internet: got %q, want %q", tt.name, r.Visitors[2].Can, tt.far)
		}
		if got := r.of(tt.area); !strings.Contains(got, tt.want) || tt.want == "" && got != "" {
			t.Errorf("%s: %s: got %q, want %q", tt.name, tt.area, got, tt.want)
		}
	}
}

// TestExamineVisit is the table of what a visit comes to.
func TestExamineVisit(t *testing.T) {
	t.Parallel()
	visit := func() Visit {
		return Visit{
			URL: "https://quiz.example.org/", Host: "quiz.example.org", Addresses: []netip.Addr{netip.MustParseAddr("193.0.2.9")}, NameTook: 9 * time.Millisecond,
			TLS:  &Certificate{Issuer: "An authority", Expires: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC), Left: 60 * 24 * time.Hour},
			Took: 20 * time.Millisecond, Peer: "12D3KooWHost", Name: "Quiz", Version: "v1", Clocked: true,
			WebTransport: good, WebSocket: good, UDPPort: "UDP port 7780 of quiz.example.org",
		}
	}
	plain := func(v *Visit) { v.URL, v.TLS = "http://quiz.example.org/", nil }
	for _, tt := range []struct {
		name    string
		change  func(*Visit)
		healthy bool
		can     string
		area    string
		want    string
	}{
		{"all is well", func(*Visit) {}, true, "Everything works, over WebTransport.", "name", "ok: quiz.example.org is 193.0.2.9 (9 ms)."},
		{"times", func(*Visit) {}, true, "", "webtransport", "ok: WebTransport (UDP port 7780 of quiz.example.org): connected after 4 ms, first answer after 6 ms."},
		{"no UDP", func(v *Visit) { v.WebTransport = lost }, true, "over WebSocket: UDP does not get through", "webtransport", "warn: WebTransport does not get through (UDP port 7780"},
		{"no WebSocket", func(v *Visit) { v.WebSocket = lost }, true, "over WebTransport", "websocket", "warn"},
		{"neither", func(v *Visit) { v.WebTransport, v.WebSocket = lost, lost }, false, "it stays offline", "websocket", "bad"},
		{"plain http", plain, true, "over WebSocket: browsers do not trust plain http", "secure context", "note"},
		{"plain http without UDP", func(v *Visit) { plain(v); v.WebTransport = lost }, true, "over WebSocket", "webtransport", "note: UDP does not get through"},
		{"plain http without WebSocket", func(v *Visit) { plain(v); v.WebSocket = lost }, false, "it stays offline", "websocket", "bad"},
		{"localhost", func(v *Visit) { plain(v); v.Host = "localhost" }, true, "over WebTransport", "secure context", "ok"},
		{"no such name", func(v *Visit) { v.NameFault, v.Fault = "no such host", "the name leads nowhere" }, false, "They cannot come.", "name", "bad: The name quiz.example.org leads nowhere: no such host."},
		{"no host there", func(v *Visit) { v.Fault = "connection refused" }, false, "They cannot come.", "page", "bad"},
		{"a bad certificate", func(v *Visit) { v.TLS.Fault = "it is for another name" }, false, "They cannot come.", "certificate", "bad: Browsers refuse the certificate: it is for another name."},
		{"an old certificate", func(v *Visit) { v.TLS.Left = 24 * time.Hour }, true, "", "certificate", "warn: The certificate of An authority ends on 2027-01-01."},
		{"a clock that is wrong", func(v *Visit) { v.Offset = -2 * time.Hour }, false, "", "clock", "bad: The clock of this machine is 2h0m0s behind the host's."},
		{"a clock that is off", func(v *Visit) { v.Offset = 2 * time.Minute }, true, "", "clock", "warn: The clock of this machine is 2m0s ahead of the host's."},
		{"a door", func(v *Visit) { v.Door, v.Name, v.Version, v.WebSocket = true, "", "", Try{} }, true, "Everything works, over WebTransport.", "page", "ok: The door has a record of the host"},
		{"a door, without UDP", func(v *Visit) { v.Door, v.WebSocket, v.WebTransport = true, Try{}, lost }, false, "They cannot come.", "webtransport", "bad: WebTransport does not get through"},
		{"a group that does not let in", func(v *Visit) { v.Group, v.GroupFault = "club", "there is no such group, or it is not for you" }, false, "Everything works", "group", "bad: The group club does not let in: there is no such group, or it is not for you."},
		{"no clock", func(v *Visit) { v.Clocked, v.Offset = false, 9*time.Hour }, true, "", "clock", ""},
	} {
		v := visit()
		tt.change(&v)
		r := ExamineVisit(&v)
		if r.Healthy() != tt.healthy {
			t.Errorf("%s: healthy %v, want %v: %+v", tt.name, r.Healthy(), tt.healthy, r.Findings)
		}
		if !strings.Contains(r.Visitors[0].Can, tt.can) {
			t.Errorf("%s: got %q, want %q", tt.name, r.Visitors[0].Can, tt.can)
		}
		if got := r.of(tt.area); !strings.Contains(got, tt.want) || tt.want == "" && got != "" {
			t.Errorf("%s: %s: got %q, want %q", tt.name, tt.area, got, tt.want)
		}
	}
}
