//go:build !js

package dial_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/net/upgrader"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	"github.com/libp2p/go-libp2p/p2p/security/noise/pb"
	"github.com/multiformats/go-multihash"
	mss "github.com/multiformats/go-multistream"

	"goop/shared/link"
	"goop/shared/member"
	"goop/shared/member/membertest"
	"goop/shared/wire"
	"goop/wasm/internal/dial"
	"goop/wasm/internal/identity"
)

// lane is how a URL behaves.
type lane struct {
	after time.Duration // until it answers
	err   error         // in place of a connection
	peer  int           // of fakeNet.keys, which proves itself there
}

const never = time.Hour

// fakeNet is a world of hosts in memory, whose clock is the bubble's.
type fakeNet struct {
	t     *testing.T
	keys  []crypto.PrivKey
	desc  wire.Descriptor
	slow  time.Duration // until the descriptor comes
	rusty time.Duration // until the browser has found the key
	lanes map[string]lane
	begin time.Time
	wg    sync.WaitGroup

	// mu guards the following.
	mu     sync.Mutex
	dialed []string // URL and when, in the order of dialling
	open   int      // connections
}

func newFakeNet(t *testing.T, lanes map[string]lane) *fakeNet {
	t.Helper()
	n := &fakeNet{t: t, lanes: lanes, begin: time.Now()}
	for range 2 {
		key, _, err := crypto.GenerateEd25519Key(nil)
		if err != nil {
			t.Fatal(err)
		}
		n.keys = append(n.keys, key)
	}
	n.desc.Peer = n.id(0)
	return n
}

func (n *fakeNet) id(i int) wire.PeerID {
	id, err := peer.IDFromPrivateKey(n.keys[i])
	if err != nil {
		n.t.Fatal(err)
	}
	return wire.PeerID(id.String())
}

func (n *fakeNet) webTransport(urls ...string) *fakeNet {
	sum := sha256.Sum256([]byte("cert"))
	for _, url := range urls {
		n.desc.WebTransport = append(n.desc.WebTransport, wire.WebTransportAddr{URL: url, CertHashes: []string{hex.EncodeToString(sum[:])}})
	}
	return n
}

func (n *fakeNet) webSocket(urls ...string) *fakeNet {
	n.desc.WebSocket = append(n.desc.WebSocket, urls...)
	return n
}

func (n *fakeNet) dialer() *dial.Dialer { return n.dialerWith(dial.Options{Base: "http://host"}) }

func (n *fakeNet) dialerWith(opts dial.Options) *dial.Dialer {
	return dial.On(dial.Platform{
		Fetch: func(ctx context.Context, _ string) ([]byte, error) {
			select {
			case <-time.After(n.slow):
				return n.desc.Append(nil), nil
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			}
		},
		WebTransport: func(ctx context.Context, url string, _ [][]byte) (dial.Session, error) {
			l, err := n.answer(ctx, url)
			if err != nil {
				return nil, err
			}
			return &fakeSession{n: n, key: n.keys[l.peer], done: make(chan struct{}), opened: n.opened()}, nil
		},
		WebSocket: func(ctx context.Context, url string) (io.ReadWriteCloser, error) {
			l, err := n.answer(ctx, url)
			if err != nil {
				return nil, err
			}
			near, far := link.Pipe(0)
			closed := n.opened()
			n.wg.Go(func() { n.serveSocket(n.keys[l.peer], pipeConn{far}) })
			return fakeSocket{near, closed}, nil
		},
		Key: func(ctx context.Context, _ wire.PeerID) (*identity.Key, error, error) {
			select {
			case <-time.After(n.rusty):
			case <-ctx.Done():
				return nil, nil, context.Cause(ctx)
			}
			return identity.FromSeed(identity.Seed, new([32]byte)), nil, nil
		},
	}, opts)
}

// answer waits until a URL answers.
func (n *fakeNet) answer(ctx context.Context, url string) (lane, error) {
	n.mu.Lock()
	n.dialed = append(n.dialed, url+" at "+time.Since(n.begin).String())
	n.mu.Unlock()
	l := n.lanes[url]
	select {
	case <-time.After(l.after):
		return l, l.err
	case <-ctx.Done():
		return l, context.Cause(ctx)
	}
}

// opened counts a connection, until the returned function is called.
func (n *fakeNet) opened() (closed func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.open++
	return sync.OnceFunc(func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.open--
	})
}

