package doctor

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// Visit is what was seen of a host by somebody who visits it.
type Visit struct {
	URL       string
	Host      string // of the URL: a name or an address
	Door      bool   // the address is one at a door, which knows no more of the host than where it is
	Addresses []netip.Addr
	NameFault string // why the name leads nowhere; "" when it does, or there is none
	NameTook  time.Duration

	TLS *Certificate // nil over plain http

	Fault   string        // why there is no descriptor; "" when there is
	Took    time.Duration // until it was there
	Peer    string
	Name    string
	Version string
	// Offset is by how much this machine's clock is ahead of the host's. It is good to about two seconds.
	Offset  time.Duration
	Clocked bool // the host told its time

	WebTransport, WebSocket, QUIC, TCP Try
	UDPPort                            string // where WebTransport was tried, for people

	Group      string // that did not let in; "" for none
	GroupFault string // what the host said about that
}

// Certificate is what an https host has shown.
type Certificate struct {
	Fault   string // why browsers refuse it; "" when they do not
	Issuer  string
	Expires time.Time
	Left    time.Duration // until then, by this machine's clock
}

// What is wrong with clocks. Certificates of WebTransport begin an hour before they are used.
const (
	offClock   = 30 * time.Second
	wrongClock = 50 * time.Minute
	lastDays   = 7 * 24 * time.Hour
)

// ExamineVisit says what a visit comes to.
func ExamineVisit(v *Visit) Report {
	r := Report{Findings: []Finding{}}
	secure := v.TLS != nil || loopback(v)
	switch {
	case v.NameFault != "":
		r.add("name", Bad, "The name "+v.Host+" leads nowhere: "+v.NameFault+".", "Nobody gets to the page.", "Look at the name in the DNS, and at the spelling.")
	case len(v.Addresses) > 0 && v.NameTook > 0:
		var list []string
		for _, a := range v.Addresses {
			list = append(list, a.String())
		}
		r.add("name", OK, fmt.Sprintf("%s is %s (%s).", v.Host, strings.Join(list, ", "), ms(v.NameTook)), "", "")
	}
	r.certificate(v)
	switch {
	case v.Fault != "":
		r.add("page", Bad, "The host does not tell how it is reached: "+v.Fault+".", "Nobody who is where this machine is gets in.", "Look whether the host runs, and whether the TCP port gets through.")
	case v.Door:
		r.add("page", OK, fmt.Sprintf("The door has a record of the host, signed with its key, and gave it after %s. Its peer id is %s.", ms(v.Took), v.Peer), "", "")
	default:
		r.add("page", OK, fmt.Sprintf("%s, %s, answers after %s. Its peer id is %s.", v.Name, v.Version, ms(v.Took), v.Peer), "", "")
	}
	r.clock(v)
	if v.Fault == "" {
		r.ways(v, secure)
	}
	if v.Group != "" {
		r.add("group", Bad, "The group "+v.Group+" does not let in: "+v.GroupFault+".", "Visitors without an invite or a role there are told the same.", "Look at its id, and at who may join it. The times here are those of a first answer, and not of a welcome.")
	}
	who := Visitors{Who: "from this machine", Level: Bad, Can: "They cannot come."}
	switch {
	case v.Fault != "" || v.TLS != nil && v.TLS.Fault != "":
	case secure && v.WebTransport.Worked():
		who.Level, who.Can = OK, "Everything works, over WebTransport."
	case secure && v.WebSocket.Worked():
		who.Level, who.Can = OK, "Everything works, over WebSocket: UDP does not get through."
	case v.WebSocket.Worked():
		who.Level, who.Can = OK, "The site works, over WebSocket: browsers do not trust plain http. There is no service worker, camera, microphone or notification."
	case !v.Door:
		who.Can = "They see the site, and it stays offline."
	}
	r.Visitors = []Visitors{who}
	return r
}

func loopback(v *Visit) bool {
	return v.Host == "localhost" || strings.HasSuffix(v.Host, ".localhost") || len(v.Addresses) > 0 && v.Addresses[0].IsLoopback()
}

