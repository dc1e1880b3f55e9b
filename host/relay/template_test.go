package relay_test

import (
	"errors"
	"testing"
	"testing/synctest"

	"goop/host/relay"
	"goop/shared/group"
	"goop/shared/wire"
)

func TestTemplates(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := open(t, relay.Options{Templates: []group.Template{
			{Name: "match", Config: parse(t, `{"type":"ephemeral","name":"A match","maxMembers":2,"seats":["white","black"]}`), Each: 2, Total: 3},
			{Name: "free", Config: parse(t, `{"type":"open","rights":{"manage":["moderator"]}}`), Each: 1, Total: 1},
		}})
		create := func(peer wire.PeerID, cfg group.Config) (group.Info, error) {
			return w.Create(t.Context(), group.Caller{Peer: peer}, cfg)
		}
		for what, tt := range map[string]struct {
			cfg  group.Config
			code wire.Code
		}{
			"anything":         {parse(t, `{"type":"ephemeral"}`), wire.Forbidden},
			"with an id":       {parse(t, `{"template":"match","id":"mine"}`), wire.InvalidValue},
			"another template": {parse(t, `{"template":"chess"}`), wire.InvalidValue},
		} {
			if _, err := create(alice, tt.cfg); !errors.Is(err, tt.code) {
				t.Errorf("%s: got %v, want %s", what, err, tt.code)
			}
		}
		asked := parse(t, `{"template":"match","type":"persistent","maxMembers":500}`)
		one, err := create(alice, asked)
		if err != nil || one.Name != "A match" || one.MaxMembers != 2 || one.Type != group.Ephemeral || one.Durable || one.Creator != alice || len(one.ID) < 20 || one.Template != "match" {
			t.Fatalf("got %+v, %v", one, err)
		}
		asked.Name = "Mine"
		two, err := create(alice, asked)
		if err != nil || two.Name != "Mine" || two.ID == one.ID {
			t.Errorf("got %+v, %v", two, err)
		}
		if _, err := create(alice, asked); !errors.Is(err, wire.LimitExceeded) {
			t.Errorf("one too many for alice: got %v, want limit_exceeded", err)
		}
		if _, err := create(bob, asked); err != nil {
			t.Error(err)
		}
		if _, err := create(bob, asked); !errors.Is(err, wire.LimitExceeded) {
			t.Errorf("one too many: got %v, want limit_exceeded", err)
		}

		// Its creator moderates it, but does not make another kind of group of it.
		if role, in := w.Role(alice, one.ID); role != wire.RoleModerator || !in {
			t.Errorf("the creator is %q, %t", role, in)
		}
		if info, err := w.Update(t.Context(), visitor, one.ID, []byte(`{"name":"New"}`)); err != nil || info.Name != "New" {
			t.Errorf("got %+v, %v", info, err)
		}
		for _, patch := range []string{`{"maxMembers":500}`, `{"dissolve":{"empty":0}}`, `{"listed":true}`, `{"rights":{"send":[]}}`} {
			if _, err := w.Update(t.Context(), visitor, one.ID, []byte(patch)); !errors.Is(err, wire.Forbidden) {
				t.Errorf("%s: got %v, want forbidden", patch, err)
			}
		}
		if _, err := w.Update(t.Context(), owner, one.ID, []byte(`{"maxMembers":3}`)); err != nil {
			t.Error(err)
		}
		free, err := create(alice, parse(t, `{"template":"free"}`))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Update(t.Context(), visitor, free.ID, []byte(`{"access":"invite"}`)); err != nil {
			t.Error(err)
		}
		if err := w.Close(t.Context(), visitor, one.ID); err != nil {
			t.Error(err)
		}
		if _, err := create(alice, asked); err != nil {
			t.Errorf("when one is closed: %v", err)
		}
	})
}
