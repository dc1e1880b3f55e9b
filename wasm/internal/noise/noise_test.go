//go:build !js

package noise_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/sec"
	muxer "github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/net/upgrader"
	libp2pnoise "github.com/libp2p/go-libp2p/p2p/security/noise"
	"github.com/libp2p/go-libp2p/p2p/security/noise/pb"
	"github.com/multiformats/go-multihash"

	"goop/shared/peerid"
	"goop/shared/wire"
	"goop/wasm/internal/noise"
)

// key is a noise.Signer.
type key ed25519.PrivateKey

func (k key) Public() []byte { return k[32:] }
func (k key) Sign(_ context.Context, message []byte) ([]byte, error) {
	return ed25519.Sign(ed25519.PrivateKey(k), message), nil
}

// get is a noise.Config's Signer.
func (k key) get(context.Context) (noise.Signer, error) { return k, nil }

func newKey(t *testing.T) key {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key(private)
}

// earlyData is what the responder sends along.
type earlyData pb.NoiseExtensions

func (e *earlyData) Send(context.Context, net.Conn, peer.ID) *pb.NoiseExtensions {
	return (*pb.NoiseExtensions)(e)
}
func (e *earlyData) Received(context.Context, net.Conn, *pb.NoiseExtensions) error { return nil }

// pipe returns the two ends of a TCP connection on loopback: a net.Pipe would deadlock where both
// write at once.
func pipe(t *testing.T) (near, far net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if near, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if far, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close(); far.Close() })
	return near, far
}

// secureInbound is the host's half, of go-libp2p.
func secureInbound(t *testing.T, host key, muxers []upgrader.StreamMuxer, early *pb.NoiseExtensions, conn net.Conn) (sec.SecureConn, error) {
	t.Helper()
	private, err := crypto.UnmarshalEd25519PrivateKey(host)
	if err != nil {
		t.Fatal(err)
	}
	tr, err := libp2pnoise.New(libp2pnoise.ID, private, muxers)
	if err != nil {
		t.Fatal(err)
	}
	if early == nil {
		return tr.SecureInbound(t.Context(), conn, "")
	}
	session, err := tr.WithSessionOptions(libp2pnoise.EarlyData(nil, (*earlyData)(early)))
	if err != nil {
		t.Fatal(err)
	}
	return session.SecureInbound(t.Context(), conn, "")
}

func certHash(t *testing.T, cert string) (digest, hash []byte) {
	t.Helper()
	sum := sha256.Sum256([]byte(cert))
	mh, err := multihash.Encode(sum[:], multihash.SHA2_256)
	if err != nil {
		t.Fatal(err)
	}
	return sum[:], mh
}

func TestHandshake(t *testing.T) {
	t.Parallel()
	host, other, member := newKey(t), newKey(t), newKey(t)
	digest, hash := certHash(t, "cert")
	next, nextHash := certHash(t, "next cert")
	stranger, _ := certHash(t, "another cert")
	yamux := []upgrader.StreamMuxer{{ID: muxer.ID, Muxer: muxer.DefaultTransport}}
	for _, tt := range []struct {
		name   string
		cfg    noise.Config
		muxers []upgrader.StreamMuxer
		early  *pb.NoiseExtensions
		want   wire.Code // "" for success
	}{
		{"plain", noise.Config{Peer: peerid.FromKey(host.Public())}, nil, nil, ""},
		{"with a muxer", noise.Config{Peer: peerid.FromKey(host.Public()), Muxers: []string{muxer.ID}}, yamux, nil, ""},
		{"certificates that the host signs", noise.Config{Peer: peerid.FromKey(host.Public()), CertHashes: [][]byte{next, digest}},
			nil, &pb.NoiseExtensions{WebtransportCerthashes: [][]byte{hash, nextHash}}, ""},
		{"another host", noise.Config{Peer: peerid.FromKey(other.Public())}, nil, nil, wire.WrongHost},
		{"nobody in particular", noise.Config{}, nil, nil, wire.WrongHost},
		{"a certificate that the host does not sign", noise.Config{Peer: peerid.FromKey(host.Public()), CertHashes: [][]byte{digest, stranger}},
			nil, &pb.NoiseExtensions{WebtransportCerthashes: [][]byte{hash, nextHash}}, wire.WrongHost},
		{"no certificates signed", noise.Config{Peer: peerid.FromKey(host.Public()), CertHashes: [][]byte{digest}}, nil, nil, wire.WrongHost},
		{"the multihash of a certificate in place of its hash", noise.Config{Peer: peerid.FromKey(host.Public()), CertHashes: [][]byte{hash}},
			nil, &pb.NoiseExtensions{WebtransportCerthashes: [][]byte{append([]byte{0x12, 0x20}, hash...)}}, wire.WrongHost},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			near, far := pipe(t)
			var wg sync.WaitGroup
			defer wg.Wait()
			inbound := make(chan sec.SecureConn, 1)
			wg.Go(func() {
				c, err := secureInbound(t, host, tt.muxers, tt.early, far)
				if (err == nil) != (tt.want == "") {
					t.Errorf("the host's half: %v", err)
				}
				inbound <- c
			})
			tt.cfg.Signer = member.get
			c, err := noise.Handshake(t.Context(), near, tt.cfg)
			if tt.want != "" {
				near.Close()
				if !errors.Is(err, tt.want) {
					t.Fatalf("got %v, want %s", err, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			there := <-inbound
			if got, want := there.RemotePeer().String(), string(peerid.FromKey(member.Public())); got != want {
				t.Errorf("the host takes us for %s, want %s", got, want)
			}
			if got, want := c.Speaks(muxer.ID), tt.muxers != nil; got != want {
				t.Errorf("Speaks(yamux): got %v, want %v", got, want)
			}
			if got, want := string(there.ConnState().StreamMultiplexer) == muxer.ID, tt.muxers != nil; got != want {
				t.Errorf("the host took yamux early: got %v, want %v", got, want)
			}
		})
	}
}

func TestTransport(t *testing.T) {
	t.Parallel()
	near, far := pipe(t)
	host := newKey(t)
	echoed := make(chan error, 1)
	go func() {
		c, err := secureInbound(t, host, nil, nil, far)
		if err == nil {
			_, err = io.Copy(c, c)
		}
		echoed <- err
	}()
	c, err := noise.Handshake(t.Context(), near, noise.Config{Signer: newKey(t).get, Peer: peerid.FromKey(host.Public())})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	sizes := []int{1, 0, 100, 65518, 65519, 65520, 300_000, 3}
	var all []byte
	for i, n := range sizes {
		all = append(all, bytes.Repeat([]byte{byte('a' + i)}, n)...)
	}
	wg.Go(func() {
		rest := all
		for _, n := range sizes {
			if m, err := c.Write(rest[:n]); m != n || err != nil {
				t.Errorf("write of %d: got %d, %v", n, m, err)
			}
			rest = rest[n:]
		}
	})
	got := make([]byte, len(all))
	for i := 0; i < len(got); { // in odd pieces
		n, err := c.Read(got[i:min(len(got), i+1234)])
		if err != nil {
			t.Fatal(err)
		}
		i += n
	}
	if !bytes.Equal(got, all) {
		t.Error("what came back is not what was sent")
	}
	wg.Wait()
	near.Close()
	if err := <-echoed; err != nil {
		t.Errorf("the host's half: %v", err)
	}
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("a read after the end: got no error")
	}
}

