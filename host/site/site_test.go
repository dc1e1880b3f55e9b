package site_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/andybalholm/brotli"

	"goop/host/site"
	"goop/shared/wire"
)

// page is long enough to be worth compressing.
var page = "<!doctype html><title>t</title>" + strings.Repeat("<p>the same again</p>", 200)

func demoFiles() fstest.MapFS {
	return fstest.MapFS{
		"index.html":                 {Data: []byte(page)},
		"short.txt":                  {Data: []byte("0123456789")},
		"sub/index.html":             {Data: []byte("sub")},
		"empty/file.bin":             {Data: []byte{1, 2, 3}},
		"goop.json":                  {Data: []byte(`{"name":"x"}`)},
		"sub/goop.json":              {Data: []byte(`{"an":"ordinary file"}`)},
		".git/config":                {Data: []byte("secret")},
		"sub/.env":                   {Data: []byte("secret")},
		".well-known/security.txt":   {Data: []byte("Contact: x")},
		".well-known/.hidden":        {Data: []byte("secret")},
		"goop/goop.js":               {Data: []byte("the site's own")},
		"with space/and ünïcode.txt": {Data: []byte("found")},
		"app.js":                     {Data: []byte("export {}")},
		"photo.png":                  {Data: bytes.Repeat([]byte{0}, 4096)},
	}
}

func demoSDK() fstest.MapFS {
	return fstest.MapFS{
		"goop.js":              {Data: []byte("const ASSETS = __GOOP_ASSETS__;")},
		"goop.mjs":             {Data: []byte(`import "./goop.js";`)},
		"goop.d.ts":            {Data: []byte("export {}")},
		"dist/member.wasm":     {Data: bytes.Repeat([]byte("wasm"), 1000)},
		"dist/member.wasm.br":  {Data: []byte("brotli made at build time")},
		"dist/member.wasm.gz":  {Data: []byte("gzip made at build time")},
		"dist/wasm_exec.js":    {Data: []byte("globalThis.Go = class {}")},
		"dist/build-info.json": {Data: []byte("{}")},
	}
}

func open(t testing.TB, change func(*site.Options)) *site.Site {
	t.Helper()
	o := site.Options{
		Files:  demoFiles(),
		SDK:    demoSDK(),
		Schema: []byte(`{"type":"object"}`),
		Descriptor: func(r *http.Request) wire.Descriptor {
			return wire.Descriptor{Peer: "12D3KooWhost", Name: "demo", WebSocket: []string{"ws://" + r.Host}}
		},
		Logger: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&o)
	}
	s, err := site.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// get asks for a path, with headers given as pairs.
func get(h http.Handler, path string, headers ...string) *http.Response {
	return ask(h, http.MethodGet, path, headers...)
}

