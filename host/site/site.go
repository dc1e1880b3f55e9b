// Package site is the HTTP front of a host: the site's files, what their pages load from /goop/, and
// the host's descriptor. The same handler answers over TCP and, one request a stream, over
// /goop/site/1.0.0 (see Site.ServeStream).
//
// It knows files, headers and bytes. It must not know libp2p, groups or SQL: who the host is comes
// in through Options.Descriptor. It serves nothing that differs by visitor and keeps no sessions, so
// a request needs no authentication and an answer may be stored by anybody.
//
// # Concurrency
//
// A Site may be used from many goroutines at once. It has no goroutines of its own and nothing to
// close; what it keeps in memory is bounded by cacheBytes. Over TCP, the times of reading and writing
// are the HTTP server's business.
package site

import (
	"io/fs"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"goop/shared/wire"
)

// Bounds of one request.
const (
	maxHost   = 255 // bytes of the Host header: a DNS name and a port
	maxTarget = 8 << 10
)

// Options says what a Site serves.
type Options struct {
	// Files is the site's folder, such as the FS of an os.Root. Its /goop/, its goop.json and its dot
	// files are never served.
	Files fs.FS
	// Hide is a folder that is not served either, should it lie within Files: the host's data. nil for
	// none.
	Hide fs.FileInfo
	// SDK is what pages load from /goop/: package js's FS.
	SDK fs.FS
	// Schema is the JSON schema of goop.json, served as /goop/goop.schema.json; nil for none.
	Schema []byte
	// CSP replaces DefaultCSP when it is not "".
	CSP string
	// Descriptor tells how the host is reached; the first URL of each kind fits r.Host.
	Descriptor func(r *http.Request) wire.Descriptor
	// Secure tells whether the visitor's browser came by https; nil for never.
	Secure func(r *http.Request) bool
	Logger *slog.Logger
}

// Site answers requests. It is an http.Handler.
type Site struct {
	files      fs.FS
	hide       fs.FileInfo
	assets     map[string]*asset // by path
	cache      *cache
	links      preloads
	csp        string
	descriptor func(r *http.Request) wire.Descriptor
	secure     func(r *http.Request) bool
	log        *slog.Logger
}

// New prepares a Site. It reads all of Options.SDK; an error means that the program was built wrongly.
func New(o Options) (*Site, error) {
	assets, links, err := sdkAssets(o.SDK)
	if err != nil {
		return nil, err
	}
	if o.Schema != nil {
		assets["/goop/goop.schema.json"] = newAsset("goop.schema.json", o.Schema, cacheShort)
	}
	csp := o.CSP
	if csp == "" {
		csp = DefaultCSP
	}
	return &Site{
		files:      o.Files,
		hide:       o.Hide,
		assets:     assets,
		cache:      newCache(cacheBytes),
		links:      links,
		csp:        csp,
		descriptor: o.Descriptor,
		secure:     o.Secure,
		log:        o.Logger,
	}, nil
}

// ServeHTTP answers one request.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	begun := time.Now()
	rec := &recorder{ResponseWriter: w}
	defer func() {
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler {
				panic(p)
			}
			s.log.Error("a request made the site panic", "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
			if rec.status != 0 {
				panic(http.ErrAbortHandler) // half an answer must not look like a whole one
			}
			clear(rec.Header())
			s.headers(rec.Header(), r)
			fail(rec, http.StatusInternalServerError, "The host has a fault; its log has the details.")
		}
		s.log.Debug("request", "method", r.Method, "path", r.URL.Path, "status", rec.status,
			"bytes", rec.bytes, "took", time.Since(begun), "from", r.RemoteAddr)
	}()
	s.headers(rec.Header(), r)
	if status, why := refuse(r); status != 0 {
		if status == http.StatusMethodNotAllowed {
			rec.Header().Set("Allow", "GET, HEAD")
		}
		rec.Header().Set("Connection", "close") // there may be a body that nobody reads
		fail(rec, status, why)
		return
	}
	switch path := r.URL.Path; {
	case path == "/healthz":
		s.serveJSON(rec, r, []byte(`{"status":"ok"}`))
	case path == wire.HostPath:
		rec.Header().Set("Access-Control-Allow-Origin", "*")
		d := s.descriptor(r)
		s.serveJSON(rec, r, d.Append(nil))
	case path == "/goop" || strings.HasPrefix(path, "/goop/"):
		s.serveAsset(rec, r)
	default:
		s.serveFile(rec, r)
	}
}

// refuse tells whether a request is out of bounds, with the status and the reason.
func refuse(r *http.Request) (status int, why string) {
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		return http.StatusMethodNotAllowed, "Only GET and HEAD are understood here."
	case r.ContentLength != 0:
		return http.StatusRequestEntityTooLarge, "A request must not have a body."
	case len(r.RequestURI) > maxTarget || len(r.URL.Path)+len(r.URL.RawQuery) > maxTarget:
		return http.StatusRequestURITooLong, "The address is too long; 8 KiB are allowed."
	case len(r.Host) > maxHost || strings.ContainsFunc(r.Host, notHost):
		return http.StatusBadRequest, "The Host header is not a host name or address with an optional port."
	}
	return 0, ""
}

// notHost reports whether c cannot stand in a Host header.
func notHost(c rune) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return false
	}
	return !strings.ContainsRune("-._:[]%", c)
}

// serveJSON answers with text that is true only now.
func (s *Site) serveJSON(w http.ResponseWriter, r *http.Request, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	write(w, r, http.StatusOK, body)
}

// recorder remembers what was answered, for the log.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}