// early is what a host sends along: the hash of its certificate.
type early struct{}

func (early) Send(context.Context, net.Conn, peer.ID) *pb.NoiseExtensions {
	sum := sha256.Sum256([]byte("cert"))
	mh, _ := multihash.Encode(sum[:], multihash.SHA2_256)
	return &pb.NoiseExtensions{WebtransportCerthashes: [][]byte{mh}}
}
func (early) Received(context.Context, net.Conn, *pb.NoiseExtensions) error { return nil }

func (n *fakeNet) secure(key crypto.PrivKey) *noise.Transport {
	tr, err := noise.New(noise.ID, key, []upgrader.StreamMuxer{{ID: yamux.ID, Muxer: yamux.DefaultTransport}})
	if err != nil {
		n.t.Error(err)
	}
	return tr
}

func (n *fakeNet) serveSocket(key crypto.PrivKey, conn net.Conn) {
	defer conn.Close()
	mux := mss.NewMultistreamMuxer[string]()
	mux.AddHandler(noise.ID, nil)
	if _, _, err := mux.Negotiate(conn); err != nil {
		return
	}
	secure, err := n.secure(key).SecureInbound(context.Background(), conn, "")
	if err != nil {
		return
	}
	muxed, err := yamux.DefaultTransport.NewConn(secure, true, nil)
	if err != nil {
		n.t.Error(err)
		return
	}
	for {
		st, err := muxed.AcceptStream()
		if err != nil {
			break
		}
		st.Reset()
	}
	muxed.Close()
}

type fakeSocket struct {
	link.Stream
	closed func()
}

func (s fakeSocket) Close() error {
	s.closed()
	return s.Stream.Close()
}

// fakeSession is a WebTransport session; each of its streams is one on which the host proves itself.
type fakeSession struct {
	n      *fakeNet
	key    crypto.PrivKey
	opened func()
	once   sync.Once
	done   chan struct{}
}

func (s *fakeSession) OpenStream(context.Context) (link.Stream, error) {
	near, far := link.Pipe(0)
	s.n.wg.Go(func() {
		defer far.Close()
		tr, err := s.n.secure(s.key).WithSessionOptions(noise.EarlyData(nil, early{}))
		if err == nil {
			_, err = tr.SecureInbound(context.Background(), pipeConn{far}, "")
		}
		if err != nil {
			far.Reset()
		}
	})
	return near, nil
}

func (s *fakeSession) Done() <-chan struct{} { return s.done }

func (s *fakeSession) Close() error {
	s.once.Do(func() {
		close(s.done)
		s.opened()
	})
	return nil
}

// pipeConn is a stream as go-libp2p wants one.
type pipeConn struct{ link.Stream }

func (pipeConn) LocalAddr() net.Addr  { return &net.TCPAddr{} }
func (pipeConn) RemoteAddr() net.Addr { return &net.TCPAddr{} }

