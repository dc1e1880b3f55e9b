package site

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
)

func TestNegotiate(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		accept string
		want   encoding
	}{
		{"", identity},
		{"gzip, deflate, br, zstd", brotlied},
		{"gzip, deflate", gzipped},
		{"x-gzip", gzipped},
		{"GZIP", gzipped},
		{"deflate", identity},
		{"gzip;q=1.0, br;q=0.5", gzipped},
		{"gzip;q=0.5, br;q=0.5", brotlied},
		{"br;q=0, gzip", gzipped},
		{"br;q=0, gzip;q=0", identity},
		{"identity, gzip;q=0.5", identity},
		{"identity;q=0.5, gzip;q=0.5", gzipped},
		{"identity;q=0, gzip;q=0.001", gzipped},
		{"identity;q=0", identity},
		{"*", brotlied},
		{"*;q=0", identity},
		{"*;q=0.5, br;q=0", gzipped},
		{"*;q=0, gzip", gzipped},
		{"gzip;q=x, br;q=NaN", identity},
		{"gzip;q=-1, br;q=2", identity},
		{"br ; Q=0.1 , ,;", brotlied},
	} {
		if got := negotiate(tt.accept); got != tt.want {
			t.Errorf("%q: got %s, want %s", tt.accept, got.token(), tt.want.token())
		}
	}
}

func FuzzNegotiate(f *testing.F) {
	f.Add("gzip;q=0.5, br, *;q=0")
	f.Fuzz(func(t *testing.T, accept string) {
		got := negotiate(accept)
		if got != identity && !strings.Contains(accept, "*") && !strings.Contains(strings.ToLower(accept), got.token()) {
			t.Errorf("%q: got %s, which was not asked for", accept, got.token())
		}
	})
}

func FuzzFileName(f *testing.F) {
	for _, s := range []string{"/", "/a/b.txt", "/.well-known/x", "/../x", "//", "/goop.json", `/a\b`, "/a/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, urlPath string) {
		name, ok := fileName(urlPath)
		if !ok {
			return
		}
		if strings.Contains(name, "..") && strings.Contains("/"+name+"/", "/../") || strings.HasPrefix(name, "/") ||
			strings.Contains(name, `\`) || strings.EqualFold(name, "goop.json") {
			t.Errorf("%q became the name %q", urlPath, name)
		}
		if name != "." && strings.Contains("/"+strings.TrimPrefix(name, ".well-known"), "/.") {
			t.Errorf("%q became the hidden name %q", urlPath, name)
		}
	})
}

// TestCacheIsBounded asks for more files than the cache holds, and for one of them all the time.
func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	c := newCache(100_000)
	files := fstest.MapFS{}
	fetch := func(name string) *asset {
		t.Helper()
		f, err := files.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		a, err := c.get(name, f, info)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	files["often"] = &fstest.MapFile{Data: []byte("often")}
	often := fetch("often")
	for i := range 100 {
		name := fmt.Sprint("file", i)
		files[name] = &fstest.MapFile{Data: bytes.Repeat([]byte{byte(i)}, 5000)}
		if got := fetch(name); !bytes.Equal(got.plain, files[name].Data) {
			t.Fatalf("%s: wrong bytes", name)
		}
		if fetch("often") != often {
			t.Fatalf("the file that is used all the time was dropped after %d others", i)
		}
		if c.used > c.limit {
			t.Fatalf("%d bytes are kept, %d are allowed", c.used, c.limit)
		}
	}
	if n := c.order.Len(); n < 3 || n > 10 || len(c.byName) != n {
		t.Errorf("%d files are kept and %d are named, want a few", n, len(c.byName))
	}
}
