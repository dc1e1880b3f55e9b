package site

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Values of Cache-Control.
const (
	cacheForever = "public, max-age=31536000, immutable" // the address contains the hash
	cacheShort   = "public, max-age=60"
	cacheAsk     = "no-cache" // stored, and asked about each time
)

// asset is a file held in memory: its bytes in the encodings that were asked for so far. It never
// changes.
type asset struct {
	ctype   string
	control string // Cache-Control
	hash    string // of the plain bytes
	mod     time.Time
	plain   []byte
	cors    bool
	member  bool // a page that loads the member
	packed  [encodings]variant
}

// variant is an asset in one encoding; nil bytes when that is no smaller than the plain ones.
type variant struct {
	once sync.Once
	b    []byte
}

// newAsset returns an asset for a file of that name.
func newAsset(name string, b []byte, control string) *asset {
	sum := sha256.Sum256(b)
	return &asset{ctype: typeOf(name), control: control, hash: hex.EncodeToString(sum[:10]), plain: b}
}

// provide sets the bytes of an encoding that were made before the program ran. It must be called
// before the asset is served.
func (a *asset) provide(e encoding, b []byte) {
	a.packed[e].once.Do(func() { a.packed[e].b = b })
}

// in returns the bytes in an encoding, or nil when there is none. The first call compresses; others
// wait for it.
func (a *asset) in(e encoding) []byte {
	if e == identity || len(a.plain) < minCompress || !compressible(a.ctype) {
		return nil
	}
	v := &a.packed[e]
	v.once.Do(func() { v.b = compress(e, a.plain) })
	return v.b
}

// serve answers with the asset, in the best encoding that the request accepts. It answers ranges,
// HEAD and If-None-Match.
func (a *asset) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.ctype)
	h.Set("Cache-Control", a.control)
	if a.cors {
		h.Set("Access-Control-Allow-Origin", "*")
	}
	body, tag := a.plain, a.hash
	if compressible(a.ctype) {
		h.Set("Vary", "Accept-Encoding")
		e := negotiate(strings.Join(r.Header.Values("Accept-Encoding"), ","))
		if b := a.in(e); b != nil {
			h.Set("Content-Encoding", e.token())
			body, tag = b, tag+"-"+e.token()
			w = &sized{w, len(b)}
		}
	}
	h.Set("Etag", `"`+tag+`"`) // another one for each encoding: the tags are strong
	http.ServeContent(w, r, "", a.mod, bytes.NewReader(body))
}

// sized adds the length of a compressed answer, which http.ServeContent leaves out: it cannot know
// that the bytes it was given are the compressed ones.
type sized struct {
	http.ResponseWriter
	n int
}

func (w *sized) WriteHeader(status int) {
	if status == http.StatusOK {
		w.Header().Set("Content-Length", strconv.Itoa(w.n))
	}
	w.ResponseWriter.WriteHeader(status)
}
