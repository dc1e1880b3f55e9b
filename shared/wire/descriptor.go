package wire

import "goop/shared/jsontext"

// Descriptor is what GET /goop/host.json answers: who the host is and how to reach it now. The first
// URL of each kind fits the request's Host.
type Descriptor struct {
	Peer         PeerID
	Name         string
	Version      string
	Addrs        []string // multiaddrs, each with /p2p/<peer>
	WebTransport []WebTransportAddr
	WebSocket    []string // ws:// or wss:// URLs
	// Visitor is the network from which the host was asked, as it sees it: an IPv4 address, or the first half of an
	// IPv6 one as a prefix. "" when that says nothing.
	Visitor string
}

// WebTransportAddr is one WebTransport endpoint and the SHA-256 hashes, in lower-case hexadecimal, of
// the certificates that it may show.
type WebTransportAddr struct {
	URL        string // https://host:port/.well-known/libp2p-webtransport?type=noise
	CertHashes []string
}

// Append appends the descriptor as JSON.
func (d *Descriptor) Append(dst []byte) []byte {
	w := jsontext.Writer{B: dst}
	list := func(key string, vs []string) {
		w.Key(key)
		w.Begin('[')
		for _, v := range vs {
			w.Str(v)
		}
		w.End(']')
	}
	w.Begin('{')
	field(&w, "peer", string(d.Peer))
	field(&w, "name", d.Name)
	field(&w, "version", d.Version)
	list("addrs", d.Addrs)
	w.Key("webtransport")
	w.Begin('[')
	for _, a := range d.WebTransport {
		w.Begin('{')
		field(&w, "url", a.URL)
		list("certhashes", a.CertHashes)
		w.End('}')
	}
	w.End(']')
	list("websocket", d.WebSocket)
	w.StrUnlessEmpty("visitor", d.Visitor)
	w.End('}')
	return w.B
}

// ParseDescriptor reads a descriptor, checked as a whole. Unknown fields are ignored.
func ParseDescriptor(b []byte) (d Descriptor, err error) {
	if err := jsontext.Check(b); err != nil {
		return d, &Error{Code: BadMessage, Message: "the host's descriptor is not JSON: " + err.Error()}
	}
	err = fields(b, func(key string, v []byte) (err error) {
		switch key {
		case "peer":
			return str(&d.Peer, v)
		case "name":
			return str(&d.Name, v)
		case "version":
			return str(&d.Version, v)
		case "visitor":
			return str(&d.Visitor, v)
		case "addrs":
			d.Addrs, err = stringsOf(v)
		case "websocket":
			d.WebSocket, err = stringsOf(v)
		case "webtransport":
			if jsontext.KindOf(v) != jsontext.Array {
				return jsontext.ErrKind
			}
			e := jsontext.ElementsOf(v)
			for e.Next() && err == nil {
				var a WebTransportAddr
				err = fields(e.Value, func(key string, v []byte) (err error) {
					switch key {
					case "url":
						return str(&a.URL, v)
					case "certhashes":
						a.CertHashes, err = stringsOf(v)
					}
					return err
				})
				d.WebTransport = append(d.WebTransport, a)
			}
		}
		return err
	})
	return d, err
}
