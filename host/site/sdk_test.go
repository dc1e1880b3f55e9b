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

// A browser begins to fetch the member while it reads a page that loads it, and only then.
func TestPreload(t *testing.T) {
	t.Parallel()
	files := demoFiles()
	files["joins.html"] = &fstest.MapFile{Data: []byte(`<!doctype html><script src="/goop/goop.js"></script>`)}
	files["module.html"] = &fstest.MapFile{Data: []byte(`<!doctype html><script type="module">import "/goop/goop.mjs"</script>`)}
	files["plain.html"] = &fstest.MapFile{Data: []byte(`<!doctype html><p>goop.js`)}
	files["app.js"] = &fstest.MapFile{Data: []byte(`import "/goop/goop.mjs"`)}
	s := open(t, func(o *site.Options) { o.Files = files })
	for path, want := range map[string]bool{"/joins.html": true, "/module.html": true, "/plain.html": false, "/app.js": false} {
		link := get(s, path).Header.Get("Link")
		if (link != "") != want {
			t.Errorf("%s: got Link %q", path, link)
		}
		for part := range strings.SplitSeq(link, ", ") {
			address, kind, _ := strings.Cut(strings.TrimPrefix(part, "<"), ">; ")
			if want && (get(s, address).StatusCode != http.StatusOK || kind != "rel=preload; as=fetch; crossorigin" && kind != "rel=modulepreload") {
				t.Errorf("%s: got %q in Link", path, part)
			}
		}
	}
	// Who has had the page has the member too, and what is compiled of it is found only without a preload.
	first := get(s, "/joins.html")
	again := get(s, "/joins.html", "If-None-Match", first.Header.Get("Etag"))
	if link := again.Header.Get("Link"); again.StatusCode != http.StatusNotModified || strings.Contains(link, ".wasm") || !strings.Contains(link, "modulepreload") {
		t.Errorf("the second time: status %d, Link %q", again.StatusCode, link)
	}
	sdk := demoSDK()
	delete(sdk, "dist/member.wasm")
	s = open(t, func(o *site.Options) { o.Files, o.SDK = files, sdk })
	if link := get(s, "/joins.html").Header.Get("Link"); link != "" {
		t.Errorf("without a member: got Link %q", link)
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