func ask(h http.Handler, method, path string, headers ...string) *http.Response {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, res *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestPaths(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	for _, tt := range []struct {
		path   string
		status int
		ctype  string
		want   string // in the body
	}{
		{"/", 200, "text/html; charset=utf-8", "the same again"},
		{"/index.html", 200, "text/html; charset=utf-8", "the same again"},
		{"/sub/", 200, "text/html; charset=utf-8", "sub"},
		{"/sub/goop.json", 200, "application/json", "ordinary"},
		{"/app.js", 200, "text/javascript; charset=utf-8", "export"},
		{"/with%20space/and%20%C3%BCn%C3%AFcode.txt", 200, "text/plain; charset=utf-8", "found"},
		{"/.well-known/security.txt", 200, "text/plain; charset=utf-8", "Contact"},
		{"/healthz", 200, "application/json", `{"status":"ok"}`},
		{"/goop/goop.schema.json", 200, "application/json", "object"},
		{"/goop/goop.d.ts", 200, "text/plain; charset=utf-8", "export"},

		{"/sub", 301, "text/plain; charset=utf-8", ""},
		{"/empty/", 404, "text/html; charset=utf-8", "nothing here"},
		{"/missing", 404, "text/html; charset=utf-8", "nothing here"},
		{"/index.html/", 404, "text/html; charset=utf-8", ""},
		{"/index.html/x", 404, "text/html; charset=utf-8", ""},
		{"/goop.json", 404, "text/html; charset=utf-8", ""},
		{"/GOOP.JSON", 404, "text/html; charset=utf-8", ""},
		{"/goop.json.", 404, "text/html; charset=utf-8", ""},
		{"/goop.json%20", 404, "text/html; charset=utf-8", ""},
		{"/goop.json::$DATA", 404, "text/html; charset=utf-8", ""},
		{"/GOOP~1.JSO", 404, "text/html; charset=utf-8", ""},
		{"/goop.json%00", 404, "text/html; charset=utf-8", ""},
		{"/.git/config", 404, "text/html; charset=utf-8", ""},
		{"/sub/.env", 404, "text/html; charset=utf-8", ""},
		{"/.well-known/.hidden", 404, "text/html; charset=utf-8", ""},
		{"/sub/.well-known/x", 404, "text/html; charset=utf-8", ""},
		{"//sub/", 404, "text/html; charset=utf-8", ""},
		{"/sub//", 404, "text/html; charset=utf-8", ""},
		{"/sub/../index.html", 404, "text/html; charset=utf-8", ""},
		{"/..%2f..%2fetc/passwd", 404, "text/html; charset=utf-8", ""},
		{"/..%5c..%5cetc", 404, "text/html; charset=utf-8", ""},
		{"/goop/other.js", 404, "text/plain; charset=utf-8", ""},
		{"/goop", 404, "text/plain; charset=utf-8", ""},
		{"/goop/member-00000000000000000000.wasm", 404, "text/plain; charset=utf-8", ""},
	} {
		res := get(s, tt.path)
		got := body(t, res)
		if res.StatusCode != tt.status || res.Header.Get("Content-Type") != tt.ctype || !strings.Contains(got, tt.want) {
			t.Errorf("GET %s: got %d %q %.60q, want %d %q with %q", tt.path, res.StatusCode,
				res.Header.Get("Content-Type"), got, tt.status, tt.ctype, tt.want)
		}
		if strings.Contains(got, "secret") {
			t.Errorf("GET %s: a hidden file was served", tt.path)
		}
	}
	if got := get(s, "/sub?a=b").Header.Get("Location"); got != "/sub/?a=b" {
		t.Errorf("redirect of a folder: got %q, want /sub/?a=b", got)
	}
}

// A site that has no first page yet does not lead those who open it to that page.
func TestNoFirstPage(t *testing.T) {
	t.Parallel()
	s := open(t, func(o *site.Options) { o.Files = fstest.MapFS{"app.js": {Data: []byte("export {}")}} })
	for path, want := range map[string]string{"/": "This site has no first page yet", "/about": `<a href="/">Go to the first page</a>`} {
		res := get(s, path)
		if got := body(t, res); res.StatusCode != http.StatusNotFound || !strings.Contains(got, want) || strings.Contains(got, "href") != (path != "/") {
			t.Errorf("%s: got %d %s", path, res.StatusCode, got)
		}
	}
}

func TestSecurityHeaders(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/", "/missing", "/healthz", "/goop/host.json", "/goop/goop.js", "/sub"} {
		h := get(open(t, nil), path).Header
		for name, want := range map[string]string{
			"Content-Security-Policy":    site.DefaultCSP,
			"X-Content-Type-Options":     "nosniff",
			"Referrer-Policy":            "no-referrer",
			"Cross-Origin-Opener-Policy": "",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("GET %s: %s: got %q, want %q", path, name, got, want)
			}
		}
		if h.Get("Permissions-Policy") == "" {
			t.Errorf("GET %s: no Permissions-Policy", path)
		}
	}
	own := open(t, func(o *site.Options) { o.CSP = "default-src 'none'" })
	if got := get(own, "/").Header.Get("Content-Security-Policy"); got != "default-src 'none'" {
		t.Errorf("own csp: got %q", got)
	}
	script := strings.Split(strings.Split(site.DefaultCSP, "script-src")[1], ";")[0]
	if strings.Contains(script, "unsafe-inline") || !strings.Contains(script, "'wasm-unsafe-eval'") {
		t.Errorf("script-src%s: wants the member to run and inline scripts not to", script)
	}
}

// The opener policy is for origins that a browser trusts: on others it only fills the console.
func TestOpenerPolicy(t *testing.T) {
	t.Parallel()
	s := open(t, func(o *site.Options) {
		o.Secure = func(r *http.Request) bool { return r.Host == "quiz.example.org" }
	})
	for host, want := range map[string]string{
		"localhost:7780": "same-origin", "127.0.0.1": "same-origin", "[::1]:7780": "same-origin", "a.localhost": "same-origin",
		"quiz.example.org": "same-origin", "192.168.1.5:7780": "", "other.example.org": "", "localhost.example.org": "",
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = host
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if got := w.Header().Get("Cross-Origin-Opener-Policy"); got != want {
			t.Errorf("%s: got %q, want %q", host, got, want)
		}
	}
}

