package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"goop/host/internal/pebbletest"
	"goop/shared/wire"
)

// visitor asks a host as a browser does that finds every name at one address, and follows no redirection.
func visitor(addr string, roots *x509.CertPool) *http.Client {
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DisableKeepAlives: true,
			TLSClientConfig:   &tls.Config{RootCAs: roots},
			DialContext: func(ctx context.Context, network, at string) (net.Conn, error) {
				_, port, err := net.SplitHostPort(at)
				if err != nil {
					return nil, err
				}
				return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort(addr, port))
			},
		},
	}
}

func askPage(t *testing.T, c *http.Client, url string) (*http.Response, string) {
	t.Helper()
	res, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

// askUntil asks until the answer is as a test wants it.
func askUntil(t *testing.T, c *http.Client, url string, ok func(*http.Response) bool) {
	t.Helper()
	end := time.After(time.Minute)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		res, err := c.Get(url)
		if err == nil {
			res.Body.Close()
			if ok(res) {
				return
			}
		}
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("%s: the last answer was %v, %v", url, res, err)
		}
	}
}

// goop runs a command to its end and returns what it printed.
func goop(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	if code := run(t.Context(), args, strings.NewReader(""), &out, t.Output()); code != exitOK {
		t.Fatalf("goop %s: exit code %d", strings.Join(args, " "), code)
	}
	return out.String()
}

