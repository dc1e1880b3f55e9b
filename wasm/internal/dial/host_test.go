//go:build !js

package dial_test

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	"github.com/libp2p/go-libp2p/p2p/transport/websocket"
	webtransport "github.com/libp2p/go-libp2p/p2p/transport/webtransport"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
	"github.com/multiformats/go-multihash"
	wt "github.com/quic-go/webtransport-go"

	"goop/shared/wire"
)

// testHost is a go-libp2p host with an HTTP front, as host/node has it. It speaks
//
//	/echo      what comes goes back
//	/pair      the first line is a name; two streams of one name become the ends of one pipe
//	/ask-back  the host opens a stream to the caller, and tells how that ended
//	/hang-up   the host closes the connection
//	/deaf      the host never reads
//	/datagrams the first byte is answered with whether the connection has datagrams, which go back
//
// and serves its descriptor, with faults under the paths that faulty names.
type testHost struct {
	host.Host
	mux  *http.ServeMux
	addr string // of the HTTP front
}

// faulty are changes to the descriptor, by the path below which it lies.
var faulty = map[string]func(d *wire.Descriptor){
	"":            func(*wire.Descriptor) {},
	"/other-peer": func(d *wire.Descriptor) { d.Peer = stranger },
	"/unsigned-hash": func(d *wire.Descriptor) {
		d.WebTransport[0].CertHashes = append(d.WebTransport[0].CertHashes, strings.Repeat("0f", 32))
	},
	"/dead-webtransport": func(d *wire.Descriptor) { d.WebTransport[0].URL = "https://127.0.0.1:9/x" },
	"/dead-websocket":    func(d *wire.Descriptor) { d.WebSocket[0] = "ws://127.0.0.1:9/" },
	"/second-url": func(d *wire.Descriptor) {
		d.WebTransport = nil
		d.WebSocket = []string{"ws://127.0.0.1:9/", d.WebSocket[0]}
	},
	"/no-hash":  func(d *wire.Descriptor) { d.WebTransport[0].CertHashes = nil },
	"/nowhere":  func(d *wire.Descriptor) { d.WebTransport, d.WebSocket = nil, nil },
	"/bad-peer": func(d *wire.Descriptor) { d.Peer = "me" },
}

func startHost(t testing.TB) *testHost {
	t.Helper()
	h := &testHost{mux: http.NewServeMux()}
	var err error
	h.Host, err = libp2p.New(
		libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0/ws", "/ip4/127.0.0.1/udp/0/quic-v1/webtransport"),
		libp2p.Security(noise.ID, noise.New),
		libp2p.Muxer(yamux.ID, yamux.DefaultTransport),
		libp2p.Transport(webtransport.New),
		libp2p.Transport(websocket.New, websocket.WithHTTPHandler(h.mux)),
		libp2p.ResourceManager(&network.NullResourceManager{}),
		libp2p.DisableRelay(),
	)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Host.Close() })
	for _, a := range h.Addrs() {
		if _, err := a.ValueForProtocol(ma.P_WS); err == nil {
			net, err := manet.ToNetAddr(ma.StringCast(strings.TrimSuffix(a.String(), "/ws")))
			if err != nil {
				t.Fatal(err)
			}
			h.addr = net.String()
		}
	}
	for path, change := range faulty {
		h.mux.HandleFunc("GET "+path+wire.HostPath, func(w http.ResponseWriter, r *http.Request) {
			d := h.descriptor(r.Host)
			change(&d)
			w.Header().Set("Content-Type", "application/json")
			w.Write(d.Append(nil))
		})
	}
	h.mux.HandleFunc("GET /not-json"+wire.HostPath, func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "<html>Welcome to the hotel's network</html>")
	})
	h.serve()
	return h
}

// base is the origin of the HTTP front.
func (h *testHost) base() string { return "http://" + h.addr }

