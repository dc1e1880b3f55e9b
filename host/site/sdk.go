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

// sdkAssets reads what pages load from /goop/, by path. Without the built files, the two scripts are
// left out: serveAsset then says what is missing.
func sdkAssets(sdk fs.FS) (map[string]*asset, error) {
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
			return nil, err
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
			return nil, fmt.Errorf("read the page's code: %w", err)
		}
		if name != "goop.d.ts" {
			if len(paths) < len(built) {
				continue
			}
			text, err := json.Marshal(paths)
			if err != nil {
				return nil, fmt.Errorf("write down the addresses of the page's code: %w", err)
			}
			b = bytes.ReplaceAll(b, []byte(marker), text)
		}
		add("/goop/"+name, newAsset(name, b, cacheShort))
	}
	return out, nil
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