func (r *Report) certificate(v *Visit) {
	switch c := v.TLS; {
	case c == nil && loopback(v):
		r.add("secure context", OK, "Browsers trust a machine's own addresses without https.", "", "")
	case c == nil:
		r.add("secure context", Note, "The address is plain http, which browsers do not trust.", "They have no WebTransport there and use WebSocket: that works.", "For WebTransport in browsers: https, with goop serve --domain, or through a door.")
	case c.Fault != "":
		r.add("certificate", Bad, "Browsers refuse the certificate: "+c.Fault+".", "Visitors see a warning in place of the page.", "Have one made for "+v.Host+" (goop serve --domain does that), or look at the clock of this machine.")
	case c.Left < lastDays:
		r.add("certificate", Warn, "The certificate of "+c.Issuer+" ends on "+c.Expires.Format(time.DateOnly)+".", "After that day browsers refuse it.", "Look why it was not renewed.")
	default:
		r.add("certificate", OK, "The certificate of "+c.Issuer+" is good until "+c.Expires.Format(time.DateOnly)+".", "", "")
	}
}

func (r *Report) clock(v *Visit) {
	if !v.Clocked {
		return
	}
	off := v.Offset.Abs().Round(time.Second)
	way := "ahead of"
	if v.Offset < 0 {
		way = "behind"
	}
	switch {
	case off >= wrongClock:
		r.add("clock", Bad, fmt.Sprintf("The clock of this machine is %s %s the host's.", off, way), "Certificates begin and end at wrong times on one of them: connections are refused.", "Set the one that is wrong, such as with: timedatectl set-ntp true")
	case off >= offClock:
		r.add("clock", Warn, fmt.Sprintf("The clock of this machine is %s %s the host's.", off, way), "Pages go by the host's clock, so that nothing is late; certificates are near their bounds.", "Set the one that is wrong.")
	default:
		r.add("clock", OK, "The clocks of this machine and of the host agree within seconds.", "", "")
	}
}

// ways is about the transports. Browsers have the first two, native members all.
func (r *Report) ways(v *Visit, secure bool) {
	switch {
	case v.WebSocket.Worked():
		r.add("websocket", OK, "WebSocket: "+v.WebSocket.String()+".", "", "")
	case v.WebSocket.Tried && v.WebTransport.Worked() && secure:
		r.add("websocket", Warn, "WebSocket does not get through: "+v.WebSocket.String()+".", "Visitors whose networks let no UDP through cannot connect.", "If a proxy stands in front, let it pass WebSocket on.")
	case v.WebSocket.Tried:
		r.add("websocket", Bad, "WebSocket does not get through: "+v.WebSocket.String()+".", "Browsers cannot connect.", "If a proxy stands in front, let it pass WebSocket on.")
	}
	switch {
	case !v.WebTransport.Tried:
	case !v.WebTransport.Worked() && !v.WebSocket.Tried:
		r.add("webtransport", Bad, "WebTransport does not get through ("+v.UDPPort+"): "+v.WebTransport.String()+".", "The record has no other way for browsers.",
			"docs/door.md (Who reaches a host) has the reasons. If the host is in this network: let UDP through to that port.")
	case v.WebTransport.Worked():
		r.add("webtransport", OK, "WebTransport ("+v.UDPPort+"): "+v.WebTransport.String()+".", "", "")
	case secure:
		r.add("webtransport", Warn, "WebTransport does not get through ("+v.UDPPort+"): "+v.WebTransport.String()+".", "Browsers use WebSocket. That works; under load and in bad networks it is slower.",
			"Let UDP through to that port: on the host's machine, at its router, and in the network of this machine.")
	default:
		r.add("webtransport", Note, "UDP does not get through ("+v.UDPPort+"): "+v.WebTransport.String()+".", "Browsers use WebSocket on plain http anyway; native members use it too.", "")
	}
}