func (c pipeConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

func TestRace(t *testing.T) {
	t.Parallel()
	refused := errors.New("refused")
	for _, tt := range []struct {
		name  string
		wt    []string
		ws    []string
		lanes map[string]lane
		want  string    // the transport that wins, or
		code  wire.Code // the error's
		took  time.Duration
		dials string
		text  string // parts of the error's message, separated by |
	}{
		{
			name: "WebTransport in time",
			wt:   []string{"wt1"}, ws: []string{"ws1"},
			lanes: map[string]lane{"wt1": {after: 299 * time.Millisecond}},
			want:  dial.WebTransport, took: 299 * time.Millisecond, dials: "wt1 at 0s",
		},
		{
			name: "WebTransport too slow",
			wt:   []string{"wt1"}, ws: []string{"ws1"},
			lanes: map[string]lane{"wt1": {after: never}, "ws1": {after: 100 * time.Millisecond}},
			want:  dial.WebSocket, took: 400 * time.Millisecond, dials: "wt1 at 0s, ws1 at 300ms",
		},
		{
			name: "WebTransport late, but first",
			wt:   []string{"wt1"}, ws: []string{"ws1"},
			lanes: map[string]lane{"wt1": {after: 350 * time.Millisecond}, "ws1": {after: 100 * time.Millisecond}},
			want:  dial.WebTransport, took: 350 * time.Millisecond, dials: "wt1 at 0s, ws1 at 300ms",
		},
		{
			name: "WebTransport refused early",
			wt:   []string{"wt1"}, ws: []string{"ws1"},
			lanes: map[string]lane{"wt1": {after: 20 * time.Millisecond, err: refused}},
			want:  dial.WebSocket, took: 20 * time.Millisecond, dials: "wt1 at 0s, ws1 at 20ms",
		},
		{
			name:  "no WebTransport offered",
			ws:    []string{"ws1"},
			lanes: map[string]lane{},
			want:  dial.WebSocket, dials: "ws1 at 0s",
		},
		{
			name: "the second URL of a kind",
			wt:   []string{"wt1", "wt2"},
			lanes: map[string]lane{
				"wt1": {after: never}, "wt2": {after: time.Second},
			},
			want: dial.WebTransport, took: 5 * time.Second, dials: "wt1 at 0s, wt2 at 4s",
		},
		{
			name: "another host under the first URL",
			ws:   []string{"ws1", "ws2"}, lanes: map[string]lane{"ws1": {peer: 1}},
			want: dial.WebSocket, dials: "ws1 at 0s, ws2 at 0s",
		},
		{
			name: "another host everywhere it answers",
			wt:   []string{"wt1"}, ws: []string{"ws1"}, lanes: map[string]lane{"wt1": {peer: 1}, "ws1": {err: refused}},
			code: wire.WrongHost, dials: "wt1 at 0s, ws1 at 0s", text: "another host|wt1|ws1 (refused)",
		},
		{
			name: "nobody answers",
			wt:   []string{"wt1"}, ws: []string{"ws1"}, lanes: map[string]lane{"wt1": {after: never}, "ws1": {after: never}},
			code: wire.Timeout, took: 10 * time.Second, dials: "wt1 at 0s, ws1 at 300ms", text: "wt1|ws1|in time",
		},
		{
			name: "all refuse",
			wt:   []string{"wt1"}, ws: []string{"ws1", "ws2"}, lanes: map[string]lane{"wt1": {err: refused}, "ws1": {err: refused}, "ws2": {err: refused}},
			code: wire.Offline, dials: "wt1 at 0s, ws1 at 0s, ws2 at 0s", text: "wt1 (refused)|ws1 (refused)|ws2 (refused)",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := newFakeNet(t, tt.lanes).webTransport(tt.wt...).webSocket(tt.ws...)
				c, err := n.dialer().Dial(t.Context())
				if took := time.Since(n.begin); took != tt.took {
					t.Errorf("it took %v, want %v", took, tt.took)
				}
				if got := strings.Join(n.dialed, ", "); got != tt.dials {
					t.Errorf("dialled %s, want %s", got, tt.dials)
				}
				switch {
				case tt.code != "":
					if !errors.Is(err, tt.code) {
						t.Fatalf("got %v, want %s", err, tt.code)
					}
					for part := range strings.SplitSeq(tt.text, "|") {
						if !strings.Contains(err.Error(), part) {
							t.Errorf("the error %q does not tell of %q", err, part)
						}
					}
				case err != nil:
					t.Fatal(err)
				default:
					if c.Transport() != tt.want || c.Host() != n.id(0) {
						t.Errorf("got %s to %s, want %s", c.Transport(), c.Host(), tt.want)
					}
					if n.open != 1 {
						t.Errorf("%d connections are open, want the one", n.open)
					}
					c.Close()
				}
				if n.open != 0 {
					t.Errorf("%d connections are left open", n.open)
				}
				n.wg.Wait()
			})
		})
	}
}

