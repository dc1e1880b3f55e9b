package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	ma "github.com/multiformats/go-multiaddr"
)

// portTries is how many numbers are tried until one is free for TCP and UDP.
const portTries = 32

// bind is one address to listen on. An optional one may fail for want of IPv6 (or IPv4), but not
// because it is taken.
type bind struct {
	flag     string // for errors: the flag that it came from
	addr     netip.Addr
	port     int
	optional bool
}

// CheckListen reads an address as Open does for a flag. The error says what is allowed.
func CheckListen(flag, s string) error {
	_, err := parseListen(flag, s)
	return err
}

// parseListen reads what stands after --listen.
func parseListen(flag, s string) ([]bind, error) {
	host, portText, err := net.SplitHostPort(s)
	if err != nil {
		return nil, fmt.Errorf("%s %q is not an address; allowed are \":7780\", \"127.0.0.1:7780\", \"[::1]:0\"", flag, s)
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("%s %q has no port between 0 and 65535", flag, s)
	}
	b := bind{flag: flag, port: int(port)}
	both := func(v4, v6 netip.Addr) []bind {
		four, six := b, b
		four.addr, six.addr = v4, v6
		four.optional, six.optional = true, true
		return []bind{four, six}
	}
	if host == "localhost" {
		return both(netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()), nil
	}
	if host == "" {
		return both(netip.IPv4Unspecified(), netip.IPv6Unspecified()), nil
	}
	addr, err := netip.ParseAddr(host)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s %q: the host must be an IP address of this machine, \"localhost\", or nothing for all", flag, s)
	case addr.Zone() != "":
		return nil, fmt.Errorf("%s %q: an address with a zone (%%%s) is not supported", flag, s, addr.Zone())
	case addr.IsUnspecified():
		return both(netip.IPv4Unspecified(), netip.IPv6Unspecified()), nil
	}
	b.addr = addr.Unmap()
	return []bind{b}, nil
}

func (b bind) String() string { return netip.AddrPortFrom(b.addr, uint16(b.port)).String() }

// multiaddr returns the address in libp2p's form, for a network ("tcp" or "udp") and what is on it.
func (b bind) multiaddr(network, rest string) ma.Multiaddr {
	family := "ip6"
	if b.addr.Is4() {
		family = "ip4"
	}
	return ma.StringCast("/" + family + "/" + b.addr.String() + "/" + network + "/" + strconv.Itoa(b.port) + rest)
}

// listener is the part of go-libp2p's swarm that listens on one address and reports its error;
// network.Network.Listen is content when one of many succeeds.
type listener interface {
	AddListenAddr(ma.Multiaddr) error
	ListenAddresses() []ma.Multiaddr
	ListenClose(...ma.Multiaddr)
}

// layer is a transport on a port: the network below, and the rest of its multiaddr.
type layer struct{ network, rest string }

var tcpLayers = []layer{{"tcp", ""}}

// mainLayers are those of the main port. TCP comes first: it is what other programs take more often.
func (n *Node) mainLayers() []layer {
	web := "/ws"
	if n.opts.TLS != nil {
		web = "/tls/ws"
	}
	layers := []layer{{"tcp", web}, {"udp", "/quic-v1"}, {"udp", "/quic-v1/webtransport"}}
	if n.opts.udp != nil {
		layers = layers[1:]
	}
	return layers
}

