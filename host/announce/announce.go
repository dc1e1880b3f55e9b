// Package announce keeps a host known at a door: it signs where the host is reached now and puts it there, anew
// every few minutes and whenever something changes, and takes it back when the host ends. Behind a router that forwards
// a port it announces the router's address, which the door tells it. It must not know how a host gets its addresses, nor
// what a door does with them.
package announce

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"goop/shared/door"
	"goop/shared/peerid"
	"goop/shared/record"
	"goop/shared/wire"
)

const (
	// lookEvery is how often the host's addresses are looked at.
	lookEvery = 2 * time.Second
	// firstPause and maxPause are those after an announcement that did not arrive; each is twice the one before.
	firstPause = time.Second
	maxPause   = 3 * time.Minute
	// requestTime bounds one announcement, and closeTime the last one.
	requestTime = 20 * time.Second
	closeTime   = 2 * time.Second
)

// Host is what is announced: host/node has it.
type Host interface {
	Peer() wire.PeerID
	RecordAddrs() []record.Addr
	// RecordAddrsAt is where it is reached at an address from which its UDP port is forwarded.
	RecordAddrsAt(netip.AddrPort) []record.Addr
	Seal(seq uint64, addrs []record.Addr) ([]byte, error)
}

// Options say what is announced, and where.
type Options struct {
	Door *url.URL // of ParseDoor
	Host Host
	Log  *slog.Logger // nil discards
	// RouterPort is the UDP port that a router forwards to the host's, which only its operator knows; 0 for none. With
	// it everybody is told the router's address.
	RouterPort uint16
	// Transport moves the announcements; nil for one of its own.
	Transport http.RoundTripper
}

// Reach says whom an announcement brings.
type Reach string

const (
	Everybody  Reach = "everybody"
	OwnNetwork Reach = "own network" // visitors who share the host's public address
	Nobody     Reach = "nobody"      // no address of the host is any use
)

// Status tells how it goes.
type Status struct {
	Door  string // its address
	Page  string // the host's address there
	Last  int64  // when the door took the last announcement, in milliseconds since 1970; 0 for never
	Reach Reach  // of the last announcement
	// Router is the address in it that a router forwards to the host, as its operator says; the zero one when there is none.
	Router netip.AddrPort
	// Unrouted is why there is none although a port is forwarded; "" when there is one, or no port.
	Unrouted string
	// Problem is why the one after it did not arrive, and what to do; "" when all is well.
	Problem string
}

// Announcer announces a host from New until Close. It is safe for use by many goroutines.
type Announcer struct {
	host   Host
	door   *url.URL
	target string
	page   string
	port   uint16 // of the router; 0 for none
	log    *slog.Logger
	client *http.Client
	route  func(ctx context.Context, door *url.URL) netip.Addr

	cancel  context.CancelFunc
	stopped sync.WaitGroup
	tried   chan struct{} // closed when the first announcement has gone well or not
	once    sync.Once     // closes it

	// The loop's own.
	seq  uint64     // the last one that was used
	seen netip.Addr // where the door sees the host; the zero Addr while it has not said

	mu     sync.Mutex // guards the following
	status Status
}

// ParseDoor reads the address of a door, as flags have it. The error says what is allowed.
func ParseDoor(flag, s string) (*url.URL, error) {
	u, err := url.Parse(s)
	local := err == nil && (u.Hostname() == "localhost" || strings.HasSuffix(u.Hostname(), ".localhost"))
	switch {
	case err != nil || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "",
		u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf("%s %q is not the address of a door, such as https://door.example", flag, s)
	case u.Scheme == "http" && !local:
		return nil, fmt.Errorf("%s %q: a door is reached by https (http is for localhost alone)", flag, s)
	}
	if _, err := netip.ParseAddr(u.Hostname()); err == nil {
		return nil, fmt.Errorf("%s %q: a door has a name, below which each host has its own", flag, s)
	}
	return &url.URL{Scheme: u.Scheme, Host: strings.ToLower(u.Host)}, nil
}

// PageOf returns the address of a host at a door.
func PageOf(at *url.URL, peer wire.PeerID) (string, error) {
	label, err := peerid.Label(peer)
	if err != nil {
		return "", err
	}
	return at.Scheme + "://" + door.Site{Host: at.Host}.Origin(label) + "/", nil
}

// New begins to announce a host, which must listen by then. What it returns must be closed.
func New(o Options) (*Announcer, error) { return begin(o, routeTo) }

