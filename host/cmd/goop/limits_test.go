package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"goop/shared/link"
	"goop/shared/wire"
)

// TestLimitsAreDocumented compares the flag's limits with those of limits.md, where the docs' own test
// compares the defaults with the code.
func TestLimitsAreDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../docs/limits.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(text), "\n## Setting them\n")
	if !ok {
		t.Fatal("limits.md has no section about setting them")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	rows := map[string][2]string{} // default and range, by name
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z][a-z-]*)` \\| ([^|]+) \\| ([^|]+) \\|").FindAllStringSubmatch(section, -1) {
		rows[row[1]] = [2]string{row[2], row[3]}
	}
	standard := defaultLimits()
	for _, s := range settable {
		want := [2]string{s.unit.text(s.value(&standard)), s.unit.text(s.least) + " to " + s.unit.text(s.most)}
		if got := rows[s.name]; got != want {
			t.Errorf("%s: limits.md has %q, the flag %q", s.name, got, want)
		}
		delete(rows, s.name)
	}
	for name := range rows {
		t.Errorf("limits.md has %s, which cannot be set", name)
	}
}

// TestLimitsCanBeSet sets each limit to its least and its most.
func TestLimitsCanBeSet(t *testing.T) {
	t.Parallel()
	for _, s := range settable {
		for _, v := range []int64{s.least, s.most} {
			l := defaultLimits()
			if err := l.Set(s.name + "=" + s.unit.text(v)); s.unit != span && err != nil {
				t.Errorf("%s=%s: %v", s.name, s.unit.text(v), err)
			}
			if s.unit == span {
				s.set(&l, v)
			}
			if got := l.values()[s.name]; got != v {
				t.Errorf("%s: got %d, want %d", s.name, got, v)
			}
		}
		if v := s.least - 1; v > 0 {
			l := defaultLimits()
			if err := l.Set(s.name + "=" + strings.ReplaceAll(s.unit.text(v), " bytes", "")); err == nil {
				t.Errorf("%s: %d is taken", s.name, v)
			}
		}
	}
	l := defaultLimits()
	if err := l.check(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
	l.share()
	if want := defaultLimits(); l.wire != want.wire || l.node.AddressPending != 2048 || l.memory.State != 256<<10 || l.relay.LineBurst != 500 {
		t.Errorf("the defaults have become %+v", l)
	}
}

func TestUnits(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		unit unit
		text string
		want int64 // -1 for an error
	}{
		{number, "2000", 2000}, {number, "2,000", 2000}, {number, "0", 0}, {number, "-1", -1}, {number, "2.5", -1}, {number, "", -1},
		{number, "1,00", -1}, {number, "1k", -1}, {number, "99999999999999999999", -1}, {number, "+5", -1},
		{size, "64KiB", 64 << 10}, {size, "64 kib", 64 << 10}, {size, "2MiB", 2 << 20}, {size, "1GiB", 1 << 30}, {size, "512", 512},
		{size, "64KB", -1}, {size, "KiB", -1}, {size, "9999999999GiB", -1}, {size, "-1KiB", -1}, {size, "1.5MiB", -1},
		{span, "30s", 30_000}, {span, "1m30s", 90_000}, {span, "250ms", 250}, {span, "30", -1}, {span, "-1s", -1},
	} {
		got, err := tt.unit.parse(tt.text)
		if err != nil {
			got = -1
		}
		if got != tt.want {
			t.Errorf("%q: got %d, %v, want %d", tt.text, got, err, tt.want)
		}
	}
	for _, tt := range []struct {
		unit unit
		v    int64
		want string
	}{
		{number, 1234567, "1,234,567"}, {number, 999, "999"}, {size, 64 << 10, "64 KiB"}, {size, 1 << 20, "1 MiB"}, {size, 1100, "1,100 bytes"},
		{size, 1 << 30, "1 GiB"}, {span, 60_000, "60 s"}, {span, 24 * 3600_000, "24 h"}, {span, 3600_000, "3,600 s"},
	} {
		if got := tt.unit.text(tt.v); got != tt.want {
			t.Errorf("%d: got %s, want %s", tt.v, got, tt.want)
		}
	}
}

// TestLimitsReachMembers starts a host with other limits: pages are told them, and they hold.
func TestLimitsReachMembers(t *testing.T) {
	p := startHost(t, "--limit", "payload=1KiB", "--limit", "members=1", "--limit", "rows=100", "--limit", "sessions=3")
	m := p.member(transports[0])
	s, _ := join(t, m, "lobby")
	if l := s.Welcome().Limits; l.Payload != 1024 || l.Members != 1 || l.Rows != 100 || l.Sessions != 3 || l.Line != wire.DefaultLimits().Line {
		t.Errorf("the welcome has %+v", l)
	}
	if status := p.run("status", "--json"); !regexp.MustCompile(`"payload": 1024,`).MatchString(status) {
		t.Errorf("status: got %s", status)
	}
	answer, err := m.Call(t.Context(), []byte(`{"op":"query","table":"notes","limit":101}`))
	if err == nil || !strings.Contains(err.Error(), `"limit" is 1 to 100, got 101`) {
		t.Errorf("too many rows: got %s, %v", answer, err)
	}
	stream := open(t, p.dial(transports[0]), wire.GroupProtocol)
	if _, err := stream.Write([]byte(`{"type":"join","group":"lobby"}` + "\n")); err != nil {
		t.Fatal(err)
	}
	if f := until(t, link.NewReader(stream, wire.MaxLine), wire.TypeError); !strings.Contains(string(f.Payload), `"full"`) {
		t.Errorf("a second member: got %s", f.Payload)
	}
}

// TestRosterNames: beyond the number of --limit roster-names, a member is told how many there are and no names.
func TestRosterNames(t *testing.T) {
	p := startHost(t, "--limit", "roster-names=1")
	one, _ := join(t, p.member(transports[0]), "lobby")
	if w := one.Welcome(); len(w.Members) != 1 || w.Count != 1 {
		t.Errorf("the first is welcomed with %d names and the count %d", len(w.Members), w.Count)
	}
	two, _ := join(t, p.member(transports[1]), "lobby")
	if w := two.Welcome(); len(w.Members) != 0 || w.Count != 2 {
		t.Errorf("the second is welcomed with %d names and the count %d", len(w.Members), w.Count)
	}
}
