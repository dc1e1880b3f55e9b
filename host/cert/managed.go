package cert

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/certmagic"
)

// LetsEncrypt is the directory of the authority that is asked without another one.
const LetsEncrypt = certmagic.LetsEncryptProductionCA

// acmeTLS is what an authority speaks that looks whether we answer for a name at the HTTPS port.
const acmeTLS = "acme-tls/1"

// Options say for which names certificates are kept, and who gives them.
type Options struct {
	Domains []string // from ParseDomains; the first is shown to those who ask for none
	Dir     string   // the folder in which they are kept
	CA      string   // the URL of an ACME directory; "" means LetsEncrypt
	Root    string   // a PEM file with the roots to trust when CA is asked; "" means the system's
	Email   string   // which the authority may write to; "" for none

	// Check is how often it is looked whether one has to be renewed; 0 means 10 minutes.
	Check time.Duration
	// Left is the part of its life that is left when one is renewed, if the authority does not ask for it earlier;
	// 0 means a third.
	Left float64
	Log  *slog.Logger // nil discards
}

// Ports are those on which the host listens, for the challenges of the authority. It asks at 443 and 80 whatever
// they are: other numbers are for those to whom these are forwarded.
type Ports struct {
	Host  string // the one address that is listened on; "" for all
	HTTPS int
	HTTP  int // 0 for none
}

// Managed gets certificates by itself and renews them. It is safe for use by many goroutines.
type Managed struct {
	opts   Options
	log    *slog.Logger
	roots  *x509.CertPool
	client *http.Client // for looking whether the authority is there

	cache  *certmagic.Cache
	config atomic.Pointer[certmagic.Config] // nil until Start
	issuer atomic.Pointer[certmagic.ACMEIssuer]

	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	// The first attempt of all opens the account at the authority; certmagic takes one that is half stored for
	// somebody called "default". So the others wait until it is over, well or not.
	leading atomic.Bool
	led     chan struct{}
	lead    func() // closes led

	// mu guards the following.
	mu       sync.Mutex
	problems map[string]string           // by domain
	told     map[string]map[string]*told // by domain and cause; emptied when there is a certificate
}

// NewManaged makes a Managed that has no certificate yet, and asks nobody. It must be closed.
func NewManaged(o Options) (*Managed, error) {
	if len(o.Domains) == 0 {
		return nil, errors.New("cert: no domain")
	}
	if o.CA == "" {
		o.CA = LetsEncrypt
	}
	if u, err := url.Parse(o.CA); err != nil || u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("%q is no https:// address of an ACME directory", o.CA)
	}
	m := &Managed{opts: o, log: o.Log, problems: map[string]string{}, told: map[string]map[string]*told{}}
	if m.log == nil {
		m.log = slog.New(slog.DiscardHandler)
	}
	if o.Root != "" {
		text, err := os.ReadFile(o.Root)
		if err != nil {
			return nil, err
		}
		m.roots = x509.NewCertPool()
		if !m.roots.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("%s holds no certificate in PEM", o.Root)
		}
	}
	m.client = &http.Client{Timeout: askTimeout, Transport: &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{RootCAs: m.roots}, DisableKeepAlives: true,
	}}
	m.led = make(chan struct{})
	m.lead = sync.OnceFunc(func() { close(m.led) })
	m.ctx, m.cancel = context.WithCancel(context.Background())
	m.cache = certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert: func(certmagic.Certificate) (*certmagic.Config, error) {
			if c := m.config.Load(); c != nil {
				return c, nil
			}
			return nil, errNotYet
		},
		RenewCheckInterval: o.Check,
		Logger:             zapTo(m.log),
	})
	return m, nil
}

// errNotYet is what a handshake before Start fails with.
var errNotYet = errors.New("cert: the host is not up yet")

// Start begins to get certificates, and to renew them. It returns at once: what fails is tried again until it
// works, is in the log, and in Status. It is called once, when the ports are open.
func (m *Managed) Start(p Ports) {
	logger := zapTo(m.log)
	c := certmagic.New(m.cache, certmagic.Config{
		Storage:            &certmagic.FileStorage{Path: m.opts.Dir},
		DefaultServerName:  m.opts.Domains[0],
		RenewalWindowRatio: m.opts.Left,
		OnEvent:            m.event,
		Logger:             logger,
	})
	issuer := certmagic.NewACMEIssuer(c, certmagic.ACMEIssuer{
		CA: m.opts.CA, TestCA: testCA(m.opts.CA), TrustedRoots: m.roots, Email: m.opts.Email, Agreed: true,
		ListenHost: p.Host, AltTLSALPNPort: p.HTTPS, AltHTTPPort: p.HTTP, DisableHTTPChallenge: p.HTTP == 0,
		Logger: logger,
	})
	c.Issuers = []certmagic.Issuer{issuer}
	m.issuer.Store(issuer)
	m.config.Store(c)
	for _, d := range m.opts.Domains {
		m.wg.Go(func() { m.keep(c, d) })
	}
}

