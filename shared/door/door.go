// Package door has the rules of a door: a public https origin under which visitors find hosts that have no
// domain and no certificate. Hosts announce where they are reached, as signed records (shared/record), and
// visitors are given them. The native door (host/door) and the Cloudflare Worker (wasm/edge) both decide with
// this package. Its functions are pure: the caller has the clock, keeps the entries and moves the bytes.
//
//	PUT /goop/door/1/hosts/<label>   an announcement; Announce decides
//	GET /goop/door/1/hosts/<label>   the record, from the door's own origin; Entry.For decides
//	GET /goop/door/1/record          the same on the host's origin, https://<label>.<door>/
//
// A label is the host's peer id in base36 (peerid.Label).
//
// An announcement is one or two envelopes, each with its length in front as an uvarint: first the public one,
// for everybody, then, if it likes, the local one, for visitors in the announcer's own network. Both are of
// the same host and have the same sequence number. An envelope without addresses says that there are none
// for these visitors; two of these, or one alone, say that the host is away.
package door

import (
	"net/netip"
	"strings"
	"time"

	"goop/shared/peerid"
	"goop/shared/wire"
)

const (
	// Root is the folder of each of the door's origins whose paths are the door's own.
	Root = "/goop/door/"
	// HostsPath is where hosts announce themselves; the label follows.
	HostsPath = Root + "1/hosts/"
	// RecordPath is where visitors read a host's record, on the host's origin.
	RecordPath = Root + "1/record"
	// SeenHeader is that of a 204 in which a door tells where it has seen the announcer. (A refusal of addresses
	// tells it in its body.)
	SeenHeader = "Goop-Seen"

	// MaxBody bounds an announcement, in bytes.
	MaxBody = 8 << 10
	// MaxHosts bounds the hosts that a door remembers.
	MaxHosts = 100_000
	// MaxNames bounds the DNS names in a record. Nobody has proved that a name is the host's.
	MaxNames = 4

	// Renew is how often a host announces itself anew.
	Renew = 3 * time.Minute
	// Lease is how long visitors are given a record after its announcement.
	Lease = 10 * time.Minute
	// Remember is how long a door knows a host's sequence number after its announcement, so that no older
	// record is taken in the meantime.
	Remember = 31 * 24 * time.Hour
	// Ahead is how far a host's clock, from which the sequence numbers come, may be ahead of the door's.
	Ahead = 10 * time.Minute
)

// Announcement is what a PUT brings, before anything of it is known to be good.
type Announcement struct {
	Label string     // of the path or of the Host header, in small letters
	Body  []byte     // of at most MaxBody bytes; one byte more is enough to be refused
	From  netip.Addr // the announcer's
	Now   time.Time
}

// Entry is what a door keeps of a host.
type Entry struct {
	Peer wire.PeerID
	// Seq is that of the record, and less than 2^63. It is more than a JavaScript number holds.
	Seq int64
	// Public is the envelope for everybody, and Local the one for visitors in the announcer's network. Each
	// is nil when it has no addresses.
	Public, Local []byte
	// Network and Scope are those of the announcer's address.
	Network string
	Scope   Scope
	// Announced is when; Expires is when visitors are not given it any more, in the past of a host that is
	// away; both in milliseconds since 1970. Pace is the state of the host's rate.
	Announced, Expires int64
	Pace               Bucket
}

// Site is a door's place in the web.
type Site struct {
	// Host is that of the door's own origin, in small letters, with its port if that is not the scheme's:
	// "door.example", "localhost:7790".
	Host string
}

// Label reads a Host header: label is empty for the door's own origin, and ok is false for what is neither
// this nor a host's. Whether the label is one, peerid.FromLabel tells.
func (s Site) Label(host string) (label string, ok bool) {
	host = strings.ToLower(host)
	if host == s.Host {
		return "", true
	}
	label, ok = strings.CutSuffix(host, "."+s.Host)
	return label, ok && label != "" && !strings.Contains(label, ".")
}

// Origin returns a host's origin without the scheme: "<label>.door.example".
func (s Site) Origin(label string) string { return label + "." + s.Host }

// Current reports whether visitors are still given what is in an entry.
func (e *Entry) Current(now time.Time) bool { return now.UnixMilli() < e.Expires }

// For returns the envelope that a visitor is given, nil when there is none for him. (A Worker reads these
// rules in JavaScript, without Go: see wasm/edge.)
func (e *Entry) For(visitor netip.Addr, now time.Time) []byte {
	network, scope := Network(visitor)
	switch {
	case !e.Current(now) || scope == Nowhere:
		return nil
	case e.Local != nil && network == e.Network:
		return e.Local
	case e.Scope == Global || scope != Global:
		return e.Public
	}
	return nil // private addresses are nothing to the public
}

// Announce decides on an announcement. have is the entry of its label, nil when there is none, or none that
// the door still needs to remember. The answer is the entry to keep, nil when the one that is there says the same
// already; what it has replaced must have a smaller Seq when it is written, which the caller ensures in one
// step with the writing: of those that come at the same time the newest stays, and the others are told Older.
//
// Errors are *wire.Error with a Status: see there. The announcer's Rates come first, and are the caller's.
func Announce(a Announcement, have *Entry, verify Verify) (*Entry, error) {
	peer, err := peerid.FromLabel(a.Label)
	if err != nil {
		return nil, wire.E(wire.NotFound, "there is no such host: a label has 62 characters and begins with k51qzi5uqu5")
	}
	network, scope := Network(a.From)
	if scope == Nowhere {
		return nil, wire.E(wire.InvalidValue, "the door does not see where the announcement comes from")
	}
	next := Entry{Peer: peer, Network: network, Scope: scope, Announced: a.Now.UnixMilli(), Expires: a.Now.Add(Lease).UnixMilli()}
	if have != nil {
		next.Pace = have.Pace
	}
	if err := next.Pace.take(hostRate, a.Now); err != nil {
		return nil, err
	}
	if err := next.read(a, verify); err != nil {
		return nil, err
	}
	if next.Seq > a.Now.Add(Ahead).UnixNano() {
		return nil, ahead(next.Seq, a.Now)
	}
	if have != nil && next.Seq <= have.Seq {
		if next.Seq == have.Seq && string(next.Public) == string(have.Public) && string(next.Local) == string(have.Local) {
			return nil, nil // an answer was lost; or somebody has sent it who is not the host, and gains nothing
		}
		return nil, Older(have.Seq)
	}
	if next.Public == nil && next.Local == nil {
		next.Expires = next.Announced
	}
	return &next, nil
}
