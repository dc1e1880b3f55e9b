package node

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
)

// TestRank is the table of which address of a machine is told first, and what it is called.
func TestRank(t *testing.T) {
	t.Parallel()
	const up, tunnel = net.FlagUp, net.FlagUp | net.FlagPointToPoint
	of := func(name string, flags net.Flags, ips ...string) (list []fact) {
		for _, ip := range ips {
			list = append(list, fact{ip: netip.MustParseAddr(ip), name: name, flags: flags})
		}
		return list
	}
	radio := of("enx0", up, "192.168.1.9")
	radio[0].radio = true
	passing := of("wlan0", up, "2001:db8::abcd")
	passing[0].passes = true
	old := of("wlan0", up, "2001:db8::dead")
	old[0].unfit = true
	for _, tt := range []struct {
		name         string
		facts        [][]fact
		from4, from6 string
		want         string
	}{
		{"nothing", nil, "", "", ""},
		{"a laptop in a school", [][]fact{
			of("lo", up|net.FlagLoopback, "127.0.0.1", "::1"),
			of("docker0", up, "172.17.0.1"),
			of("tun0", tunnel, "10.8.0.6"),
			of("eth0", up, "10.0.0.7", "fe80::1"),
			of("wlan0", up, "192.168.1.5", "fd00::5", "2001:db8::5"), passing, old,
		}, "192.168.1.5", "2001:db8::abcd", `192.168.1.5 Wi-Fi wlan0*
10.0.0.7 Ethernet eth0
2001:db8::5 Wi-Fi wlan0*
2001:db8::abcd Wi-Fi wlan0*
fd00::5 Wi-Fi wlan0*
10.8.0.6 VPN tun0
172.17.0.1 containers docker0
127.0.0.1 this machine
::1 this machine`},
		{"all traffic goes through a VPN, and the visitors are in the LAN", [][]fact{
			of("wg0", tunnel, "10.2.0.2"), of("wlp3s0", up, "192.168.1.5"),
		}, "10.2.0.2", "", "192.168.1.5 Wi-Fi wlp3s0\n10.2.0.2 VPN wg0*"},
		{"nobody gave it an address", [][]fact{
			of("eth0", up, "169.254.7.7"), of("br-0123456789ab", up, "172.18.0.1"), of("veth12", up, "10.88.0.1"),
		}, "", "", "172.18.0.1 containers br-0123456789ab\n10.88.0.1 containers veth12\n169.254.7.7 no address given eth0"},
		{"a bridge that is the LAN", [][]fact{of("br0", up, "10.77.0.1")}, "", "", "10.77.0.1 network br0"},
		{"two addresses on one interface", [][]fact{of("eth0", up, "192.168.1.5", "192.168.1.6")}, "192.168.1.6", "",
			"192.168.1.6 Ethernet eth0*\n192.168.1.5 Ethernet eth0*"},
		{"Tailscale, and a provider that uses the same net", [][]fact{
			of("tailscale0", up, "100.101.102.103", "fd7a:115c:a1e0::1"), of("wwan0", up, "100.64.3.3"), of("eth0", up, "100.70.1.1"),
		}, "100.70.1.1", "", `100.70.1.1 Ethernet eth0*
100.101.102.103 VPN tailscale0
100.64.3.3 VPN wwan0
fd7a:115c:a1e0::1 VPN tailscale0`},
		{"what the kernel knows of a name that says nothing", [][]fact{radio}, "", "", "192.168.1.9 Wi-Fi enx0"},
		{"macOS", [][]fact{of("utun4", tunnel, "10.5.0.2"), of("bridge100", up, "192.168.64.1"), of("en0", up, "192.168.1.5")},
			"192.168.1.5", "", "192.168.1.5 network en0*\n10.5.0.2 VPN utun4\n192.168.64.1 containers bridge100"},
		{"Windows", [][]fact{
			of("vEthernet (WSL)", up, "172.22.16.1"), of("VirtualBox Host-Only Network", up, "192.168.56.1"),
			of("Ethernet 2", up, "192.168.1.5"), of("Wi-Fi", up, "192.168.1.6"), of("Tailscale", up, "100.90.1.1"),
		}, "192.168.1.6", "", `192.168.1.6 Wi-Fi*
192.168.1.5 Ethernet 2
100.90.1.1 VPN Tailscale
172.22.16.1 containers vEthernet (WSL)
192.168.56.1 containers VirtualBox Host-Only Network`},
		{"no names", [][]fact{of("", 0, "192.168.1.5", "10.0.0.1")}, "10.0.0.1", "", "10.0.0.1 network*\n192.168.1.5 network"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var facts []fact
			for _, f := range tt.facts {
				facts = append(facts, f...)
			}
			var from4, from6 netip.Addr
			if tt.from4 != "" {
				from4 = netip.MustParseAddr(tt.from4)
			}
			if tt.from6 != "" {
				from6 = netip.MustParseAddr(tt.from6)
			}
			var got []string
			for _, a := range rank(facts, from4, from6) {
				line := fmt.Sprint(a.IP, " ", a.Network())
				if a.Default {
					line += "*"
				}
				got = append(got, line)
			}
			if got := strings.Join(got, "\n"); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

// TestAddresses asks the real machine: what it says is in order and has no address twice.
func TestAddresses(t *testing.T) {
	t.Parallel()
	seen := map[netip.Addr]bool{}
	last := 0
	for _, a := range Addresses() {
		if seen[a.IP] {
			t.Errorf("%s stands there twice", a.IP)
		}
		seen[a.IP] = true
		if c := class(a.Kind); c < last {
			t.Errorf("%s, %s, stands behind what is further away", a.IP, a.Network())
		} else {
			last = c
		}
	}
	if !seen[netip.MustParseAddr("127.0.0.1")] {
		t.Errorf("got %v, without 127.0.0.1", seen)
	}
}