func TestTamperedMessage(t *testing.T) {
	t.Parallel()
	near, far := pipe(t)
	host := newKey(t)
	go func() {
		if _, err := secureInbound(t, host, nil, nil, far); err != nil {
			t.Errorf("the host's half: %v", err)
		}
		far.Write(append([]byte{0, 20}, make([]byte, 20)...))
	}()
	c, err := noise.Handshake(t.Context(), near, noise.Config{Signer: newKey(t).get, Peer: peerid.FromKey(host.Public())})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 10)); !errors.Is(err, wire.Offline) {
		t.Errorf("got %v, want offline", err)
	}
}

func TestHandshakeEndsWithItsContext(t *testing.T) {
	t.Parallel()
	near, _ := pipe(t) // nobody answers
	ctx, cancel := context.WithTimeoutCause(t.Context(), 20*time.Millisecond, wire.Timeout)
	defer cancel()
	if _, err := noise.Handshake(ctx, near, noise.Config{Signer: newKey(t).get}); err != wire.Timeout {
		t.Errorf("got %v, want the cause", err)
	}
}

func TestHandshakeWithRubbish(t *testing.T) {
	t.Parallel()
	for _, answer := range [][]byte{{}, {0}, {0, 0}, {0, 1, 7}, append([]byte{0, 96}, make([]byte, 96)...), append([]byte{0xff, 0xff}, make([]byte, 65535)...)} {
		near, far := pipe(t)
		go func() {
			far.Write(answer)
			far.(*net.TCPConn).CloseWrite()
		}()
		if _, err := noise.Handshake(t.Context(), near, noise.Config{Signer: newKey(t).get}); err == nil {
			t.Errorf("an answer of %d bytes: got no error", len(answer))
		}
	}
}

// TestSignerMayTakeAsLongAsTheAnswer has the identity wait until the host has answered.
func TestSignerMayTakeAsLongAsTheAnswer(t *testing.T) {
	t.Parallel()
	near, far := pipe(t)
	host, answered := newKey(t), make(chan struct{})
	go func() {
		_, _ = secureInbound(t, host, nil, nil, watched{far, answered})
	}()
	c, err := noise.Handshake(t.Context(), near, noise.Config{Peer: peerid.FromKey(host.Public()), Signer: func(context.Context) (noise.Signer, error) {
		<-answered
		return newKey(t), nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	near, _ = pipe(t)
	failed := errors.New("no key")
	if _, err := noise.Handshake(t.Context(), near, noise.Config{Signer: func(context.Context) (noise.Signer, error) { return nil, failed }}); !errors.Is(err, failed) {
		t.Errorf("got %v, want %v", err, failed)
	}
}

// watched tells of the first write.
type watched struct {
	net.Conn
	written chan struct{}
}

func (w watched) Write(p []byte) (int, error) {
	n, err := w.Conn.Write(p)
	select {
	case <-w.written:
	default:
		close(w.written)
	}
	return n, err
}