// testCA is where a second attempt is rehearsed, so that a mistake does not use up what the authority grants.
func testCA(ca string) string {
	if ca == LetsEncrypt {
		return certmagic.LetsEncryptStagingCA
	}
	return ca
}

// keep brings a domain its certificate; from then on the cache renews it.
func (m *Managed) keep(c *certmagic.Config, domain string) {
	cert, err := c.CacheManagedCertificate(m.ctx, domain)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		m.log.Info("getting a certificate", "domain", domain, "from", m.opts.CA)
		if m.awaitCA(domain) && m.awaitAccount() {
			err = c.ObtainCertAsync(m.ctx, domain) // comes back when there is one
		}
	case err == nil && cert.NeedsRenewal(c): // the host was not there when it was time
		if m.awaitCA(domain) && m.awaitAccount() {
			err = c.RenewCertAsync(m.ctx, domain, false)
		}
	case err == nil:
		return
	}
	m.lead() // should it have failed before it was an attempt
	if m.ctx.Err() != nil {
		return
	}
	if err == nil {
		_, err = c.CacheManagedCertificate(m.ctx, domain)
	}
	if err != nil {
		m.fail(domain, err)
	}
}

// awaitAccount lets one attempt through, and the others when that is over. It reports whether that was before the end.
func (m *Managed) awaitAccount() bool {
	if m.leading.CompareAndSwap(false, true) {
		return true
	}
	select {
	case <-m.led:
		return true
	case <-m.ctx.Done():
		return false
	}
}

// event is told by certmagic what happens.
func (m *Managed) event(_ context.Context, event string, data map[string]any) error {
	domain, _ := data["identifier"].(string)
	switch event {
	case "cert_obtained":
		m.lead()
		renewal, _ := data["renewal"].(bool)
		m.mu.Lock()
		delete(m.problems, domain)
		delete(m.told, domain)
		m.mu.Unlock()
		m.log.Info("there is a new certificate", "domain", domain, "renewed", renewal)
	case "cached_managed_cert":
		for _, d := range names(data["sans"]) {
			m.log.Info("a certificate is in force", "domain", d, "expires", m.expires(d).UTC())
		}
	case "cert_failed":
		m.lead()
		if err, ok := data["error"].(error); ok && m.ctx.Err() == nil {
			m.fail(domain, err)
		}
	}
	return nil
}

func names(sans any) []string {
	list, _ := sans.([]string)
	return list
}

// fail notes why there is no certificate. That is tried again within seconds, for days perhaps: so the log has it once
// for each cause, and then ever more rarely. Status always has it.
func (m *Managed) fail(domain string, err error) {
	problem, why := Explain(domain, m.opts.CA, err), cause(domain, err)
	m.mu.Lock()
	m.problems[domain] = problem
	if m.told[domain] == nil {
		m.told[domain] = map[string]*told{}
	}
	t := m.told[domain][why]
	if t == nil {
		t = &told{}
		m.told[domain][why] = t
	}
	level := slog.LevelDebug
	if t.again(time.Now()) {
		level = slog.LevelWarn
	}
	times := t.times
	m.mu.Unlock()
	m.log.Log(m.ctx, level, "there is no new certificate, and it is tried again: "+problem, "domain", domain, "times", times, "error", err)
}

// Challenge answers what an authority asks over plain HTTP, and leaves everything else to next.
func (m *Managed) Challenge(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if i := m.issuer.Load(); i != nil && i.HandleHTTPChallenge(w, r) {
			return
		}
		next.ServeHTTP(w, r)
	})
}

// TLS implements Keeper.
func (m *Managed) TLS() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"http/1.1", acmeTLS},
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			if c := m.config.Load(); c != nil {
				return c.GetCertificate(hello)
			}
			return nil, errNotYet
		},
	}
}

// Names implements Keeper.
func (m *Managed) Names() []string { return slices.Clone(m.opts.Domains) }

// Covers implements Keeper.
func (m *Managed) Covers(name string) bool { return slices.Contains(m.opts.Domains, name) }

// Ready reports whether there is a certificate for a domain.
func (m *Managed) Ready(domain string) bool { return !m.expires(domain).IsZero() }

// expires returns when the certificate of a domain that lasts longest ends, or zero when there is none.
func (m *Managed) expires(domain string) (t time.Time) {
	for _, c := range m.cache.AllMatchingCertificates(domain) {
		if c.Leaf != nil && c.Leaf.NotAfter.After(t) {
			t = c.Leaf.NotAfter
		}
	}
	return t
}

// Status implements Keeper.
func (m *Managed) Status() []Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []Status
	for _, d := range m.opts.Domains {
		list = append(list, Status{Names: []string{d}, Expires: m.expires(d), Problem: m.problems[d]})
	}
	return list
}

// Close ends the attempts and waits for those of Start. A renewal that certmagic has under way by itself may
// outlive it by a moment; what it stores is whole or not there.
func (m *Managed) Close() {
	m.cancel()
	m.wg.Wait()
	m.cache.Stop()
	m.client.CloseIdleConnections()
}
