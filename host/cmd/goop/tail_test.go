package main

import (
	"bufio"
	"context"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"goop/host/control"
	"goop/host/node"
	"goop/shared/member"
	"goop/shared/wire"
)

// TestGroupTail follows a group while a member sends, as JSON and as text.
func TestGroupTail(t *testing.T) {
	p := startHost(t)
	m := p.member(node.QUIC)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s, err := m.Join(ctx, "kept", member.JoinOptions{Handler: &eventLog{changed: make(chan struct{}, 1)}, Meta: []byte(`{"label":"Ann\u009b2J"}`)})
	if err != nil {
		t.Fatal(err)
	}
	self := string(m.Status().Self)
	send := func(payload string, o member.SendOptions) {
		t.Helper()
		if _, err := s.Send(ctx, []byte(payload), o); err != nil {
			t.Fatal(err)
		}
	}
	send(`{"by":"early"}`, member.SendOptions{})
	send(`{"by":"first"}`, member.SendOptions{})

	following, stop := context.WithCancel(ctx)
	defer stop()
	r, w := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- run(following, []string{"group", "tail", "kept", "-n", "1", "-f", "--json", "--data", p.data}, strings.NewReader(""), w, t.Output())
		w.Close()
	}()
	lines := bufio.NewScanner(r)
	want := func(pattern string) {
		t.Helper()
		if !lines.Scan() || !regexp.MustCompile(pattern).MatchString(lines.Text()) {
			t.Fatalf("got %s, %v, want %s", lines.Text(), lines.Err(), pattern)
		}
	}
	want(`^{"seq":2,"time":\d+,"type":"msg","from":"` + self + `","payload":{"by":"first"}}$`)
	send(`{"by":"second"}`, member.SendOptions{})
	want(`^{"seq":3,.*"payload":{"by":"second"}}$`)
	send(`{"by":"secret"}`, member.SendOptions{To: wire.PeerID(self)})
	want(`^{"seq":4,.*"to":"` + self + `"}$`)
	stop()
	if c := <-code; c != exitOK {
		t.Errorf("Ctrl-C: got exit code %d", c)
	}

	text := p.run("group", "tail", "kept", "-n", "3")
	if want := regexp.MustCompile(`^[-\d]+ [:\d]+  #2  Ann\\u009b2J …\w{8}  {"by":"first"}\n.*\n.* to .*  \(direct\)\n$`); !want.MatchString(text) {
		t.Errorf("as text: got %s", text)
	}
	show := p.run("group", "show", "kept")
	if want := regexp.MustCompile(`(?m)^` + self + ` +Ann\\u009b2J +member +1 +20`); !want.MatchString(show) {
		t.Errorf("show: got %s", show)
	}

	// The host ends, and so does who follows.
	var errs strings.Builder
	r2, w2 := io.Pipe()
	go func() {
		code <- run(ctx, []string{"group", "tail", "kept", "-n", "1", "-f", "--data", p.data}, strings.NewReader(""), w2, &errs)
		w2.Close()
	}()
	lines = bufio.NewScanner(r2)
	want(`\(direct\)$`)
	if took := p.terminate(); took > 5*time.Second {
		t.Errorf("SIGTERM took %v, want at most 5s", took)
	}
	if c := <-code; c != exitFailed || errs.String() != "goop: the host is going down\n" {
		t.Errorf("the host ended: got exit code %d, %q", c, errs.String())
	}
}

func TestPrintEntry(t *testing.T) {
	t.Parallel()
	const ann, bob = "12D3KooWAnnnnnnnnnnn", "12D3KooWBobbbbbbbbbb"
	names := map[wire.PeerID]string{ann: "Ann"}
	for _, tt := range []struct {
		entry control.Entry
		want  string
	}{
		{control.Entry{Seq: 1, Type: wire.TypeMsg, From: ann, Payload: []byte(`"hi\u202e"`)}, `#1  Ann …nnnnnnnn  "hi\u202e"`},
		{control.Entry{Seq: 2, Type: wire.TypeMsg, From: bob, To: ann}, `#2  …bbbbbbbb to Ann …nnnnnnnn  (direct)`},
		{control.Entry{Seq: 3, Type: wire.TypeState, From: bob, Patch: []byte(`{"a":1}`)}, `#3  …bbbbbbbb  state {"a":1}`},
		{control.Entry{Seq: 4, Type: wire.TypeMsg, From: bob, Redact: 1}, `#4  …bbbbbbbb  (took away #1)`},
		{control.Entry{Seq: 5, Type: wire.TypeMsg, From: bob, Redacted: true}, `#5  …bbbbbbbb  (taken away)`},
		{control.Entry{Seq: 9, Type: wire.TypeMsg, From: "x", Payload: []byte("1"), Missing: 3}, `#9  x  1`},
	} {
		var out strings.Builder
		if err := printEntry(&out, &tt.entry, names); err != nil {
			t.Fatal(err)
		}
		text, missing := strings.CutPrefix(out.String(), "(3 messages before this one are not kept any more)\n")
		_, text, _ = strings.Cut(text, "  ")
		if text != tt.want+"\n" || missing != (tt.entry.Missing > 0) {
			t.Errorf("got %q, want %s", out.String(), tt.want)
		}
	}
}
