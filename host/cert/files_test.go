package cert

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pair makes a certificate and its key, as text.
func pair(t *testing.T, number int64, until time.Time) (certificate, key []byte) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(number), NotBefore: time.Unix(0, 0), NotAfter: until,
		DNSNames: []string{"quiz.example.org", "*.example.org"}, IPAddresses: []net.IP{net.IPv4(192, 0, 2, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
}

func put(t *testing.T, name string, text []byte) {
	t.Helper()
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestFilesReload changes the files while time passes: what makes no certificate leaves the old one in force.
func TestFilesReload(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		far := time.Now().Add(90 * 24 * time.Hour)
		c1, k1 := pair(t, 1, far)
		put(t, certFile, c1)
		put(t, keyFile, k1)
		f, err := OpenFiles(certFile, keyFile, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		shown := func(want int64, why string) {
			t.Helper()
			c, err := f.TLS().GetCertificate(nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := c.Leaf.SerialNumber.Int64(); got != want {
				t.Fatalf("%s: certificate %d is shown, want %d\n%s", why, got, want, &log)
			}
		}
		problem := func() string { return f.Status()[0].Problem }
		shown(1, "at first")
		if got := f.Names(); !slices.Equal(got, []string{"quiz.example.org", "192.0.2.1"}) {
			t.Errorf("names: got %q", got)
		}

		c2, k2 := pair(t, 2, far)
		put(t, certFile, c2)
		shown(1, "within the same second")
		time.Sleep(looksAtFiles)
		shown(1, "the key is still the old one")
		if !strings.Contains(problem(), certFile) || !strings.Contains(log.String(), "level=WARN") {
			t.Errorf("the problem is %q, the log\n%s", problem(), &log)
		}
		put(t, keyFile, k2)
		time.Sleep(looksAtFiles)
		shown(2, "both are new")
		if problem() != "" {
			t.Errorf("the problem is %q", problem())
		}

		for _, broken := range []struct {
			why   string
			spoil func()
		}{
			{"an empty file", func() { put(t, certFile, nil) }},
			{"half a file", func() { put(t, certFile, c2[:len(c2)/2]) }},
			{"no file", func() { _ = os.Remove(certFile) }},
			{"a huge file", func() { put(t, certFile, make([]byte, maxFile+1)) }},
		} {
			log.Reset()
			broken.spoil()
			for range 10 {
				time.Sleep(looksAtFiles)
				shown(2, broken.why)
			}
			if got := strings.Count(log.String(), "level=WARN"); got != 1 || problem() == "" {
				t.Errorf("%s: %d warnings, the problem is %q", broken.why, got, problem())
			}
		}
		c3, k3 := pair(t, 3, time.Now().Add(time.Hour))
		put(t, keyFile, k3)
		put(t, certFile, c3)
		log.Reset()
		time.Sleep(looksAtFiles)
		shown(3, "repaired")
		if !strings.Contains(log.String(), "expires soon") {
			t.Errorf("of a certificate for an hour the log says\n%s", &log)
		}
		time.Sleep(2 * time.Hour)
		if shown(3, "expired"); !strings.Contains(problem(), "expired") {
			t.Errorf("of an expired certificate the status says %q", problem())
		}
	})
}

func TestOpenFilesRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	c, _ := pair(t, 1, time.Now().Add(time.Hour))
	_, k := pair(t, 2, time.Now().Add(time.Hour))
	if _, err := OpenFiles(certFile, keyFile, nil); err == nil || err.Error() != "the certificate "+certFile+" cannot be read: no such file or directory" {
		t.Errorf("no files: got %v", err)
	}
	put(t, certFile, c)
	if _, err := OpenFiles(certFile, keyFile, nil); err == nil || err.Error() != "the key "+keyFile+" cannot be read: no such file or directory" {
		t.Errorf("no key: got %v", err)
	}
	put(t, keyFile, k)
	if _, err := OpenFiles(certFile, keyFile, nil); err == nil || !strings.Contains(err.Error(), keyFile) {
		t.Errorf("another's key: got %v", err)
	}
}
