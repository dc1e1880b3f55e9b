// Package door is a door that runs as a program of its own, without Cloudflare: it takes hosts' announcements, gives
// visitors their records, and serves the pages that bring a browser to a host. What is decided about an
// announcement is decided by shared/door, as in the Worker; here are HTTP, the memory of what was announced (a map with a
// journal on the disk) and the rates. It must not know groups, data or libp2p, nor what the pages do.
package door

import (
	"crypto/ed25519"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"goop/host/proxy"
	"goop/shared/door"
	"goop/shared/wire"
)

// Options say how a door is.
type Options struct {
	// Host is the door's own name in the web: door.example, or localhost. With a port only requests with that one are
	// for the door, else those with any.
	Host string
	// Trusted are the proxies whose word about a visitor's address is believed.
	Trusted []netip.Prefix
	// Files are the door's pages: package js has them as Door. Without any, the door answers programs alone.
	Files fs.FS
	// Dir is the folder in which the door remembers. One door at a time may use it.
	Dir string
	Log *slog.Logger // nil discards
}

// Door is an http.Handler. It is safe for use by many goroutines.
type Door struct {
	site    door.Site
	trusted []netip.Prefix
	files   *files
	hosts   *hosts
	log     *slog.Logger

	mu    sync.Mutex // guards rates
	rates door.Rates

	warned atomic.Bool // of a proxy that is not trusted
}

// Open opens the door's memory. A door that was opened must be closed.
func Open(o Options) (*Door, error) {
	d := &Door{site: door.Site{Host: strings.ToLower(o.Host)}, trusted: o.Trusted, log: o.Log}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if d.files, err = readFiles(o.Files); err != nil {
		return nil, err
	}
	if d.hosts, err = openHosts(o.Dir, time.Now(), d.log); err != nil {
		return nil, err
	}
	return d, nil
}

// Close writes down what the door knows. No request may be under way.
func (d *Door) Close() error { return d.hosts.close() }

// Hosts returns how many hosts the door remembers, and of how many it gives visitors a record now.
func (d *Door) Hosts() (known, here int) { return d.hosts.count(time.Now()) }

// ServeHTTP implements http.Handler.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	label, ok := d.site.Label(d.host(r))
	if !ok {
		refuse(w, wire.E(wire.NotFound, "this is the door ", d.site.Host, ", and you asked for another name"))
		return
	}
	path := r.URL.Path
	if named, ok := strings.CutPrefix(path, door.HostsPath); ok {
		named = strings.ToLower(named)
		switch {
		case label != "" && named != label:
			refuse(w, wire.E(wire.NotFound, "this is the origin of another host"))
		case r.Method == http.MethodPut:
			d.announce(w, r, named)
		case allowed(w, r, "GET, HEAD, PUT"):
			d.record(w, r, named)
		}
		return
	}
	if !allowed(w, r, "GET, HEAD") {
		return
	}
	switch {
	case path == door.RecordPath && label != "":
		d.record(w, r, label)
	case strings.HasPrefix(path, door.Root):
		d.files.serve(w, r, strings.TrimPrefix(path, door.Root))
	case label != "":
		d.files.page(w, r, "visit.html")
	case path == "/":
		d.files.page(w, r, "index.html")
	default:
		refuse(w, wire.E(wire.NotFound, "there is nothing here"))
	}
}

// host returns the name that a request is for: without its port when the door's own has none, since it then may be
// reached by any.
func (d *Door) host(r *http.Request) string {
	if name, _, err := net.SplitHostPort(r.Host); err == nil && !strings.Contains(d.site.Host, ":") {
		return name
	}
	return r.Host
}

// announce takes an announcement.
func (d *Door) announce(w http.ResponseWriter, r *http.Request, label string) {
	from := d.from(r)
	err := d.take(r, label, from)
	if err == nil {
		h := w.Header()
		plain(h)
		h.Set(door.SeenHeader, from.String())
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if door.Status(err) == http.StatusInternalServerError {
		d.log.Error("an announcement could not be kept", "host", label, "error", err)
	} else {
		d.log.Debug("an announcement is refused", "host", label, "from", from, "error", err)
	}
	refuse(w, err)
}

func (d *Door) take(r *http.Request, label string, from netip.Addr) error {
	now := time.Now()
	d.mu.Lock()
	err := d.rates.Announcement(from, now)
	d.mu.Unlock()
	if err != nil {
		return err
	}
	if r.ContentLength > door.MaxBody {
		return wire.E(wire.TooLarge, "an announcement has at most 8192 bytes")
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, door.MaxBody+1))
	if err != nil {
		return wire.E(wire.BadMessage, "the announcement ended early")
	}
	have := d.hosts.get(label)
	next, err := door.Announce(door.Announcement{Label: label, Body: body, From: from, Now: now}, have, verify)
	if err != nil || next == nil {
		return err
	}
	if have == nil {
		d.mu.Lock()
		err := d.rates.NewHost(from, now)
		d.mu.Unlock()
		if err != nil {
			return err
		}
	}
	if err := d.hosts.put(label, next, now); err != nil {
		return err
	}
	d.log.Debug("a host has announced itself", "host", label, "from", from, "public", len(next.Public) > 0, "local", len(next.Local) > 0)
	return nil
}

func verify(public, message, signature []byte) bool {
	return len(public) == ed25519.PublicKeySize && ed25519.Verify(public, message, signature)
}

// record answers a visitor.
func (d *Door) record(w http.ResponseWriter, r *http.Request, label string) {
	entry := d.hosts.get(label)
	var envelope []byte
	if entry != nil {
		envelope = entry.For(d.from(r), time.Now())
	}
	if envelope == nil {
		refuse(w, door.Absent())
		return
	}
	h := w.Header()
	plain(h)
	h.Set("Content-Type", "application/octet-stream")
	_, _ = w.Write(envelope)
}

// from returns where a request comes from.
func (d *Door) from(r *http.Request) netip.Addr {
	if r.Header.Get("X-Forwarded-For") != "" && !proxy.Trusts(d.trusted, proxy.Peer(r)) && !d.warned.Swap(true) {
		d.log.Warn("a proxy in front of this door is not trusted, and so all visitors seem to be where it is: name it with --trusted-proxy", "proxy", proxy.Peer(r))
	}
	return proxy.ClientAddr(r, d.trusted)
}

// allowed answers requests with other methods than those in the list, whose first is GET.
func allowed(w http.ResponseWriter, r *http.Request, methods string) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return true
	}
	w.Header().Set("Allow", methods)
	refuse(w, wire.E(wire.UnsupportedType, "here is only ", methods))
	return false
}

// refuse answers with an error.
func refuse(w http.ResponseWriter, err error) {
	h := w.Header()
	plain(h)
	h.Set("Content-Type", "application/json")
	if after := door.RetryAfter(err); after != "" {
		h.Set("Retry-After", after)
	}
	w.WriteHeader(door.Status(err))
	_, _ = w.Write(door.AppendError(nil, err))
}

// plain sets the headers of what is no page.
func plain(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
}

// ErrNoFiles says that the program was built without the door's pages.
var ErrNoFiles = errors.New("this goop was built without the door's pages; build it with ./build.sh build")
