package site_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"goop/host/site"
	"goop/shared/link"
)

// overStream sends raw bytes on a stream, ends its half, and reads the answer whole.
func overStream(t *testing.T, s *site.Site, request string) (*http.Response, string) {
	t.Helper()
	far, near := link.Pipe(0)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.ServeStream(t.Context(), "12D3KooWmember", near)
	}()
	if _, err := io.WriteString(far, request); err != nil {
		t.Fatal(err)
	}
	method, _, _ := strings.Cut(request, " ")
	in := bufio.NewReader(far)
	res, err := http.ReadResponse(in, &http.Request{Method: method})
	if err != nil {
		t.Fatalf("answer to %.60q: %v", request, err)
	}
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("body of the answer to %.60q: %v", request, err)
	}
	if rest, err := io.ReadAll(in); err != nil || len(rest) > 0 {
		t.Fatalf("after the answer: %q, %v", rest, err)
	}
	if err := far.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	<-done
	return res, string(b)
}

func TestStream(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	for _, tt := range []struct {
		request string
		status  int
		want    string
	}{
		{"GET / HTTP/1.1\r\nHost: h\r\n\r\n", 200, page},
		{"GET /short.txt HTTP/1.1\r\n\r\n", 200, "0123456789"},
		{"GET /short.txt HTTP/1.1\r\nRange: bytes=3-5\r\n\r\n", 206, "345"},
		{"HEAD /short.txt HTTP/1.1\r\n\r\n", 200, ""},
		{"GET /short.txt HTTP/1.0\r\n\r\n", 200, "0123456789"},
		{"GET /healthz HTTP/1.1\r\n\r\n", 200, `{"status":"ok"}`},
		{"GET /none HTTP/1.1\r\n\r\n", 404, ""},
		{"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", 405, ""},
		{"GET / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", 413, ""},
		{"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 413, ""},
		{"nonsense\r\n\r\n", 400, ""},
		{"GET / HTTP/1.1\r\nbad header\r\n\r\n", 400, ""},
		{"GET / HTTP/1.1\r\nX: " + strings.Repeat("x", 17<<10) + "\r\n\r\n", 431, ""},
	} {
		res, got := overStream(t, s, tt.request)
		if res.StatusCode != tt.status || tt.want != "" && got != tt.want {
			t.Errorf("%.60q: got %d %.60q, want %d %.60q", tt.request, res.StatusCode, got, tt.status, tt.want)
		}
		if !res.Close || res.Header.Get("Content-Security-Policy") == "" || res.ContentLength < 0 {
			t.Errorf("%.60q: close %v, length %d, csp %q", tt.request, res.Close, res.ContentLength, res.Header.Get("Content-Security-Policy"))
		}
	}
	first, _ := overStream(t, s, "GET / HTTP/1.1\r\nAccept-Encoding: gzip\r\n\r\n")
	if first.Header.Get("Content-Encoding") != "gzip" {
		t.Errorf("Content-Encoding: got %q, want gzip", first.Header.Get("Content-Encoding"))
	}
	again, got := overStream(t, s, "GET / HTTP/1.1\r\nAccept-Encoding: gzip\r\nIf-None-Match: "+first.Header.Get("Etag")+"\r\n\r\n")
	if again.StatusCode != http.StatusNotModified || got != "" {
		t.Errorf("If-None-Match: got %d %q", again.StatusCode, got)
	}
}

// TestStreamTimes plays members that do not do their part: each must cost the host no more than the
// time that it allows.
func TestStreamTimes(t *testing.T) {
	t.Parallel()
	large := fstest.MapFS{"index.html": {Data: []byte(strings.Repeat("x", 1<<20))}}
	for _, tt := range []struct {
		name string
		send string
		most time.Duration
	}{
		{"sends nothing", "", 11 * time.Second},
		{"sends half a request", "GET / HT", 11 * time.Second},
		{"does not read", "GET / HTTP/1.1\r\n\r\n", 31 * time.Second},
		{"reads, and never ends its half", "HEAD / HTTP/1.1\r\n\r\n", 2 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := open(t, func(o *site.Options) { o.Files = large })
				far, near := link.Pipe(64 << 10)
				io.WriteString(far, tt.send)
				begun := time.Now()
				s.ServeStream(t.Context(), "12D3KooWmember", near)
				if took := time.Since(begun); took > tt.most {
					t.Errorf("took %v, want at most %v", took, tt.most)
				}
			})
		})
	}
	t.Run("the host ends", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			far, near := link.Pipe(0)
			time.AfterFunc(time.Second, cancel)
			begun := time.Now()
			open(t, nil).ServeStream(ctx, "12D3KooWmember", near)
			if took := time.Since(begun); took != time.Second {
				t.Errorf("took %v, want to end with the context", took)
			}
			if _, err := far.Read(make([]byte, 1)); !errors.Is(err, link.ErrReset) {
				t.Errorf("the member reads %v, want %v", err, link.ErrReset)
			}
		})
	})
}

