package doctor

import (
	"os"
	"strings"
	"testing"
)

// TestFirewalls judges by what nft, iptables and ufw really print.
func TestFirewalls(t *testing.T) {
	t.Parallel()
	read := func(name string) []byte {
		b, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	nft := func(name string, without bool) *Ruleset {
		set, err := ParseNFT(read(name), without)
		if err != nil {
			t.Fatal(err)
		}
		return set
	}
	const tables = `-P INPUT ACCEPT
-P FORWARD ACCEPT
-N mine
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p icmp -j ACCEPT
-A INPUT -j mine
-A INPUT -p udp -m udp --dport 7790:7800 -j REJECT --reject-with icmp-port-unreachable
-A INPUT -s 10.0.0.0/8 -p udp -m udp --dport 9000 -j ACCEPT
-A INPUT -p udp -m multiport --dports 8000,9000 -j DROP
-A mine -p udp -m udp --dport 7780 -m comment --comment "no-game" -j DROP
-A mine -j RETURN
`
	for _, tt := range []struct {
		name  string
		set   *Ruleset
		proto string
		port  int
		want  Verdict
		rule  string // a part of it
	}{
		{"nothing there", nft("nft-empty.json", false), "udp", 7780, Passes, ""},
		{"a port that is let in", nft("nft-policy.json", false), "tcp", 7780, Passes, ""},
		{"one that no rule names", nft("nft-policy.json", false), "tcp", 8080, Drops, "policy of chain input"},
		{"a rule about all of UDP", nft("nft-policy.json", false), "udp", 7780, Drops, "chain input: l4proto udp drop"},
		{"a range that is let in", nft("nft-policy.json", false), "udp", 5500, Passes, ""},
		{"where from is not judged", nft("nft-unsure.json", false), "udp", 7780, Unsure, ""},
		{"and does not matter for what passes anyway", nft("nft-unsure.json", false), "tcp", 7780, Passes, ""},
		{"iptables through nft: the state is not told", nft("nft-iptables.json", false), "udp", 7780, Unsure, ""},
		{"iptables through nft, left out", nft("nft-iptables.json", true), "udp", 7780, Passes, ""},
		{"iptables, a chain of its own", ParseIPTables(tables), "udp", 7780, Drops, "chain mine: l4proto udp udp dport [7780] drop"},
		{"iptables, a port that nothing names", ParseIPTables(tables), "tcp", 7780, Passes, ""},
		{"iptables, a range", ParseIPTables(tables), "udp", 7795, Drops, "reject"},
		{"iptables, several ports", ParseIPTables(tables), "udp", 8000, Drops, "drop"},
		{"iptables, where from is not judged", ParseIPTables(tables), "udp", 9000, Unsure, ""},
		{"iptables, the policy", ParseIPTables(strings.Replace(tables, "INPUT ACCEPT", "INPUT DROP", 1)), "tcp", 7780, Drops, "policy of chain INPUT"},
		{"iptables with nothing", ParseIPTables("-P INPUT ACCEPT\n"), "tcp", 7780, Passes, ""},
	} {
		got, rule := tt.set.Judge(tt.proto, tt.port)
		if got != tt.want || !strings.Contains(rule, tt.rule) || tt.rule == "" && rule != "" {
			t.Errorf("%s: got %q, %q, want %q, %q", tt.name, got, rule, tt.want, tt.rule)
		}
	}
	if nft("nft-empty.json", false).Active() || !nft("nft-policy.json", false).Active() || ParseIPTables("-P INPUT ACCEPT\n").Active() || !ParseIPTables(tables).Active() {
		t.Error("what is active is not told from what is not")
	}

	const ufw = `Status: active
Logging: on (low)
Default: deny (incoming), allow (outgoing), disabled (routed)

To                         Action      From
--                         ------      ----
7780/tcp                   ALLOW IN    Anywhere
9000                       ALLOW IN    192.168.1.0/24
5000:6000/udp              ALLOW IN    Anywhere
7780/tcp (v6)              ALLOW IN    Anywhere (v6)
`
	for port, want := range map[int][2]Verdict{7780: {Passes, Drops}, 5500: {Drops, Passes}, 9000: {Unsure, Unsure}, 80: {Drops, Drops}} {
		if w := UFW(ufw, port); w.TCP != want[0] || w.UDP != want[1] || !w.Active {
			t.Errorf("ufw, port %d: got %+v, want %v", port, w, want)
		}
	}
	if w := UFW("Status: inactive\n", 7780); w.Active {
		t.Error("ufw is off and taken for on")
	}
	if w := Firewalld("yes\n", "no\n", 7780); w.TCP != Passes || w.UDP != Drops {
		t.Errorf("firewalld: got %+v", w)
	}
}

// FuzzParseNFT: whatever a program prints, it is read or refused, and judged.
func FuzzParseNFT(f *testing.F) {
	for _, name := range []string{"nft-policy.json", "nft-iptables.json", "nft-unsure.json", "nft-empty.json"} {
		b, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, "-P INPUT DROP\n-A INPUT -p udp --dport 1:2 -j DROP\n-A INPUT -j INPUT\n")
	}
	f.Fuzz(func(t *testing.T, text []byte, tables string) {
		sets := []*Ruleset{ParseIPTables(tables)}
		if set, err := ParseNFT(text, true); err == nil {
			sets = append(sets, set)
		}
		for _, set := range sets {
			if v, rule := set.Judge("udp", 7780); v == Drops && rule == "" {
				t.Error("dropped, and no rule does it")
			}
			set.Active()
		}
	})
}
