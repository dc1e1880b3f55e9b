package cert_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"goop/host/cert"
	"goop/host/internal/pebbletest"
)

// host is a server as the host's is: HTTPS and, beside it, HTTP that answers the authority.
type host struct {
	*cert.Managed
	pebble *pebbletest.Server
	log    *log
}

// log keeps what is logged, and lets a test wait for a line.
type log struct {
	t  *testing.T
	mu sync.Mutex
	b  bytes.Buffer
	in chan struct{}
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b.Write(p)
	select {
	case l.in <- struct{}{}:
	default:
	}
	return len(p), nil
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// await waits for a line with all of the words in it.
func (l *log) await(words ...string) {
	l.t.Helper()
	end := time.After(40 * time.Second)
	for {
		for line := range strings.Lines(l.String()) {
			all := true
			for _, w := range words {
				all = all && strings.Contains(line, w)
			}
			if all {
				return
			}
		}
		select {
		case <-l.in:
		case <-end:
			l.t.Fatalf("no line of the log has %q:\n%s", words, l)
		}
	}
}

// serve runs a host that wants certificates from a Pebble, with or without plain HTTP. Each test has names of its
// own: certmagic keeps one list of challenges for the whole process.
func serve(t *testing.T, p *pebbletest.Server, o cert.Options, plain bool) *host {
	t.Helper()
	h := &host{pebble: p, log: &log{t: t, in: make(chan struct{}, 1)}}
	o.Dir, o.CA, o.Root = t.TempDir(), p.Directory, p.RootFile
	o.Log = slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	m, err := cert.NewManaged(o)
	if err != nil {
		t.Fatal(err)
	}
	h.Managed = m
	t.Cleanup(m.Close)
	hello := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello ", r.Host) })
	secure := &http.Server{Handler: hello, TLSConfig: m.TLS(), ErrorLog: slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug)}
	sl, err := net.Listen("tcp", fmt.Sprintf("%s:%d", p.Addr, 5001))
	if err != nil {
		t.Fatal(err)
	}
	go secure.ServeTLS(sl, "", "") //nolint:errcheck // it ends with the test
	t.Cleanup(func() { secure.Close() })
	ports := cert.Ports{Host: p.Addr, HTTPS: 5001}
	if plain {
		other := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "not for the authority", http.StatusTeapot)
		})
		pl, err := net.Listen("tcp", fmt.Sprintf("%s:%d", p.Addr, 5002))
		if err != nil {
			t.Fatal(err)
		}
		insecure := &http.Server{Handler: m.Challenge(other)}
		go insecure.Serve(pl) //nolint:errcheck // it ends with the test
		t.Cleanup(func() { insecure.Close() })
		ports.HTTP = 5002
	}
	m.Start(ports)
	return h
}

// get asks for a page over HTTPS, as a browser that trusts Pebble would, and returns the certificate that it saw.
func (h *host) get(t *testing.T, domain string) (*x509.Certificate, error) {
	t.Helper()
	c := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{RootCAs: h.pebble.Roots(t)},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, h.pebble.Addr+":5001")
		},
	}}
	res, err := c.Get("https://" + domain + "/")
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if body, err := io.ReadAll(res.Body); err != nil || string(body) != "hello "+domain {
		t.Fatalf("got %q, %v", body, err)
	}
	return res.TLS.PeerCertificates[0], nil
}

