package announce

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"goop/shared/door"
	"goop/shared/record"
	"goop/shared/record/recordtest"
)

const nextHome = "93.184.215.99" // what the provider gives the router the next day

// behind is a machine behind a router that forwards its port 7999.
func behind(w *world) {
	w.options.RouterPort = 7999
	w.set(wt("192.168.1.5", 1), wt("127.0.0.1", 1))
}

// ways is a record's addresses, with the ports that are not the machine's and the kinds that are not WebTransport.
func ways(r *record.Record) string {
	if r == nil {
		return "nothing"
	}
	var list []string
	for _, a := range r.Addrs {
		text := a.IP.String()
		if a.Port != 7780 {
			text += fmt.Sprint(":", a.Port)
		}
		if a.Kind == record.QUIC {
			text += "/quic"
		}
		list = append(list, text)
	}
	return strings.Join(list, " ")
}

// The door tells where the router is, and from then on everybody is led there, and the house first to the machine.
func TestRouterPort(t *testing.T) {
	for name, guess := range map[string]string{"known": "0.0.0.0", "not known": "192.168.1.5"} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, guess, behind, func(t *testing.T, w *world) {
				const router = home + ":7999 " + home + ":7999/quic"
				if got := ways(w.record(t, w.machine, away)); got != router {
					t.Errorf("a stranger is given %s", got)
				}
				if got := ways(w.record(t, w.machine, home)); got != "192.168.1.5 "+router {
					t.Errorf("one of the house is given %s", got)
				}
				if s := w.Status(); s.Reach != Everybody || s.Router != netip.MustParseAddrPort(home+":7999") || s.Unrouted != "" || s.Problem != "" {
					t.Errorf("got %+v", s)
				}
				if n := w.announcements(); n > 3 {
					t.Errorf("%d announcements until it was there", n)
				}
				// A new certificate takes one: where the machine is, is known by now.
				before := w.announcements()
				w.set(wt("192.168.1.5", 2), wt("127.0.0.1", 2))
				time.Sleep(2 * lookEvery)
				synctest.Wait()
				if n := w.announcements() - before; n != 1 {
					t.Errorf("%d announcements of one change", n)
				}
				// An hour of them is no more than without a router.
				before = w.announcements()
				time.Sleep(time.Hour)
				synctest.Wait()
				if n := w.announcements() - before; n < 18 || n > 24 {
					t.Errorf("%d announcements in an hour, want about 20", n)
				}
				if strings.Count(w.log.String(), "\n") != 1 || !strings.Contains(w.log.String(), "router="+home+":7999") {
					t.Errorf("the log: %s", w.log)
				}
			})
		})
	}
}

// The provider gives the router another address, of which nobody tells the machine.
func TestRouterMoves(t *testing.T) {
	inWorld(t, "0.0.0.0", behind, func(t *testing.T, w *world) {
		before := w.announcements()
		w.become(nextHome, nil)
		time.Sleep(door.Renew + door.Renew/10 + lookEvery)
		synctest.Wait()
		if got, want := ways(w.record(t, w.machine, away)), nextHome+":7999 "+nextHome+":7999/quic"; got != want {
			t.Errorf("a stranger is given %s, want %s", got, want)
		}
		if s := w.Status(); s.Router.Addr().String() != nextHome || s.Problem != "" {
			t.Errorf("got %+v", s)
		}
		if n := w.announcements() - before; n > 3 {
			t.Errorf("%d announcements for it", n)
		}
		if !strings.Contains(w.log.String(), "router="+nextHome+":7999") {
			t.Errorf("the log: %s", w.log)
		}
	})
}

