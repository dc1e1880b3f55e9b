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

// announce offers a door the host's addresses, in another form if it has said why it does not take the first.
func (a *Announcer) announce(ctx context.Context, addrs []record.Addr) *failure {
	for tries := 0; ; tries++ {
		from := a.seen
		if !from.IsValid() {
			from = a.route(ctx, a.door)
		}
		public, local := door.Choose(addrs, from)
		a.note(public, local)
		err := a.put(ctx, public, local)
		r, refused := errors.AsType[*refusal](err)
		if refused && tries < 2 {
			now := uint64(time.Now().UnixNano())
			switch {
			case r.Seen.IsValid() && r.Seen != from:
				a.seen = r.Seen // the door knows better
				continue
			case r.Code == wire.Conflict && uint64(r.Seq) >= a.seq && uint64(r.Seq) < now+uint64(door.Ahead):
				a.seq = uint64(r.Seq) // this machine's clock went back a little, or another's is a little ahead
				continue
			}
		}
		return explain(a.door, err)
	}
}

// note keeps whom an announcement will bring.
func (a *Announcer) note(public, local []record.Addr) {
	reach := Nobody
	switch {
	case slices.ContainsFunc(public, forEverybody):
		reach = Everybody
	case len(public) > 0 || len(local) > 0:
		reach = OwnNetwork // a door in a private network has private addresses in the public record
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.status.Reach = reach
}

// forEverybody reports whether an address is reached from the internet, as far as it shows: names are of the internet.
func forEverybody(a record.Addr) bool { return a.Name != "" || door.ScopeOf(a.IP) == door.Global }

// refusal is a door's answer.
type refusal struct{ door.Refusal }

func (r *refusal) Error() string { return r.Message }

// put makes one announcement. The error is a *refusal when the door has answered.
func (a *Announcer) put(ctx context.Context, public, local []record.Addr) error {
	a.seq = max(a.seq+1, uint64(time.Now().UnixNano()))
	envelope, err := a.host.Seal(a.seq, public)
	if err != nil {
		return err
	}
	var near []byte
	if len(local) > 0 && !slices.EqualFunc(public, local, equal) {
		if near, err = a.host.Seal(a.seq, local); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, a.target, bytes.NewReader(door.Body(envelope, near)))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/octet-stream")
	r.Header.Set("User-Agent", "goop")
	answer, err := a.client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if answer.StatusCode == http.StatusNoContent {
		return nil
	}
	if err != nil {
		return err
	}
	if to := answer.Header.Get("Location"); to != "" && answer.StatusCode >= 300 && answer.StatusCode < 400 {
		return fmt.Errorf("the door has moved: begin with --door and what stands in front of /goop in %.200q", to)
	}
	if said, ok := door.ParseRefusal(body); ok {
		return &refusal{said}
	}
	if answer.StatusCode >= 500 {
		return fmt.Errorf("the door has a fault: it answers %s", answer.Status)
	}
	return fmt.Errorf("what answers there is no door (%s): look at the address of --door", answer.Status)
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

// newTransport returns one that keeps no connection for longer than doors do.
func newTransport() http.RoundTripper {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
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
