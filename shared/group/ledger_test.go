package group_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"goop/shared/group"
	"goop/shared/jsonstate"
	"goop/shared/wire"
)

func patch(from wire.PeerID, role wire.Role, text string) *group.Draft {
	return &group.Draft{From: from, Role: role, ID: "id", Kind: wire.TypeState, Patch: []byte(text)}
}

func ifSeq(d *group.Draft, seq int64) *group.Draft {
	d.IfSeq = &seq
	return d
}

// commit has a ledger take a draft that has to pass.
func commit(t *testing.T, l *group.Ledger, d *group.Draft) {
	t.Helper()
	step, err := l.Admit(d)
	if err != nil {
		t.Fatalf("%s: %v", d.Patch, err)
	}
	l.Commit(step)
}

func TestLedger(t *testing.T) {
	t.Parallel()
	l := group.OpenLedger(group.Config{}, group.Head{Epoch: "E"}, group.Touched{}, 100)
	commit(t, l, &group.Draft{From: "A", Kind: wire.TypeMsg, Payload: []byte(`1`)})
	commit(t, l, patch("A", wire.RoleMember, `{"a":1,"b":{"c":2}}`))
	commit(t, l, &group.Draft{From: "A", Kind: wire.TypeMsg, Payload: []byte(`1`)})
	commit(t, l, patch("A", wire.RoleMember, `{"b":{"c":null}}`))
	head := l.Head()
	if head.Epoch != "E" || head.Seq != 4 || head.StateSeq != 4 || string(head.State.Text()) != `{"a":1,"b":{}}` {
		t.Errorf("got %+v with %s", head, head.State.Text())
	}
	for _, tt := range []struct {
		patch string
		ifSeq int64
		newer int64 // that stands against it
	}{
		{`{"a":2}`, 1, 2}, {`{"a":2}`, 2, 0}, {`{"a":2}`, 99, 0}, {`{"b":null}`, 3, 4}, {`{"a":1,"b":1}`, 2, 4},
		{`{"new":1}`, 0, 0}, {`{}`, 0, 0}, {`{"a":2}`, -1, 2},
	} {
		_, err := l.Admit(ifSeq(patch("A", wire.RoleMember, tt.patch), tt.ifSeq))
		if tt.newer == 0 {
			if err != nil {
				t.Errorf("%s if %d: got %v", tt.patch, tt.ifSeq, err)
			}
			continue
		}
		if e, ok := errors.AsType[*wire.Error](err); !ok || e.Code != wire.Conflict || e.Seq != tt.newer || e.ID != "id" {
			t.Errorf("%s if %d: got %v, want a conflict with %d", tt.patch, tt.ifSeq, err, tt.newer)
		}
	}
	if got := l.Head(); got.Seq != 4 {
		t.Errorf("Admit has changed the ledger: %+v", got)
	}

	// A clone goes its own way, as one whose transaction is rolled back.
	clone := l.Clone()
	commit(t, clone, patch("A", wire.RoleMember, `{"a":9,"x":1}`))
	if got := l.Head(); got.Seq != 4 || strings.Contains(string(got.State.Text()), "9") {
		t.Errorf("the clone has changed the ledger: %+v", got)
	}
	if _, err := l.Admit(ifSeq(patch("A", wire.RoleMember, `{"x":1}`), 0)); err != nil {
		t.Errorf("the clone has touched keys of the ledger: %v", err)
	}

	big := `{"big":"` + strings.Repeat("x", 100) + `"}`
	if _, err := l.Admit(patch("A", wire.RoleMember, big)); !errors.Is(err, wire.TooLarge) {
		t.Errorf("got %v, want too_large", err)
	}
	if _, err := l.Admit(patch("A", wire.RoleMember, `{"a":1,"a":2}`)); !errors.Is(err, wire.InvalidValue) {
		t.Errorf("got %v, want invalid_value", err)
	}
	// A state that is over a limit that was lowered can still shrink.
	over, err := jsonstate.Parse([]byte(big))
	if err != nil {
		t.Fatal(err)
	}
	l = group.OpenLedger(group.Config{}, group.Head{State: over, Seq: 1, StateSeq: 1}, group.Touched{}, 50)
	commit(t, l, patch("A", wire.RoleMember, `{"big":"`+strings.Repeat("x", 60)+`"}`))
	if _, err := l.Admit(patch("A", wire.RoleMember, `{"more":1}`)); !errors.Is(err, wire.TooLarge) {
		t.Errorf("got %v, want too_large", err)
	}
}

