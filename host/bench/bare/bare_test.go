package bare

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"goop/host/control"
	"goop/host/node"
	"goop/shared/link"
	"goop/shared/member"
	"goop/shared/wire"
)

// start starts a bare host, and returns its page and data folder.
func start(t *testing.T) (page, folder string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	folder = t.TempDir()
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := Serve(ctx, folder, w); err != nil {
			t.Error(err)
		}
		w.Close()
	})
	t.Cleanup(func() { cancel(); serving.Wait() })
	line, err := link.NewReader(r, 1<<10).ReadLine()
	page, ok := strings.CutPrefix(string(line), "Page ")
	if err != nil || !ok {
		t.Fatalf("it said %q, %v", line, err)
	}
	return page, folder
}

// TestMembersCannotTell has real members of the product on a bare host, over each of its transports.
func TestMembersCannotTell(t *testing.T) {
	t.Parallel()
	page, folder := start(t)
	const each = 20
	transports := []string{node.WebTransport, node.WebSocket, node.QUIC, node.TCP}
	total := each * len(transports)
	var sessions []*member.Session
	var logs []chan string
	for _, transport := range transports {
		d, err := node.NewDialer(node.DialerOptions{Descriptor: node.FetchDescriptor(page), Transport: transport})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = d.Close() })
		m := member.New(member.Options{Dialer: d})
		t.Cleanup(m.Close)
		m.Start()
		log := make(chan string, total)
		s, err := m.Join(t.Context(), "g", member.JoinOptions{Handler: member.HandlerFunc(func(events []member.Event) {
			for _, e := range events {
				if e.Frame.Type == wire.TypeMsg {
					log <- fmt.Sprint(e.Frame.Seq, " ", e.Frame.From, " ", string(e.Frame.Payload))
				}
			}
		})})
		if err != nil {
			t.Fatalf("%s: %v", transport, err)
		}
		sessions, logs = append(sessions, s), append(logs, log)
	}
	var senders sync.WaitGroup
	for i, s := range sessions {
		senders.Go(func() {
			for n := range each {
				if _, err := s.Send(t.Context(), fmt.Appendf(nil, "[%d,%d]", i, n), member.SendOptions{}); err != nil {
					t.Errorf("%s: %v", transports[i], err)
				}
			}
		})
	}
	senders.Wait()
	if t.Failed() {
		return
	}
	var first []string
	for i, log := range logs {
		var all []string
		for range total {
			all = append(all, <-log)
		}
		if first == nil {
			first = all
		}
		if got, want := strings.Join(all, "\n"), strings.Join(first, "\n"); got != want {
			t.Errorf("%s has another order:\n%s\n%s", transports[i], got, want)
		}
	}
	for i, s := range sessions {
		if err := s.Leave(t.Context()); err != nil {
			t.Errorf("%s: leave: %v", transports[i], err)
		}
	}
	told, err := control.NewClient(folder).Counters(t.Context())
	if want := int64(total * len(transports)); err != nil || told.Deliveries != want || told.BytesOut == 0 {
		t.Errorf("it counts %+v, %v, want %d deliveries", told, err, want)
	}
}

// join has a stream in memory join a group, and returns the member's end of it and its lines after the welcome.
func join(t *testing.T, h *host) (link.Stream, *link.Reader) {
	t.Helper()
	far, near := link.Pipe(4 << 10)
	var serving sync.WaitGroup
	serving.Go(func() { h.serve(t.Context(), "p", near) })
	t.Cleanup(func() { _ = far.Reset(); serving.Wait() })
	write(t, far, wire.Frame{Type: wire.TypeJoin, Group: "g"})
	lines := link.NewReader(far, wire.MaxLine)
	if f, err := frame(lines); err != nil || f.Type != wire.TypeWelcome {
		t.Fatalf("instead of a welcome %+v, %v", f, err)
	}
	return far, lines
}

func write(t *testing.T, s link.Stream, f wire.Frame) {
	t.Helper()
	if _, err := s.Write(f.Append(nil)); err != nil {
		t.Fatal(err)
	}
}

// TestNothingIsLostForWhoReadsLate lets a member read only when the log has dropped, several times, what everybody else has.
func TestNothingIsLostForWhoReadsLate(t *testing.T) {
	t.Parallel()
	h := &host{groups: map[wire.GroupID]*group{}}
	_, late := join(t, h)
	sender, acks := join(t, h)
	const total = 3*fewLines + 100
	var sending sync.WaitGroup
	sending.Go(func() {
		message := wire.Frame{Type: wire.TypeMsg, ID: "m", Payload: []byte("1")}
		for range total {
			if _, err := sender.Write(message.Append(nil)); err != nil {
				t.Error(err)
			}
		}
	})
	for n := range int64(total) {
		if f, err := frame(acks); err != nil || !f.Ack || f.ID != "m" || f.Seq != n+1 {
			t.Fatalf("instead of acknowledgement %d %+v, %v", n+1, f, err)
		}
	}
	sending.Wait()
	for n := range int64(total) {
		if f, err := frame(late); err != nil || f.Type != wire.TypeMsg || f.Seq != n+1 || f.From != "p" || !bytes.Equal(f.Payload, []byte("1")) {
			t.Fatalf("instead of message %d %+v, %v", n+1, f, err)
		}
	}
	g := h.group("g")
	write(t, sender, wire.Frame{Type: wire.TypeLeave})
	if f, err := frame(acks); !errors.Is(err, io.EOF) {
		t.Errorf("after it has left: %+v, %v", f, err)
	}
	// All have it now, and so the log can be short again.
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.drop(); len(g.lines) != 0 || g.most != fewLines {
		t.Errorf("%d lines are kept, and up to %d", len(g.lines), g.most)
	}
}

func TestABareHostKnowsNothingElse(t *testing.T) {
	t.Parallel()
	h := &host{groups: map[wire.GroupID]*group{}}
	s, lines := join(t, h)
	write(t, s, wire.Frame{Type: wire.TypeState, Patch: []byte("{}")})
	if f, err := frame(lines); err == nil {
		t.Errorf("a state is answered: %+v", f)
	}
	far, near := link.Pipe(0)
	var beating sync.WaitGroup
	beating.Go(func() { beat(t.Context(), "p", near); _ = near.Close() })
	if _, err := io.WriteString(far, `{"id":7,"op":"time"}`+"\n"+`{"id":8,"op":"tables"}`+"\n"); err != nil {
		t.Fatal(err)
	}
	answers, err := io.ReadAll(far)
	if err != nil || !strings.HasPrefix(string(answers), `{"id":7,"time":`) || strings.Count(string(answers), "\n") != 1 {
		t.Errorf("answers %q, %v", answers, err)
	}
	beating.Wait()
}
