package announce

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"goop/shared/door"
	"goop/shared/record"
	"goop/shared/wire"
)

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 8 << 10

// failure is why an announcement did not arrive, for the operator.
type failure struct {
	text  string
	after time.Duration // try again after this, at the earliest
}

func (f *failure) Error() string { return f.text }

// maxTries is how often one announcement is made in another form, because of what the door has said of the one before.
const maxTries = 3

// announce offers a door the host's addresses, in another form if it has said why it does not take the first, or where
// it sees the host.
func (a *Announcer) announce(ctx context.Context, addrs []record.Addr) (way, *failure) {
	for try := 1; ; try++ {
		o := a.offer(ctx, addrs)
		seen, err := a.put(ctx, o.public, o.local)
		if try < maxTries {
			r, refused := errors.AsType[*refusal](err)
			now := uint64(time.Now().UnixNano())
			switch {
			case err == nil && seen.IsValid() && seen != a.seen:
				a.seen = seen
				before := o
				if o = a.offer(ctx, addrs); !same(o.public, before.public) || !same(o.local, before.local) {
					continue
				}
			case refused && r.Seen.IsValid() && r.Seen != o.from:
				a.seen = r.Seen // the door knows better
				continue
			case refused && r.Code == wire.Conflict && uint64(r.Seq) >= a.seq && uint64(r.Seq) < now+uint64(door.Ahead):
				a.seq = uint64(r.Seq) // this machine's clock went back a little, or another's is a little ahead
				continue
			}
		}
		return o.way, explain(a.door, err)
	}
}

// offer is what a door can be told.
type offer struct {
	from          netip.Addr // where it sees the host, or may see it
	public, local []record.Addr
	way
}

// way is whom an announcement brings, as Status has it.
type way struct {
	reach    Reach
	router   netip.AddrPort
	unrouted string
}

// offer chooses, out of the host's own addresses and that of its router, what the door will take.
func (a *Announcer) offer(ctx context.Context, addrs []record.Addr) offer {
	o := offer{from: a.seen}
	if !o.from.IsValid() {
		o.from = a.route(ctx, a.door)
	}
	if a.port != 0 {
		at := netip.AddrPortFrom(a.seen, a.port)
		var outside []record.Addr
		if outside, o.unrouted = a.outside(addrs, at); o.unrouted == "" {
			// Last, since visitors of the host's own network may not get out to the router and in again.
			addrs, o.router = append(slices.Clip(addrs), outside...), at
		}
	}
	o.public, o.local = door.Choose(addrs, o.from)
	switch {
	case slices.ContainsFunc(o.public, forEverybody):
		o.reach = Everybody
	case len(o.public) > 0 || len(o.local) > 0:
		o.reach = OwnNetwork // a door in a private network has private addresses in the public record
	default:
		o.reach = Nobody
	}
	return o
}

// outside returns where the host is reached at its router, or why it is not.
func (a *Announcer) outside(addrs []record.Addr, at netip.AddrPort) (outside []record.Addr, why string) {
	network, scope := door.Network(at.Addr())
	own := slices.ContainsFunc(addrs, func(b record.Addr) bool {
		n, _ := door.Network(b.IP)
		return b.Name == "" && n == network
	})
	switch {
	case !at.IsValid():
		return nil, "the door has not said where it sees this machine"
	case scope != door.Global && scope != door.Private:
		return nil, "the door sees this machine at " + at.Addr().String() + ", and so not through a router"
	case own:
		return nil, "the door sees this machine at " + at.Addr().String() + ", in a network that is the machine's own, and so not through a router"
	}
	if outside = a.host.RecordAddrsAt(at); len(outside) == 0 {
		return nil, "the host listens on no address to which a router could forward (look at --listen)"
	}
	return outside, ""
}

// forEverybody reports whether an address is reached from the internet, as far as it shows: names are of the internet.
func forEverybody(a record.Addr) bool { return a.Name != "" || door.ScopeOf(a.IP) == door.Global }

// refusal is a door's answer.
type refusal struct{ door.Refusal }

func (r *refusal) Error() string { return r.Message }

