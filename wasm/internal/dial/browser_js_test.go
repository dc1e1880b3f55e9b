package dial_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall/js"
	"testing"
	"time"

	"goop/shared/wire"
	"goop/wasm/internal/dial"
	"goop/wasm/internal/idb"
	"goop/wasm/internal/identity"
	"goop/wasm/internal/jsx"
	"goop/wasm/internal/webtransport"
)

// TestPage runs in the page that TestBrowsers serves; node has none of what it is about.
func TestPage(t *testing.T) {
	if js.Global().Get("goopTest").IsUndefined() {
		t.Skip("not in the page of TestBrowsers")
	}
	secure := js.Global().Get("isSecureContext").Bool()
	t.Logf("secure context: %v, %s", secure, js.Global().Get("navigator").Get("userAgent").String())
	w := world{
		base:       js.Global().Get("location").Get("origin").String(),
		transports: []string{dial.WebTransport, dial.WebSocket},
		dialer:     newDialer,
	}
	if webtransport.Available() != secure {
		t.Errorf("WebTransport is available: %v", !secure)
	}
	if !secure {
		w.transports = w.transports[1:]
		t.Run("no WebTransport", func(t *testing.T) {
			_, err := newDialer(dial.Options{Base: w.base, Transport: dial.WebTransport}).Dial(t.Context())
			if !errors.Is(err, wire.NotSupported) {
				t.Errorf("got %v, want not_supported", err)
			}
		})
	}
	t.Run("identity", func(t *testing.T) { testIdentity(t, secure) })
	t.Run("begun", func(t *testing.T) { testBegun(t, w.base, secure) })
	t.Run("store", testStore)
	t.Run("no storage", testNoStorage)
	w.suite(t)
}

// newDialer returns a dialer that remembers nothing of others.
func newDialer(opts dial.Options) *dial.Dialer {
	return dial.New(idb.NewStore("dial-test-"+strconv.FormatInt(databases.Add(1), 10)), opts)
}

var databases atomic.Int64

func testIdentity(t *testing.T, secure bool) {
	want := identity.Seed
	if secure {
		want = identity.WebCrypto
	}
	var wg sync.WaitGroup
	keys := make([]*identity.Key, 8)
	for i := range keys { // as many tabs
		wg.Go(func() {
			key, why, err := identity.Open(t.Context(), idb.NewStore(identity.Database), stranger)
			if err != nil || why != nil {
				t.Errorf("got %v, %v", why, err)
			}
			keys[i] = key
		})
	}
	wg.Wait()
	message := []byte("noise-libp2p-static-key:…")
	for _, key := range keys {
		if key == nil {
			t.FailNow()
		}
		if key.Kind() != want || key.Peer() != keys[0].Peer() {
			t.Errorf("got a %s key of %s, want a %s key of %s", key.Kind(), key.Peer(), want, keys[0].Peer())
		}
		sig, err := key.Sign(t.Context(), message)
		if err != nil || !ed25519.Verify(key.Public(), message, sig) {
			t.Errorf("the signature is wrong: %v", err)
		}
	}
	store := idb.NewStore(identity.Database)
	other, _, err := identity.Open(t.Context(), store, "12D3KooWOther")
	if err != nil || bytes.Equal(other.Public(), keys[0].Public()) {
		t.Errorf("another host knows this browser by the same key, %v", err)
	}
	record, err := store.Get(t.Context(), stranger+"/key")
	if err != nil || record.Type() != js.TypeObject {
		t.Fatalf("got %v, %v", record, err)
	}
	if private := record.Get("private"); secure {
		if private.Get("extractable").Bool() {
			t.Error("the private key can be read out")
		}
	} else if !private.IsUndefined() {
		t.Error("a private key in an insecure page")
	}
}

func testNoStorage(t *testing.T) {
	saved := js.Global().Get("indexedDB")
	define := func(v js.Value) {
		js.Global().Get("Object").Call("defineProperty", js.Global(), "indexedDB", jsx.ValueOf(map[string]any{"value": v, "configurable": true, "writable": true}))
	}
	defer define(saved)
	for _, tt := range []struct {
		name    string
		factory string
	}{
		{"none", `undefined`},
		{"refused", `({ open() { throw new DOMException("no", "SecurityError") } })`},
		{"silent", `({ open() { return new EventTarget() } })`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			define(js.Global().Get("Function").New("return " + tt.factory).Invoke())
			begin := time.Now()
			key, why, err := identity.Open(t.Context(), idb.NewStore(identity.Database), stranger)
			if err != nil || key == nil || key.Kind() != identity.Memory || why == nil {
				t.Errorf("got %v, %v, %v, want a key in memory", key, why, err)
			}
			if took := time.Since(begin); took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
			var warnings []string
			d := newDialer(dial.Options{
				Base: js.Global().Get("location").Get("origin").String(),
				Warn: func(message string) { warnings = append(warnings, message) },
			})
			c, err := d.Dial(context.WithoutCancel(t.Context()))
			if err != nil {
				t.Fatal(err)
			}
			hello(t, c)
			c.Close()
			if len(warnings) != 1 || !strings.Contains(warnings[0], "does not keep") {
				t.Errorf("got the warnings %q", warnings)
			}
		})
	}
}
