package dial_test

import (
	"syscall/js"
	"testing"

	"goop/wasm/internal/dial"
	"goop/wasm/internal/idb"
	"goop/wasm/internal/identity"
	"goop/wasm/internal/jsx"
)

// What a page has begun is used when it is good, and in no one's way when it is not.
func testBegun(t *testing.T, base string, secure bool) {
	const answer = `descriptor: fetch(base + "/goop/host.json").then((r) => r.text())`
	const begin = `
		const [{ url, certhashes }] = JSON.parse(text).webtransport;
		const hashes = certhashes.map((hex) => ({ algorithm: "sha-256", value: Uint8Array.from(hex.match(/../g), (b) => parseInt(b, 16)) }));
		const begun = new WebTransport(url, { serverCertificateHashes: hashes });`
	for _, tt := range []struct{ name, early string }{
		{"nothing", `({ descriptor: Promise.reject(new Error("no network")), session() {} })`},
		{"a wrong answer", `({ descriptor: Promise.resolve("x".repeat(1 << 17)), session() {} })`},
		{"only an answer", `({ ` + answer + `, session() {} })`},
		{"a session", `fetch(base + "/goop/host.json").then((r) => r.text()).then((text) => {` + begin + `
			return { descriptor: Promise.resolve(text), session: (at) => at === url ? (used = begun) : undefined };
		})`},
		{"a session of another answer", `fetch(base + "/goop/host.json").then((r) => r.text()).then((text) => {` + begin + `
			begun.ready.catch(() => {});
			begun.closed.catch(() => {});
			return { descriptor: Promise.reject(new Error("no network")), session: () => (used = begun), drop: () => (dropped = begun.close() ?? true) };
		})`},
		{"a session that is over", `fetch(base + "/goop/host.json").then((r) => r.text()).then((text) => {` + begin + `
			return begun.ready.then(() => { begun.close(); return { descriptor: Promise.resolve(text), session: () => begun }; });
		})`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			begun := js.Global().Get("Function").New("base", "let used, dropped; return Promise.resolve("+tt.early+").then((early) => Object.assign({ drop() {} }, early, { used: () => used, dropped: () => dropped }))")
			early, err := jsx.Await(t.Context(), begun.Invoke(base))
			if err != nil {
				if !secure {
					t.Skip("this page has no WebTransport")
				}
				t.Fatal(err)
			}
			c, err := dial.Begun(idb.NewStore(identity.Database), dial.Options{Base: base}, early).Dial(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			hello(t, c)
			if c.Transport() == dial.WebTransport && early.Call("used").Truthy() != (tt.name == "a session") {
				t.Error("it is not the session that was begun, or one that should not have been used")
			}
			if early.Call("dropped").Truthy() != (tt.name == "a session of another answer") {
				t.Error("a session that nobody can use stays open, or another was closed")
			}
		})
	}
}
