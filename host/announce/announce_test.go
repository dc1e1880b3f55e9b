package announce

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	hostdoor "goop/host/door"
	"goop/shared/door"
	"goop/shared/record"
	"goop/shared/record/recordtest"
	"goop/shared/wire"
)

const (
	home = "93.184.215.14"
	away = "8.8.8.8"
)

// machine is a host whose addresses change.
type machine struct {
	key ed25519.PrivateKey

	mu    sync.Mutex
	addrs []record.Addr
}

func (m *machine) Peer() wire.PeerID { return recordtest.Peer(m.key) }

func (m *machine) RecordAddrs() []record.Addr {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.addrs)
}

func (m *machine) RecordAddrsAt(at netip.AddrPort) []record.Addr {
	w := wt(at.Addr().String(), 1)
	w.Port = at.Port()
	return []record.Addr{w, {Kind: record.QUIC, IP: at.Addr(), Port: at.Port()}}
}

func (m *machine) set(addrs ...record.Addr) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.addrs = addrs
}

func (m *machine) Seal(seq uint64, addrs []record.Addr) ([]byte, error) {
	return recordtest.Seal(m.key, seq, addrs...), nil
}

// network carries requests to a door, as if they came from an address; answer, when there is one, is what is there
// in its place.
type network struct {
	there *hostdoor.Door

	mu     sync.Mutex
	from   string
	answer func(*http.Request) (*http.Response, error)
	count  int
	last   time.Time
}

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	n.mu.Lock()
	answer, from := n.answer, n.from
	n.count++
	n.last = time.Now()
	n.mu.Unlock()
	if answer != nil {
		return answer(r)
	}
	in := httptest.NewRequest(r.Method, r.URL.String(), r.Body)
	in.RemoteAddr = net.JoinHostPort(from, "1")
	w := httptest.NewRecorder()
	n.there.ServeHTTP(w, in)
	return w.Result(), nil
}

func (n *network) become(from string, answer func(*http.Request) (*http.Response, error)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.from, n.answer = from, answer
}

func (n *network) announcements() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.count
}

// record is what a visitor at an address is given; nil for nothing.
func (n *network) record(t *testing.T, m *machine, from string) *record.Record {
	t.Helper()
	r := httptest.NewRequest("GET", "https://door.example"+door.HostsPath+recordtest.Label(m.key), nil)
	r.RemoteAddr = net.JoinHostPort(from, "1")
	w := httptest.NewRecorder()
	n.there.ServeHTTP(w, r)
	if w.Code == http.StatusNotFound {
		return nil
	}
	rec, err := record.Open(w.Body.Bytes(), recordtest.Verify)
	if err != nil {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	return &rec
}

type world struct {
	*machine
	*network
	*Announcer
	options Options
	log     *bytes.Buffer // to be read while all sleep
}

// inWorld runs a test in a bubble in which a machine at home announces itself. guess is what it takes for its address.
func inWorld(t *testing.T, guess string, change func(*world), test func(*testing.T, *world)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, err := hostdoor.Open(hostdoor.Options{Host: "door.example", Dir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		w := &world{machine: &machine{key: recordtest.Key(1)}, network: &network{there: d, from: home}, log: &bytes.Buffer{}}
		w.set(wt(home, 1), wt("192.168.1.5", 1), wt("127.0.0.1", 1))
		if change != nil {
			change(w)
		}
		at, err := ParseDoor("--door", "https://Door.example/")
		if err != nil {
			t.Fatal(err)
		}
		route := func(context.Context, *url.URL) netip.Addr { return netip.MustParseAddr(guess) }
		w.options.Door, w.options.Host, w.options.Log, w.options.Transport = at, w.machine, slog.New(slog.NewTextHandler(w.log, nil)), w.network
		w.Announcer, err = begin(w.options, route)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		test(t, w)
		w.Close(t.Context())
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
}

func wt(ip string, cert byte) record.Addr {
	hash := make([]byte, 32)
	hash[0] = cert
	return record.Addr{Kind: record.WebTransport, IP: netip.MustParseAddr(ip), Port: 7780, CertHashes: [][]byte{hash}}
}

func texts(r *record.Record) string {
	if r == nil {
		return "nothing"
	}
	var list []string
	for _, a := range r.Addrs {
		list = append(list, a.IP.String())
	}
	return strings.Join(list, " ")
}

func TestAnnounces(t *testing.T) {
	inWorld(t, home, nil, func(t *testing.T, w *world) {
		if got := texts(w.record(t, w.machine, away)); got != home {
			t.Errorf("a stranger is given %s", got)
		}
		if got := texts(w.record(t, w.machine, home)); got != home+" 192.168.1.5" {
			t.Errorf("one of the house is given %s", got)
		}
		s := w.Status()
		if s.Door != "https://door.example" || s.Page != "https://"+recordtest.Label(w.key)+".door.example/" || s.Last != time.Now().UnixMilli() || s.Reach != Everybody || s.Problem != "" {
			t.Errorf("got %+v", s)
		}
		// It stays there, and is asked for no more often than it must.
		for range 60 {
			time.Sleep(time.Minute)
			synctest.Wait()
			if w.record(t, w.machine, away) == nil {
				t.Fatal("the host is forgotten")
			}
		}
		if n := w.announcements(); n < 18 || n > 24 {
			t.Errorf("%d announcements in an hour, want about 20", n)
		}
		// A new certificate, or address, is known within seconds.
		w.set(wt(home, 2))
		time.Sleep(2 * lookEvery)
		synctest.Wait()
		if r := w.record(t, w.machine, away); r == nil || r.Addrs[0].CertHashes[0][0] != 2 {
			t.Errorf("after a change visitors are given %+v", r)
		}
		if strings.Count(w.log.String(), "\n") != 1 || !strings.Contains(w.log.String(), "visitors find the host") {
			t.Errorf("the log of an hour: %s", w.log)
		}
		w.Close(t.Context())
		if got := w.record(t, w.machine, away); got != nil {
			t.Errorf("after the end visitors are given %+v", got)
		}
	})
}

// Behind a router nothing of the machine is public; whether it is there, the door knows.
func TestBehindRouter(t *testing.T) {
	for name, guess := range map[string]string{"known": "0.0.0.0", "not known": "192.168.1.5"} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, guess, func(w *world) { w.set(wt("192.168.1.5", 1), wt("127.0.0.1", 1)) }, func(t *testing.T, w *world) {
				if got := texts(w.record(t, w.machine, home)); got != "192.168.1.5" || w.record(t, w.machine, away) != nil {
					t.Errorf("one of the house is given %s", got)
				}
				if s := w.Status(); s.Reach != OwnNetwork || s.Problem != "" || w.announcements() > 2 {
					t.Errorf("after %d announcements: %+v", w.announcements(), s)
				}
			})
		})
	}
}