// descriptor says how the host can be reached by somebody who asked under the given name.
func (h *testHost) descriptor(name string) wire.Descriptor {
	d := wire.Descriptor{Peer: wire.PeerID(h.ID().String()), Name: "test", WebSocket: []string{"ws://" + name + "/"}}
	for _, a := range h.Addrs() {
		if _, err := a.ValueForProtocol(ma.P_WEBTRANSPORT); err != nil {
			continue
		}
		port, _ := a.ValueForProtocol(ma.P_UDP)
		var hashes []string
		ma.ForEach(a, func(c ma.Component) bool {
			if c.Protocol().Code == ma.P_CERTHASH {
				if mh, err := multihash.Decode(c.RawValue()); err == nil {
					hashes = append(hashes, hex.EncodeToString(mh.Digest))
				}
			}
			return true
		})
		d.WebTransport = append(d.WebTransport, wire.WebTransportAddr{
			URL: "https://127.0.0.1:" + port + "/.well-known/libp2p-webtransport?type=noise", CertHashes: hashes,
		})
	}
	return d
}

func (h *testHost) serve() {
	h.SetStreamHandler("/echo", func(st network.Stream) {
		if _, err := io.Copy(st, st); err != nil {
			st.Reset()
			return
		}
		st.Close()
	})
	var pairs pairs
	h.SetStreamHandler("/pair", pairs.join)
	h.SetStreamHandler("/ask-back", func(st network.Stream) {
		defer st.Close()
		answer := "accepted\n"
		switch err := ask(st.Conn()); {
		case errors.Is(err, network.ErrReset):
			answer = "refused\n"
		case err != nil:
			answer = err.Error()
		}
		io.WriteString(st, answer)
	})
	h.SetStreamHandler("/hang-up", func(st network.Stream) { st.Conn().Close() })
	h.SetStreamHandler("/deaf", func(network.Stream) {})
	h.SetStreamHandler("/datagrams", func(st network.Stream) {
		defer st.Close()
		var session *wt.Session
		if !st.Conn().As(&session) {
			io.WriteString(st, "n")
			return
		}
		if _, err := io.ReadFull(st, make([]byte, 1)); err != nil {
			return
		}
		io.WriteString(st, "y")
		for {
			packet, err := session.ReceiveDatagram(session.Context())
			if err != nil {
				return
			}
			session.SendDatagram(packet)
		}
	})
}

// ask opens a stream to a member, as identify does.
func ask(c network.Conn) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	st, err := c.NewStream(ctx)
	if err != nil {
		return err
	}
	defer st.Reset()
	st.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(st, "\x13/multistream/1.0.0\n"); err != nil {
		return err
	}
	_, err = st.Read(make([]byte, 1))
	return err
}

// pairs connects streams that name the same pair.
type pairs struct {
	// mu guards the following.
	mu      sync.Mutex
	waiting map[string]joined
}

// joined is a stream whose first line has been read, through a reader that may have more.
type joined struct {
	network.Stream
	r *bufio.Reader
}

func (p *pairs) join(st network.Stream) {
	mine := joined{st, bufio.NewReader(st)}
	name, err := mine.r.ReadString('\n')
	if err != nil {
		st.Reset()
		return
	}
	p.mu.Lock()
	other, found := p.waiting[name]
	if found {
		delete(p.waiting, name)
	} else {
		if p.waiting == nil {
			p.waiting = map[string]joined{}
		}
		p.waiting[name] = mine
	}
	p.mu.Unlock()
	if found {
		go carry(mine, other)
		carry(other, mine)
	}
}

// carry takes what comes on one stream to the other, and how it ends.
func carry(from, to joined) {
	b := make([]byte, 32<<10)
	for {
		n, err := from.r.Read(b)
		if n > 0 {
			if _, err := to.Write(b[:n]); err != nil {
				from.CloseRead()
				return
			}
		}
		switch {
		case err == io.EOF:
			to.CloseWrite()
			return
		case err != nil:
			to.Reset()
			return
		}
	}
}