// Both kinds are there at the same moment: one is returned, and the other closed.
func TestOnlyOneIsLeftOfADeadHeat(t *testing.T) {
	t.Parallel()
	for range 200 {
		synctest.Test(t, func(t *testing.T) {
			n := newFakeNet(t, map[string]lane{"wt1": {after: 350 * time.Millisecond}, "ws1": {after: 50 * time.Millisecond}}).webTransport("wt1").webSocket("ws1")
			c, err := n.dialer().Dial(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			c.Close()
			if n.open != 0 {
				t.Errorf("%d connections are left open", n.open)
			}
			n.wg.Wait()
		})
		if t.Failed() {
			return
		}
	}
}

// TestStorageIsReadMeanwhile has a browser whose storage takes as long as the host.
func TestStorageIsReadMeanwhile(t *testing.T) {
	t.Parallel()
	const each = 120 * time.Millisecond
	for _, tt := range []struct {
		name, blocked string
		lanes         map[string]lane
		rusty, recall time.Duration
		want          time.Duration
	}{
		{"the key", "", map[string]lane{"wt": {after: each}}, each, 0, each},
		{"the key is the last", "", map[string]lane{"wt": {after: each}}, 2 * each, 0, 2 * each},
		{"another network is remembered", "192.0.2.2", map[string]lane{"wt": {after: each}}, 0, each, each},
		{"a blocked network is remembered", "192.0.2.1", map[string]lane{"wt": {after: never}, "ws": {after: each}}, each, each, 2 * each},
		{"the head start begins with the key", "", map[string]lane{"wt": {after: 4 * each}}, 2 * each, 0, 4 * each},
		{"no storage, and no host", "", map[string]lane{"wt": {err: errors.New("no")}, "ws": {err: errors.New("no")}}, never, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := newFakeNet(t, tt.lanes).webTransport("wt").webSocket("ws")
				t.Cleanup(n.wg.Wait)
				n.desc.Visitor, n.rusty = "192.0.2.1", tt.rusty
				until := time.Now().Add(time.Hour).Unix()
				page := (&membertest.Store{}).Page()
				row := member.Row{Key: string(n.desc.Peer) + "/networks", Value: strconv.FormatInt(until, 10) + " " + tt.blocked + "/\n"}
				if err := page.Update(t.Context(), nil, func([][]member.Row) []member.Row { return []member.Row{row} }); err != nil {
					t.Fatal(err)
				}
				page.Slow(tt.recall)
				c, err := n.dialerWith(dial.Options{Base: "http://host", Store: page}).Dial(t.Context())
				if took := time.Since(n.begin); took != tt.want {
					t.Errorf("it took %v, want %v", took, tt.want)
				}
				if err == nil {
					c.Close()
				}
				synctest.Wait() // all is over that was begun
			})
		})
	}
}

// TestGivenUpMemoryIsReadAgain has a host that is away at first, which is known sooner than what is remembered.
func TestGivenUpMemoryIsReadAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNet(t, map[string]lane{"wt": {after: never}}).webTransport("wt").webSocket("ws")
		t.Cleanup(n.wg.Wait)
		store := &membertest.Store{}
		if transport, _ := took(t, n, n.dialerWith(dial.Options{Base: "http://host", Store: store.Page()})); transport != dial.WebSocket {
			t.Fatalf("got %s on a network that WebTransport does not get through", transport)
		}
		page := store.Page()
		page.Slow(100 * time.Millisecond)
		d := n.dialerWith(dial.Options{Base: "http://host", Store: page})
		away := errors.New("away")
		n.lanes = map[string]lane{"wt": {err: away}, "ws": {err: away}}
		if _, err := d.Dial(t.Context()); !errors.Is(err, wire.Offline) {
			t.Fatalf("got %v, want offline", err)
		}
		n.lanes = map[string]lane{"wt": {after: never}}
		if _, dials := took(t, n, d); dials != "wt at 0s, ws at 100ms" {
			t.Errorf("got %s", dials)
		}
	})
}

func TestCallerGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNet(t, map[string]lane{"wt1": {after: never}}).webTransport("wt1")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, context.Canceled)
		defer cancel()
		if _, err := n.dialer().Dial(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want the cause", err)
		}
		if took := time.Since(n.begin); took != time.Second {
			t.Errorf("it took %v, want 1s", took)
		}
	})
}

// The first host that has proved itself stays the only one, whatever the address says later.
func TestFirstHostIsPinned(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNet(t, map[string]lane{"ws1": {peer: 1}}).webSocket("ws1")
		d := n.dialer()
		if _, err := d.Dial(t.Context()); !errors.Is(err, wire.WrongHost) {
			t.Fatalf("a host that cannot prove itself: got %v, want wrong_host", err)
		}
		n.desc.Peer = n.id(1) // what did not prove itself is not held to
		c, err := d.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		n.desc.Peer = n.id(0)
		if _, err := d.Dial(t.Context()); !errors.Is(err, wire.WrongHost) {
			t.Errorf("the second host: got %v, want wrong_host", err)
		}
		if len(n.dialed) != 2 {
			t.Errorf("dialled %v, want no third time", n.dialed)
		}
		n.wg.Wait()
	})
}
