package dial

import (
	"context"
	"io"
	"strconv"
	"syscall/js"

	"goop/shared/wire"
	"goop/wasm/internal/idb"
	"goop/wasm/internal/identity"
	"goop/wasm/internal/jsx"
	"goop/wasm/internal/websocket"
	"goop/wasm/internal/webtransport"
)

// maxDescriptor bounds what is read as a descriptor, in bytes.
const maxDescriptor = 64 << 10

// New returns the Dialer of this browser, which keeps in store what it is to find again.
func New(store *idb.Store, opts Options) *Dialer { return keeping(store, Browser(), opts) }

func keeping(store *idb.Store, p Platform, opts Options) *Dialer {
	opts.Store = store
	p.Key = func(ctx context.Context, host wire.PeerID) (*identity.Key, error, error) {
		return identity.Open(ctx, store, host)
	}
	return On(p, opts)
}

// Begun is New for a page that has begun to connect while this program was on its way to it: early has a
// promise of the descriptor's text and two functions, session, which gives a WebTransport session for a URL
// away, and drop, which closes it. The first Dial takes them over; what has failed meanwhile is tried anew as if it had
// not been there. A session is taken only with the descriptor with which it was begun: the host vouches in the
// handshake for the certificates that this one names, and another may name others.
func Begun(store *idb.Store, opts Options, early js.Value) *Dialer {
	p := Browser()
	ask, open := p.Fetch, p.WebTransport
	asked, current := false, false // Dial is called by one goroutine at a time
	p.Fetch = func(ctx context.Context, url string) ([]byte, error) {
		if !asked {
			asked = true
			if text, err := jsx.Await(ctx, early.Get("descriptor")); err == nil {
				if body := text.String(); len(body) <= maxDescriptor {
					current = true
					return []byte(body), nil
				}
			}
		}
		current = false
		early.Call("drop")
		return ask(ctx, url)
	}
	if open != nil {
		p.WebTransport = func(ctx context.Context, url string, certHashes [][]byte) (Session, error) {
			if !current {
				return open(ctx, url, certHashes)
			}
			if begun := early.Call("session", url); begun.Truthy() {
				if s, err := webtransport.Use(ctx, begun); err == nil {
					return s, nil
				} else if ctx.Err() != nil {
					return nil, err
				}
			}
			return open(ctx, url, certHashes)
		}
	}
	return keeping(store, p, opts)
}

// Browser returns what this browser has, without a key, for a Dialer that has one of its own and asks for the
// descriptor elsewhere.
func Browser() Platform {
	p := Platform{
		Fetch: fetch,
		WebSocket: func(ctx context.Context, url string) (io.ReadWriteCloser, error) {
			c, err := websocket.Dial(ctx, url)
			if err != nil {
				return nil, err
			}
			return c, nil
		},
		Network: func() string {
			if line := js.Global().Get("navigator").Get("connection"); line.Truthy() {
				if kind := line.Get("type"); kind.Type() == js.TypeString {
					return kind.String()
				}
			}
			return ""
		},
	}
	if webtransport.Available() {
		p.WebTransport = func(ctx context.Context, url string, certHashes [][]byte) (Session, error) {
			s, err := webtransport.Dial(ctx, url, certHashes)
			if err != nil {
				return nil, err
			}
			return s, nil
		}
	}
	return p
}

// fetch reads a resource from the network, past the browser's cache.
func fetch(ctx context.Context, url string) ([]byte, error) {
	signal, release := jsx.Signal(ctx)
	defer release()
	options := jsx.ValueOf(map[string]any{"cache": "no-store", "signal": signal, "redirect": "manual"})
	response, err := jsx.Await(ctx, js.Global().Call("fetch", url, options))
	if err != nil {
		return nil, err
	}
	if response.Get("type").String() == "opaqueredirect" {
		return nil, wire.E(wire.BadMessage, "it leads to another address")
	}
	if !response.Get("ok").Truthy() {
		return nil, wire.E(wire.Offline, "status ", strconv.Itoa(response.Get("status").Int()))
	}
	reader := response.Get("body").Call("getReader")
	var body []byte
	for {
		next, err := jsx.Await(ctx, reader.Call("read"))
		if err != nil {
			return nil, err
		}
		if next.Get("done").Truthy() {
			return body, nil
		}
		chunk, err := jsx.Bytes(next.Get("value"))
		if err != nil {
			return nil, err
		}
		if body = append(body, chunk...); len(body) > maxDescriptor {
			return nil, wire.E(wire.TooLarge, "more than 64 KiB")
		}
	}
}
