package control_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"goop/host/control"
	"goop/shared/wire"
)

// tailLog is the log of the one group "lobby", until it is closed.
type tailLog struct {
	// mu guards the following.
	mu      sync.Mutex
	entries []control.Entry
	asked   int // how often
	closed  bool
}

func (l *tailLog) add(payload string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = append(l.entries, control.Entry{
		Seq: int64(len(l.entries)) + 1, Time: 5, Type: wire.TypeMsg, From: "12D3KooWa", Payload: json.RawMessage(payload),
	})
}

func (h *host) TailGroup(ctx context.Context, id wire.GroupID, after int64, n int) ([]control.Entry, int64, error) {
	l := &h.log
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked++
	if id != "lobby" && id != ".." || l.closed {
		return nil, after, wire.E(wire.NoSuchGroup, "there is no such group")
	}
	head := int64(len(l.entries))
	if after < 0 {
		after = max(0, head-int64(n))
	}
	next := min(head, after+int64(n))
	return l.entries[after:next:next], next, ctx.Err()
}

// follow tails the lobby, and returns the payloads as they come, and the end.
func follow(t *testing.T, ctx context.Context, c *control.Client, n int) (<-chan string, <-chan error) {
	t.Helper()
	payloads, end := make(chan string, 1000), make(chan error, 1)
	go func() {
		end <- c.TailGroup(ctx, "lobby", n, true, func(e control.Entry) error {
			payloads <- string(e.Payload)
			return nil
		})
	}()
	return payloads, end
}

func want(t *testing.T, payloads <-chan string, wanted ...string) {
	t.Helper()
	for _, w := range wanted {
		select {
		case got := <-payloads:
			if got != w {
				t.Fatalf("got %s, want %s", got, w)
			}
		case <-time.After(time.Minute):
			t.Fatalf("%s does not come", w)
		}
	}
}

func TestGroups(t *testing.T) {
	t.Parallel()
	detail := control.GroupDetail{
		Group: control.Group{ID: "..", Name: "Dots", Type: "open", Access: "open", Members: 1, Seq: 9, Created: 3},
		Epoch: "E", StateSize: 2, Config: json.RawMessage(`{"id":".."}`),
		Roster: []control.Member{{Peer: "12D3KooWa", Label: "Ann", Meta: json.RawMessage(`{"label":"Ann"}`), Role: "member", Sessions: 2, Joined: 4}},
	}
	h := &host{groups: map[wire.GroupID]control.GroupDetail{"..": detail}}
	dir := t.TempDir()
	listen(t, dir, h)
	c, ctx := control.NewClient(dir), t.Context()
	if list, err := c.Groups(ctx); err != nil || !reflect.DeepEqual(list, []control.Group{detail.Group}) {
		t.Errorf("groups: got %+v, %v", list, err)
	}
	if got, err := c.Group(ctx, ".."); err != nil || !reflect.DeepEqual(got, detail) {
		t.Errorf("a group: got %+v, %v", got, err)
	}
	if err := c.CloseGroup(ctx, ".."); err != nil {
		t.Error(err)
	}
	for _, id := range []wire.GroupID{"..", "", "a/b", "a&b=c"} {
		if _, err := c.Group(ctx, id); !errors.Is(err, wire.NoSuchGroup) {
			t.Errorf("group %q: got %v", id, err)
		}
		if err := c.CloseGroup(ctx, id); !errors.Is(err, wire.NoSuchGroup) {
			t.Errorf("close %q: got %v", id, err)
		}
	}
}

