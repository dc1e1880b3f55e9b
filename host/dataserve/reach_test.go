package dataserve_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"goop/host/dataserve"
	"goop/shared/data"
	"goop/shared/link"
	"goop/shared/wire"
)

// ownership is an Owners in which one peer owns the site, as long as it does.
type ownership struct{ peer wire.PeerID }

func (o *ownership) IsOwner(p wire.PeerID) bool { return p == o.peer }
func (*ownership) Claim(context.Context, wire.PeerID, string) error {
	return wire.E(wire.InviteInvalid)
}

// TestReach: the addresses of the host are for its owner, and only as long as it is that.
func TestReach(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		owners := &ownership{"anna"}
		server := dataserve.New(dataserve.Options{Site: site(t, notes), Owners: owners, Reach: func() []data.Link {
			return []data.Link{
				{URL: "http://192.168.1.5:7780/", Kind: "wifi", Network: `Wi-Fi "wlan0"`, HandOut: true},
				{URL: "http://localhost:7780/", Kind: data.LinkLocal, Network: "this machine alone", Secure: true},
			}
		}})
		serve := func(server *dataserve.Server, peer wire.PeerID) *client {
			near, far := link.Pipe(64 << 10)
			go server.Serve(t.Context(), peer, far)
			t.Cleanup(func() { _ = near.Reset() })
			return &client{t, near, link.NewReader(near, wire.MaxLine)}
		}
		const all = `{"id":1,"links":[{"url":"http://192.168.1.5:7780/","kind":"wifi","network":"Wi-Fi \"wlan0\"","secure":false,"handOut":true},` +
			`{"url":"http://localhost:7780/","kind":"loopback","network":"this machine alone","secure":true}]}`
		anna, ben := serve(server, "anna"), serve(server, "ben")
		if got := anna.ask(`{"id":1,"op":"reach"}`); got != all {
			t.Errorf("the owner: got %s", got)
		}
		if got := ben.ask(`{"id":1,"op":"reach"}`); !strings.Contains(got, `"code":"forbidden"`) || strings.Contains(got, "192.168") {
			t.Errorf("a visitor: got %s", got)
		}
		if got := anna.ask(`{"id":1,"op":"reach","table":"notes"}`); !strings.Contains(got, `"code":"bad_message"`) {
			t.Errorf("with a field that it does not have: got %s", got)
		}
		synctest.Wait()
		owners.peer = "ben"
		if got := anna.ask(`{"id":1,"op":"reach"}`); !strings.Contains(got, `"code":"forbidden"`) {
			t.Errorf("on the same stream, no owner any more: got %s", got)
		}
		silent := serve(dataserve.New(dataserve.Options{Site: site(t, notes), Owners: owners}), "ben")
		if got := silent.ask(`{"id":1,"op":"reach"}`); !strings.Contains(got, `"code":"not_supported"`) {
			t.Errorf("a host that does not tell: got %s", got)
		}
	})
}
