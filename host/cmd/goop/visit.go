package main

import (
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
	"strings"
	"time"

	"goop/host/doctor"
	"goop/host/node"
	"goop/shared/door"
	"goop/shared/link"
	"goop/shared/wire"
)

// Bounds of a visit.
const (
	visitTime      = 6 * time.Second // for each of its steps
	maxDescription = 64 << 10        // bytes
)

// visit goes to a host as its visitors do, and tells how that went.
func visit(ctx context.Context, u *url.URL, group wire.GroupID) doctor.Visit {
	v := doctor.Visit{URL: u.String(), Host: u.Hostname()}
	_, v.Door = node.AtDoor(v.URL)
	if ip, err := netip.ParseAddr(v.Host); err == nil {
		v.Addresses = []netip.Addr{ip}
	} else if !strings.HasSuffix(v.Host, ".localhost") { // for browsers that is this machine, whatever the DNS knows
		resolving, cancel := context.WithTimeout(ctx, visitTime)
		defer cancel()
		begun := time.Now()
		v.Addresses, err = net.DefaultResolver.LookupNetIP(resolving, "ip", v.Host)
		v.NameTook = time.Since(begun)
		for i := range v.Addresses {
			v.Addresses[i] = v.Addresses[i].Unmap()
		}
		if err != nil {
			v.NameFault, v.Fault = errText(err), "the name leads nowhere"
			return v
		}
	}
	if u.Scheme == "https" {
		v.TLS = certificate(ctx, u)
	}
	desc, date, took, err := describe(ctx, v.URL)
	if v.Took = took; err != nil {
		v.Fault = systemFault(err)
		return v
	}
	if !date.IsZero() {
		v.Clocked, v.Offset = true, time.Since(date)
	}
	v.Peer, v.Name, v.Version = string(desc.Peer), plain(desc.Name), plain(desc.Version)
	if !v.Door { // from there a page tries all that the record has
		desc = first(desc)
	}
	ways := func() (refused error) {
		if len(desc.WebSocket) > 0 || !v.Door {
			v.WebSocket, refused = reach(ctx, desc, node.WebSocket, group)
		}
		if refused == nil {
			v.WebTransport, refused = reach(ctx, desc, node.WebTransport, group)
		}
		return refused
	}
	if refused := ways(); refused != nil { // a group that lets nobody in is no fault of the ways to the host
		v.Group, v.GroupFault, group = string(group), oneLine(refused), ""
		_ = ways()
	}
	if len(desc.WebTransport) > 0 {
		if at, err := url.Parse(desc.WebTransport[0].URL); err == nil {
			v.UDPPort = "UDP port " + at.Port() + " of " + at.Hostname()
		}
	}
	return v
}

// certificate looks at the one that an https host shows, as a browser does.
func certificate(ctx context.Context, u *url.URL) *doctor.Certificate {
	ctx, cancel := context.WithTimeout(ctx, visitTime)
	defer cancel()
	port := u.Port()
	if port == "" {
		port = "443"
	}
	// The verification comes after, so that a certificate that is refused can be told about.
	d := tls.Dialer{Config: &tls.Config{ServerName: u.Hostname(), InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}}}
	c, err := d.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return &doctor.Certificate{Fault: errText(err)}
	}
	defer c.Close()
	shown := c.(*tls.Conn).ConnectionState().PeerCertificates
	if len(shown) == 0 {
		return &doctor.Certificate{Fault: "there is none"}
	}
	first := shown[0]
	out := &doctor.Certificate{Issuer: first.Issuer.CommonName, Expires: first.NotAfter, Left: time.Until(first.NotAfter)}
	if len(first.Issuer.Organization) > 0 {
		out.Issuer = first.Issuer.Organization[0]
	}
	between := x509.NewCertPool()
	for _, other := range shown[1:] {
		between.AddCert(other)
	}
	if _, err := first.Verify(x509.VerifyOptions{DNSName: u.Hostname(), Intermediates: between}); err != nil {
		out.Fault = errText(err)
	}
	return out
}

// fetch returns the descriptor of the host whose page is at an address.
func fetch(ctx context.Context, page string) (wire.Descriptor, time.Duration, error) {
	desc, _, took, err := describe(ctx, page)
	return desc, took, err
}

