package site

import "net/http"

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

// headers sets what every answer carries.
func (s *Site) headers(h http.Header) {
	h.Set("Content-Security-Policy", s.csp)
	h.Set("X-Content-Type-Options", "nosniff")
	// An owner or invite link keeps its secret in the fragment, which browsers leave out of a Referer
	// anyway; the rest of the address is nobody's business either.
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Permissions-Policy", permissions)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
}