// A patch without a key is a state entry like any other: engines that fold their log again after a
// restart find it there.
func TestLedgerTakesAnEmptyPatch(t *testing.T) {
	t.Parallel()
	l := group.OpenLedger(group.Config{}, group.Head{Epoch: "E"}, group.Touched{}, 100)
	commit(t, l, patch("A", wire.RoleMember, `{"a":1}`))
	commit(t, l, patch("A", wire.RoleMember, `{}`))
	if head := l.Head(); head.Seq != 2 || head.StateSeq != 2 {
		t.Errorf("got %+v, want the state at 2", head)
	}
	if _, err := l.Admit(ifSeq(patch("A", wire.RoleMember, `{"a":2}`), 1)); err != nil {
		t.Errorf("a key that an empty patch cannot have touched: %v", err)
	}
}

func TestSeats(t *testing.T) {
	t.Parallel()
	const m, mod, own = wire.RoleMember, wire.RoleModerator, wire.RoleOwner
	for _, tt := range []struct {
		name, before string
		from         wire.PeerID
		role         wire.Role
		patch        string
		code         wire.Code // "" for none
	}{
		{"a free seat", `{}`, "A", m, `{"seats":{"white":"A"}}`, ""},
		{"a seat that was freed", `{"seats":{}}`, "A", m, `{"seats":{"white":"A"}}`, ""},
		{"one's own again", `{"seats":{"white":"A"}}`, "A", m, `{"seats":{"white":"A"}}`, ""},
		{"a taken one", `{"seats":{"white":"B"}}`, "A", m, `{"seats":{"white":"A"}}`, wire.Conflict},
		{"a taken one, by the owner", `{"seats":{"white":"B"}}`, "A", own, `{"seats":{"white":"A"}}`, wire.Conflict},
		{"for another", `{}`, "A", m, `{"seats":{"white":"B"}}`, wire.Forbidden},
		{"for another, by the owner", `{}`, "A", own, `{"seats":{"white":"B"}}`, wire.Forbidden},
		{"an unknown one", `{}`, "A", m, `{"seats":{"red":"A"}}`, wire.Forbidden},
		{"an unknown one, null", `{}`, "A", m, `{"seats":{"red":null}}`, wire.Forbidden},
		{"leaves it", `{"seats":{"white":"A"}}`, "A", m, `{"seats":{"white":null}}`, ""},
		{"empties another's", `{"seats":{"white":"B"}}`, "A", m, `{"seats":{"white":null}}`, wire.Forbidden},
		{"empties another's, as moderator", `{"seats":{"white":"B"}}`, "A", mod, `{"seats":{"white":null}}`, ""},
		{"empties another's, as owner", `{"seats":{"white":"B"}}`, "A", own, `{"seats":{"white":null}}`, ""},
		{"empties a free one", `{}`, "A", m, `{"seats":{"white":null}}`, ""},
		{"a second one", `{"seats":{"white":"A"}}`, "A", m, `{"seats":{"black":"A"}}`, wire.Forbidden},
		{"both at once", `{}`, "A", m, `{"seats":{"white":"A","black":"A"}}`, wire.Forbidden},
		{"both, as owner", `{"seats":{"white":"A"}}`, "A", own, `{"seats":{"black":"A"}}`, ""},
		{"moves", `{"seats":{"white":"A"}}`, "A", m, `{"seats":{"white":null,"black":"A"}}`, ""},
		{"swaps with another", `{"seats":{"white":"A","black":"B"}}`, "A", m, `{"seats":{"white":"B","black":"A"}}`, wire.Forbidden},
		{"all away", `{"seats":{"white":"A"}}`, "A", m, `{"seats":null}`, wire.Forbidden},
		{"all away, by the owner", `{"seats":{"white":"A"}}`, "A", own, `{"seats":null}`, wire.Forbidden},
		{"another kind", `{}`, "A", m, `{"seats":["A"]}`, wire.Forbidden},
		{"an object in a seat", `{}`, "A", m, `{"seats":{"white":{"A":1}}}`, wire.Forbidden},
		{"nobody's name", `{}`, "A", m, `{"seats":{"white":""}}`, wire.Forbidden},
		{"written with escapes", `{"seats":{"white":"B"}}`, "A", m, `{"\u0073eats":{"whit\u0065":"A"}}`, wire.Conflict},
		{"nothing", `{}`, "A", m, `{"seats":{}}`, ""},
		{"another key", `{"seats":{"white":"B"}}`, "A", m, `{"turn":"w","seat":1}`, ""},
		{"what stood there before there were seats", `{"seats":7}`, "A", m, `{"seats":{"white":"A"}}`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			before, err := jsonstate.Parse([]byte(tt.before))
			if err != nil {
				t.Fatal(err)
			}
			cfg := group.Config{Seats: []string{"white", "black"}}
			l := group.OpenLedger(cfg, group.Head{State: before}, group.Touched{}, 1000)
			step, err := l.Admit(patch(tt.from, tt.role, tt.patch))
			if tt.code != "" {
				if !errors.Is(err, tt.code) {
					t.Errorf("got %v, want %s", err, tt.code)
				}
				return
			}
			if err != nil {
				t.Errorf("got %v", err)
			}
			want := strings.Contains(string(step.State.Text()), `"A"`)
			if got := cfg.Seated(step.State, "A"); got != want {
				t.Errorf("Seated: got %v after %s", got, step.State.Text())
			}
			// Without seats, the key is like any other.
			free := group.OpenLedger(group.Config{}, group.Head{State: before}, group.Touched{}, 1000)
			if _, err := free.Admit(patch(tt.from, tt.role, tt.patch)); err != nil {
				t.Errorf("without seats: got %v", err)
			}
		})
	}
	cfg := group.Config{Seats: []string{"white", "black"}}
	s, err := jsonstate.Parse([]byte(`{"seats":{"white":"A","red":"B","black":null}}`))
	if err != nil {
		t.Fatal(err)
	}
	if h := cfg.SeatHolders(s); len(h) != 1 || h["white"] != "A" {
		t.Errorf("got %v", h)
	}
	if cfg.Seated(s, "B") || cfg.Seated(s, "") || cfg.SeatHolders(jsonstate.State{}) != nil {
		t.Errorf("somebody is seated who is not")
	}
}