// A machine whose way out leads by another router each time does not announce itself without an end.
func TestRoutersTakeTurns(t *testing.T) {
	inWorld(t, "0.0.0.0", behind, func(t *testing.T, w *world) {
		turn := 0
		w.become(home, func(r *http.Request) (*http.Response, error) {
			turn++
			in := httptest.NewRequest(r.Method, r.URL.String(), r.Body)
			in.RemoteAddr = net.JoinHostPort([]string{home, nextHome}[turn%2], "1")
			a := httptest.NewRecorder()
			w.there.ServeHTTP(a, in)
			return a.Result(), nil
		})
		before := w.announcements()
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := w.announcements() - before; n > 100 {
			t.Errorf("%d announcements in an hour", n)
		}
	})
}

// Where the flag has nothing to do, the operator is told why.
func TestUnrouted(t *testing.T) {
	for _, c := range []struct {
		name, guess, from, own, want, stranger string
	}{
		{"a public machine", home, home, home, "in a network that is the machine's own", home},
		{"IPv6 of its own", "0.0.0.0", "2606:4700:1:2::77", "2606:4700:1:2::5", "in a network that is the machine's own", "2606:4700:1:2::5"},
		{"a door of this machine", "127.0.0.1", "127.0.0.1", "192.168.1.5", "the door sees this machine at 127.0.0.1", "nothing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, c.guess, func(w *world) { behind(w); w.become(c.from, nil); w.set(wt(c.own, 1)) }, func(t *testing.T, w *world) {
				if s := w.Status(); s.Router.IsValid() || !strings.Contains(s.Unrouted, c.want) || s.Problem != "" {
					t.Errorf("got %+v", s)
				}
				if got := ways(w.record(t, w.machine, away)); got != c.stranger {
					t.Errorf("a stranger is given %s, want %s", got, c.stranger)
				}
				if !strings.Contains(w.log.String(), c.want) {
					t.Errorf("the log: %s", w.log)
				}
			})
		})
	}
	t.Run("a door that does not tell", func(t *testing.T) {
		inWorld(t, "0.0.0.0", func(w *world) {
			behind(w)
			w.become(home, func(*http.Request) (*http.Response, error) { return answer(http.StatusNoContent, "", nil), nil })
		}, func(t *testing.T, w *world) {
			if s := w.Status(); s.Router.IsValid() || !strings.Contains(s.Unrouted, "has not said") || w.announcements() != 1 {
				t.Errorf("after %d announcements: %+v", w.announcements(), s)
			}
			w.become(home, nil)
		})
	})
}

// A machine that has moved to another network is known there at once, although it took itself to be where it was.
func TestMoves(t *testing.T) {
	inWorld(t, home, nil, func(t *testing.T, w *world) {
		w.become(nextHome, nil)
		w.set(wt(nextHome, 1), wt("192.168.2.5", 1))
		time.Sleep(2 * lookEvery)
		synctest.Wait()
		if got := ways(w.record(t, w.machine, away)); got != nextHome {
			t.Errorf("a stranger is given %s", got)
		}
	})
}

// With a port of the router the door is told over IPv4, of which a router has an address for all machines.
func TestDoorIsToldOverIPv4(t *testing.T) {
	t.Parallel()
	four, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := fmt.Sprint(four.Addr().(*net.TCPAddr).Port)
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		w.Header().Set(door.SeenHeader, host)
		w.WriteHeader(http.StatusNoContent)
	})
	serve := func(l net.Listener) {
		s := &httptest.Server{Listener: l, Config: &http.Server{Handler: echo}}
		s.Start()
		t.Cleanup(s.Close)
	}
	seen := func(host string) string {
		a := &Announcer{host: &machine{key: recordtest.Key(1)}, target: "http://" + net.JoinHostPort(host, port) + "/", client: &http.Client{Transport: newTransport(true)}}
		defer a.client.CloseIdleConnections()
		got, err := a.put(t.Context(), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		return got.String()
	}
	six, err := net.Listen("tcp6", "[::1]:"+port)
	if err == nil {
		serve(six)
		if got := seen("::1"); got != "::1" {
			t.Errorf("a door of IPv6 alone sees it at %s", got)
		}
	}
	serve(four)
	if got := seen("localhost"); got != "127.0.0.1" {
		t.Errorf("a door of both sees it at %s", got)
	}
}
