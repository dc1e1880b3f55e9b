// Package sitefetch is the member's half of /goop/site/1.0.0: HTTP/1.1 with one request on each stream, as a browser
// needs it to show a site whose pages come over libp2p (host/site has the other half). It reads strictly: what
// is not exactly an answer as a host writes it is refused, whole.
//
// It knows streams and HTTP, and must not know the browser, a door or what a site is. A Client may be used
// from many goroutines at once; a Body by one.
package sitefetch