// mustGet waits for a certificate first.
func (h *host) mustGet(t *testing.T, domain string) *x509.Certificate {
	t.Helper()
	h.log.await("a certificate is in force", "domain="+domain+" ")
	c, err := h.get(t, domain)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTLSALPN(t *testing.T) {
	t.Parallel()
	p := pebbletest.New(t, pebbletest.Options{HTTP: 1}) // nothing answers there
	p.Run(t)
	h := serve(t, p, cert.Options{Domains: []string{"tlsalpn.example.org", "chess.tlsalpn.example.org"}}, false)
	for _, d := range h.Names() {
		h.mustGet(t, d)
		if !h.Ready(d) {
			t.Errorf("%s is not ready", d)
		}
	}
	for _, s := range h.Status() {
		if s.Problem != "" || time.Until(s.Expires) < 80*24*time.Hour {
			t.Errorf("got the status %+v", s)
		}
	}
	if _, err := h.get(t, "other.example.org"); err == nil {
		t.Error("a name that nobody wanted has a certificate")
	}
	for _, s := range []string{"tls-alpn-01", "http-01"} {
		if got := strings.Contains(h.log.String(), " challenge="+s); got != (s == "tls-alpn-01") {
			t.Errorf("the way %s was gone: %v", s, got)
		}
	}
}

func TestHTTP01(t *testing.T) {
	t.Parallel()
	p := pebbletest.New(t, pebbletest.Options{HTTPS: 1})
	p.Run(t)
	h := serve(t, p, cert.Options{Domains: []string{"http01.example.org"}, Email: "teacher@example.org"}, true)
	h.mustGet(t, "http01.example.org")
	for path, want := range map[string]int{"/": http.StatusTeapot, "/.well-known/acme-challenge/nothing": http.StatusTeapot} {
		res, err := http.Get("http://" + p.Addr + ":5002" + path)
		if err != nil {
			t.Fatal(err)
		}
		if res.Body.Close(); res.StatusCode != want {
			t.Errorf("%s: got %s", path, res.Status)
		}
	}
}

// TestRenewal has certificates that live for a minute: page after page is served, and the certificate changes.
func TestRenewal(t *testing.T) {
	t.Parallel()
	p := pebbletest.New(t, pebbletest.Options{Validity: time.Minute})
	p.Run(t)
	h := serve(t, p, cert.Options{Domains: []string{"renewal.example.org"}, Check: 500 * time.Millisecond, Left: 0.9}, true)
	first := h.mustGet(t, "renewal.example.org")
	h.log.await("there is a new certificate", "renewed=true")
	end := time.After(time.Minute)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		now, err := h.get(t, "renewal.example.org")
		if err != nil {
			t.Fatalf("in the middle of a renewal: %v", err)
		}
		if now.SerialNumber.Cmp(first.SerialNumber) != 0 {
			if !now.NotAfter.After(first.NotAfter) {
				t.Errorf("the new one ends %s, the old one %s", now.NotAfter, first.NotAfter)
			}
			return
		}
		select {
		case <-tick.C:
		case <-end:
			t.Fatal("the renewed certificate is not shown")
		}
	}
}

// TestAuthorityAway starts before its authority does.
func TestAuthorityAway(t *testing.T) {
	t.Parallel()
	p := pebbletest.New(t, pebbletest.Options{})
	h := serve(t, p, cert.Options{Domains: []string{"authorityaway.example.org"}}, true)
	h.log.await("level=WARN", "cannot be asked", p.Directory, "connection refused")
	if h.Ready("authorityaway.example.org") {
		t.Error("ready without a certificate")
	}
	if s := h.Status()[0]; !s.Expires.IsZero() || !strings.Contains(s.Problem, "online") {
		t.Errorf("got the status %+v", s)
	}
	p.Run(t)
	h.mustGet(t, "authorityaway.example.org")
	if s := h.Status()[0]; s.Expires.IsZero() || s.Problem != "" {
		t.Errorf("got the status %+v", s)
	}
}

// TestWrongDomain has names that are not this machine's.
func TestWrongDomain(t *testing.T) {
	t.Parallel()
	p := pebbletest.New(t, pebbletest.Options{})
	p.Run(t)
	p.SetAddr(t, "nowhere.example.org")
	p.SetAddr(t, "elsewhere.example.org", "127.0.0.254") // where nothing listens at these ports
	h := serve(t, p, cert.Options{Domains: []string{"nowhere.example.org", "elsewhere.example.org", "blocked.example", "wrongdomain.example.org"}}, true)
	h.log.await("level=WARN", "domain=nowhere.example.org", "is not in the DNS, or has no address", "A or AAAA record")
	h.log.await("level=WARN", "domain=elsewhere.example.org", "does not answer at port 443 or 80", "router")
	h.log.await("level=WARN", "domain=blocked.example", "gives no certificate for blocked.example")
	h.mustGet(t, "wrongdomain.example.org") // one does not keep the other from working
	for _, s := range h.Status() {
		if bad := s.Names[0] != "wrongdomain.example.org"; bad != (s.Problem != "") || bad != s.Expires.IsZero() {
			t.Errorf("got the status %+v", s)
		}
	}
}

// TestRestart finds its certificate again, without asking for another one.
func TestRestart(t *testing.T) {
	t.Parallel()
	p := pebbletest.New(t, pebbletest.Options{})
	p.Run(t)
	dir := t.TempDir()
	for again := range 2 {
		l := &log{t: t, in: make(chan struct{}, 1)}
		m, err := cert.NewManaged(cert.Options{Domains: []string{"restart.example.org"}, Dir: dir, CA: p.Directory, Root: p.RootFile,
			Log: slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))})
		if err != nil {
			t.Fatal(err)
		}
		// certmagic listens at the ports by itself when nobody does.
		m.Start(cert.Ports{Host: p.Addr, HTTPS: 5001, HTTP: 5002})
		l.await("a certificate is in force", "restart.example.org")
		m.Close()
		if got := strings.Count(l.String(), "there is a new certificate"); got != 1-again {
			t.Errorf("start %d asked for %d certificates", again+1, got)
		}
	}
}
