package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"goop/host/node"
	"goop/shared/jsontext"
	"goop/shared/member"
	"goop/shared/wire"
)

// TestVisitorsGroup has a visitor make a group for those whom it invites: the link is good once, the host
// remembers who came in by it, through a kill too, and who is kicked is out.
func TestVisitorsGroup(t *testing.T) {
	p := startHost(t)
	ann, ben, eve := p.member(node.QUIC), p.member(node.WebTransport), p.member(node.WebSocket)
	if got := string(call(t, ann, `{"op":"role"}`, "create")); got != `["room"]` {
		t.Errorf("a visitor may create %s", got)
	}
	room := call(t, ann, `{"op":"group.create","config":{"template":"room","name":"Ann's room"}}`, "group")
	id := wire.GroupID(stringOf(t, room, "id"))
	if _, err := ann.Call(t.Context(), []byte(`{"op":"group.create","config":{"template":"room"}}`)); !errors.Is(err, wire.LimitExceeded) {
		t.Errorf("a second room: got %v, want limit_exceeded", err)
	}
	about := func(op, more string) string { return `{"op":"` + op + `","group":"` + string(id) + `"` + more + `}` }

	invite := call(t, ann, about("group.invite", ""), "invite")
	token := stringOf(t, invite, "token")
	if got, want := stringOf(t, invite, "url"), p.page+"#goop-invite="+string(id)+"."+token; got != want {
		t.Errorf("got the link %s, want %s", got, want)
	}
	enter := func(m *member.Member, token string, code wire.Code) (*member.Session, chan *wire.Error) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		ended := make(chan *wire.Error, 1)
		s, err := m.Join(ctx, id, member.JoinOptions{Invite: token, Handler: member.HandlerFunc(func(batch []member.Event) {
			for _, e := range batch {
				if e.Frame.Type == wire.TypeClose {
					ended <- e.Err
				}
			}
		})})
		if code == "" && err != nil || code != "" && !errors.Is(err, code) {
			t.Fatalf("join: got %v, want %q", err, code)
		}
		return s, ended
	}
	enter(ben, "", wire.NoSuchGroup)
	enter(ben, "nonsense", wire.InviteInvalid)
	s, _ := enter(ben, token, "")
	enter(eve, token, wire.InviteInvalid) // it is used up
	if _, err := s.Send(t.Context(), []byte(`"hello"`), member.SendOptions{}); err != nil {
		t.Errorf("send: %v", err)
	}
	if err := s.Leave(t.Context()); err != nil {
		t.Errorf("leave: %v", err)
	}

	p.kill()
	p.restart()
	_, ended := enter(ben, "", "")
	history := call(t, ann, about("group.history", ""), "rows")
	if !strings.Contains(string(history), `"payload":"hello"`) {
		t.Errorf("the history is %s", history)
	}
	peer := string(jsontext.AppendString(nil, string(ben.Status().Self)))
	call(t, ann, about("group.kick", `,"message":"be nice","peer":`+peer), "kicked")
	select {
	case err := <-ended:
		if !errors.Is(err, wire.Forbidden) {
			t.Errorf("who was kicked is told %v", err)
		}
	case <-time.After(30 * time.Second):
		t.Error("who was kicked is not told")
	}
	enter(ben, token, wire.InviteInvalid)
	enter(ben, "", wire.NoSuchGroup)
	if rows := string(call(t, eve, `{"op":"query","table":"_peers","where":{"group":"`+string(id)+`"}}`, "rows")); rows != "[]" {
		t.Errorf("a stranger sees %s", rows)
	}
}
