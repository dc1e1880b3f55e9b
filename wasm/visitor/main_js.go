// Command visitor is the program with which a door's visitor reaches a host, compiled to WebAssembly: it takes the
// host's record from the door, verifies it itself, connects to the host by the addresses in it, and asks for
// the site's pages over that connection. js/door/visitor.js starts it, once in the page that a first visit sees and once
// in the service worker, which answers the site's requests with it. It knows HTTP, and neither groups nor data.
//
// visitor.js leaves what the program needs in globalThis.goopVisitorStart and takes it away again once main
// waits for the first time. The program runs as long as the page or the worker.
package main

import (
	"context"
	"strings"
	"sync"
	"syscall/js"

	"goop/shared/wire"
	"goop/wasm/internal/dial"
	"goop/wasm/internal/jsx"
	"goop/wasm/internal/nearby"
	"goop/wasm/internal/sitefetch"
)

func main() {
	start := js.Global().Get("goopVisitorStart")
	v := &visitor{host: start.Get("host").String(), ask: start.Get("record")}
	v.expected, v.fault = expectedPeer(v.host)
	v.dialer = dial.On(v.platform(), dial.Options{Peer: v.expected})
	agent := js.Global().Get("navigator").Get("userAgent").String()
	v.client = sitefetch.New(sitefetch.Options{Dial: v.connect, Leaky: strings.Contains(agent, "Firefox/")})
	start.Get("ready").Invoke(v.object())
	select {}
}

// visitor is what visitor.js calls.
type visitor struct {
	host     string      // of the page: "<label>.door.example", perhaps with a port
	expected wire.PeerID // whose label that is
	fault    error       // of the label
	ask      js.Value    // gives a promise of the record's envelope
	dialer   *dial.Dialer
	client   *sitefetch.Client
	answers  answers
	wg       sync.WaitGroup // promises under way; the program never ends, so nobody waits for it

	// mu guards the following.
	mu    sync.Mutex
	found wire.Descriptor   // of the last record that was good
	used  map[string]string // the URL that was reached last, by transport
}

// object returns the visitor's functions, which live as long as the page or the worker. Each gives a promise.
func (v *visitor) object() js.Value {
	o := js.Global().Get("Object").New()
	set := func(name string, fn func(ctx context.Context, args []js.Value) (any, error)) {
		o.Set(name, jsx.Async(context.Background(), &v.wg, fn))
	}
	set("look", v.look)
	set("connect", v.reach)
	set("fetch", v.fetch)
	set("read", v.read)
	set("cancel", v.giveUp)
	set("descriptor", v.descriptor)
	return o
}

// look() resolves with {peer, near}: near tells that the record has addresses of the visitor's own network or machine.
func (v *visitor) look(ctx context.Context, _ []js.Value) (any, error) {
	d, err := v.record(ctx)
	if err != nil {
		return nil, err
	}
	return map[string]any{"peer": string(d.Peer), "near": nearby.Asked(&d)}, nil
}

// connect() resolves with {transport} once there is a connection to the host.
func (v *visitor) reach(ctx context.Context, _ []js.Value) (any, error) {
	conn, err := v.client.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return map[string]any{"transport": conn.Transport()}, nil
}