func TestDescriptor(t *testing.T) {
	t.Parallel()
	res := get(open(t, nil), "/goop/host.json")
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "Access-Control-Allow-Origin": "*", "Content-Type": "application/json",
	} {
		if got := res.Header.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	d, err := wire.ParseDescriptor([]byte(body(t, res)))
	if err != nil || d.Peer != "12D3KooWhost" || len(d.WebSocket) != 1 || d.WebSocket[0] != "ws://example.com" {
		t.Errorf("got %+v, %v", d, err)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	for _, tt := range []struct {
		name   string
		change func(*http.Request)
		status int
	}{
		{"POST", func(r *http.Request) { r.Method = "POST" }, 405},
		{"OPTIONS", func(r *http.Request) { r.Method = "OPTIONS" }, 405},
		{"a body", func(r *http.Request) { r.ContentLength = 1 }, 413},
		{"a body without a length", func(r *http.Request) { r.ContentLength = -1 }, 413},
		{"a long path", func(r *http.Request) { r.RequestURI = "/" + strings.Repeat("x", 8<<10) }, 414},
		{"a long host", func(r *http.Request) { r.Host = strings.Repeat("x", 256) }, 400},
		{"a host with a path", func(r *http.Request) { r.Host = "a/b" }, 400},
		{"a host with markup", func(r *http.Request) { r.Host = `a"><script>` }, 400},
		{"an IPv6 host", func(r *http.Request) { r.Host = "[fe80::1%25eth0]:80" }, 200},
		{"no host", func(r *http.Request) { r.Host = "" }, 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			tt.change(r)
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if w.Code != tt.status {
				t.Errorf("got %d %q, want %d", w.Code, w.Body.String(), tt.status)
			}
			if tt.status == 405 && w.Header().Get("Allow") != "GET, HEAD" {
				t.Errorf("Allow: got %q", w.Header().Get("Allow"))
			}
		})
	}
}

func TestCompressedFiles(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	decode := map[string]func(io.Reader) io.Reader{
		"br":   func(r io.Reader) io.Reader { return brotli.NewReader(r) },
		"gzip": func(r io.Reader) io.Reader { z, _ := gzip.NewReader(r); return z },
		"":     func(r io.Reader) io.Reader { return r },
	}
	tags := map[string]bool{}
	for accept, want := range map[string]string{"gzip, deflate, br": "br", "gzip": "gzip", "": "", "gzip;q=0": ""} {
		res := get(s, "/", "Accept-Encoding", accept)
		raw := body(t, res)
		enc := res.Header.Get("Content-Encoding")
		if enc != want {
			t.Errorf("Accept-Encoding %q: got %q, want %q", accept, enc, want)
			continue
		}
		plain, err := io.ReadAll(decode[enc](strings.NewReader(raw)))
		if err != nil || string(plain) != page {
			t.Errorf("%q does not decode to the page: %v", enc, err)
		}
		if got := res.Header.Get("Content-Length"); got != fmt.Sprint(len(raw)) {
			t.Errorf("%q: Content-Length %s for %d bytes", enc, got, len(raw))
		}
		if enc != "" && len(raw) > len(page)/2 {
			t.Errorf("%q: %d of %d bytes", enc, len(raw), len(page))
		}
		if res.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%q: Vary %q", enc, res.Header.Get("Vary"))
		}
		tags[res.Header.Get("Etag")] = true
		again := get(s, "/", "Accept-Encoding", accept, "If-None-Match", res.Header.Get("Etag"))
		if again.StatusCode != http.StatusNotModified || body(t, again) != "" {
			t.Errorf("%q: If-None-Match: got %d", enc, again.StatusCode)
		}
	}
	if len(tags) != 3 {
		t.Errorf("got tags %v, want one for each of three encodings", tags)
	}
	for _, path := range []string{"/short.txt", "/photo.png"} {
		if got := get(s, path, "Accept-Encoding", "br").Header.Get("Content-Encoding"); got != "" {
			t.Errorf("%s: got encoding %q, want none", path, got)
		}
	}
}

func TestRangesAndHead(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	res := get(s, "/short.txt", "Range", "bytes=2-4")
	if got := body(t, res); res.StatusCode != 206 || got != "234" || res.Header.Get("Content-Range") != "bytes 2-4/10" {
		t.Errorf("range: got %d %q %q", res.StatusCode, got, res.Header.Get("Content-Range"))
	}
	if res := get(s, "/short.txt", "Range", "bytes=20-"); res.StatusCode != 416 {
		t.Errorf("range beyond the end: got %d, want 416", res.StatusCode)
	}
	for _, path := range []string{"/short.txt", "/healthz"} {
		res = ask(s, http.MethodHead, path)
		if got := body(t, res); res.StatusCode != 200 || got != "" || res.Header.Get("Content-Length") == "" {
			t.Errorf("HEAD %s: got %d, body %q, length %q", path, res.StatusCode, got, res.Header.Get("Content-Length"))
		}
	}
}

