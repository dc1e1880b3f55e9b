//go:build !js

package dial_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"goop/shared/member/membertest"
	"goop/shared/wire"
	"goop/wasm/internal/dial"
)

// took dials and closes, and returns what won and when each URL was dialled.
func took(t *testing.T, n *fakeNet, d *dial.Dialer) (transport string, dials string) {
	t.Helper()
	n.mu.Lock()
	n.begin, n.dialed = time.Now(), nil
	n.mu.Unlock()
	c, err := d.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	n.mu.Lock()
	defer n.mu.Unlock()
	return c.Transport(), strings.Join(n.dialed, ", ")
}

// On a network that WebTransport does not get through, WebSocket is not kept waiting; on others it is, and so it
// is there once WebTransport has got through.
func TestNetworksAreRemembered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNet(t, nil).webTransport("wt").webSocket("ws")
		t.Cleanup(n.wg.Wait)
		blocked, open := map[string]lane{"wt": {after: never}}, map[string]lane{"wt": {after: 10 * time.Millisecond}, "ws": {after: time.Second}}
		store := &membertest.Store{}
		d := n.dialerWith(dial.Options{Base: "http://host", Store: store.Page()})
		check := func(what, transport, dials string) {
			t.Helper()
			if gotTransport, gotDials := took(t, n, d); gotTransport != transport || gotDials != dials {
				t.Errorf("%s: got %s, %s; want %s, %s", what, gotTransport, gotDials, transport, dials)
			}
		}
		const headStart, atOnce = "wt at 0s, ws at 300ms", "ws at 0s, wt at 0s"
		n.desc.Visitor, n.lanes = "192.0.2.1", blocked
		check("at first", dial.WebSocket, headStart)
		sorted := func(what string) { // the two begin in any order
			t.Helper()
			transport, dials := took(t, n, d)
			parts := strings.Split(dials, ", ")
			slices.Sort(parts)
			if got := strings.Join(parts, ", "); transport != dial.WebSocket || got != atOnce {
				t.Errorf("%s: got %s, %s; want %s, %s", what, transport, got, dial.WebSocket, atOnce)
			}
		}
		sorted("again")
		d = n.dialerWith(dial.Options{Base: "http://host", Store: store.Page()})
		sorted("on another page")
		n.desc.Visitor = "192.0.2.2"
		check("on another network", dial.WebSocket, headStart)
		n.desc.Visitor = "192.0.2.1"
		sorted("and back")

		n.lanes = open
		if transport, _ := took(t, n, d); transport != dial.WebTransport {
			t.Errorf("it is tried beside: got %s", transport)
		}
		n.lanes = blocked
		check("after it got through once", dial.WebSocket, headStart)
		time.Sleep(25 * time.Hour)
		check("after a day", dial.WebSocket, headStart)
	})
}

func TestClimb(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNet(t, map[string]lane{"wt": {err: errors.New("blocked")}}).webTransport("wt").webSocket("ws")
		t.Cleanup(n.wg.Wait)
		d := n.dialer()
		now, err := d.Dial(t.Context())
		if err != nil || now.Transport() != dial.WebSocket {
			t.Fatal(now, err)
		}
		if _, err := d.Climb(t.Context(), now); !errors.Is(err, wire.Offline) {
			t.Errorf("while it is blocked: got %v, want offline", err)
		}
		n.lanes = nil
		better, err := d.Climb(t.Context(), now)
		if err != nil || better.Transport() != dial.WebTransport || better.Host() != now.Host() {
			t.Fatal(better, err)
		}
		if _, err := d.Climb(t.Context(), better); !errors.Is(err, wire.NotSupported) {
			t.Errorf("on WebTransport: got %v, want not_supported", err)
		}
		better.Close()

		// Another host in the same place is none to climb to.
		n.lanes = map[string]lane{"wt": {peer: 1}}
		if c, err := d.Climb(t.Context(), now); err == nil {
			t.Errorf("got a connection to %s", c.Host())
		}
		n.desc.Peer = n.id(1)
		if _, err := d.Climb(t.Context(), now); !errors.Is(err, wire.WrongHost) {
			t.Errorf("got %v, want wrong_host", err)
		}
		n.desc.Peer, n.desc.WebTransport = n.id(0), nil
		if _, err := d.Climb(t.Context(), now); !errors.Is(err, wire.NotSupported) {
			t.Errorf("where there is none: got %v, want not_supported", err)
		}
		now.Close()
	})
}

// A descriptor that does not come is no reason to wait when there is an earlier one; at first there is none.
func TestDescriptorThatDoesNotCome(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNet(t, nil).webTransport("wt").webSocket("ws")
		t.Cleanup(n.wg.Wait)
		d := n.dialer()
		n.slow = never
		if c, err := d.Dial(t.Context()); !errors.Is(err, wire.Timeout) {
			t.Errorf("at first: got %v, %v, want timeout", c, err)
		}
		n.slow = 0
		if transport, dials := took(t, n, d); transport != dial.WebTransport || dials != "wt at 0s" {
			t.Errorf("got %s, %s", transport, dials)
		}
		n.slow = never
		if transport, dials := took(t, n, d); transport != dial.WebTransport || dials != "wt at 1s" {
			t.Errorf("with an earlier one: got %s, %s, want it to be used after 1s", transport, dials)
		}
	})
}
