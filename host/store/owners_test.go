package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"goop/shared/wire"
)

func TestClaim(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	// A step is one line: what happens, and to whom. "link" makes a link, "claim P" claims with it,
	// "guess P" with another secret, "wait" lets a time pass, "remove P" removes an owner, "restart".
	tests := []struct {
		name   string
		steps  []string
		codes  []wire.Code // of the steps, "" for success
		owners []wire.PeerID
	}{
		{"claim", []string{"link", "claim alice"}, []wire.Code{"", ""}, []wire.PeerID{alice}},
		{"twice in one browser", []string{"link", "claim alice", "claim alice"}, []wire.Code{"", "", ""}, []wire.PeerID{alice}},
		{"again after weeks", []string{"link", "claim alice", "wait 480h", "link", "wait 1h", "claim bob"}, []wire.Code{"", "", "", "", "", ""}, []wire.PeerID{alice, bob}},
		{"again after the day", []string{"link", "claim alice", "wait 30h", "claim alice"}, []wire.Code{"", "", "", ""}, []wire.PeerID{alice}},
		{"by another", []string{"link", "claim alice", "claim bob"}, []wire.Code{"", "", wire.InviteInvalid}, []wire.PeerID{alice}},
		{"a guess", []string{"link", "guess alice"}, []wire.Code{"", wire.InviteInvalid}, nil},
		{"without a link", []string{"guess alice"}, []wire.Code{wire.InviteInvalid}, nil},
		{"nearly too late", []string{"link", "wait 23h59m", "claim alice"}, []wire.Code{"", "", ""}, []wire.PeerID{alice}},
		{"too late", []string{"link", "wait 24h", "claim alice"}, []wire.Code{"", "", wire.InviteInvalid}, nil},
		{"two links", []string{"link", "claim bob", "link", "claim alice"}, []wire.Code{"", "", "", ""}, []wire.PeerID{alice, bob}},
		{"two links, one owner", []string{"link", "claim bob", "link", "claim bob"}, []wire.Code{"", "", "", ""}, []wire.PeerID{bob}},
		{"removed", []string{"link", "claim bob", "remove bob"}, []wire.Code{"", "", ""}, nil},
		{"removed does not come back", []string{"link", "claim bob", "remove bob", "claim bob"}, []wire.Code{"", "", "", wire.InviteInvalid}, nil},
		{"removed, and a new link", []string{"link", "claim bob", "remove bob", "link", "claim bob"}, []wire.Code{"", "", "", "", ""}, []wire.PeerID{bob}},
		{"remove a stranger", []string{"remove bob"}, []wire.Code{wire.NotFound}, nil},
		{"restart", []string{"link", "restart", "claim bob", "restart", "claim bob", "claim alice"}, []wire.Code{"", "", "", "", "", wire.InviteInvalid}, []wire.PeerID{bob}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				open := func() *DB {
					db, err := Open(context.Background(), Options{Dir: dir})
					if err != nil {
						t.Fatal(err)
					}
					return db
				}
				db := open()
				defer func() { db.Close() }()
				secret := ""
				for i, step := range tt.steps {
					what, arg, _ := strings.Cut(step, " ")
					var err error
					switch what {
					case "link":
						secret, err = db.CreateOwnerLink(t.Context())
					case "claim":
						err = db.Claim(t.Context(), wire.PeerID(arg), secret)
					case "guess":
						err = db.Claim(t.Context(), wire.PeerID(arg), secret+"x")
					case "remove":
						err = db.RemoveOwner(t.Context(), wire.PeerID(arg))
					case "wait":
						d, _ := time.ParseDuration(arg)
						time.Sleep(d)
					case "restart":
						if err = db.Close(); err == nil {
							db = open()
						}
					default:
						t.Fatalf("unknown step %q", step)
					}
					if want := tt.codes[i]; (want == "") != (err == nil) || want != "" && !errors.Is(err, want) {
						t.Errorf("step %d, %s: got %v, want code %q", i, step, err, want)
					}
				}
				owners, err := db.Owners(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				var got []wire.PeerID
				for _, o := range owners {
					if o.Since < time.Now().Add(-40*day).UnixMilli() || o.Since > time.Now().UnixMilli() {
						t.Errorf("%s is owner since %d, now is %d", o.Peer, o.Since, time.Now().UnixMilli())
					}
					got = append(got, o.Peer)
				}
				slices.Sort(got)
				if !slices.Equal(got, tt.owners) {
					t.Errorf("got owners %q, want %q", got, tt.owners)
				}
				for _, p := range []wire.PeerID{alice, bob, ""} {
					if got, want := db.IsOwner(p), slices.Contains(tt.owners, p); got != want {
						t.Errorf("IsOwner(%q): got %v, want %v", p, got, want)
					}
				}
			})
		})
	}
}

func TestClaimRace(t *testing.T) {
	t.Parallel()
	db := openTest(t, Options{})
	var mu sync.Mutex
	var told []string
	db.OnOwner(func(p wire.PeerID, owner bool) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, fmt.Sprint(p, owner, db.IsOwner(p)))
	})
	secret, err := db.CreateOwnerLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	won := make([]bool, 20)
	for i := range won {
		wg.Go(func() {
			peer := wire.PeerID(fmt.Sprint("peer", i%10)) // each of ten peers twice
			err := db.Claim(t.Context(), peer, secret)
			if err != nil && !errors.Is(err, wire.InviteInvalid) {
				t.Error(err)
			}
			won[i] = err == nil
			if won[i] && !db.IsOwner(peer) {
				t.Errorf("%s has claimed and is no owner", peer)
			}
		})
	}
	wg.Wait()
	peers := map[int]bool{}
	for i, w := range won {
		if w {
			peers[i%10] = true
		}
	}
	if len(peers) != 1 || len(told) != 1 {
		t.Errorf("got winners %v and told %q, want one", peers, told)
	}
	owners, err := db.Owners(t.Context())
	if err != nil || len(owners) != 1 {
		t.Fatalf("got owners %v, %v", owners, err)
	}
	if err := db.RemoveOwner(t.Context(), owners[0].Peer); err != nil {
		t.Fatal(err)
	}
	want := []string{fmt.Sprint(owners[0].Peer, true, true), fmt.Sprint(owners[0].Peer, false, false)}
	if !slices.Equal(told, want) {
		t.Errorf("got told %q, want %q", told, want)
	}
}

func TestOwnerSecretIsNotStored(t *testing.T) {
	t.Parallel()
	db := openTest(t, Options{})
	secret, err := db.CreateOwnerLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(secret) < 26 { // base32 of 128 bits
		t.Errorf("got a secret of %d characters", len(secret))
	}
	err = db.Read(t.Context(), func(tx *ReadTx) error {
		for row, err := range tx.Query("SELECT * FROM _owner_link") {
			if err != nil {
				return err
			}
			for i := range row.Len() {
				if strings.Contains(row.Text(i), secret) {
					t.Errorf("column %s holds the secret", row.Name(i))
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
