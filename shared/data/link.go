package data

import "goop/shared/jsontext"

// LinkKind says what sort of network an address of the host is in.
type LinkKind string

// The kinds of links. Those in between are the sorts of networks that a machine is in: "ethernet", "wifi",
// "lan", "vpn", "virtual" (of containers) and "linklocal".
const (
	LinkInternet LinkKind = "internet" // a name, or an address that is not the machine's own
	LinkLocal    LinkKind = "loopback" // means the machine on which it is opened
)

// Link is an address of the site's first page, with what its owner wants to know of it.
type Link struct {
	URL     string
	Kind    LinkKind
	Network string // for people: "Wi-Fi wlan0"
	Secure  bool   // browsers trust the connection: https, or the machine itself
	HandOut bool   // the best one for somebody else
}

// AppendReach appends the line of an answer to "reach".
func AppendReach(dst []byte, id int64, links []Link) []byte {
	w := begin(dst, id)
	w.Key("links")
	w.Begin('[')
	for i := range links {
		appendLink(&w, &links[i])
	}
	w.End(']')
	return end(w)
}

func appendLink(w *jsontext.Writer, l *Link) {
	w.Begin('{')
	w.Key("url")
	w.Str(l.URL)
	w.Key("kind")
	w.Str(string(l.Kind))
	w.Key("network")
	w.Str(l.Network)
	w.Key("secure")
	w.Bool(l.Secure)
	if l.HandOut {
		w.Key("handOut")
		w.Bool(true)
	}
	w.End('}')
}
