// Package cert keeps the certificates with which a host ends TLS: those that it gets and renews by itself from a
// certificate authority that speaks ACME (Managed), and those of one's own in files (Files).
//
// It is built on certmagic and is the only package that imports it. It must not know what is served over TLS, nor
// who listens: the listener is given a *tls.Config, and the plain HTTP side a handler to ask first.
package cert

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
	"time"
)

// MaxDomains bounds the domains of one host. Each is a certificate of its own.
const MaxDomains = 32

// A Status tells how a certificate is.
type Status struct {
	Names   []string  // what it is for
	Expires time.Time // zero while there is none
	// Problem is why there is none, or why it could not be renewed or read again, and what to do; "" when all is well.
	Problem string
}

// A Keeper is a source of certificates: *Managed or *Files.
type Keeper interface {
	// TLS returns what a listener needs. It stays good: what changes is read at each handshake.
	TLS() *tls.Config
	// Names returns the names (and IP addresses) for which the host can show a certificate, the best first.
	Names() []string
	// Covers reports whether browsers believe the host under a name. Those below a name with an asterisk are among them.
	Covers(name string) bool
	// Status returns how the certificates are now.
	Status() []Status
}

var (
	_ Keeper = (*Managed)(nil)
	_ Keeper = (*Files)(nil)
)

// ParseDomains checks names of a flag such as --domain, and returns them in lower case, each once.
func ParseDomains(flag string, names []string) ([]string, error) {
	var list []string
	for _, s := range names {
		name := strings.ToLower(strings.TrimSuffix(s, "."))
		switch {
		case strings.Contains(name, "*"):
			return nil, fmt.Errorf("%s %q: certificates for all names below one need a way that goop does not go; name each domain", flag, s)
		case !IsName(name):
			return nil, fmt.Errorf("%s %q is no name such as quiz.example.org (without https:// and port; an address has no certificate)", flag, s)
		}
		if !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	if len(list) > MaxDomains {
		return nil, fmt.Errorf("%s: %d domains, and at most %d are allowed", flag, len(list), MaxDomains)
	}
	return list, nil
}

// IsName reports whether a text in lower case is a name of the DNS, and neither an address nor a wildcard.
func IsName(name string) bool {
	if len(name) > 253 {
		return false
	}
	label := ""
	for label = range strings.SplitSeq(name, ".") {
		if len(label) == 0 || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, c := range []byte(label) {
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
				return false
			}
		}
	}
	return strings.Trim(label, "0123456789") != "" // the last label of an address is a number
}

// Public reports whether an authority for everybody may know a name: it has a dot, and is not set aside for private
// networks.
func Public(name string) bool {
	i := strings.LastIndexByte(name, '.')
	return i >= 0 && !slices.Contains([]string{"localhost", "local", "lan", "internal", "home", "test", "invalid"}, name[i+1:])
}