// first leaves of each kind the address that browsers take.
func first(desc wire.Descriptor) wire.Descriptor {
	desc.WebTransport, desc.WebSocket = desc.WebTransport[:min(1, len(desc.WebTransport))], desc.WebSocket[:min(1, len(desc.WebSocket))]
	return desc
}

// describe does the same, and says what time it is there, unless that is the door's. A certificate that is refused is a
// finding of its own and keeps nobody from looking on.
func describe(ctx context.Context, page string) (desc wire.Descriptor, date time.Time, took time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, visitTime)
	defer cancel()
	begun := time.Now()
	if _, ok := node.AtDoor(page); ok {
		desc, err = node.FetchDescriptor(page)(ctx)
		return desc, date, time.Since(begun), unasked(err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(page, "/")+wire.HostPath, nil)
	if err != nil {
		return desc, date, 0, err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	res, err := client.Do(req)
	if err != nil {
		return desc, date, time.Since(begun), unasked(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxDescription))
	took = time.Since(begun)
	if err != nil {
		return desc, date, took, err
	}
	if res.StatusCode != http.StatusOK {
		if _, ok := door.ParseRefusal(body); ok {
			return desc, date, took, node.ErrDoor
		}
		return desc, date, took, fmt.Errorf("%s answers %s", wire.HostPath, res.Status)
	}
	if desc, err = wire.ParseDescriptor(body); err != nil {
		return desc, date, took, errors.New("what is there is no host of this kind")
	}
	date, _ = http.ParseTime(res.Header.Get("Date"))
	return desc, date, took, nil
}

// unasked is an error without what was asked for.
func unasked(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// reach connects over a transport, as a browser does, and asks the host something: the time, or to join a group. Of that
// the host may not want to know, which is refused.
func reach(ctx context.Context, desc wire.Descriptor, transport string, group wire.GroupID) (t doctor.Try, refused error) {
	ctx, cancel := context.WithTimeout(ctx, visitTime)
	defer cancel()
	begun := time.Now()
	d, err := node.NewDialer(node.DialerOptions{
		Transport: transport, Host: desc.Peer,
		Descriptor: func(context.Context) (wire.Descriptor, error) { return desc, nil },
	})
	if err != nil {
		return tried(0, err), nil
	}
	defer d.Close()
	conn, err := d.Dial(ctx)
	if err != nil {
		if ctx.Err() != nil {
			err = errors.New("no answer")
		}
		return tried(0, err), nil
	}
	defer conn.Close()
	t = tried(time.Since(begun), nil)
	proto, line := wire.DataProtocol, []byte(`{"id":1,"op":"time"}`+"\n")
	if group != "" {
		join := wire.Frame{Type: wire.TypeJoin, Group: group}
		proto, line = wire.GroupProtocol, join.Append(nil)
	}
	refused, err = firstAnswer(ctx, conn, proto, line)
	if err != nil {
		return tried(0, err), nil
	}
	t.Welcome = time.Since(begun)
	return t, refused
}

// opener is what is used of a connection.
type opener interface {
	Open(ctx context.Context, proto string) (link.Stream, error)
}

// firstAnswer writes a line on a new stream and waits for one; that may refuse what was asked.
func firstAnswer(ctx context.Context, conn opener, proto string, line []byte) (refused, err error) {
	s, err := conn.Open(ctx, proto)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	defer context.AfterFunc(ctx, func() { _ = s.Reset() })()
	if _, err := s.Write(line); err != nil {
		return nil, fmt.Errorf("ask the host: %w", err)
	}
	answer, err := link.NewReader(s, wire.MaxLine).ReadLine()
	if err != nil {
		return nil, fmt.Errorf("wait for the host's answer: %w", err)
	}
	if proto != wire.GroupProtocol {
		return nil, nil
	}
	f, err := wire.Decode(answer)
	if err != nil || f.Type != wire.TypeError {
		return nil, err
	}
	e, err := wire.ParseError(f.Payload)
	if err != nil {
		return nil, err
	}
	return e, nil
}

// tried is a Try that came to this.
func tried(took time.Duration, err error) doctor.Try {
	t := doctor.Try{Tried: true, Connected: took, Welcome: took}
	if err != nil {
		t.Err = systemFault(err)
	}
	return t
}
