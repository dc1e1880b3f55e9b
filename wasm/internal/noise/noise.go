// Package noise is the initiator's half of libp2p's Noise handshake (XX, Curve25519, ChaCha20-Poly1305,
// SHA-256) and the encrypted connection that follows it. It proves to the host who this member is, and
// checks who the host is and, over WebTransport, that the host vouches for the certificates that were
// dialled.
//
// It knows no transport: anything that reads and writes will do. A Conn may be read by one goroutine
// while another writes.
//
// https://github.com/libp2p/specs/blob/master/noise/README.md
package noise

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"io"

	"github.com/flynn/noise"

	"goop/shared/wire"
	"goop/wasm/internal/peerid"
)

// ID is the security protocol that multistream negotiates for a Conn.
const ID = "/noise"

const (
	signed   = "noise-libp2p-static-key:" // stands before the static key in what an identity signs
	maxFrame = 65535                      // bytes of one message, by the Noise specification
	overhead = 16                         // bytes of the authentication tag
	maxPlain = maxFrame - overhead
)

// sha256Multihash stands before a SHA-256 digest in a multihash: its code and its length.
var sha256Multihash = []byte{0x12, sha256.Size}

var suite = noise.NewCipherSuite(noise.DH25519, noise.CipherChaChaPoly, noise.HashSHA256)

// Signer is this member's Ed25519 identity. Sign may take its time: a browser's own keys sign on
// another thread.
type Signer interface {
	Public() []byte // 32 bytes
	Sign(ctx context.Context, message []byte) ([]byte, error)
}

// Config says who this member is and whom it expects.
type Config struct {
	Signer Signer

	// Peer is the expected host. It must be set: without it anybody could answer.
	Peer wire.PeerID

	// CertHashes are the SHA-256 hashes of the certificates that were dialled. Each must be among
	// those that the host signs.
	CertHashes [][]byte

	// Muxers are the stream multiplexers to offer, in order of preference.
	Muxers []string
}

// Handshake runs the handshake over rw and returns the encrypted connection. When ctx ends, rw is
// closed. A host that is not the expected one, or does not vouch for the certificates, is an error
// with code wrong_host; anything else that goes wrong on the way is the transport's own error, or one
// with code offline.
func Handshake(ctx context.Context, rw io.ReadWriteCloser, cfg Config) (*Conn, error) {
	stop := context.AfterFunc(ctx, func() { rw.Close() })
	defer stop()
	c, err := handshake(ctx, rw, cfg)
	switch {
	case err == nil:
		return c, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err == io.EOF || err == io.ErrUnexpectedEOF:
		return nil, &wire.Error{Code: wire.Offline, Message: "the host closed the connection instead of proving itself", Err: err}
	}
	return nil, err
}

func handshake(ctx context.Context, rw io.ReadWriteCloser, cfg Config) (*Conn, error) {
	static, err := noise.DH25519.GenerateKeypair(rand.Reader)
	if err != nil {
		return nil, err
	}
	// The signature covers our static key alone, so it can be made before the host has answered.
	mine := payload{key: peerid.MarshalKey(cfg.Signer.Public()), muxers: cfg.Muxers}
	state, err := noise.NewHandshakeState(noise.Config{
		CipherSuite: suite, Pattern: noise.HandshakeXX, Initiator: true, StaticKeypair: static,
	})
	if err != nil {
		return nil, err
	}
	if _, _, err := send(rw, state, nil); err != nil {
		return nil, err
	}
	if mine.sig, err = cfg.Signer.Sign(ctx, append([]byte(signed), static.Public...)); err != nil {
		return nil, err
	}
	msg, err := readFrame(rw, nil)
	if err != nil {
		return nil, err
	}
	plain, _, _, err := state.ReadMessage(nil, msg)
	if err != nil {
		return nil, &wire.Error{Code: wire.Offline, Message: "the host's side of the handshake is damaged", Err: err}
	}
	var theirs payload
	if !theirs.unmarshal(plain) {
		return nil, wire.E(wire.Offline, "the host's side of the handshake is not understood")
	}
	if err := cfg.verify(&theirs, state.PeerStatic()); err != nil {
		return nil, err
	}
	enc, dec, err := send(rw, state, mine.marshal())
	if err != nil {
		return nil, err
	}
	return &Conn{rw: rw, enc: enc, dec: dec, muxers: theirs.muxers}, nil
}

// send writes the next handshake message; the last one yields the keys of the connection.
func send(w io.Writer, state *noise.HandshakeState, payload []byte) (enc, dec *noise.CipherState, err error) {
	b, enc, dec, err := state.WriteMessage(make([]byte, 2), payload)
	if err != nil {
		return nil, nil, err
	}
	binary.BigEndian.PutUint16(b, uint16(len(b)-2))
	_, err = w.Write(b)
	return enc, dec, err
}

// readFrame reads one length-prefixed message into buf, which it grows where needed.
func readFrame(r io.Reader, buf []byte) ([]byte, error) {
	var size [2]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint16(size[:]))
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	if _, err := io.ReadFull(r, buf[:n]); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return buf[:n], nil
}

// verify checks who signed the host's static key, and that the dialled certificates are its own.
func (cfg *Config) verify(p *payload, static []byte) error {
	key, err := peerid.UnmarshalKey(p.key)
	if err != nil {
		return err
	}
	if id := peerid.FromKey(key); id != cfg.Peer {
		return wire.E(wire.WrongHost, "the host is ", string(id), ", but ", string(cfg.Peer), " was expected")
	}
	if !ed25519.Verify(key, append([]byte(signed), static...), p.sig) {
		return wire.E(wire.WrongHost, "the host could not prove that it is ", string(cfg.Peer))
	}
	for _, hash := range cfg.CertHashes {
		if !vouches(p.certHashes, hash) {
			return wire.E(wire.WrongHost, "the host does not vouch for the certificate under which it was dialled")
		}
	}
	return nil
}

func vouches(signed [][]byte, hash []byte) bool {
	for _, multihash := range signed {
		if digest, ok := bytes.CutPrefix(multihash, sha256Multihash); ok && len(hash) == sha256.Size && bytes.Equal(digest, hash) {
			return true
		}
	}
	return false
}
