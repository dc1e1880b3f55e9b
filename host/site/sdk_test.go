package site_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"goop/host/site"
)

func TestPageCode(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	res := get(s, "/goop/goop.js")
	text := body(t, res)
	object, ok := strings.CutPrefix(strings.TrimSuffix(text, ";"), "const ASSETS = ")
	var at struct{ Wasm, Exec string }
	if err := json.Unmarshal([]byte(object), &at); !ok || err != nil {
		t.Fatalf("got %q: %v", text, err)
	}
	if got := res.Header.Get("Cache-Control"); got != "public, max-age=60" || res.Header.Get("Etag") == "" {
		t.Errorf("goop.js: Cache-Control %q, Etag %q", got, res.Header.Get("Etag"))
	}
	for _, tt := range []struct{ path, accept, ctype, encoding, want string }{
		{at.Wasm, "br, gzip", "application/wasm", "br", "brotli made at build time"},
		{at.Wasm, "gzip", "application/wasm", "gzip", "gzip made at build time"},
		{at.Wasm, "", "application/wasm", "", strings.Repeat("wasm", 1000)},
		{at.Exec, "br", "text/javascript; charset=utf-8", "", "globalThis.Go = class {}"},
	} {
		res := get(s, tt.path, "Accept-Encoding", tt.accept)
		if got := body(t, res); got != tt.want || res.Header.Get("Content-Encoding") != tt.encoding ||
			res.Header.Get("Content-Type") != tt.ctype {
			t.Errorf("%s as %q: got %q %q %.40q", tt.path, tt.accept, res.Header.Get("Content-Type"), res.Header.Get("Content-Encoding"), got)
		}
		if got := res.Header.Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
			t.Errorf("%s: Cache-Control %q", tt.path, got)
		}
		if got := res.Header.Get("Access-Control-Allow-Origin"); got != "*" {
			t.Errorf("%s: Access-Control-Allow-Origin %q", tt.path, got)
		}
	}

	// Another build has another address, so that nobody runs an old member with a new page.
	other := demoSDK()
	other["dist/member.wasm"] = &fstest.MapFile{Data: []byte("another")}
	if got := body(t, get(open(t, func(o *site.Options) { o.SDK = other }), "/goop/goop.js")); strings.Contains(got, at.Wasm) {
		t.Errorf("two builds share the address %s", at.Wasm)
	}
}

func TestNotBuilt(t *testing.T) {
	t.Parallel()
	sdk := demoSDK()
	delete(sdk, "dist/member.wasm")
	s := open(t, func(o *site.Options) { o.SDK = sdk })
	for _, path := range []string{"/goop/goop.js", "/goop/goop.mjs"} {
		res := get(s, path)
		if got := body(t, res); res.StatusCode != http.StatusServiceUnavailable || !strings.Contains(got, "./build.sh build") {
			t.Errorf("%s: got %d %q", path, res.StatusCode, got)
		}
	}
	if res := get(s, "/goop/goop.d.ts"); res.StatusCode != http.StatusOK {
		t.Errorf("goop.d.ts: got %d", res.StatusCode)
	}
}
