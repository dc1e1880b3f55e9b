package group_test

import (
	"testing"

	"goop/shared/group"
	"goop/shared/wire"
)

func TestOutranks(t *testing.T) {
	t.Parallel()
	order := []wire.Role{wire.RoleOwner, wire.RoleModerator, wire.RoleMember, wire.RoleViewer, ""}
	for i, a := range order {
		for j, b := range order {
			if got, want := group.Outranks(a, b), i < j; got != want {
				t.Errorf("Outranks(%q, %q): got %t, want %t", a, b, got, want)
			}
		}
	}
	if group.Grantable(wire.RoleOwner) || !group.Grantable(wire.RoleViewer) || group.Grantable("king") {
		t.Error("the wrong roles can be given")
	}
}

func TestInvite(t *testing.T) {
	t.Parallel()
	i := group.Invite{Uses: 2, Used: 1, Expires: 100}
	if !i.Good(99) || i.Good(100) {
		t.Error("an invite is good until its time")
	}
	if i.Used = 2; i.Good(99) {
		t.Error("an invite is good for as many as it says")
	}
	hash := group.HashToken("token")
	if id := group.IDOf(hash); len(id) != 16 || id != group.IDOf(group.HashToken("token")) || id == group.IDOf(group.HashToken("other")) {
		t.Errorf("the id of an invite is %q", id)
	}
}

func TestGroupStatsAppend(t *testing.T) {
	t.Parallel()
	s := group.GroupStats{Epoch: "e", Seq: 9, Members: 3, Sessions: 4, Own: 2, Lag: 5, Resyncs: 1, Waiting: 70}
	const want = `{"epoch":"e","seq":9,"members":3,"sessions":4,"own":2,"lag":5,"resyncs":1,"waiting":70}`
	if got := string(s.Append(nil)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