// put makes one announcement, and returns where the door has seen it come from, if it says. The error is a *refusal when
// the door has answered.
func (a *Announcer) put(ctx context.Context, public, local []record.Addr) (seen netip.Addr, err error) {
	a.seq = max(a.seq+1, uint64(time.Now().UnixNano()))
	envelope, err := a.host.Seal(a.seq, public)
	if err != nil {
		return seen, err
	}
	var near []byte
	if len(local) > 0 && !same(public, local) {
		if near, err = a.host.Seal(a.seq, local); err != nil {
			return seen, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, a.target, bytes.NewReader(door.Body(envelope, near)))
	if err != nil {
		return seen, err
	}
	r.Header.Set("Content-Type", "application/octet-stream")
	r.Header.Set("User-Agent", "goop")
	answer, err := a.client.Do(r)
	if err != nil {
		return seen, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if answer.StatusCode == http.StatusNoContent {
		seen, err = netip.ParseAddr(answer.Header.Get(door.SeenHeader))
		if err != nil {
			return netip.Addr{}, nil // it does not tell
		}
		return seen.Unmap().WithZone(""), nil
	}
	if err != nil {
		return seen, err
	}
	if to := answer.Header.Get("Location"); to != "" && answer.StatusCode >= 300 && answer.StatusCode < 400 {
		return seen, fmt.Errorf("the door has moved: begin with --door and what stands in front of /goop in %.200q", to)
	}
	if said, ok := door.ParseRefusal(body); ok {
		return seen, &refusal{said}
	}
	if answer.StatusCode >= 500 {
		return seen, fmt.Errorf("the door has a fault: it answers %s", answer.Status)
	}
	return seen, fmt.Errorf("what answers there is no door (%s): look at the address of --door", answer.Status)
}

// explain makes of an error what an operator can do something with. It is nil for nil.
func explain(at *url.URL, err error) *failure {
	if err == nil {
		return nil
	}
	if r, ok := errors.AsType[*refusal](err); ok {
		f := &failure{after: time.Duration(min(max(r.RetryAfter, 0), maxPause.Milliseconds())) * time.Millisecond}
		switch r.Code {
		case wire.Conflict:
			f.text = "the door refuses it: " + r.Message
		case wire.RateLimited:
			f.text = "the door refuses it for now: " + r.Message
		default:
			f.text = "the door refuses it (" + string(r.Code) + "): " + r.Message
		}
		return f
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	name := at.Hostname()
	switch {
	case isA[*net.DNSError](err):
		return &failure{text: "there is no door at " + name + ": the name is not found (look at --door, and at this machine's connection to the internet)"}
	case isA[x509.CertificateInvalidError](err):
		return &failure{text: "the door's certificate is not valid now: is this machine's clock right? It says " + time.Now().UTC().Format(time.DateTime) + " UTC (" + err.Error() + ")"}
	case isA[*tls.CertificateVerificationError](err):
		return &failure{text: "the door's certificate is not for " + name + ", or of an authority that this machine does not know (" + err.Error() + ")"}
	case errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		return &failure{text: "the door does not answer: look at this machine's connection to the internet, or at the door's"}
	case isA[*net.OpError](err):
		return &failure{text: "the door is not reached (" + err.Error() + "): look at --door, and at this machine's connection to the internet"}
	}
	if strings.Contains(err.Error(), "HTTP response to HTTPS client") {
		return &failure{text: "what answers there speaks no https: look at the port in --door"}
	}
	return &failure{text: err.Error()}
}

func isA[T error](err error) bool {
	_, ok := errors.AsType[T](err)
	return ok
}

func isTimeout(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}

// newTransport returns one that keeps no connection for longer than doors do. Over IPv4 alone, where that is possible,
// the door sees the router's address: of IPv6 each machine has its own, of which no port is forwarded.
func newTransport(overIPv4 bool) http.RoundTripper {
	dial := (&net.Dialer{Timeout: 10 * time.Second}).DialContext
	if overIPv4 {
		any, four := dial, net.Dialer{Timeout: 5 * time.Second}
		dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			if c, err := four.DialContext(ctx, "tcp4", addr); err == nil {
				return c, nil
			}
			return any(ctx, network, addr)
		}
	}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dial,
		TLSHandshakeTimeout:    10 * time.Second,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           1,
		IdleConnTimeout:        30 * time.Second,
		MaxResponseHeaderBytes: 32 << 10,
	}
}

// routeTo guesses where the door sees this machine: at the address from which the system would go to it. Behind a router
// with an address of its own that is another one, of which only is known that it is not the machine's:
// then it returns 0.0.0.0, an address of which nothing is public. No packet is sent.
func routeTo(ctx context.Context, at *url.URL) netip.Addr {
	port := at.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[at.Scheme]
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "udp", net.JoinHostPort(strings.Trim(at.Hostname(), "[]"), port))
	if err != nil {
		return netip.IPv4Unspecified()
	}
	defer conn.Close()
	near, far := addrOf(conn.LocalAddr()), addrOf(conn.RemoteAddr())
	if door.ScopeOf(far) == door.Global && door.ScopeOf(near) != door.Global {
		return netip.IPv4Unspecified()
	}
	return near
}

func addrOf(a net.Addr) netip.Addr {
	u, ok := a.(*net.UDPAddr)
	if !ok {
		return netip.Addr{}
	}
	return u.AddrPort().Addr().Unmap().WithZone("")
}