// begin is New with another guess at where the door sees the host.
func begin(o Options, route func(context.Context, *url.URL) netip.Addr) (*Announcer, error) {
	label, err := peerid.Label(o.Host.Peer())
	if err != nil {
		return nil, err
	}
	page, err := PageOf(o.Door, o.Host.Peer())
	if err != nil {
		return nil, err
	}
	a := &Announcer{
		host: o.Host, door: o.Door, target: o.Door.String() + door.HostsPath + label, page: page, port: o.RouterPort, log: o.Log, route: route, tried: make(chan struct{}),
		status: Status{Door: o.Door.String(), Page: page},
	}
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	if o.Transport == nil {
		o.Transport = newTransport(o.RouterPort != 0)
	}
	a.client = &http.Client{
		Transport:     o.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	ctx, cancel := context.WithCancel(context.Background())
	a.cancel = cancel
	a.stopped.Go(func() { a.run(ctx) })
	return a, nil
}

// Page is the host's address at the door.
func (a *Announcer) Page() string { return a.page }

// Status tells how it goes.
func (a *Announcer) Status() Status {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.status
}

// Wait waits until it is known how the first announcement went, but no longer than ctx allows.
func (a *Announcer) Wait(ctx context.Context) {
	select {
	case <-a.tried:
	case <-ctx.Done():
	}
}

// Close tells the door that the host is away, for at most 2 s or as long as ctx allows.
func (a *Announcer) Close(ctx context.Context) {
	a.cancel()
	a.stopped.Wait()
	defer a.client.CloseIdleConnections()
	if a.Status().Last == 0 {
		return // nobody thinks that it is there
	}
	ctx, cancel := context.WithTimeout(ctx, closeTime)
	defer cancel()
	if _, err := a.put(ctx, nil, nil); err != nil {
		a.log.Info("the door was not told that the host is away: for some minutes visitors look for it in vain", "door", a.door, "error", err)
	}
}

// run announces, now and whenever it is time or something has changed.
func (a *Announcer) run(ctx context.Context) {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	var announced []record.Addr                   // what the door took last, or was last offered
	due, pause := time.Now().Round(0), firstPause // by the clock on the wall: a machine that sleeps is late when it wakes
	for {
		if due.After(time.Now().Add(2 * maxPause)) { // and that clock was set back
			due = time.Now().Round(0)
		}
		addrs := a.host.RecordAddrs()
		if !same(addrs, announced) {
			due, pause = time.Now().Round(0), firstPause
		}
		if !time.Now().Before(due) {
			announced = addrs
			w, err := a.announce(ctx, addrs)
			if ctx.Err() != nil {
				return
			}
			a.tell(w, err)
			wait := door.Renew
			if err != nil {
				wait = max(pause, err.after)
				pause = min(2*pause, maxPause)
			} else {
				pause = firstPause
			}
			due = time.Now().Round(0).Add(jitter(min(wait, maxPause)))
		}
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
	}
}

// jitter spreads the announcements of hosts that began at the same moment: a tenth less or more.
func jitter(d time.Duration) time.Duration {
	return d - d/10 + rand.N(d/5+1)
}

// same reports whether two lists are the same addresses in the same order.
func same(a, b []record.Addr) bool { return slices.EqualFunc(a, b, equal) }

func equal(a, b record.Addr) bool {
	return a.Kind == b.Kind && a.IP == b.IP && a.Name == b.Name && a.Port == b.Port && a.TLS == b.TLS &&
		slices.EqualFunc(a.CertHashes, b.CertHashes, slices.Equal)
}

// tell notes how the last announcement went and whom it brings, and logs what is new about it.
func (a *Announcer) tell(w way, err *failure) {
	a.mu.Lock()
	before := a.status
	if err == nil {
		a.status.Problem = ""
		a.status.Last = time.Now().UnixMilli()
		a.status.Reach, a.status.Router, a.status.Unrouted = w.reach, w.router, w.unrouted
	} else {
		a.status.Problem = err.Error()
	}
	now := a.status
	a.mu.Unlock()
	defer a.once.Do(func() { close(a.tried) })
	switch {
	case err != nil && before.Problem != now.Problem:
		a.log.Warn("the host could not announce itself at the door", "door", now.Door, "problem", now.Problem)
	case err == nil && (before.Last == 0 || before.Problem != "" || before.Reach != now.Reach || before.Router != now.Router || before.Unrouted != now.Unrouted):
		if now.Unrouted != "" {
			a.log.Warn("visitors are not sent to a port of the router", "reason", now.Unrouted)
		}
		switch {
		case now.Router.IsValid():
			a.log.Info("visitors find the host at the door, and come by the UDP port that the router forwards", "page", now.Page, "router", now.Router)
		case now.Reach == Everybody:
			a.log.Info("visitors find the host at the door", "page", now.Page)
		case now.Reach == OwnNetwork:
			a.log.Info("visitors find the host at the door when they are in its own network: no address of this machine is reached from everywhere", "page", now.Page)
		case now.Reach == Nobody:
			a.log.Warn("the door knows the host, and no visitor can reach it: it listens on no address that others reach (look at --listen)", "page", now.Page)
		}
	}
}