func TestTail(t *testing.T) {
	t.Parallel()
	h := &host{}
	for _, p := range []string{"1", "2", "3"} {
		h.log.add(p)
	}
	dir := t.TempDir()
	listen(t, dir, h)
	c := control.NewClient(dir)
	for _, tt := range []struct {
		id   wire.GroupID
		n    int
		want []string
	}{{"lobby", 2, []string{"2", "3"}}, {"lobby", 100, []string{"1", "2", "3"}}, {"..", 1, []string{"3"}}, {"lobby", 0, nil}} {
		var got []string
		err := c.TailGroup(t.Context(), tt.id, tt.n, false, func(e control.Entry) error {
			got = append(got, string(e.Payload))
			return nil
		})
		if err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("the last %d of %s: got %q, %v, want %q", tt.n, tt.id, got, err, tt.want)
		}
	}
	for _, n := range []int{-1, control.MaxTail + 1} {
		if err := c.TailGroup(t.Context(), "lobby", n, false, nil); !errors.Is(err, wire.InvalidValue) {
			t.Errorf("n is %d: got %v", n, err)
		}
	}
	if err := c.TailGroup(t.Context(), "none", 1, true, nil); !errors.Is(err, wire.NoSuchGroup) {
		t.Errorf("no group: got %v", err)
	}

	ctx, stop := context.WithCancel(t.Context())
	payloads, end := follow(t, ctx, c, 1)
	want(t, payloads, "3")
	h.log.add("4")
	h.log.add("5")
	want(t, payloads, "4", "5")
	stop()
	if err := <-end; err != nil {
		t.Errorf("stopped: got %v", err)
	}

	payloads, end = follow(t, t.Context(), c, 1)
	want(t, payloads, "5")
	h.log.add("6")
	want(t, payloads, "6")
	h.log.mu.Lock()
	h.log.closed = true
	h.log.mu.Unlock()
	if err := <-end; !errors.Is(err, wire.NoSuchGroup) {
		t.Errorf("closed: got %v", err)
	}
}

// TestTailOfAHostThatEnds has the host end while somebody follows a group, and while somebody has stopped
// to read in the middle.
func TestTailOfAHostThatEnds(t *testing.T) {
	t.Parallel()
	h := &host{}
	big := `"` + strings.Repeat("x", 200) + `"`
	for range 5000 {
		h.log.add(big)
	}
	dir := t.TempDir()
	s := listen(t, dir, h)
	payloads, end := follow(t, t.Context(), control.NewClient(dir), 1)
	want(t, payloads, big)

	stuck, err := net.Dial("unix", dir+"/control.sock")
	if err != nil {
		t.Fatal(err)
	}
	defer stuck.Close()
	if _, err := stuck.Write([]byte("GET /group/log?id=lobby&n=10000&follow=1 HTTP/1.1\r\nHost: goop\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	if _, err := stuck.Read(make([]byte, 1)); err != nil { // it is being answered
		t.Fatal(err)
	}
	begun := time.Now()
	if err := s.Close(t.Context()); err != nil {
		t.Errorf("Close: %v", err)
	}
	if took := time.Since(begun); took > 3*time.Second {
		t.Errorf("Close took %v", took)
	}
	if err := <-end; !errors.Is(err, wire.Closed) {
		t.Errorf("who followed: got %v", err)
	}
}

func TestPeople(t *testing.T) {
	t.Parallel()
	h := &host{}
	dir := t.TempDir()
	listen(t, dir, h)
	c, ctx := control.NewClient(dir), t.Context()
	asked := func(want string, err error) {
		t.Helper()
		if err != nil || h.asked != want {
			t.Errorf("got %q, %v, want %q", h.asked, err, want)
		}
	}
	inv, err := c.Invite(ctx, "..", control.InviteRequest{Role: "viewer", Uses: 3, Expires: 9})
	asked("invite .. {viewer 3 9 }", err)
	if want := (control.Invite{ID: "i", Token: "T", Role: "viewer", Uses: 3, URLs: []string{"http://a/"}}); !reflect.DeepEqual(inv, want) {
		t.Errorf("got %+v, want %+v", inv, want)
	}
	asked("revoke lobby T", c.Revoke(ctx, "lobby", "T"))
	for _, action := range []control.PeerAction{control.Kick, control.Ban, control.Unban, control.SetRole} {
		peer, err := c.ActOnPeer(ctx, "lobby", action, control.PeerRequest{Peer: "…Wa", Message: "Bye\n", Role: "viewer"})
		asked(string(action)+" lobby {…Wa Bye\n viewer}", err)
		if peer != "12D3KooWa" {
			t.Errorf("%s: got the peer %q", action, peer)
		}
	}
	if _, err := c.ActOnPeer(ctx, "lobby", "smile", control.PeerRequest{}); err == nil {
		t.Error("an action that there is not")
	}
	h.err = wire.E(wire.Forbidden, "no")
	if _, err := c.ActOnPeer(ctx, "lobby", control.Kick, control.PeerRequest{}); !errors.Is(err, wire.Forbidden) {
		t.Errorf("refused: got %v", err)
	}
}
