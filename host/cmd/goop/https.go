package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"goop/host/cert"
	"goop/host/control"
	"goop/host/node"
	"goop/host/proxy"
)

const (
	// certsName is the folder in the data folder with the certificates that the host got by itself.
	certsName = "certificates"
	// lasting is for how long a browser that came by https remembers to come by nothing else. A month is long
	// enough for who comes back, and over when somebody has changed his mind about --domain.
	lasting = 30 * 24 * time.Hour
	// off is a port that is not wanted.
	off = "off"
)

// httpsOptions say how the host ends TLS, or who does it in front of it.
type httpsOptions struct {
	domains    []string // for which the host gets certificates by itself
	ca         string   // the directory of the authority; "" for Let's Encrypt
	root       string   // the file with the roots by which the authority is known; "" for the system's
	email      string
	certFile   string // of one's own certificate; "" for none
	keyFile    string
	listenHTTP string         // "" for none
	trusted    []netip.Prefix // reverse proxies
}

// httpsFlags adds the flags; the function that it returns reads them, and sets where --listen has no own value.
func httpsFlags(cmd *cobra.Command, o *httpsOptions, listen *string) (read func() error) {
	f := cmd.Flags()
	f.StringSliceVar(&o.domains, "domain", nil, "`name` for which the host gets and renews a certificate by itself, to serve https at port 443; may be given again")
	f.StringVar(&o.ca, "acme-ca", "", "`URL` of another ACME directory than that of Let's Encrypt, for --domain")
	f.StringVar(&o.root, "acme-root", "", "PEM `file` with the roots by which the one of --acme-ca is known; without it the system's")
	f.StringVar(&o.email, "acme-email", "", "`address` to which the certificate authority may write; none without it")
	f.StringVar(&o.certFile, "tls-cert", "", "PEM `file` with a certificate of your own, to serve https; read again when it changes")
	f.StringVar(&o.keyFile, "tls-key", "", "PEM `file` with its key")
	f.StringVar(&o.listenHTTP, "listen-http", "", "`address` for plain HTTP beside https, which leads to https; :80 with --domain, or off")
	trusted := f.StringSlice("trusted-proxy", []string{"127.0.0.0/8", "::1"}, "`address` or net of a reverse proxy whose X-Forwarded headers are believed; may be given again")
	return func() (err error) {
		if o.domains, err = cert.ParseDomains("--domain", o.domains); err != nil {
			return err
		}
		if o.trusted, err = proxy.ParseTrusted("--trusted-proxy", *trusted); err != nil {
			return err
		}
		secure := len(o.domains) > 0
		switch {
		case f.Changed("domain") && !secure:
			return errors.New("--domain is a name such as quiz.example.org, and not empty")
		case o.ca == "" && slices.ContainsFunc(o.domains, func(d string) bool { return !cert.Public(d) }):
			return fmt.Errorf("--domain %s: Let's Encrypt gives certificates for names of the internet alone; --acme-ca names an authority of your own", strings.Join(o.domains, ","))
		case (o.certFile == "") != (o.keyFile == ""):
			return errors.New("--tls-cert and --tls-key belong together")
		case secure && o.certFile != "":
			return errors.New("--domain gets a certificate by itself; it goes without --tls-cert")
		case !secure && (o.ca != "" || o.root != "" || o.email != ""):
			return errors.New("--acme-ca, --acme-root and --acme-email are for the certificates of --domain")
		case o.listenHTTP != "" && !secure && o.certFile == "":
			return errors.New("--listen-http is for a host that serves https, with --domain or --tls-cert")
		}
		if secure && !f.Changed("listen") {
			*listen = ":443"
		}
		if secure && o.listenHTTP == "" {
			o.listenHTTP = ":80"
		}
		if o.listenHTTP == off {
			o.listenHTTP = ""
		}
		return nil
	}
}

// openCerts gets the certificates ready; nil for a host without TLS.
func (h *running) openCerts() (t *node.TLS, err error) {
	o := h.opts.https
	switch {
	case len(o.domains) > 0:
		h.managed, err = cert.NewManaged(cert.Options{
			Domains: o.domains, Dir: filepath.Join(h.opts.data, certsName), CA: o.ca, Root: o.root, Email: o.email, Log: h.opts.log,
		})
		if err != nil {
			return nil, fmt.Errorf("certificates: %w", err)
		}
		h.certs = h.managed
	case o.certFile != "":
		files, err := cert.OpenFiles(o.certFile, o.keyFile, h.opts.log)
		if err != nil {
			return nil, err
		}
		h.certs = files
	default:
		return nil, nil
	}
	return &node.TLS{Config: h.certs.TLS(), Names: h.certs.Names}, nil
}