func TestPanicIsAnswered(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := open(t, func(o *site.Options) {
		o.Descriptor = func(*http.Request) wire.Descriptor { panic("made by the test") }
		o.Logger = slog.New(slog.NewTextHandler(&log, nil))
	})
	res := get(s, "/goop/host.json")
	if got := body(t, res); res.StatusCode != 500 || strings.Contains(got, "made by the test") {
		t.Errorf("got %d %q, want 500 without the cause", res.StatusCode, got)
	}
	if !strings.Contains(log.String(), "made by the test") {
		t.Errorf("the log has no cause: %s", log.String())
	}
}

// TestFolder serves a real folder through os.Root: links that leave it lead nowhere, a changed file
// is seen, and a file too large for the memory comes from the disk.
func TestFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("a.txt", "first")
	large := strings.Repeat("large file ", 500_000)
	put("large.txt", large)
	outside := filepath.Join(t.TempDir(), "outside.txt")
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "link.txt")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("a.txt", filepath.Join(dir, "inside.txt")); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	s := open(t, func(o *site.Options) { o.Files = root.FS() })

	if res := get(s, "/link.txt"); res.StatusCode != 404 || strings.Contains(body(t, res), "secret") {
		t.Errorf("a link out of the folder: got %d, want 404", res.StatusCode)
	}
	if got := body(t, get(s, "/inside.txt")); got != "first" {
		t.Errorf("a link within the folder: got %q", got)
	}
	first := get(s, "/a.txt")
	if got := body(t, first); got != "first" {
		t.Errorf("got %q", got)
	}
	put("a.txt", "the second text")
	second := get(s, "/a.txt", "If-None-Match", first.Header.Get("Etag"))
	if got := body(t, second); got != "the second text" || second.StatusCode != 200 {
		t.Errorf("after a change: got %d %q", second.StatusCode, got)
	}

	res := get(s, "/large.txt", "Accept-Encoding", "br")
	tag := res.Header.Get("Etag")
	if got := body(t, res); got != large || tag == "" || strings.HasPrefix(tag, "W/") {
		t.Errorf("the large file: %d of %d bytes, tag %s", len(got), len(large), tag)
	}
	if res := get(s, "/large.txt", "If-None-Match", tag); res.StatusCode != 304 {
		t.Errorf("the large file again: got %d, want 304", res.StatusCode)
	}
	if got := body(t, get(s, "/large.txt", "Range", "bytes=0-9")); got != "large file" {
		t.Errorf("a range of the large file: got %q", got)
	}
}

// TestHiddenFolder has the host's data in the site's folder, as it is after "goop serve ." there.
func TestHiddenFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"my/goop-data/goop.db":      "secret",
		"my/goop-data/sub/file.txt": "secret",
		"my/goop-data.html":         "a page",
		"my/other/goop.db":          "a file",
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("my/goop-data", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	hide, err := os.Stat(filepath.Join(dir, "my", "goop-data"))
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, func(o *site.Options) { o.Files, o.Hide = root.FS(), hide })
	for path, want := range map[string]int{
		"/my/goop-data/goop.db": 404, "/my/goop-data/sub/file.txt": 404, "/my/goop-data/": 404, "/my/goop-data": 404,
		"/link/goop.db": 404, "/my/goop-data.html": 200, "/my/other/goop.db": 200,
	} {
		if got := get(s, path); got.StatusCode != want {
			t.Errorf("%s: got %d, want %d", path, got.StatusCode, want)
		}
	}
}

func TestUnreadableFolder(t *testing.T) {
	t.Parallel()
	s := open(t, func(o *site.Options) { o.Files = broken{} })
	if res := get(s, "/a.txt"); res.StatusCode != 500 {
		t.Errorf("got %d, want 500", res.StatusCode)
	}
}

// broken is a file system whose files can be opened and not read.
type broken struct{}

func (broken) Open(string) (fs.File, error) { return brokenFile{}, nil }
func (broken) Stat(string) (fs.FileInfo, error) {
	return fs.Stat(fstest.MapFS{"a": {Data: []byte("a")}}, "a")
}

type brokenFile struct{ fs.File }

func (brokenFile) Stat() (fs.FileInfo, error) { return broken{}.Stat("") }
func (brokenFile) Read([]byte) (int, error)   { return 0, fs.ErrPermission }
func (brokenFile) Close() error               { return nil }