// TestDomain starts a host before there is anybody who gives certificates: it is up, says so over plain HTTP, and
// serves HTTPS as soon as it can.
func TestDomain(t *testing.T) {
	t.Parallel()
	p := pebbletest.New(t, pebbletest.Options{})
	h := startHost(t, "--listen", fmt.Sprintf("%s:%d", p.Addr, p.HTTPS), "--listen-http", fmt.Sprintf("%s:%d", p.Addr, p.HTTP),
		"--domain", "quiz.example.org", "--domain", "chess.example.org", "--acme-ca", p.Directory, "--acme-root", p.RootFile, "--acme-email", "teacher@example.org")
	if h.page != "https://quiz.example.org:5001/" {
		t.Errorf("the page is %s", h.page)
	}
	c := visitor(p.Addr, nil)
	res, body := askPage(t, c, "http://quiz.example.org:5002/room?x=1")
	if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Refresh") == "" || !strings.Contains(body, "getting its certificate") {
		t.Errorf("before there is a certificate: got %s %v %s", res.Status, res.Header, body)
	}
	if res, body := askPage(t, c, "http://quiz.example.org:5002/healthz"); res.StatusCode != http.StatusOK || !strings.Contains(body, "ok") {
		t.Errorf("healthz: got %s %s", res.Status, body)
	}
	p.Run(t)
	for _, name := range []string{"quiz.example.org", "chess.example.org"} {
		askUntil(t, c, "http://"+name+":5002/", func(r *http.Response) bool { return r.StatusCode == http.StatusPermanentRedirect })
	}
	for at, want := range map[string]string{
		"http://quiz.example.org:5002/room?x=1":             "https://quiz.example.org:5001/room?x=1",
		"http://chess.example.org:5002/":                    "https://chess.example.org:5001/",
		fmt.Sprintf("http://%s:5002//evil.example", p.Addr): "https://quiz.example.org:5001//evil.example",
		"http://other.example.org:5002/.well-known/x":       "https://quiz.example.org:5001/.well-known/x",
	} {
		if res, _ := askPage(t, c, at); res.Header.Get("Location") != want {
			t.Errorf("%s leads to %q, want %q", at, res.Header.Get("Location"), want)
		}
	}

	c = visitor(p.Addr, p.Roots(t))
	res, body = askPage(t, c, h.page)
	if res.StatusCode != http.StatusOK || !strings.Contains(body, "<title>Test</title>") || res.Proto != "HTTP/1.1" {
		t.Errorf("the page: got %s %s %s", res.Proto, res.Status, body)
	}
	if got := res.Header.Get("Strict-Transport-Security"); got != "max-age=2592000" {
		t.Errorf("Strict-Transport-Security: got %q", got)
	}
	if res.Header.Get("Cross-Origin-Opener-Policy") == "" {
		t.Error("the site does not know that it is secure")
	}
	_, body = askPage(t, c, "https://chess.example.org:5001"+wire.HostPath)
	d, err := wire.ParseDescriptor([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(d.WebSocket, " "), "wss://chess.example.org:5001/ wss://quiz.example.org:5001/"; got != want {
		t.Errorf("WebSocket: got %s, want %s", got, want)
	}
	if len(d.WebTransport) == 0 || d.WebTransport[0].URL != "https://chess.example.org:5001/.well-known/libp2p-webtransport?type=noise" || len(d.WebTransport[0].CertHashes) != 2 {
		t.Errorf("WebTransport: got %+v", d.WebTransport)
	}
	for _, a := range d.Addrs {
		if strings.Contains(a, "/ws/") && !strings.Contains(a, "/tls/ws/") {
			t.Errorf("a WebSocket address without TLS: %s", a)
		}
	}
	ws := websocket.Dialer{NetDialContext: c.Transport.(*http.Transport).DialContext, TLSClientConfig: &tls.Config{RootCAs: p.Roots(t)}}
	s, _, err := ws.DialContext(t.Context(), d.WebSocket[0], nil)
	if err != nil {
		t.Fatal("WebSocket over TLS:", err)
	}
	s.Close()
	if got := goop(t, "status", "--data", h.data); !strings.Contains(got, "quiz.example.org: until ") {
		t.Errorf("goop status says\n%s", got)
	}
	if took := h.terminate(); took > 5*time.Second {
		t.Errorf("ending took %v", took)
	}
}

// ownPair writes a certificate of one's own with a number.
func ownPair(t *testing.T, number int64, certFile, keyFile string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(number), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(90 * 24 * time.Hour),
		DNSNames: []string{"quiz.example.org", "*.example.org"}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for name, text := range map[string][]byte{certFile: text, keyFile: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	return roots
}

// TestOwnCertificate replaces the files of a host that runs.
func TestOwnCertificate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	roots := ownPair(t, 1, certFile, keyFile)
	h := startHost(t, "--tls-cert", certFile, "--tls-key", keyFile, "--listen-http", "127.0.0.1:0", "--public-url", "https://quiz.example.org:444")
	if h.page != "https://quiz.example.org:444/" {
		t.Errorf("the page is %s", h.page)
	}
	status := goop(t, "status", "--data", h.data)
	_, own, ok := strings.Cut(status, h.page) // behind which is where it listens
	_, port, more := strings.Cut(own, "https://quiz.example.org:")
	if !ok || !more {
		t.Fatalf("goop status says\n%s", status)
	}
	port = strings.Trim(strings.Fields(port)[0], "/")
	res, _ := askPage(t, visitor("127.0.0.1", roots), "https://quiz.example.org:"+port+"/")
	if got := res.TLS.PeerCertificates[0].SerialNumber.Int64(); got != 1 || res.Header.Get("Strict-Transport-Security") != "" {
		t.Errorf("certificate %d is shown, with %v", got, res.Header)
	}
	if err := os.WriteFile(certFile, []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	askUntil(t, visitor("127.0.0.1", roots), "https://quiz.example.org:"+port+"/", func(r *http.Response) bool {
		return strings.Contains(goop(t, "status", "--data", h.data), certFile) // the problem is told, and the old one shown
	})
	roots = ownPair(t, 2, certFile, keyFile)
	askUntil(t, visitor("127.0.0.1", roots), "https://quiz.example.org:"+port+"/", func(r *http.Response) bool {
		return r.TLS.PeerCertificates[0].SerialNumber.Int64() == 2
	})
	h.terminate()
}

func TestHTTPSFlags(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		flags string
		want  string
	}{
		{"--domain 192.0.2.1", "--domain"},
		{"--domain https://quiz.example.org", "without https://"},
		{"--domain *.example.org", "name each domain"},
		{"--domain localhost", "names of the internet"},
		{"--domain quiz.lan", "names of the internet"},
		{"--domain=", "not empty"},
		{"--door=", "is not the address of a door"},
		{"--tls-cert cert.pem", "belong together"},
		{"--tls-key key.pem", "belong together"},
		{"--domain quiz.example.org --tls-cert cert.pem --tls-key key.pem", "goes without --tls-cert"},
		{"--acme-email teacher@example.org", "for the certificates of --domain"},
		{"--listen-http :80", "with --domain or --tls-cert"},
		{"--trusted-proxy proxy.example.org", "--trusted-proxy"},
		{"--trusted-proxy 0.0.0.0/0", "believe everybody"},
	} {
		var out bytes.Buffer
		args := append([]string{"serve", "--data", t.TempDir()}, strings.Fields(tt.flags)...)
		if code := run(t.Context(), args, strings.NewReader(""), &out, &out); code != exitUsage || !strings.Contains(out.String(), tt.want) {
			t.Errorf("%s: exit code %d and %.200s, want %q", tt.flags, code, out.String(), tt.want)
		}
	}
}