// getCerts begins to get and renew certificates. The ports must be open.
func (h *running) getCerts() {
	if h.managed == nil {
		return
	}
	var p cert.Ports
	p.HTTPS, p.HTTP = h.node.Ports()
	if host, _, err := net.SplitHostPort(h.opts.listen); err == nil {
		if a, err := netip.ParseAddr(host); err == nil && !a.IsUnspecified() {
			p.Host = host
		}
	}
	h.managed.Start(p)
}

// front puts before the site what a host with certificates of its own says to browsers: that they may remember it.
// With a certificate from files, or behind a proxy, that is for the operator to promise.
func (h *running) front(site http.Handler) http.Handler {
	if h.managed == nil {
		return site
	}
	value := "max-age=" + strconv.Itoa(int(lasting/time.Second))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Strict-Transport-Security", value)
		site.ServeHTTP(w, r)
	})
}

// plainFront answers plain HTTP beside https: the authority that asks for whom a name is, who looks whether the host
// is up, and everybody else with where to go.
func (h *running) plainFront(site http.Handler) http.Handler {
	lead := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/healthz" {
			site.ServeHTTP(w, r)
			return
		}
		name := h.nameFor(r.Host)
		header := w.Header()
		header.Set("X-Content-Type-Options", "nosniff")
		if h.managed != nil && !h.managed.Ready(name) {
			h.waiting(w)
			return
		}
		if name == "" || !strings.HasPrefix(r.URL.RequestURI(), "/") {
			http.Error(w, "this host is reached by https", http.StatusBadRequest)
			return
		}
		header.Set("Cache-Control", "max-age=3600") // a browser keeps this answer for ever otherwise
		http.Redirect(w, r, "https://"+h.authority(name)+r.URL.RequestURI(), http.StatusPermanentRedirect)
	})
	if h.managed != nil {
		return h.managed.Challenge(lead)
	}
	return lead
}

// waiting answers as long as there is no certificate, and has the browser come again.
func (h *running) waiting(w http.ResponseWriter) {
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", "default-src 'none'")
	header.Set("Cache-Control", "no-store")
	header.Set("Retry-After", "10")
	header.Set("Refresh", "5")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = w.Write([]byte("<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width, initial-scale=1'>" +
		"<meta name=color-scheme content='light dark'><title>One moment</title><h1>One moment</h1>" +
		"<p>This host is getting its certificate. The page comes by itself.</p>"))
}

// nameFor picks, for the Host header of a request, the name to which it is led: whoever writes another one than ours
// must not be led there, nor must those to whom a cache gives that answer. It is "" when there is none.
func (h *running) nameFor(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if h.certs.Covers(host) {
		return host
	}
	if names := h.certs.Names(); len(names) > 0 {
		return names[0]
	}
	return ""
}

// authority returns where browsers find a name: at the port of --public-url, when it is that name's, or at the one
// that is listened on.
func (h *running) authority(name string) string {
	if p := h.opts.public; p != nil && p.Scheme == "https" && p.Hostname() == name {
		return p.Host
	}
	port, _ := h.node.Ports()
	u := url.URL{Host: net.JoinHostPort(name, strconv.Itoa(port))}
	if port == 443 {
		return strings.TrimSuffix(u.Host, ":443")
	}
	return u.Host
}

// secure reports whether the visitor's browser came by https: to this host, to a trusted proxy in front, or to an
// address that the operator says is one.
func (h *running) secure(r *http.Request) bool {
	if p := h.opts.public; p != nil && p.Scheme == "https" && strings.EqualFold(r.Host, p.Host) {
		return true
	}
	if proxy.Secure(r, h.opts.https.trusted) {
		return true
	}
	if from := proxy.Peer(r); from.IsValid() && r.Header.Get("X-Forwarded-Proto") != "" && !proxy.Trusts(h.opts.https.trusted, from) {
		h.stranger.Do(func() {
			h.opts.log.Warn("a request says that it came through a reverse proxy, which is not believed; if it is yours, name it with --trusted-proxy", "from", from)
		})
	}
	return false
}

// certificates tells how they are.
func (h *running) certificates() []control.Certificate {
	if h.certs == nil {
		return nil
	}
	var list []control.Certificate
	for _, s := range h.certs.Status() {
		c := control.Certificate{Names: s.Names, Problem: s.Problem}
		if !s.Expires.IsZero() {
			c.Expires = s.Expires.UnixMilli()
		}
		list = append(list, c)
	}
	return list
}

// certificateLine is one of them for people.
func certificateLine(c control.Certificate) string {
	text := strings.Join(c.Names, ", ") + ": "
	switch {
	case c.Problem != "" && c.Expires == 0:
		return text + "NONE YET: " + plain(c.Problem)
	case c.Problem != "":
		return text + "until " + when(c.Expires) + "; " + plain(c.Problem)
	case c.Expires == 0:
		return text + "on its way"
	}
	return text + "until " + when(c.Expires)
}
