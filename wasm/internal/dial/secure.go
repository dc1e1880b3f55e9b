package dial

import (
	"context"
	"strings"

	"goop/shared/wire"
	"goop/wasm/internal/multistream"
	"goop/wasm/internal/noise"
	"goop/wasm/internal/sha2"
	"goop/wasm/internal/yamux"
)

// maxHashes bounds the certificates of one endpoint; a host has the current one and the next.
const maxHashes = 8

// signer gets this member's key.
type signer = func(context.Context) (noise.Signer, error)

// overWebTransport opens a session and has both sides prove themselves on its first stream. What
// TLS encrypts needs no second encryption: the proof names the certificate.
func (d *Dialer) overWebTransport(ctx context.Context, addr wire.WebTransportAddr, host wire.PeerID, sign signer) (Session, error) {
	hashes, err := certHashes(addr.CertHashes)
	if err != nil {
		return nil, err
	}
	s, err := d.platform.WebTransport(ctx, addr.URL, hashes)
	if err != nil {
		return nil, err
	}
	st, err := s.OpenStream(ctx)
	if err == nil {
		_, err = noise.Handshake(ctx, st, noise.Config{Signer: sign, Peer: host, CertHashes: hashes})
		st.Close()
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func certHashes(list []string) ([][]byte, error) {
	if len(list) == 0 || len(list) > maxHashes {
		return nil, wire.E(wire.Offline, "the host must name 1 to 8 certificate hashes")
	}
	out := make([][]byte, len(list))
	for i, text := range list {
		b, ok := unhex(text)
		if !ok || len(b) != sha2.Size256 {
			return nil, wire.E(wire.Offline, "a certificate hash of the host is not 64 hexadecimal digits")
		}
		out[i] = b
	}
	return out, nil
}

// unhex is encoding/hex's, whose errors bring fmt.
func unhex(text string) ([]byte, bool) {
	const digits = "0123456789abcdef"
	out := make([]byte, len(text)/2)
	for i := range text {
		digit := strings.IndexByte(digits, text[i]|0x20) // a capital letter's small one; digits have that bit
		if digit < 0 || text[i] < '0' || i/2 == len(out) {
			return nil, false
		}
		out[i/2] = out[i/2]<<4 | byte(digit)
	}
	return out, true
}

// overWebSocket opens a WebSocket, encrypts it and multiplexes it.
func (d *Dialer) overWebSocket(ctx context.Context, url string, host wire.PeerID, sign signer) (Session, error) {
	raw, err := d.platform.WebSocket(ctx, url)
	if err != nil {
		return nil, err
	}
	secure, err := noise.Handshake(ctx, multistream.Conn(raw, noise.ID), noise.Config{
		Signer: sign, Peer: host, Muxers: []string{yamux.ID},
	})
	if err == nil && !secure.Speaks(yamux.ID) {
		stop := context.AfterFunc(ctx, func() { raw.Close() })
		if err = multistream.Select(secure, yamux.ID); !stop() && err != nil {
			err = context.Cause(ctx)
		}
	}
	if err != nil {
		raw.Close()
		return nil, err
	}
	return yamux.Client(secure), nil
}
