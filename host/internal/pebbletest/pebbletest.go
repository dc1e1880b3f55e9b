// Package pebbletest runs Pebble, Let's Encrypt's small certificate authority for tests, with a DNS server of its
// own. Both are real programs, of the versions in .ci/pebble.mod, and live on a loopback address that nobody else
// has, so that tests need not agree about ports. That takes a system on which all of 127.0.0.0/8 is the machine's
// own, such as Linux.
package pebbletest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	mrand "math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Ports on the server's address.
const (
	directoryPort  = "14000"
	managementPort = "15000"
	dnsPort        = "8053"
	dnsAdminPort   = "8055"
)

// Options change what a Server does.
type Options struct {
	Validity time.Duration // of the certificates, in whole seconds; 0 means 90 days
	HTTPS    int           // the port at which it looks for whom a name belongs to; 0 means 5001
	HTTP     int           // the same without TLS; 0 means 5002
}

// Server is an authority. It trusts every name whose address, which is the server's own unless SetAddr says
// otherwise, answers for it at the ports of its options.
type Server struct {
	Addr      string // a loopback address for the test alone
	HTTPS     int    // where the host is to listen
	HTTP      int
	Directory string // for --acme-ca; nobody answers before Run
	RootFile  string // for --acme-root

	dir    string
	client *http.Client
}

// New makes a server that does not run yet.
func New(t testing.TB, o Options) *Server {
	t.Helper()
	if o.HTTPS == 0 {
		o.HTTPS = 5001
	}
	if o.HTTP == 0 {
		o.HTTP = 5002
	}
	if o.Validity == 0 {
		o.Validity = 90 * 24 * time.Hour
	}
	ip := netip.AddrFrom4([4]byte{127, byte(1 + mrand.IntN(250)), byte(mrand.IntN(256)), byte(1 + mrand.IntN(250))}).String()
	s := &Server{Addr: ip, HTTPS: o.HTTPS, HTTP: o.HTTP, Directory: "https://" + net.JoinHostPort(ip, directoryPort) + "/dir", dir: t.TempDir()}
	s.RootFile = filepath.Join(s.dir, "root.pem")
	keyFile := filepath.Join(s.dir, "key.pem")
	roots := s.certificate(t, keyFile)
	s.client = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true}}
	config, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": net.JoinHostPort(ip, directoryPort), "managementListenAddress": net.JoinHostPort(ip, managementPort),
		"certificate": s.RootFile, "privateKey": keyFile,
		"httpPort": o.HTTP, "tlsPort": o.HTTPS,
		"retryAfter": map[string]int{"authz": 1, "order": 1}, "keyAlgorithm": "ecdsa",
		"domainBlocklist": []string{"blocked.example"},
		"profiles":        map[string]any{"default": map[string]any{"description": "for tests", "validityPeriod": int(o.Validity / time.Second)}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(s.dir, "config.json"), config)
	return s
}

// Run starts the server, and ends it with the test.
func (s *Server) Run(t testing.TB) {
	t.Helper()
	dns := net.JoinHostPort(s.Addr, dnsPort)
	s.start(t, "pebble-challtestsrv", "-dnsserver", dns, "-management", net.JoinHostPort(s.Addr, dnsAdminPort),
		"-defaultIPv4", s.Addr, "-defaultIPv6", "", "-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", "")
	s.start(t, "pebble", "-config", filepath.Join(s.dir, "config.json"), "-dnsserver", dns)
	for _, port := range []string{dnsAdminPort, dnsPort, managementPort, directoryPort} {
		s.await(t, port)
	}
}

// Roots returns the root of the certificates that the server gives.
func (s *Server) Roots(t testing.TB) *x509.CertPool {
	t.Helper()
	pool := x509.NewCertPool()
	if text := s.RootPEM(t); !pool.AppendCertsFromPEM(text) {
		t.Fatalf("Pebble's root is %q", text)
	}
	return pool
}

// RootPEM returns the same as text.
func (s *Server) RootPEM(t testing.TB) []byte {
	t.Helper()
	res, err := s.client.Get("https://" + net.JoinHostPort(s.Addr, managementPort) + "/roots/0")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("Pebble's root: %s, %v", res.Status, err)
	}
	return text
}

// SetAddr gives a name other addresses in the server's DNS; without any, the name is not in it.
func (s *Server) SetAddr(t testing.TB, name string, addrs ...string) {
	t.Helper()
	if len(addrs) == 0 {
		s.dns(t, "set-servfail", map[string]any{"host": name + "."})
		return
	}
	s.dns(t, "clear-servfail", map[string]any{"host": name + "."})
	s.dns(t, "add-a", map[string]any{"host": name + ".", "addresses": addrs})
}

func (s *Server) dns(t testing.TB, do string, body any) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.Post("http://"+net.JoinHostPort(s.Addr, dnsAdminPort)+"/"+do, "application/json", bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", do, res.Status)
	}
}

// start runs a program until the test ends. What it says is in the test's log when the test fails.
func (s *Server) start(t testing.TB, name string, args ...string) {
	t.Helper()
	module, err := exec.Command("go", "env", "GOMOD").Output() // a program built with -trimpath does not know its sources
	if err != nil {
		t.Fatalf("find the module: %v", err)
	}
	find := exec.Command("go", "tool", "-modfile=.ci/pebble.mod", "-n", name) // builds it where that was not done yet
	find.Dir = filepath.Dir(strings.TrimSpace(string(module)))
	find.Env = append(os.Environ(), "GOFLAGS=", "GOOS=", "GOARCH=")
	path, err := find.Output()
	if err != nil {
		t.Fatalf("build %s: %v", name, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, strings.TrimSpace(string(path)), args...)
	cmd.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1", "PEBBLE_AUTHZREUSE=0", "PEBBLE_WFE_NONCEREJECT=5")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	done := make(chan struct{})
	go func() {
		defer close(done)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if said.Len() < 1<<20 {
				said.WriteString(lines.Text() + "\n")
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-done
		_ = cmd.Wait() // it was killed
		if t.Failed() {
			t.Logf("%s said:\n%s", name, said.String())
		}
	})
}

// await waits until a port answers.
func (s *Server) await(t testing.TB, port string) {
	t.Helper()
	end := time.After(time.Minute)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		c, err := net.Dial("tcp", net.JoinHostPort(s.Addr, port))
		if err == nil {
			c.Close()
			return
		}
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("nothing answers at %s:%s: %v", s.Addr, port, err)
		}
	}
}

// certificate makes that of the server itself, which is its own root.
func (s *Server) certificate(t testing.TB, keyFile string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.ParseIP(s.Addr)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	write(t, s.RootFile, text)
	write(t, keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}))
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	return pool
}

func write(t testing.TB, name string, text []byte) {
	t.Helper()
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
}
