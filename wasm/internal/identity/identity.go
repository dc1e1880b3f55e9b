// Package identity keeps the key by which a host knows this browser: one per origin and host, made on
// the first visit. It is a WebCrypto key that no script can read out where the browser has Ed25519
// and the page is secure, and a stored seed otherwise.
//
// It knows nothing of connections. A Key may be used from any goroutine.
package identity

import (
	"context"

	"goop/shared/peerid"
	"goop/shared/wire"
	"goop/wasm/internal/curve"
)

// Kind tells how a key is kept.
type Kind string

const (
	WebCrypto Kind = "webcrypto" // in IndexedDB; nobody can read the private key
	Seed      Kind = "seed"      // in IndexedDB, readable by scripts of this origin
	Memory    Kind = "memory"    // nowhere: the browser keeps nothing, and a reload makes another peer
)

// Key is an Ed25519 key; it signs handshakes (noise.Signer).
type Key struct {
	kind   Kind
	public []byte
	sign   func(ctx context.Context, message []byte) ([]byte, error)
}

// Kind returns how the key is kept.
func (k *Key) Kind() Kind { return k.kind }

// Public returns the public key, 32 bytes.
func (k *Key) Public() []byte { return k.public }

// Peer returns the peer id that the key stands for.
func (k *Key) Peer() wire.PeerID { return peerid.FromKey(k.public) }

// Sign signs a message. It may wait for the browser, so it must not be called from a callback.
func (k *Key) Sign(ctx context.Context, message []byte) ([]byte, error) { return k.sign(ctx, message) }

// FromSeed returns the key of a seed.
func FromSeed(kind Kind, seed *[curve.Size]byte) *Key {
	private := curve.FromSeed(seed)
	return &Key{
		kind:   kind,
		public: private.Public(),
		sign:   func(_ context.Context, message []byte) ([]byte, error) { return private.Sign(message), nil },
	}
}
