package node

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// ownNetwork is set in the process that has a network of its own.
const ownNetwork = "GOOP_TEST_OWN_NETWORK"

// inOwnNetwork runs the calling test once more, in a process with a network namespace of its own, and
// reports whether it is that process which asks.
func inOwnNetwork(t *testing.T) bool {
	t.Helper()
	if os.Getenv(ownNetwork) != "" {
		return true
	}
	skip := t.Skipf
	if os.Getenv("CI") != "" { // a run that is to prove something must not pass over this silently
		skip = t.Fatalf
	}
	unshare := []string{"unshare", "--net"}
	if os.Getuid() != 0 {
		unshare = append(unshare, "--user", "--map-root-user")
	}
	if out, err := exec.Command(unshare[0], append(unshare[1:], "ip", "link")...).CombinedOutput(); err != nil {
		skip("cannot make a network namespace here: %v\n%s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), unshare[0], append(unshare[1:], os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")...)
	cmd.Env = append(os.Environ(), ownNetwork+"=yes")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("in a network of its own: %v\n%s", err, out)
	}
	return false
}

func run(t *testing.T, commands string) {
	t.Helper()
	for line := range strings.Lines(commands) {
		if f := strings.Fields(line); len(f) > 0 {
			if out, err := exec.Command(f[0], f[1:]...).CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", line, err, out)
			}
		}
	}
}

// TestSeveralInterfaces asks a machine with many networks, and a host on it, what is to be told first.
func TestSeveralInterfaces(t *testing.T) {
	if !inOwnNetwork(t) {
		return
	}
	run(t, `ip link set lo up
		ip link add docker0 type bridge
		ip link add wg0 type veth peer name far0
		ip link add eth0 type veth peer name far1
		ip link add wlan0 type veth peer name far2
		ip addr add 172.17.0.1/16 dev docker0
		ip addr add 10.8.0.2/24 dev wg0
		ip addr add 169.254.9.9/16 dev eth0
		ip addr add 10.0.0.7/24 dev eth0
		ip addr add 192.168.1.5/24 dev wlan0
		ip -6 addr add fd00::5/64 dev wlan0 nodad
		ip -6 addr add 2001:db8:1::5/64 dev wlan0 nodad
		ip -6 addr add 2001:db8:1::dead/64 dev wlan0 nodad preferred_lft 0
		ip link set docker0 up
		ip link set wg0 up
		ip link set eth0 up
		ip link set wlan0 up
		ip link set far0 up
		ip link set far1 up
		ip link set far2 up
		ip route add default via 192.168.1.1`)
	var got []string
	for _, a := range Addresses() {
		got = append(got, fmt.Sprint(a.IP, " ", a.Network(), " ", a.Default))
	}
	want := []string{
		"192.168.1.5 Wi-Fi wlan0 true", "10.0.0.7 Ethernet eth0 false", "2001:db8:1::5 Wi-Fi wlan0 false", "fd00::5 Wi-Fi wlan0 false",
		"10.8.0.2 VPN wg0 false", "172.17.0.1 containers docker0 false", "169.254.9.9 no address given eth0 false",
		"127.0.0.1 this machine false", "::1 this machine false",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}

	key, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	n, err := Open(t.Context(), Options{Key: key, Listen: ":7780"})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if err := n.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, want := n.Origins()[:3], []string{"http://192.168.1.5:7780", "http://10.0.0.7:7780", "http://[2001:db8:1::5]:7780"}; !slices.Equal(got, want) {
		t.Errorf("origins: got %v, want %v first", got, want)
	}
	if got, want := n.Descriptor("10.0.0.7:7780", false).WebSocket[:2], []string{"ws://10.0.0.7:7780/", "ws://192.168.1.5:7780/"}; !slices.Equal(got, want) {
		t.Errorf("descriptor: got %v, want %v first", got, want)
	}
	if got := n.Reach()[0].Network(); got != "Wi-Fi wlan0" {
		t.Errorf("the first is in %q", got)
	}

	// The network that everything goes by is another one now.
	run(t, "ip route replace default via 10.0.0.1")
	if got := rank(found(), source("udp4", routed4), source("udp6", routed6))[0].Network(); got != "Ethernet eth0" {
		t.Errorf("with another default route the first is in %q", got)
	}
}
