package cert

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// looksAtFiles is how often, at most, a handshake looks whether the files have changed. Whoever renews a
	// certificate writes its files days before the old one ends, so that nobody has to watch them.
	looksAtFiles = time.Second
	// maxFile bounds a certificate or a key in bytes.
	maxFile = 1 << 20
	// expiresSoon is when it is time to say so.
	expiresSoon = 7 * 24 * time.Hour
)

// Files is a certificate of one's own, in two PEM files. When they change, the next handshake shows the new one;
// files that do not make a certificate leave the old one in force. It is safe for use by many goroutines.
type Files struct {
	certFile, keyFile string
	log               *slog.Logger

	// mu guards the following.
	mu      sync.Mutex
	cert    *tls.Certificate
	looked  time.Time // when the files were last looked at
	state   [2]stamp  // of the files as cert was read from them, or as they were when that failed
	problem string    // why the files as they are now make no certificate
}

// stamp is what changes when a file does.
type stamp struct {
	at   time.Time
	size int64
}

// OpenFiles reads a certificate (with those between it and the root) and its key. The error names the file and
// what is wrong with it.
func OpenFiles(certFile, keyFile string, log *slog.Logger) (*Files, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	f := &Files{certFile: certFile, keyFile: keyFile, log: log, looked: time.Now()}
	var err error
	if f.state, err = f.stamps(); err != nil {
		return nil, err
	}
	if f.cert, err = f.read(); err != nil {
		return nil, err
	}
	f.warn()
	return f, nil
}

// TLS implements Keeper.
func (f *Files) TLS() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return f.current(), nil },
	}
}

// Names implements Keeper. A name with an asterisk stands for no address, and is left out.
func (f *Files) Names() []string {
	return slices.DeleteFunc(sans(f.current().Leaf), func(s string) bool { return strings.Contains(s, "*") })
}

// Covers implements Keeper.
func (f *Files) Covers(name string) bool { return f.current().Leaf.VerifyHostname(name) == nil }

// Status implements Keeper.
func (f *Files) Status() []Status {
	c := f.current()
	f.mu.Lock()
	defer f.mu.Unlock()
	s := Status{Names: sans(c.Leaf), Expires: c.Leaf.NotAfter, Problem: f.problem}
	if s.Problem == "" && time.Now().After(s.Expires) {
		s.Problem = "the certificate has expired: put a new one into " + f.certFile
	}
	return []Status{s}
}

// current returns the certificate, from the files when they have changed.
func (f *Files) current() *tls.Certificate {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	if now.Sub(f.looked) < looksAtFiles {
		return f.cert
	}
	f.looked = now
	// The stamps come before the bytes: what is written in between is read again.
	state, err := f.stamps()
	if err == nil && state == f.state && f.problem == "" {
		return f.cert
	}
	changed := err == nil && state != f.state
	var c *tls.Certificate
	if err == nil {
		c, err = f.read()
	}
	switch {
	case err != nil:
		// One of two files is written first, so that this may pass by itself: each look tries again.
		if problem := err.Error(); changed || problem != f.problem {
			f.log.Warn("the new certificate cannot be used, and the old one stays", "error", err)
			f.problem = problem
		}
	default:
		f.cert, f.problem = c, ""
		f.log.Info("the certificate was read again", "names", sans(c.Leaf), "expires", c.Leaf.NotAfter.UTC())
		f.warn()
	}
	f.state = state
	return f.cert
}

// warn tells of a certificate that browsers refuse, or will soon.
func (f *Files) warn() {
	left := time.Until(f.cert.Leaf.NotAfter)
	switch {
	case left <= 0:
		f.log.Warn("the certificate has expired: browsers refuse it until there is a new one in the file", "file", f.certFile, "expired", f.cert.Leaf.NotAfter.UTC())
	case left < expiresSoon:
		f.log.Warn("the certificate expires soon: put a new one into the file", "file", f.certFile, "expires", f.cert.Leaf.NotAfter.UTC())
	}
}

func (f *Files) stamps() (s [2]stamp, err error) {
	for i, name := range []string{f.certFile, f.keyFile} {
		info, err := os.Stat(name) // the file behind a link, which is how certbot has it
		if err != nil {
			what := [...]string{"certificate", "key"}[i]
			if e, ok := errors.AsType[*fs.PathError](err); ok {
				err = e.Err
			}
			return s, fmt.Errorf("the %s %s cannot be read: %w", what, name, err)
		}
		if info.Size() > maxFile {
			return s, fmt.Errorf("%s has %d bytes, which no certificate has", name, info.Size())
		}
		s[i] = stamp{info.ModTime(), info.Size()}
	}
	return s, nil
}

func (f *Files) read() (*tls.Certificate, error) {
	c, err := tls.LoadX509KeyPair(f.certFile, f.keyFile)
	if err != nil {
		return nil, fmt.Errorf("certificate %s with key %s: %w", f.certFile, f.keyFile, err)
	}
	return &c, nil
}

// sans returns what a certificate is for.
func sans(c *x509.Certificate) []string {
	list := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		list = append(list, ip.String())
	}
	return list
}
