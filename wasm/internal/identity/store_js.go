package identity

import (
	"context"
	"syscall/js"
	"time"

	"goop/shared/wire"
	"goop/wasm/internal/curve"
	"goop/wasm/internal/idb"
	"goop/wasm/internal/jsx"
	"goop/wasm/internal/random"
)

// Database is the name of the origin's database; keys in it begin with the host's peer id.
const Database = "goop"

// patience bounds the wait for the browser's storage, which in some private windows never answers.
const patience = 3 * time.Second

// Open returns this browser's key for a host, and makes one on the first visit. Where the browser
// keeps nothing, the key has Kind Memory and why tells the reason; it then holds until the page is
// left.
func Open(ctx context.Context, store *idb.Store, host wire.PeerID) (key *Key, why error, err error) {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	key, err = stored(limited, store, string(host)+"/key")
	if err == nil || ctx.Err() != nil {
		return key, nil, err
	}
	return FromSeed(Memory, seed()), err, nil
}

func seed() *[curve.Size]byte {
	var b [curve.Size]byte
	random.Read(b[:])
	return &b
}

// stored returns the key under a name, and adds one where there is none.
func stored(ctx context.Context, store *idb.Store, name string) (*Key, error) {
	record, err := store.Get(ctx, name)
	if err != nil {
		return nil, err
	}
	if record.IsUndefined() {
		// The key is made before the transaction, which would not wait for it; whichever tab adds
		// first wins, and the others' keys are forgotten.
		if record, err = add(ctx, store, name); err != nil {
			return nil, err
		}
	}
	return read(record)
}

// add makes a key and adds it. A browser that makes a WebCrypto key but cannot store it gets a seed.
func add(ctx context.Context, store *idb.Store, name string) (js.Value, error) {
	if record, err := generate(ctx); err == nil {
		if record, err = store.Add(ctx, name, record); err == nil {
			return record, nil
		}
	}
	if err := ctx.Err(); err != nil {
		return js.Undefined(), context.Cause(ctx)
	}
	return store.Add(ctx, name, jsx.ValueOf(map[string]any{"seed": seed()[:]}))
}

// generate makes a record with a WebCrypto key, if the browser has Ed25519 and the page is secure.
func generate(ctx context.Context) (js.Value, error) {
	subtle := subtle()
	if subtle.IsUndefined() {
		return subtle, wire.E(wire.NotSupported, "there is no WebCrypto on this page")
	}
	pair, err := await(ctx, func() js.Value {
		return subtle.Call("generateKey", "Ed25519", false, jsx.ValueOf([]string{"sign", "verify"}))
	})
	if err != nil {
		return js.Undefined(), err
	}
	public, err := await(ctx, func() js.Value { return subtle.Call("exportKey", "raw", pair.Get("publicKey")) })
	if err != nil {
		return js.Undefined(), err
	}
	raw, err := jsx.Bytes(public)
	if err != nil {
		return js.Undefined(), err
	}
	return jsx.ValueOf(map[string]any{"private": pair.Get("privateKey"), "public": raw}), nil
}

// read makes a Key of a record.
func read(record js.Value) (*Key, error) {
	if record.Type() != js.TypeObject {
		return nil, wire.E(wire.Internal, "the stored key is damaged")
	}
	if s := record.Get("seed"); !s.IsUndefined() {
		b, err := jsx.Bytes(s)
		if err != nil || len(b) != curve.Size {
			return nil, wire.E(wire.Internal, "the stored key is damaged")
		}
		return FromSeed(Seed, (*[curve.Size]byte)(b)), nil
	}
	public, err := jsx.Bytes(record.Get("public"))
	if err != nil || len(public) != curve.Size {
		return nil, wire.E(wire.Internal, "the stored key is damaged")
	}
	private, subtle := record.Get("private"), subtle()
	if subtle.IsUndefined() {
		return nil, wire.E(wire.NotSupported, "the stored key needs WebCrypto, which this page does not have")
	}
	return &Key{kind: WebCrypto, public: public, sign: func(ctx context.Context, message []byte) ([]byte, error) {
		sig, err := await(ctx, func() js.Value {
			return subtle.Call("sign", "Ed25519", private, jsx.Uint8Array(message))
		})
		if err != nil {
			return nil, err
		}
		return jsx.Bytes(sig)
	}}, nil
}

// subtle returns crypto.subtle, which is undefined on an insecure page.
func subtle() js.Value { return js.Global().Get("crypto").Get("subtle") }

// await waits for the promise that a call returns, if it returns.
func await(ctx context.Context, call func() js.Value) (js.Value, error) {
	promise, err := jsx.Try(call)
	if err != nil {
		return js.Undefined(), err
	}
	return jsx.Await(ctx, promise)
}
