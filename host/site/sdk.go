package site

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

// marker stands in goop.js and goop.mjs where the addresses of the built files belong. It is replaced
// by a JSON object {"wasm":…,"exec":…}.
const marker = "__GOOP_ASSETS__"

// built are the files of dist, by the name under which a page's code knows them.
var built = map[string]string{"wasm": "member.wasm", "exec": "wasm_exec.js"}

// ownPage are the files of the page that shows how the host is reached, by their paths. Sites may use those
// that draw QR codes.
var ownPage = map[string]string{
	"/goop/reach":            "reach.html",
	"/goop/reach.js":         "reach.js",
	"/goop/reach.css":        "reach.css",
	"/goop/qr.js":            "qr.js",
	"/goop/vendor/qrcode.js": "vendor/qrcode.js",
}

// loadsMember tells whether a file is a page that loads goop.js or goop.mjs itself.
func loadsMember(a *asset) bool {
	return strings.HasPrefix(a.ctype, "text/html") && bytes.Contains(a.plain, []byte(`"/goop/goop.`))
}

// preloadOf is the Link header with which a browser fetches what goop.js will ask for while it still reads the
// page (HTML, section 4.6.7.19). The member is named as goop.js fetches it; otherwise it would be loaded twice.
func preloadOf(paths map[string]string) string {
	return "<" + paths["wasm"] + ">; rel=preload; as=fetch; crossorigin, " + preloadAgainOf(paths)
}

// preloadAgainOf is preloadOf for a browser that has had the page before, and with it the member: Chromium looks for the
// code that it has compiled from it and kept only when the member is not preloaded. It also stands in an answer
// "not modified", and takes the other one's place in what the browser has kept of the page.
func preloadAgainOf(paths map[string]string) string {
	return "<" + paths["exec"] + ">; rel=modulepreload"
}

// preloads are the Link headers of a page that loads the member; empty when there is none.
type preloads struct{ first, again string }

// of returns the one for a request. A browser that asks whether the page has changed has had it.
func (p preloads) of(r *http.Request) string {
	if r.Header.Get("If-None-Match") != "" || r.Header.Get("If-Modified-Since") != "" {
		return p.again
	}
	return p.first
}

// sdkAssets reads what pages load from /goop/, by path, and the Link headers of pages that do. Without the built
// files, the two scripts and the header are left out: serveAsset then says what is missing.
func sdkAssets(sdk fs.FS) (assets map[string]*asset, links preloads, err error) {
	out := map[string]*asset{}
	add := func(at string, a *asset) {
		a.cors = true // everybody may have them: a page on another origin can show this host's site
		out[at] = a
	}
	paths := map[string]string{}
	for key, name := range built {
		a, err := builtAsset(sdk, path.Join("dist", name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return nil, links, err
		}
		stem, ext, _ := strings.Cut(name, ".")
		at := "/goop/" + stem + "-" + a.hash + "." + ext
		add(at, a)
		paths[key] = at
	}
	for _, name := range []string{"goop.js", "goop.mjs", "goop.d.ts"} {
		b, err := fs.ReadFile(sdk, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return nil, links, fmt.Errorf("read the page's code: %w", err)
		}
		if name != "goop.d.ts" {
			if len(paths) < len(built) {
				continue
			}
			text, err := json.Marshal(paths)
			if err != nil {
				return nil, links, fmt.Errorf("write down the addresses of the page's code: %w", err)
			}
			b = bytes.ReplaceAll(b, []byte(marker), text)
		}
		add("/goop/"+name, newAsset(name, b, cacheShort))
	}
	for at, name := range ownPage {
		b, err := fs.ReadFile(sdk, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return nil, links, fmt.Errorf("read the host's own page: %w", err)
		}
		add(at, newAsset(name, b, cacheShort))
	}
	if len(paths) == len(built) {
		links = preloads{first: preloadOf(paths), again: preloadAgainOf(paths)}
	}
	return out, links, nil
}

// builtAsset reads a file of dist with what was compressed at build time.
func builtAsset(sdk fs.FS, name string) (*asset, error) {
	b, err := fs.ReadFile(sdk, name)
	if err != nil {
		return nil, fmt.Errorf("read the page's code: %w", err)
	}
	a := newAsset(name, b, cacheForever)
	for e, ext := range map[encoding]string{gzipped: ".gz", brotlied: ".br"} {
		packed, err := fs.ReadFile(sdk, name+ext)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return nil, fmt.Errorf("read the page's code: %w", err)
		}
		a.provide(e, packed)
	}
	return a, nil
}

// serveAsset answers for a path below /goop/, which belongs to the host: a site's own folder of that
// name is never looked at.
func (s *Site) serveAsset(w http.ResponseWriter, r *http.Request) {
	switch a := s.assets[r.URL.Path]; {
	case a != nil:
		if strings.HasPrefix(a.ctype, "text/html") { // it needs what the site's own pages may do without
			w.Header().Set("Content-Security-Policy", DefaultCSP)
		}
		a.serve(w, r)
	case r.URL.Path == "/goop/goop.js" || r.URL.Path == "/goop/goop.mjs":
		w.Header().Set("Cache-Control", "no-store")
		fail(w, http.StatusServiceUnavailable,
			"This goop was built without the code that pages run. Build it with: ./build.sh build")
	default:
		w.Header().Set("Cache-Control", "no-store")
		fail(w, http.StatusNotFound, "There is nothing at this address of the host.")
	}
}
