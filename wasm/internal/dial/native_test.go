//go:build !js

package dial_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/gorilla/websocket"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/webtransport-go"

	"goop/shared/link"
	"goop/shared/wire"
	"goop/wasm/internal/dial"
	"goop/wasm/internal/identity"
)

// The same code as in a browser, over native transports, against go-libp2p.
func TestNative(t *testing.T) {
	t.Parallel()
	h := startHost(t)
	seed := make([]byte, 32)
	rand.Read(seed)
	world{
		base:       h.base(),
		transports: []string{dial.WebTransport, dial.WebSocket},
		dialer: func(opts dial.Options) *dial.Dialer {
			return dial.On(dial.Platform{
				Fetch: fetch, WebTransport: dialWebTransport, WebSocket: dialWebSocket,
				Key: func(context.Context, wire.PeerID) (*identity.Key, error, error) {
					return identity.FromSeed(identity.Seed, (*[32]byte)(seed)), nil, nil
				},
			}, opts)
		},
	}.suite(t)
}

func fetch(ctx context.Context, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, errors.New(resp.Status)
	}
	return io.ReadAll(resp.Body)
}

func dialWebSocket(ctx context.Context, url string) (io.ReadWriteCloser, error) {
	c, _, err := websocket.DefaultDialer.DialContext(ctx, url, nil)
	if err != nil {
		return nil, err
	}
	return &socket{Conn: c}, nil
}

// socket is a WebSocket as a stream of bytes.
type socket struct {
	*websocket.Conn
	r io.Reader
}

func (s *socket) Read(p []byte) (int, error) {
	for {
		if s.r == nil {
			_, r, err := s.NextReader()
			if err != nil {
				return 0, err
			}
			s.r = r
		}
		if n, err := s.r.Read(p); err != io.EOF {
			return n, err
		}
		s.r = nil
	}
}

func (s *socket) Write(p []byte) (int, error) {
	if err := s.WriteMessage(websocket.BinaryMessage, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

func dialWebTransport(ctx context.Context, url string, certHashes [][]byte) (dial.Session, error) {
	tr := &webtransport.Transport{TLSClientConfig: &tls.Config{
		NextProtos:         []string{http3.NextProtoH3},
		InsecureSkipVerify: true, // the hash is what counts
		VerifyPeerCertificate: func(raw [][]byte, _ [][]*x509.Certificate) error {
			sum := sha256.Sum256(raw[0])
			if !slices.ContainsFunc(certHashes, func(h []byte) bool { return bytes.Equal(h, sum[:]) }) {
				return errors.New("another certificate")
			}
			return nil
		},
	}}
	_, s, err := tr.Dial(ctx, url, nil)
	if err != nil {
		tr.Close()
		return nil, err
	}
	out := &session{Session: s, tr: tr}
	out.wg.Go(out.refuse)
	out.wg.Go(out.readDatagrams)
	return out, nil
}

// session is a native WebTransport session.
type session struct {
	*webtransport.Session
	tr *webtransport.Transport
	wg sync.WaitGroup

	demux link.Demux
}

func (s *session) Datagrams() link.Datagrams { return s }
func (s *session) Demux() *link.Demux        { return &s.demux }

func (s *session) Send(packet []byte) error {
	err := s.SendDatagram(packet)
	if _, ok := errors.AsType[*quic.DatagramTooLargeError](err); ok {
		return link.ErrPacketTooLarge
	}
	return err
}

func (s *session) readDatagrams() {
	for {
		packet, err := s.ReceiveDatagram(s.Session.Context())
		if err != nil {
			return
		}
		s.demux.Take(packet)
	}
}

// refuse throws away the streams that the host opens.
func (s *session) refuse() {
	for {
		st, err := s.AcceptStream(s.Session.Context())
		if err != nil {
			return
		}
		(&stream{st}).Reset()
	}
}

func (s *session) OpenStream(ctx context.Context) (link.Stream, error) {
	st, err := s.Session.OpenStreamSync(ctx)
	if err != nil {
		if s.Session.Context().Err() != nil {
			err = wire.Closed
		}
		return nil, err
	}
	return &stream{st}, nil
}

func (s *session) Done() <-chan struct{} { return s.Session.Context().Done() }

func (s *session) Close() error {
	s.Session.CloseWithError(0, "")
	s.wg.Wait()
	return s.tr.Close()
}

type stream struct{ *webtransport.Stream }

func (s *stream) CloseWrite() error { return s.Stream.Close() }

func (s *stream) Close() error {
	s.CancelRead(0)
	return s.Stream.Close()
}

func (s *stream) Reset() error {
	s.CancelRead(0)
	s.CancelWrite(0)
	return nil
}