// Listen opens all ports, or none: the error names the address that failed and what to do, and the
// node is of no more use than to be closed. Members may come in before it returns; HTTP requests wait
// until all is open. It is called once.
func (n *Node) Listen(ctx context.Context) error {
	l, ok := n.host.Network().(listener)
	if !ok {
		return fmt.Errorf("node: %T cannot listen on single addresses", n.host.Network())
	}
	binds, err := openAll(ctx, l, n.wanted, n.mainLayers(), 0)
	if err != nil {
		return err
	}
	var tcp []bind
	if n.wantedTCP != nil {
		if tcp, err = openAll(ctx, l, n.wantedTCP, tcpLayers, binds[0].port); err != nil {
			l.ListenClose(l.ListenAddresses()...)
			return err
		}
	}
	httpPort := 0
	if n.wantedHTTP != nil {
		if httpPort, err = n.listenPlain(ctx, binds[0].port); err != nil {
			l.ListenClose(l.ListenAddresses()...)
			return err
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.binds, n.tcp, n.httpPort = binds, tcp, httpPort
	close(n.listening)
	if n.plain != nil {
		n.plain.serve()
	}
	n.log.Debug("listening", "addresses", l.ListenAddresses())
	return nil
}

// openAll listens on every bind with every layer, and returns the binds that are possible on this
// machine, with their port. With port 0 it looks for one number (but not avoid) that suits all.
func openAll(ctx context.Context, l listener, binds []bind, layers []layer, avoid int) ([]bind, error) {
	for try := 1; ; try++ {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		port, free := binds[0].port, binds[0].port == 0
		if free {
			var err error
			if port, err = suggestPort(binds); err != nil {
				return nil, err
			}
		}
		if free && port == avoid && try < portTries {
			continue
		}
		opened, err := openPort(l, binds, layers, port)
		if err == nil || !free || !isTaken(err) || try == portTries {
			return opened, err
		}
	}
}

// openPort opens one number on all binds. When it fails, it leaves nothing open.
func openPort(l listener, binds []bind, layers []layer, port int) (opened []bind, err error) {
	before := l.ListenAddresses()
	defer func() {
		if err == nil {
			return
		}
		l.ListenClose(slices.DeleteFunc(l.ListenAddresses(), func(a ma.Multiaddr) bool {
			return slices.ContainsFunc(before, a.Equal)
		})...)
	}()
	var missing error
	for _, b := range binds {
		b.port = port
		switch err := openBind(l, b, layers); {
		case err == nil:
			opened = append(opened, b)
		case b.optional && isMissing(err): // a machine without IPv6, or without IPv4
			missing = err
		default:
			return nil, err
		}
	}
	if len(opened) == 0 {
		return nil, missing
	}
	return opened, nil
}

// openBind listens on one address with every layer, and checks that it is really listened on.
func openBind(l listener, b bind, layers []layer) error {
	for _, y := range layers {
		a := b.multiaddr(y.network, y.rest)
		if err := l.AddListenAddr(a); err != nil {
			return listenError(b, y.network, err)
		}
		// WebTransport's listener adds its certificates' hashes to the address.
		if !slices.ContainsFunc(l.ListenAddresses(), func(got ma.Multiaddr) bool { return strings.HasPrefix(got.String(), a.String()) }) {
			return listenError(b, y.network, errors.New("nothing listens on it"))
		}
	}
	return nil
}

// suggestPort finds a number that is free for TCP on the first bind that this machine has.
func suggestPort(binds []bind) (int, error) {
	var last error
	for _, b := range binds {
		t, err := net.Listen("tcp", b.String())
		if err != nil {
			last = listenError(b, "tcp", err)
			continue
		}
		port := t.Addr().(*net.TCPAddr).Port
		return port, t.Close()
	}
	return 0, last
}

// winAddrInUse is what Windows calls EADDRINUSE.
const winAddrInUse = syscall.Errno(10048)

// isTaken reports whether somebody else listens there.
func isTaken(err error) bool {
	return errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, winAddrInUse)
}

// isMissing reports whether the machine lacks the address or its whole family.
func isMissing(err error) bool {
	return errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT) || errors.Is(err, syscall.EPROTONOSUPPORT)
}

// listenError says in one line what failed and what to do.
func listenError(b bind, network string, err error) error {
	what := "listen " + strings.ToUpper(network) + " " + b.String()
	switch {
	case isTaken(err):
		return fmt.Errorf("%s: address already in use (another host? choose another port with %s)%w", what, b.flag, silent{err})
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("%s: not allowed (ports below 1024 need rights; choose another with %s)%w", what, b.flag, silent{err})
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%s: this machine has no such address (choose another with %s)%w", what, b.flag, silent{err})
	}
	return fmt.Errorf("%s: %w", what, err)
}

// silent keeps a cause for errors.Is whose text is already said.
type silent struct{ err error }

func (silent) Error() string   { return "" }
func (s silent) Unwrap() error { return s.err }
