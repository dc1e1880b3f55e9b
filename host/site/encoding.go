package site

import (
	"bytes"
	"compress/gzip"
	"mime"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/andybalholm/brotli"
)

// Encodings that are offered, by preference. The zero value is the plain bytes.
type encoding int

const (
	identity encoding = iota
	gzipped
	brotlied
	encodings int = iota
)

// token is the name of an encoding in HTTP headers.
func (e encoding) token() string { return [...]string{"identity", "gzip", "br"}[e] }

// minCompress is the size in bytes below which compressing a file saves nothing worth having.
const minCompress = 1 << 10

// negotiate picks the encoding to send from an Accept-Encoding header. What the header does not name
// (and does not cover by "*") is not sent, but for identity, which is the last resort.
func negotiate(accept string) encoding {
	const unset = -1
	q := [encodings]float64{unset, unset, unset}
	star := float64(unset)
	for part := range strings.SplitSeq(accept, ",") {
		name, params, _ := strings.Cut(part, ";")
		weight := quality(params)
		switch name = strings.ToLower(strings.TrimSpace(name)); name {
		case "*":
			star = weight
		case "x-gzip":
			q[gzipped] = weight
		default:
			for e := range encoding(encodings) {
				if name == e.token() {
					q[e] = weight
				}
			}
		}
	}
	best, bestQ := identity, q[identity]
	if bestQ == unset {
		bestQ = max(star, 0)
	}
	for e := gzipped; int(e) < encodings; e++ {
		if q[e] == unset {
			q[e] = star
		}
		if q[e] > 0 && q[e] >= bestQ {
			best, bestQ = e, q[e]
		}
	}
	return best
}

// quality reads the weight of one element of an Accept-Encoding header, 1 when there is none. A
// weight that is not understood is 0: better uncompressed than unreadable.
func quality(params string) float64 {
	for param := range strings.SplitSeq(params, ";") {
		key, value, _ := strings.Cut(param, "=")
		if strings.EqualFold(strings.TrimSpace(key), "q") {
			q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil || !(q >= 0 && q <= 1) {
				return 0
			}
			return q
		}
	}
	return 1
}

// types are the content types of a site's usual files. The system's own table, which mime asks, is
// different on each machine, and on some says that a .js file is text/plain.
var types = map[string]string{
	".avif":        "image/avif",
	".css":         "text/css; charset=utf-8",
	".csv":         "text/csv; charset=utf-8",
	".gif":         "image/gif",
	".htm":         "text/html; charset=utf-8",
	".html":        "text/html; charset=utf-8",
	".ico":         "image/x-icon",
	".jpeg":        "image/jpeg",
	".jpg":         "image/jpeg",
	".js":          "text/javascript; charset=utf-8",
	".json":        "application/json",
	".map":         "application/json",
	".md":          "text/markdown; charset=utf-8",
	".mjs":         "text/javascript; charset=utf-8",
	".mp3":         "audio/mpeg",
	".mp4":         "video/mp4",
	".ogg":         "audio/ogg",
	".otf":         "font/otf",
	".pdf":         "application/pdf",
	".png":         "image/png",
	".svg":         "image/svg+xml",
	".ts":          "text/plain; charset=utf-8", // of goop.d.ts; to browsers a .ts file is no video
	".ttf":         "font/ttf",
	".txt":         "text/plain; charset=utf-8",
	".wasm":        "application/wasm",
	".wav":         "audio/wav",
	".webm":        "video/webm",
	".webmanifest": "application/manifest+json",
	".webp":        "image/webp",
	".woff":        "font/woff",
	".woff2":       "font/woff2",
	".xml":         "application/xml",
}

// typeOf returns the content type for a file name.
func typeOf(name string) string {
	ext := strings.ToLower(path.Ext(name))
	if t := types[ext]; t != "" {
		return t
	}
	if t := mime.TypeByExtension(ext); t != "" {
		return t
	}
	return "application/octet-stream"
}

// compressible reports whether compressing a file of a content type pays.
func compressible(ctype string) bool {
	ctype, _, _ = strings.Cut(ctype, ";")
	if strings.HasPrefix(ctype, "text/") || strings.HasSuffix(ctype, "+json") || strings.HasSuffix(ctype, "+xml") {
		return true
	}
	switch ctype {
	case "application/json", "application/javascript", "application/xml", "application/wasm",
		"font/ttf", "font/otf", "image/x-icon", "image/bmp":
		return true
	}
	return false
}

// compress returns the bytes in an encoding, or nil when that is no smaller.
func compress(e encoding, plain []byte) []byte {
	var out bytes.Buffer
	switch e {
	case gzipped:
		w := gzipPool.Get().(*gzip.Writer)
		defer gzipPool.Put(w)
		w.Reset(&out)
		w.Write(plain) // a bytes.Buffer takes everything
		w.Close()
	case brotlied:
		w := brotli.NewWriterLevel(&out, 5)
		w.Write(plain)
		w.Close()
	}
	if out.Len() >= len(plain) {
		return nil
	}
	return slices.Clip(out.Bytes())
}

// gzipPool keeps compressors, each of which is close to a megabyte.
var gzipPool = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}
