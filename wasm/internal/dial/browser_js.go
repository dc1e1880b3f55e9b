package dial

import (
	"context"
	"io"
	"strconv"
	"syscall/js"

	"goop/shared/wire"
	"goop/wasm/internal/identity"
	"goop/wasm/internal/jsx"
	"goop/wasm/internal/websocket"
	"goop/wasm/internal/webtransport"
)

// maxDescriptor bounds what is read as a descriptor, in bytes.
const maxDescriptor = 64 << 10

// New returns the Dialer of this browser.
func New(opts Options) *Dialer {
	p := Platform{
		Fetch: fetch,
		WebSocket: func(ctx context.Context, url string) (io.ReadWriteCloser, error) {
			c, err := websocket.Dial(ctx, url)
			if err != nil {
				return nil, err
			}
			return c, nil
		},
		Key: identity.Open,
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
	return On(p, opts)
}

// fetch reads a resource from the network, past the browser's cache.
func fetch(ctx context.Context, url string) ([]byte, error) {
	signal, release := jsx.Signal(ctx)
	defer release()
	options := jsx.ValueOf(map[string]any{"cache": "no-store", "signal": signal})
	response, err := jsx.Await(ctx, js.Global().Call("fetch", url, options))
	if err != nil {
		return nil, err
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
