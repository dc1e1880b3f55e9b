package site

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// DefaultCSP is the Content-Security-Policy of a site whose goop.json sets no other.
//
// Scripts come from the site's own files alone, never from the page's text; 'wasm-unsafe-eval' lets
// the member run. connect-src is wide because the member dials the host by addresses that are not the
// page's origin. Inline styles are allowed: with images, fonts and media held to the site they can
// send nothing away, and many libraries need them.
const DefaultCSP = "default-src 'self'; " +
	"script-src 'self' 'wasm-unsafe-eval'; " +
	"style-src 'self' 'unsafe-inline'; " +
	"img-src 'self' data: blob:; " +
	"font-src 'self' data:; " +
	"media-src 'self' data: blob:; " +
	"connect-src 'self' https: ws: wss:; " +
	"object-src 'none'; " +
	"base-uri 'self'; " +
	"form-action 'self'; " +
	"frame-ancestors 'self'"

// permissions switches off what no page of a site needs; the rest stays with the page itself.
const permissions = "hid=(), midi=(), payment=(), serial=(), usb=()"

// headers sets what every answer carries. r is nil for a request that could not be read.
func (s *Site) headers(h http.Header, r *http.Request) {
	h.Set("Content-Security-Policy", s.csp)
	h.Set("X-Content-Type-Options", "nosniff")
	// An owner or invite link keeps its secret in the fragment, which browsers leave out of a Referer
	// anyway; the rest of the address is nobody's business either.
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Permissions-Policy", permissions)
	// Browsers heed this one on trustworthy origins alone, and complain in the console on others.
	if r != nil && (loopback(r.Host) || s.secure != nil && s.secure(r)) {
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
	}
}

// loopback reports whether a Host header names this machine, which browsers trust without https.
func loopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && addr.IsLoopback()
}