func TestTouched(t *testing.T) {
	t.Parallel()
	var touched group.Touched
	const n = 5000
	for i := range n {
		touched.Set([]string{fmt.Sprint(i), "often"}, int64(i+1))
	}
	text := touched.Append(nil)
	if len(text) > 64<<10 {
		t.Errorf("it has grown to %d bytes", len(text))
	}
	back, err := group.ParseTouched(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, touched := range []*group.Touched{&touched, &back} {
		if got := touched.Last([]string{fmt.Sprint(n - 1)}); got != n {
			t.Errorf("the newest: got %d, want %d", got, n)
		}
		if got := touched.Last([]string{"often", "0"}); got != n {
			t.Errorf("one that is touched often: got %d, want %d", got, n)
		}
		// What it has let go of is never older than it was, and never newer than what it still has.
		if got := touched.Last([]string{"0"}); got < 1 || got >= n {
			t.Errorf("one of long ago: got %d", got)
		}
		if got := touched.Last(nil); got != 0 {
			t.Errorf("no keys: got %d", got)
		}
	}
	all := make([]string, 3000)
	for i := range all {
		all[i] = fmt.Sprint("k", i)
	}
	touched.Set(all, n+1)
	if got := touched.Last([]string{"k7"}); got != n+1 {
		t.Errorf("many keys in one entry: got %d, want %d", got, n+1)
	}
	if empty, err := group.ParseTouched(nil); err != nil || empty.Last([]string{"a"}) != 0 {
		t.Errorf("got %v, %v", empty, err)
	}
	for _, bad := range []string{`{`, `{"floor":"x"}`, `{"keys":{"a":"b"}}`} {
		if _, err := group.ParseTouched([]byte(bad)); err == nil {
			t.Errorf("%s is read", bad)
		}
	}
}

func TestDraftHash(t *testing.T) {
	t.Parallel()
	zero, one := int64(0), int64(1)
	drafts := []group.Draft{
		{Kind: wire.TypeMsg, Payload: []byte(`1`)}, {Kind: wire.TypeMsg, Payload: []byte(`2`)}, {Kind: wire.TypeMsg, Payload: []byte(`1`), To: "1"},
		{Kind: wire.TypeMsg, To: "11"}, {Kind: wire.TypeState, Patch: []byte(`1`)}, {Kind: wire.TypeState, Patch: []byte(`1`), IfSeq: &zero},
		{Kind: wire.TypeState, Patch: []byte(`1`), IfSeq: &one},
	}
	var hashes [][32]byte
	for i := range drafts {
		h := drafts[i].Hash()
		if slices.Contains(hashes, h) {
			t.Errorf("draft %d has the hash of another", i)
		}
		hashes = append(hashes, h)
		same := drafts[i]
		same.From, same.Session, same.ID, same.Role = "P", "S", "I", wire.RoleOwner
		if same.Hash() != h {
			t.Errorf("draft %d has another hash from another sender", i)
		}
	}
}
