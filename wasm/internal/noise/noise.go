// Package noise is the initiator's half of libp2p's Noise handshake (XX, Curve25519, ChaCha20-Poly1305,
// SHA-256) and the encrypted connection that follows it. It proves to the host who this member is, and
// checks who the host is and, over WebTransport, that the host vouches for the certificates that were
// dialled.
//
// It has of Noise what the member needs and nothing else: a general library brings other curves and ciphers,
// and fmt, which are more than the rest of the member's cryptography. The proofs are the protocol's vectors
// and go-libp2p's own half.
//
// It knows no transport: anything that reads and writes will do. A Conn may be read by one goroutine
// while another writes.
//
// https://github.com/libp2p/specs/blob/master/noise/README.md
package noise

import (
	"bytes"
	"context"
	"io"

	"goop/shared/peerid"
	"goop/shared/wire"
	"goop/wasm/internal/chachapoly"
	"goop/wasm/internal/curve"
	"goop/wasm/internal/random"
	"goop/wasm/internal/sha2"
)

// ID is the security protocol that multistream negotiates for a Conn.
const ID = "/noise"

const (
	signed   = "noise-libp2p-static-key:" // stands before the static key in what an identity signs
	maxFrame = 65535                      // bytes of one message, by the Noise specification
	overhead = chachapoly.TagSize
	maxPlain = maxFrame - overhead
)

// sha256Multihash stands before a SHA-256 digest in a multihash: its code and its length.
var sha256Multihash = []byte{0x12, sha2.Size256}

// Signer is this member's Ed25519 identity. Sign may take its time: a browser's own keys sign on
// another thread.
type Signer interface {
	Public() []byte // 32 bytes
	Sign(ctx context.Context, message []byte) ([]byte, error)
}

// Config says who this member is and whom it expects.
type Config struct {
	// Signer gets the identity. It is called when the host has been greeted, so that it may take as long as the answer
	// without anybody's waiting for it.
	Signer func(ctx context.Context) (Signer, error)

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
	var static, ephemeral [curve.Size]byte
	random.Read(static[:])
	random.Read(ephemeral[:])
	state := newInitiator(static, ephemeral)
	if err := writeFrame(rw, state.hello(make([]byte, frameHead))); err != nil {
		return nil, err
	}
	// The signature covers our static key alone, so it can be made before the host has answered.
	signer, err := cfg.Signer(ctx)
	if err != nil {
		return nil, err
	}
	mine := payload{key: peerid.MarshalKey(signer.Public()), muxers: cfg.Muxers}
	public := curve.PublicX25519(&static)
	if mine.sig, err = signer.Sign(ctx, append([]byte(signed), public[:]...)); err != nil {
		return nil, err
	}
	msg, err := readFrame(rw, nil)
	if err != nil {
		return nil, err
	}
	plain, ok := state.answer(msg)
	if !ok {
		return nil, wire.E(wire.Offline, "the host's side of the handshake is damaged")
	}
	var theirs payload
	if !theirs.unmarshal(plain) {
		return nil, wire.E(wire.Offline, "the host's side of the handshake is not understood")
	}
	if err := cfg.verify(&theirs, state.rs[:]); err != nil {
		return nil, err
	}
	msg, send, receive, ok := state.finish(make([]byte, frameHead), mine.marshal())
	if !ok {
		return nil, wire.E(wire.Offline, "the host's side of the handshake is damaged")
	}
	if err := writeFrame(rw, msg); err != nil {
		return nil, err
	}
	return &Conn{rw: rw, send: send, receive: receive, muxers: theirs.muxers}, nil
}

// frameHead is what stands before a message: its length.
const frameHead = 2

// writeFrame sends one message, before which there is room for its length.
func writeFrame(w io.Writer, msg []byte) error {
	n := len(msg) - frameHead
	msg[0], msg[1] = byte(n>>8), byte(n)
	_, err := w.Write(msg)
	return err
}

// readFrame reads one length-prefixed message into buf, which it grows where needed.
func readFrame(r io.Reader, buf []byte) ([]byte, error) {
	var size [frameHead]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	n := int(size[0])<<8 | int(size[1])
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
	if !curve.Verify(key, append([]byte(signed), static...), p.sig) {
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
		if digest, ok := bytes.CutPrefix(multihash, sha256Multihash); ok && len(hash) == sha2.Size256 && bytes.Equal(digest, hash) {
			return true
		}
	}
	return false
}
