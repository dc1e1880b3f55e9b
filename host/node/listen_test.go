package node_test

import (
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"goop/host/node"
	"goop/shared/wire"
)

// listen opens a host with the given addresses and returns what Listen says.
func listen(t *testing.T, main, tcp string) error {
	t.Helper()
	n, err := node.Open(t.Context(), node.Options{Key: newKey(t), Listen: main, ListenTCP: tcp})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	return n.Listen(t.Context())
}

// port returns the number of a host's main port.
func port(t *testing.T, n *node.Node) int {
	t.Helper()
	origins := n.Origins()
	if len(origins) == 0 {
		t.Fatal("the host has no origin")
	}
	u, err := url.Parse(origins[0])
	if err != nil {
		t.Fatal(err)
	}
	p, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// freedPort returns the number of a host's main port that was closed again.
func freedPort(t *testing.T) string {
	t.Helper()
	n := openHost(t, node.Options{}, nil)
	p := strconv.Itoa(port(t, n))
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	return p
}

func takeTCP(t *testing.T, addr string) string {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

func takeUDP(t *testing.T, addr string) string {
	t.Helper()
	l, err := net.ListenPacket("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return strconv.Itoa(l.LocalAddr().(*net.UDPAddr).Port)
}

func TestListenTaken(t *testing.T) {
	t.Parallel()
	other := func(t *testing.T) string { return strconv.Itoa(port(t, openHost(t, node.Options{}, nil))) }
	for _, tt := range []struct {
		name string
		take func(t *testing.T) string // the taken port
		main string                    // %s is the port
		tcp  string
		want string // of the error, %s is the port
	}{
		{"TCP", func(t *testing.T) string { return takeTCP(t, "127.0.0.1:0") }, "127.0.0.1:%s", "",
			"listen TCP 127.0.0.1:%s: address already in use (another host? choose another port with --listen)"},
		{"UDP", func(t *testing.T) string { return takeUDP(t, "127.0.0.1:0") }, "127.0.0.1:%s", "",
			"listen UDP 127.0.0.1:%s: address already in use (another host? choose another port with --listen)"},
		{"another host", other, "127.0.0.1:%s", "",
			"listen TCP 127.0.0.1:%s: address already in use (another host? choose another port with --listen)"},
		{"TCP of one address, all wanted", func(t *testing.T) string { return takeTCP(t, "127.0.0.1:0") }, ":%s", "",
			"listen TCP 0.0.0.0:%s: address already in use (another host? choose another port with --listen)"},
		{"UDP of one address, all wanted", func(t *testing.T) string { return takeUDP(t, "127.0.0.1:0") }, ":%s", "",
			"listen UDP 0.0.0.0:%s: address already in use (another host? choose another port with --listen)"},
		{"TCP of IPv6 alone, all wanted", func(t *testing.T) string { return takeTCP(t, "[::1]:0") }, ":%s", "",
			"listen TCP [::]:%s: address already in use (another host? choose another port with --listen)"},
		{"native TCP", func(t *testing.T) string { return takeTCP(t, "127.0.0.1:0") }, "127.0.0.1:0", "127.0.0.1:%s",
			"listen TCP 127.0.0.1:%s: address already in use (another host? choose another port with --listen-tcp)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := tt.take(t)
			err := listen(t, strings.ReplaceAll(tt.main, "%s", p), strings.ReplaceAll(tt.tcp, "%s", p))
			if err == nil {
				t.Fatal("Listen succeeded on a taken port")
			}
			if got, want := err.Error(), strings.ReplaceAll(tt.want, "%s", p); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			if !errors.Is(err, syscall.EADDRINUSE) {
				t.Errorf("%v does not carry its cause", err)
			}
		})
	}
}

// TestListenTwoHostsNativeTCP is about go-libp2p's port sharing, with which a second host would listen
// on the same native TCP port and get half of the members.
func TestListenTwoHostsNativeTCP(t *testing.T) {
	t.Parallel()
	first := openHost(t, node.Options{}, nil)
	var addr string
	for _, a := range first.Descriptor("", false).Addrs {
		if parts := strings.Split(a, "/"); len(parts) == 7 && parts[3] == "tcp" {
			addr = net.JoinHostPort(parts[2], parts[4])
		}
	}
	err := listen(t, "127.0.0.1:0", addr)
	if !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a second host on %s: got %v, want that it is in use", addr, err)
	}
}

// TestListenFailsWhole checks that a failed Listen, and Close, keep nothing.
func TestListenFailsWhole(t *testing.T) {
	t.Parallel()
	taken := takeTCP(t, "127.0.0.1:0")
	p := freedPort(t)
	failed, err := node.Open(t.Context(), node.Options{Key: newKey(t), Listen: "127.0.0.1:" + p, ListenTCP: "127.0.0.1:" + taken})
	if err != nil {
		t.Fatal(err)
	}
	if err := failed.Listen(t.Context()); err == nil {
		t.Error("Listen succeeded on a taken port")
	}
	if len(failed.Origins()) != 0 {
		t.Errorf("a host that does not listen has the origins %v", failed.Origins())
	}
	if err := failed.Close(); err != nil {
		t.Error(err)
	}
	if err := listen(t, "127.0.0.1:"+p, ""); err != nil {
		t.Errorf("the main port after a failed Listen: %v", err)
	}
}

// TestListenAnswersWhole has a visitor ask at the very moment at which the host comes up, as whoever waits for a host
// that is started again does: what it is told must not lack the addresses that are about to be opened.
func TestListenAnswersWhole(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	at := "127.0.0.1:" + freedPort(t)
	n, err := node.Open(ctx, node.Options{Key: newKey(t), Listen: at, ListenTCP: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	n.HandleHTTP(site(n))
	type answer struct {
		desc wire.Descriptor
		err  error
	}
	first := make(chan answer, 1)
	go func() {
		for {
			d, err := node.FetchDescriptor("http://" + at)(ctx)
			if err != nil && errors.Is(err, syscall.ECONNREFUSED) && ctx.Err() == nil {
				continue // not up yet
			}
			first <- answer{d, err}
			return
		}
	}()
	if err := n.Listen(ctx); err != nil {
		t.Fatal(err)
	}
	a := <-first
	if a.err != nil {
		t.Fatal(a.err)
	}
	if len(a.desc.WebTransport) == 0 || len(a.desc.WebSocket) == 0 || len(a.desc.Addrs) < 4 {
		t.Errorf("the first answer of a host that comes up lacks addresses: %s", a.desc.Append(nil))
	}
}

// TestListenWrong checks addresses that nobody can listen on.
func TestListenWrong(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ main, tcp, want string }{
		{"", "", `--listen "" is not an address; allowed are ":7780", "127.0.0.1:7780", "[::1]:0"`},
		{"7780", "", `--listen "7780" is not an address; allowed are ":7780", "127.0.0.1:7780", "[::1]:0"`},
		{":http", "", `--listen ":http" has no port between 0 and 65535`},
		{":70000", "", `--listen ":70000" has no port between 0 and 65535`},
		{"example.com:7780", "", `--listen "example.com:7780": the host must be an IP address of this machine, "localhost", or nothing for all`},
		{"[fe80::1%eth0]:7780", "", `--listen "[fe80::1%eth0]:7780": an address with a zone (%eth0) is not supported`},
		{":0", "nonsense", `--listen-tcp "nonsense" is not an address; allowed are ":7780", "127.0.0.1:7780", "[::1]:0"`},
		{"192.0.2.1:0", "", `listen TCP 192.0.2.1:0: this machine has no such address (choose another with --listen)`},
		{"192.0.2.1:7780", "", `listen TCP 192.0.2.1:7780: this machine has no such address (choose another with --listen)`},
	} {
		t.Run(tt.main+" "+tt.tcp, func(t *testing.T) {
			t.Parallel()
			n, err := node.Open(t.Context(), node.Options{Key: newKey(t), Listen: tt.main, ListenTCP: tt.tcp})
			if err == nil {
				err = n.Listen(t.Context())
				_ = n.Close()
			}
			if err == nil || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

// TestListenEverywhere checks that an unspecified address is IPv4 and IPv6, on one number.
func TestListenEverywhere(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{":0", "0.0.0.0:0", "[::]:0", "localhost:0"} {
		t.Run(addr, func(t *testing.T) {
			t.Parallel()
			n := openHost(t, node.Options{Listen: addr}, nil)
			for _, host := range []string{"127.0.0.1", "::1"} {
				if host == "::1" && !haveIPv6() {
					t.Log("this machine has no IPv6")
					continue
				}
				at := net.JoinHostPort(host, strconv.Itoa(port(t, n)))
				for _, tr := range []string{node.QUIC, node.WebTransport, node.WebSocket} {
					d := n.Descriptor(at, false)
					dialer, err := node.NewDialer(node.DialerOptions{Descriptor: always(d), Transport: tr})
					if err != nil {
						t.Fatal(err)
					}
					defer dialer.Close()
					c, err := dialer.Dial(testContext(t))
					if err != nil {
						t.Errorf("%s at %s: %v", tr, at, err)
						continue
					}
					_ = c.Close()
				}
			}
		})
	}
}

func haveIPv6() bool {
	l, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		return false
	}
	_ = l.Close()
	return true
}