// A door in the machine's own network gives private addresses to everybody who asks, and that is nobody of the internet.
func TestDoorOfTheHouse(t *testing.T) {
	const machine = "192.168.1.5"
	inWorld(t, machine, func(w *world) { w.from = machine; w.set(wt(machine, 1)) }, func(t *testing.T, w *world) {
		if got := texts(w.record(t, w.machine, "192.168.1.6")); got != machine {
			t.Errorf("a neighbour is given %s", got)
		}
		if s := w.Status(); s.Reach != OwnNetwork || s.Problem != "" {
			t.Errorf("got %+v", s)
		}
	})
}

func TestNoAddress(t *testing.T) {
	inWorld(t, home, func(w *world) { w.set(wt("127.0.0.1", 1)) }, func(t *testing.T, w *world) {
		if s := w.Status(); s.Reach != Nobody || s.Problem != "" || !strings.Contains(w.log.String(), "--listen") {
			t.Errorf("got %+v: %s", s, w.log)
		}
	})
}

// A door that does not answer is asked less and less often, and found again.
func TestComesBack(t *testing.T) {
	refused := func(*http.Request) (*http.Response, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	}
	inWorld(t, home, func(w *world) { w.become(home, refused) }, func(t *testing.T, w *world) {
		if s := w.Status(); s.Last != 0 || !strings.Contains(s.Problem, "the door is not reached (dial tcp: connection refused)") {
			t.Errorf("got %+v", s)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		minute := w.announcements()
		time.Sleep(time.Hour)
		synctest.Wait()
		hour := w.announcements() - minute
		if minute < 4 || minute > 12 || hour < 16 || hour > 24 {
			t.Errorf("asked %d times in the first minute and %d times in an hour", minute, hour)
		}
		w.become(home, nil)
		time.Sleep(4 * time.Minute)
		synctest.Wait()
		if s := w.Status(); s.Problem != "" || s.Last == 0 || w.record(t, w.machine, away) == nil {
			t.Errorf("got %+v", s)
		}
		if log := w.log.String(); strings.Count(log, "level=WARN") != 1 || strings.Count(log, "level=INFO") != 1 {
			t.Errorf("the log: %s", log)
		}
		w.become(home, refused)
		w.Close(t.Context()) // and does not wait for ever
	})
}

// A clock that is behind another's finds the number that the door wants; one that is wrong says so.
func TestClocks(t *testing.T) {
	ahead := func(d time.Duration) func(*world) {
		return func(w *world) {
			seq := uint64(time.Now().Add(d).UnixNano())
			r := httptest.NewRequest("PUT", "https://door.example"+door.HostsPath+recordtest.Label(w.key), bytes.NewReader(door.Body(recordtest.Seal(w.key, seq, wt(home, 9)), nil)))
			r.RemoteAddr = home + ":1"
			a := httptest.NewRecorder()
			w.there.ServeHTTP(a, r)
			if a.Code != http.StatusNoContent {
				t.Error(a.Code, a.Body)
			}
		}
	}
	t.Run("a little", func(t *testing.T) {
		inWorld(t, home, ahead(5*time.Minute), func(t *testing.T, w *world) {
			if s := w.Status(); s.Problem != "" || s.Last == 0 || w.record(t, w.machine, away).Addrs[0].CertHashes[0][0] != 1 {
				t.Errorf("got %+v", s)
			}
		})
	})
	t.Run("in the future", func(t *testing.T) {
		inWorld(t, home, func(w *world) {
			w.machine.key = recordtest.Key(2)
			w.become(home, func(r *http.Request) (*http.Response, error) { // a door whose clock is an hour behind
				_, err := door.Announce(door.Announcement{Label: recordtest.Label(w.key), Body: read(r), From: netip.MustParseAddr(home), Now: time.Now().Add(-time.Hour)}, nil, recordtest.Verify)
				return answer(door.Status(err), string(door.AppendError(nil, err)), nil), nil
			})
		}, func(t *testing.T, w *world) {
			if s := w.Status(); !strings.Contains(s.Problem, "the host's clock is ahead, or the door's behind") {
				t.Errorf("got %+v", s)
			}
		})
	})
}

func read(r *http.Request) []byte {
	var b bytes.Buffer
	_, _ = b.ReadFrom(r.Body)
	return b.Bytes()
}

func answer(status int, body string, h http.Header) *http.Response {
	w := httptest.NewRecorder()
	maps.Copy(w.Header(), h)
	w.WriteHeader(status)
	_, _ = w.WriteString(body)
	return w.Result()
}

// What an operator reads says what to do.
func TestProblems(t *testing.T) {
	t.Parallel()
	at := &url.URL{Scheme: "https", Host: "door.example"}
	for _, c := range []struct {
		what string
		err  error
		want string
	}{
		{"no name", &url.Error{Err: &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host"}}}, "the name is not found"},
		{"an old certificate", &url.Error{Err: &tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Reason: x509.Expired}}}, "is this machine's clock right?"},
		{"another's certificate", &url.Error{Err: &tls.CertificateVerificationError{Err: x509.HostnameError{Certificate: &x509.Certificate{}, Host: "door.example"}}}, "is not for door.example"},
		{"a port without TLS", &url.Error{Err: errors.New("http: server gave HTTP response to HTTPS client")}, "speaks no https"},
		{"silence", &url.Error{Err: context.DeadlineExceeded}, "does not answer"},
		{"a refusal", &refusal{door.Refusal{Error: *wire.E(wire.StorageFull, "this door is full")}}, "refuses it (storage_full): this door is full"},
	} {
		if f := explain(at, c.err); !strings.Contains(f.text, c.want) {
			t.Errorf("%s: got %q, want %q in it", c.what, f.text, c.want)
		}
	}
	for _, c := range []struct {
		what   string
		answer *http.Response
		want   string
	}{
		{"a page", answer(200, "<!doctype html>", nil), "is no door"},
		{"another program", answer(404, `{"error":"nothing"}`, nil), "is no door"},
		{"a fault", answer(502, "", nil), "has a fault"},
		{"it has moved", answer(301, "", http.Header{"Location": {"https://new.example/goop/door/1/hosts/k"}}), `"https://new.example/goop`},
	} {
		a := &Announcer{host: &machine{key: recordtest.Key(1)}, target: "https://door.example/", client: &http.Client{
			Transport:     &network{answer: func(*http.Request) (*http.Response, error) { return c.answer, nil }},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}}
		if _, err := a.put(t.Context(), nil, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q in it", c.what, err, c.want)
		}
	}
	if f := explain(at, &refusal{door.Refusal{Error: wire.Error{Code: wire.RateLimited, RetryAfter: 1 << 62}}}); f.after != maxPause {
		t.Errorf("a door has the host wait for %v", f.after)
	}
}

func TestParseDoor(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"https://door.example":       "https://door.example",
		"https://Door.Example/":      "https://door.example",
		"https://door.example:8443":  "https://door.example:8443",
		"http://localhost:7790":      "http://localhost:7790",
		"http://door.localhost:7790": "http://door.localhost:7790",
		"http://door.example":        "",
		"door.example":               "",
		"ftp://door.example":         "",
		"https://door.example/x":     "",
		"https://door.example?x":     "",
		"https://a@door.example":     "",
		"https://93.184.215.14":      "",
		"https://[2606:4700::1]":     "",
		"http://127.0.0.1:7790":      "",
		"https://":                   "",
		"":                           "",
	} {
		u, err := ParseDoor("--door", s)
		if (err == nil) != (want != "") || err == nil && u.String() != want {
			t.Errorf("%s: got %v, %v", s, u, err)
		}
		if err != nil && !strings.HasPrefix(err.Error(), "--door ") {
			t.Errorf("%s: %v", s, err)
		}
	}
}

// The guess of a door on this machine is right, and sends nothing.
func TestRoute(t *testing.T) {
	t.Parallel()
	if got := routeTo(t.Context(), &url.URL{Scheme: "http", Host: "localhost:7790"}); !got.IsLoopback() {
		t.Errorf("got %v", got)
	}
	if got := routeTo(t.Context(), &url.URL{Scheme: "https", Host: "host.invalid"}); got.IsValid() && !got.IsUnspecified() {
		t.Errorf("got %v", got)
	}
}
