package store

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"goop/shared/group"
	"goop/shared/wire"
)

// chess is a group with all that a configuration can say.
func chess(t *testing.T) group.Config {
	t.Helper()
	cfg, err := group.ParseConfig([]byte(`{"id":"chess-42","name":"A \"match\"","type":"persistent","record":"moves",
		"seats":["white","black"],"rights":{"close":["moderator","seat"]},"dissolve":{"empty":600000},"maxMembers":50,
		"retain":{"count":500,"bytes":100000,"age":86400000}}`))
	if err != nil {
		t.Fatal(err)
	}
	cfg.Creator, cfg.CreatedAt = alice, 1234
	return cfg
}

func invite(token string, used int) group.Invite {
	hash := group.HashToken(token)
	return group.Invite{
		ID: group.IDOf(hash), Hash: hash, Role: wire.RoleViewer, Uses: 3, Used: used, Expires: 1e12, By: alice,
		Created: int64(len(token)),
	}
}

// mustKnow checks what a registry returns.
func mustKnow(t *testing.T, r *Registry, when string, want ...group.Saved) {
	t.Helper()
	if got, err := r.Groups(t.Context()); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %+v, %v; want %+v", when, got, err, want)
	}
}

func TestRegistry(t *testing.T) {
	t.Parallel()
	o := Options{Dir: t.TempDir()}
	db := openTest(t, o)
	cfg, second := chess(t), match("second")
	second.CreatedAt = 1235
	for _, c := range []group.Config{second, match("gone"), cfg, cfg} {
		if err := db.Registry().Save(t.Context(), c, group.PeopleChange{}); err != nil {
			t.Fatal(err)
		}
	}
	roster := []group.RosterPeer{{Peer: bob, Label: "Bob", Role: wire.RoleMember, Joined: 5}, {Peer: alice, Role: wire.RoleOwner, Joined: 7}}
	for _, r := range [][]group.RosterPeer{{{Peer: "old", Role: wire.RoleViewer}}, roster} {
		if err := db.Registry().Remove(t.Context(), "gone", r); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = openTest(t, o)
	mustKnow(t, db.Registry(), "after a restart", group.Saved{Config: cfg}, group.Saved{Config: second})
	if got, err := db.Registry().Roster(t.Context(), "gone"); err != nil || !reflect.DeepEqual(got, roster) {
		t.Errorf("got roster %+v, %v, want %+v", got, err, roster)
	}
}

// TestRegistryPeople notes and forgets what a group remembers of people. The tokens of its invites are
// nowhere in the database.
func TestRegistryPeople(t *testing.T) {
	t.Parallel()
	o := Options{Dir: t.TempDir()}
	db := openTest(t, o)
	r, cfg := db.Registry(), chess(t)
	banned := group.Standing{Peer: bob, Role: wire.RoleMember, Banned: true, By: alice, Since: 7}
	helper := group.Standing{Peer: "helper", Role: wire.RoleModerator, Since: 8}
	if err := r.Save(t.Context(), cfg, group.PeopleChange{
		Standings: []group.Standing{helper, {Peer: bob, Role: wire.RoleMember}}, Invites: []group.Invite{invite("a", 0), invite("bb", 0)},
	}); err != nil {
		t.Fatal(err)
	}
	if err := r.Save(t.Context(), match("other"), group.PeopleChange{Standings: []group.Standing{banned}}); err != nil {
		t.Fatal(err)
	}
	if err := r.Note(t.Context(), cfg.ID, group.PeopleChange{
		Standings: []group.Standing{banned}, Invites: []group.Invite{invite("bb", 2), invite("ccc", 1)},
		Revoked: []group.InviteID{invite("a", 0).ID, "unknown"},
	}); err != nil {
		t.Fatal(err)
	}
	other := group.Saved{Config: match("other"), Standings: []group.Standing{banned}}
	noted := group.Saved{Config: cfg, Standings: []group.Standing{banned, helper}, Invites: []group.Invite{invite("bb", 2), invite("ccc", 1)}}
	mustKnow(t, r, "noted", other, noted)
	cfg.Name = "Another name"
	noted.Config = cfg
	if err := r.Save(t.Context(), cfg, group.PeopleChange{}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = openTest(t, o)
	r = db.Registry()
	mustKnow(t, r, "renamed, after a restart", other, noted)
	if err := r.Note(t.Context(), cfg.ID, group.PeopleChange{Standings: []group.Standing{{Peer: bob}, {Peer: "nobody"}}}); err != nil {
		t.Fatal(err)
	}
	noted.Standings = []group.Standing{helper}
	mustKnow(t, r, "forgotten", other, noted)
	if err := r.Note(t.Context(), "unknown", group.PeopleChange{Standings: []group.Standing{helper}}); err == nil {
		t.Error("a group that was never saved took a note")
	}
	if err := r.Remove(t.Context(), cfg.ID, nil); err != nil {
		t.Fatal(err)
	}
	mustKnow(t, r, "removed", other)
	for _, table := range []string{"_group_standing", "_group_invite"} {
		if got := number(t, db, "SELECT count(*) FROM "+table+" WHERE id = 'chess-42'"); got != 0 {
			t.Errorf("%s keeps %d rows of the removed group", table, got)
		}
	}
}

// TestRegistryAllOrNothing has each statement of each call fail in its turn. All is as it was then: on
// the disk, and of the log that is open.
func TestRegistryAllOrNothing(t *testing.T) {
	t.Parallel()
	cfg := chess(t)
	people := group.PeopleChange{
		Standings: []group.Standing{{Peer: bob, Role: wire.RoleViewer}, {Peer: "helper"}},
		Invites:   []group.Invite{invite("new", 0)}, Revoked: []group.InviteID{invite("a", 0).ID},
	}
	changed := cfg
	changed.Name = "Another name"
	steps := []string{
		"INSERT ON _group_config", "DELETE ON _group_config", "INSERT ON _group_standing", "DELETE ON _group_standing",
		"INSERT ON _group_invite", "DELETE ON _group_invite", "DELETE ON _group_roster", "INSERT ON _group_roster",
		"DELETE ON _group_log", "DELETE ON _group_head",
	}
	tests := []struct {
		name  string
		call  func(*Registry) error
		fails int // of the steps
	}{
		{"save", func(r *Registry) error { return r.Save(t.Context(), changed, people) }, 5},
		{"note", func(r *Registry) error { return r.Note(t.Context(), cfg.ID, people) }, 4},
		{"remove", func(r *Registry) error {
			return r.Remove(t.Context(), cfg.ID, []group.RosterPeer{{Peer: alice, Role: wire.RoleMember}})
		}, 7},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			failed := 0
			for _, step := range steps {
				if strings.HasPrefix(step, "DELETE ON _group_config") && tt.name == "save" {
					continue // INSERT OR REPLACE fires no delete triggers
				}
				db := openTest(t, Options{Dir: t.TempDir()})
				r, l := db.Registry(), db.Log()
				if err := r.Remove(t.Context(), cfg.ID, []group.RosterPeer{{Peer: "old", Role: wire.RoleViewer, Joined: 1}}); err != nil {
					t.Fatal(err)
				}
				before := group.Saved{
					Config: cfg, Standings: []group.Standing{{Peer: "helper", Role: wire.RoleModerator}}, Invites: []group.Invite{invite("a", 1)},
				}
				if err := r.Save(t.Context(), cfg, group.PeopleChange{Standings: before.Standings, Invites: before.Invites}); err != nil {
					t.Fatal(err)
				}
				recordless := cfg
				recordless.Record = ""
				head := mustOpen(t, l, recordless)
				mustAppend(t, l, cfg.ID, msg(alice, "x", "1"), state(alice, "y", `{"k":1}`))
				mustExec(t, db, fmt.Sprintf("CREATE TRIGGER fault BEFORE %s BEGIN SELECT RAISE(ABORT, 'fault'); END", step))

				if err := tt.call(r); err != nil {
					failed++
					mustKnow(t, r, step, before)
					if got, err := r.Roster(t.Context(), cfg.ID); err != nil || len(got) != 1 || got[0].Peer != "old" {
						t.Errorf("%s: got roster %+v, %v", step, got, err)
					}
					mustExec(t, db, "DROP TRIGGER fault")
					if got := outcome(mustAppend(t, l, cfg.ID, msg(alice, "x", "1"))[0]); got != "1 dup" {
						t.Errorf("%s: got %s for a repeat", step, got)
					}
					if now := mustOpen(t, l, recordless); now.Epoch != head.Epoch || now.Seq != 2 || string(now.State.Text()) != `{"k":1}` {
						t.Errorf("%s: the log is at %+v", step, now)
					}
					if err := tt.call(r); err != nil {
						t.Errorf("%s: without the fault: %v", step, err)
					}
				}
				if err := db.Close(); err != nil {
					t.Fatal(err)
				}
			}
			if failed != tt.fails {
				t.Errorf("%d steps failed, want %d", failed, tt.fails)
			}
		})
	}
}
