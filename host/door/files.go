package door

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"regexp"
	"strings"
	"time"

	"goop/shared/wire"
)

// files are the door's own, in memory.
type files struct {
	headers map[string]string
	byName  map[string]*file
}

type file struct {
	ctype   string
	control string // Cache-Control
	tag     string
	packed  [2][]byte // as of encodings; nil when there is none
	plain   []byte
}

// encodings are those in which a file may lie ready, the better one first.
var encodings = [2]struct{ token, ext string }{{"br", ".br"}, {"gzip", ".gz"}}

// hashed are the names of files that never change.
var hashed = regexp.MustCompile(`-[0-9a-f]{16,}\.`)

// types are those that the system's own table may lack.
var types = map[string]string{".wasm": "application/wasm", ".js": "text/javascript; charset=utf-8", ".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}

const headersName = "headers.json"

func readFiles(tree fs.FS) (*files, error) {
	f := &files{byName: map[string]*file{}}
	if tree == nil {
		return f, nil
	}
	all := map[string][]byte{}
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && name == "." {
			return fs.SkipAll // a program that was built without them
		}
		if err != nil || d.IsDir() {
			return err
		}
		all[name], err = fs.ReadFile(tree, name)
		return err
	})
	if err != nil {
		return nil, err
	}
	if b, ok := all[headersName]; ok {
		if err := json.Unmarshal(b, &f.headers); err != nil {
			return nil, fmt.Errorf("the door's %s: %w", headersName, err)
		}
	}
	for name, b := range all {
		if ext := path.Ext(name); name == headersName || ext == ".br" || ext == ".gz" {
			continue
		}
		sum := sha256.Sum256(b)
		one := &file{ctype: types[path.Ext(name)], control: "no-cache", tag: hex.EncodeToString(sum[:10]), plain: b}
		if one.ctype == "" {
			one.ctype = mime.TypeByExtension(path.Ext(name))
		}
		if hashed.MatchString(name) {
			one.control = "public, max-age=31536000, immutable"
		}
		for i, e := range encodings {
			one.packed[i] = all[name+e.ext]
		}
		f.byName[name] = one
	}
	return f, nil
}

// serve answers with a file of the door's folder. Pages are not among them: they have addresses of their own.
func (f *files) serve(w http.ResponseWriter, r *http.Request, name string) {
	one := f.byName[name]
	if one == nil || strings.HasSuffix(name, ".html") && (name == "visit.html" || name == "index.html") {
		refuse(w, wire.E(wire.NotFound, "there is nothing here"))
		return
	}
	if name == "sw.js" { // it is for the whole origin, not for its folder alone
		w.Header().Set("Service-Worker-Allowed", "/")
	}
	f.write(w, r, one, one.control)
}

// page answers with a page, whatever the path.
func (f *files) page(w http.ResponseWriter, r *http.Request, name string) {
	one := f.byName[name]
	if one == nil {
		http.Error(w, ErrNoFiles.Error(), http.StatusNotFound)
		return
	}
	f.write(w, r, one, "no-store")
}

func (f *files) write(w http.ResponseWriter, r *http.Request, one *file, control string) {
	h := w.Header()
	for k, v := range f.headers {
		h.Set(k, v)
	}
	h.Set("Content-Type", one.ctype)
	h.Set("Cache-Control", control)
	h.Set("Vary", "Accept-Encoding")
	body, tag := one.plain, one.tag
	accepted := r.Header.Get("Accept-Encoding")
	for i, e := range encodings {
		if one.packed[i] != nil && accepts(accepted, e.token) && r.Header.Get("Range") == "" {
			h.Set("Content-Encoding", e.token)
			body, tag = one.packed[i], tag+"-"+e.token
			break
		}
	}
	h.Set("Etag", `"`+tag+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// accepts reports whether an Accept-Encoding names an encoding, and does not refuse it.
func accepts(header, token string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, q, _ := strings.Cut(part, ";")
		if strings.TrimSpace(name) == token {
			q = strings.ReplaceAll(q, " ", "")
			return q != "q=0" && !strings.HasPrefix(q, "q=0.0") || strings.Trim(q, "q=0.") != ""
		}
	}
	return false
}