// TestStreamIsNotCutShort has a file that ends early, because somebody made it shorter while it was
// sent: the member must not take what it got for the whole.
func TestStreamIsNotCutShort(t *testing.T) {
	t.Parallel()
	s := open(t, func(o *site.Options) { o.Files = shrinking{} })
	far, near := link.Pipe(0)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.ServeStream(t.Context(), "12D3KooWmember", near)
	}()
	io.WriteString(far, "GET /big.bin HTTP/1.1\r\n\r\n")
	// A reset may overtake what was written before it, so the error can come at any place.
	if got, err := io.ReadAll(far); !errors.Is(err, link.ErrReset) {
		t.Errorf("got %q, %v, want %v", got, err, link.ErrReset)
	}
	<-done
}

// shrinking has one file, which is shorter than it says.
type shrinking struct{}

func (shrinking) Open(string) (fs.File, error) {
	f, err := fstest.MapFS{"f": {Data: make([]byte, 5<<20)}}.Open("f")
	return shrinkingFile{f.(interface {
		fs.File
		io.Seeker
	})}, err
}

func (f shrinking) Stat(string) (fs.FileInfo, error) {
	file, err := f.Open("f")
	if err != nil {
		return nil, err
	}
	return file.Stat()
}

type shrinkingFile struct {
	f interface {
		fs.File
		io.Seeker
	}
}

func (f shrinkingFile) Stat() (fs.FileInfo, error)             { return f.f.Stat() }
func (f shrinkingFile) Read([]byte) (int, error)               { return 0, io.EOF }
func (f shrinkingFile) Seek(at int64, from int) (int64, error) { return f.f.Seek(at, from) }
func (f shrinkingFile) Close() error                           { return f.f.Close() }

func FuzzServeStream(f *testing.F) {
	f.Add([]byte("GET / HTTP/1.1\r\nHost: h\r\nAccept-Encoding: br\r\nRange: bytes=0-1,4-5\r\n\r\n"))
	f.Add([]byte("HEAD /goop/host.json HTTP/1.0\r\n\r\n"))
	f.Add([]byte("GET http://a/goop/goop.js HTTP/1.1\r\nIf-None-Match: *\r\nIf-Match: \"x\"\r\n\r\n"))
	f.Add([]byte("\r\n\r\n"))
	s := open(f, nil)
	f.Fuzz(func(t *testing.T, request []byte) {
		far, near := link.Pipe(8 << 20)
		done := make(chan struct{})
		go func() {
			defer close(done)
			s.ServeStream(t.Context(), "12D3KooWmember", near)
		}()
		far.Write(request)
		far.CloseWrite()
		answer, err := io.ReadAll(far)
		<-done
		if err != nil || len(answer) == 0 {
			return // what came was cut short: there was nobody to answer
		}
		method := "GET"
		if strings.HasPrefix(string(request), "HEAD ") {
			method = "HEAD"
		}
		res, err := http.ReadResponse(bufio.NewReader(strings.NewReader(string(answer))), &http.Request{Method: method})
		if err != nil {
			t.Fatalf("%q was answered by %q: %v", request, answer, err)
		}
		if _, err := io.ReadAll(res.Body); err != nil {
			t.Fatalf("%q was answered by %q: %v", request, answer, err)
		}
	})
}
