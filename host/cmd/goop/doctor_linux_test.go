package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"goop/host/doctor"
)

// ownNetwork is set in the process that has a network of its own.
const ownNetwork = "GOOP_TEST_OWN_NETWORK"

// inOwnNetwork runs the calling test once more in a network namespace of its own, and reports whether it is
// that process which asks.
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

// TestDoctorWhereUDPIsDropped looks at a host in a LAN, then without UDP, then behind a firewall.
func TestDoctorWhereUDPIsDropped(t *testing.T) {
	if !inOwnNetwork(t) {
		return
	}
	system := func(commands string) {
		t.Helper()
		for line := range strings.Lines(commands) {
			if f := strings.Fields(line); len(f) > 0 {
				if out, err := exec.Command(f[0], f[1:]...).CombinedOutput(); err != nil {
					t.Fatalf("%s: %v\n%s", line, err, out)
				}
			}
		}
	}
	system(`ip link set lo up
		ip link add wlan0 type veth peer name far0
		ip link add docker0 type bridge
		ip addr add 192.168.1.5/24 dev wlan0
		ip addr add 172.17.0.1/16 dev docker0
		ip link set wlan0 up
		ip link set far0 up
		ip link set docker0 up
		ip route add default via 192.168.1.1`)
	dir := filepath.Join(t.TempDir(), "data")
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	said, out := io.Pipe()
	go func() {
		ended <- run(ctx, []string{"serve", "--listen", ":7780", "--data", dir, "--metrics", "off"}, nil, out, t.Output())
	}()
	defer func() {
		stop()
		if code := <-ended; code != exitOK {
			t.Errorf("the host ends with %d", code)
		}
	}()
	for lines := bufio.NewScanner(said); lines.Scan() && !strings.HasPrefix(lines.Text(), "Ctrl-C"); {
	}
	type report struct {
		OK bool
		doctor.Report
	}
	look := func(wantCode int) (r report, levels string) {
		t.Helper()
		var out strings.Builder
		if code := run(ctx, []string{"doctor", "--data", dir, "--json"}, nil, &out, t.Output()); code != wantCode {
			t.Errorf("exit code %d, want %d\n%s", code, wantCode, out.String())
		}
		if err := json.Unmarshal([]byte(out.String()), &r); err != nil {
			t.Fatal(err)
		}
		for _, v := range r.Visitors {
			levels += string(v.Level) + " "
		}
		return r, levels
	}
	finding := func(r report, area string) doctor.Finding {
		t.Helper()
		i := slices.IndexFunc(r.Findings, func(f doctor.Finding) bool { return f.Area == area })
		if i < 0 {
			t.Fatalf("nothing is said of %s: %+v", area, r.Findings)
		}
		return r.Findings[i]
	}

	r, levels := look(exitOK)
	if levels != "ok ok note " || !strings.Contains(r.Visitors[1].Can, "http://192.168.1.5:7780/ (Wi-Fi wlan0), over WebSocket") {
		t.Errorf("a healthy host: %+v", r.Visitors)
	}
	if f := finding(r, "page http://192.168.1.5:7780"); f.Level != doctor.OK || !strings.Contains(f.Seen, "UDP gets through, too") {
		t.Errorf("a healthy host: %+v", f)
	}

	// No way for UDP, not even to the machine itself.
	system(`ip rule add pref 10 lookup local
		ip rule del pref 0
		ip rule add pref 5 ipproto udp blackhole`)
	r, levels = look(exitOK)
	if levels != "ok ok note " || !strings.Contains(r.Visitors[0].Can, "over WebSocket: UDP does not get through") {
		t.Errorf("without UDP: %+v", r.Visitors)
	}
	if f := finding(r, "page http://localhost:7780"); f.Level != doctor.Warn || f.Do == "" {
		t.Errorf("without UDP: %+v", f)
	}
	if f := finding(r, "page http://192.168.1.5:7780"); f.Level != doctor.Note || !strings.Contains(f.Seen, "UDP does not get through: ") {
		t.Errorf("without UDP: %+v", f)
	}
	system("ip rule del pref 5")

	if _, err := exec.LookPath("nft"); err != nil {
		t.Log("there is no nft here, so that no real firewall is looked at; host/doctor has what it prints")
		return
	}
	system(`nft add table inet f
		nft add chain inet f input {type filter hook input priority 0;policy accept;}
		nft add rule inet f input iifname lo accept
		nft add rule inet f input udp dport 7780 drop`)
	r, _ = look(exitOK)
	if f := finding(r, "firewall nft"); f.Level != doctor.Warn || !strings.Contains(f.Seen, "chain input: udp dport 7780 drop") {
		t.Errorf("a firewall that drops UDP: %+v", f)
	}
	system(`nft add rule inet f input tcp dport 7780 drop`)
	r, levels = look(exitFailed)
	if levels != "ok bad note " || r.OK || finding(r, "firewall nft").Level != doctor.Bad {
		t.Errorf("a firewall that drops TCP: %+v", r)
	}
}
