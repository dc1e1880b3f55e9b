package sitefetch

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"goop/shared/link"
	"goop/shared/wire"
)

func TestRequest(t *testing.T) {
	t.Parallel()
	r := Request{Method: "GET", Target: "/a?b=c", Host: "kabc.door.example:81", Header: []Field{
		{"Accept", "text/html"}, {"host", "other"}, {"Transfer-Encoding", "chunked"}, {"Content-Length", "5"}, {"X-Name", "Çağla"},
	}}
	text, err := r.append(nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := "GET /a?b=c HTTP/1.1\r\nHost: kabc.door.example:81\r\nConnection: close\r\nAccept: text/html\r\nX-Name: Çağla\r\n\r\n"; string(text) != want {
		t.Errorf("got %q, want %q", text, want)
	}
	got, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(text)))
	if err != nil || got.Host != "kabc.door.example:81" || got.RequestURI != "/a?b=c" || got.ContentLength != 0 {
		t.Errorf("the host reads %+v, %v", got, err)
	}
	for name, r := range map[string]Request{
		"no method":            {Method: "", Target: "/", Host: "h"},
		"method with a space":  {Method: "GET /x", Target: "/", Host: "h"},
		"no path":              {Method: "GET", Target: "", Host: "h"},
		"whole address":        {Method: "GET", Target: "http://other/", Host: "h"},
		"path with a space":    {Method: "GET", Target: "/a b", Host: "h"},
		"path with a line":     {Method: "GET", Target: "/\r\nX: y", Host: "h"},
		"path beyond ASCII":    {Method: "GET", Target: "/ü", Host: "h"},
		"long path":            {Method: "GET", Target: "/" + strings.Repeat("a", maxTarget), Host: "h"},
		"no host":              {Method: "GET", Target: "/", Host: ""},
		"host with a line":     {Method: "GET", Target: "/", Host: "h\r\nX: y"},
		"header with a space":  {Method: "GET", Target: "/", Host: "h", Header: []Field{{"a b", "c"}}},
		"header with a line":   {Method: "GET", Target: "/", Host: "h", Header: []Field{{"a", "b\r\nc: d"}}},
		"too much altogether":  {Method: "GET", Target: "/", Host: "h", Header: []Field{{"a", strings.Repeat("b", maxRequest)}}},
		"header without names": {Method: "GET", Target: "/", Host: "h", Header: []Field{{"", "b"}}},
	} {
		if text, err := r.append(nil); err == nil {
			t.Errorf("%s: got %q, want an error", name, text)
		} else if !errors.Is(err, wire.InvalidValue) && !errors.Is(err, wire.TooLarge) {
			t.Errorf("%s: got %v, want invalid_value or too_large", name, err)
		}
	}
}

func TestParseHead(t *testing.T) {
	t.Parallel()
	h, err := parseHead([]byte("HTTP/1.1 206 Partial Content\r\nContent-Length: 12\r\nConnection: close\r\nContent-Range:\tbytes 0-11/20 \r\nEtag: \"x\"\r\nX-Empty:\r\n\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []Field{{"Content-Length", "12"}, {"Content-Range", "bytes 0-11/20"}, {"Etag", `"x"`}, {"X-Empty", ""}}
	if h.status != 206 || h.reason != "Partial Content" || h.length != 12 || len(h.fields) != len(want) {
		t.Fatalf("got %+v", h)
	}
	for i := range want {
		if h.fields[i] != want[i] {
			t.Errorf("got %q, want %q", h.fields[i], want[i])
		}
	}
	if h, err := parseHead([]byte("HTTP/1.1 200 成功\r\n\r\n")); err != nil || h.reason != "" {
		t.Errorf("words that a page does not take: got %+v, %v", h, err)
	}
	if h, err := parseHead([]byte("HTTP/1.1 299 \r\n\r\n")); err != nil || h.status != 299 || h.length != -1 || h.reason != "" {
		t.Errorf("without words and headers: got %+v, %v", h, err)
	}
	for _, bad := range []string{
		"", "\r\n\r\n", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\n\n", "HTTP/1.0 200 OK\r\n\r\n", "HTTP/2 200 OK\r\n\r\n", "http/1.1 200 OK\r\n\r\n",
		"HTTP/1.1 200\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 -20 OK\r\n\r\n", "HTTP/1.1  200 OK\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\n\r\n", "HTTP/1.1 999 \r\n\r\n", "HTTP/1.1 200 O\x00K\r\n\r\n",
		"HTTP/1.1 200 OK\r\nA\r\n\r\n", "HTTP/1.1 200 OK\r\n: b\r\n\r\n", "HTTP/1.1 200 OK\r\nA : b\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
		"HTTP/1.1 200 OK\r\nA: b\x00\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b\nc: d\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0x1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 9007199254740992\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 1\r\n\r\n",
		"HTTP/1.1 200 OK\r\n" + strings.Repeat("A: b\r\n", maxFields+1) + "\r\n",
	} {
		if h, err := parseHead([]byte(bad)); !errors.Is(err, wire.BadMessage) {
			t.Errorf("%q: got %+v, %v; want bad_message", bad, h, err)
		}
	}
}

// read has receive read what a host sends in pieces of a size, and then the body.
func read(t testing.TB, method, text string, piece int) (*Response, []byte, error) {
	t.Helper()
	near, far := link.Pipe(0)
	defer near.Reset()
	go func() {
		for rest := text; rest != ""; {
			n := min(piece, len(rest))
			if _, err := far.Write([]byte(rest[:n])); err != nil {
				return
			}
			rest = rest[n:]
		}
		far.CloseWrite()
	}()
	r, err := receive(near, method, func() {}, func(int64) {})
	if err != nil {
		return nil, nil, err
	}
	b, err := io.ReadAll(r.Body)
	return r, b, err
}

func TestBody(t *testing.T) {
	t.Parallel()
	const top = "HTTP/1.1 200 OK\r\n"
	for _, tt := range []struct{ name, method, text, want string }{
		{"by its length", "GET", top + "Content-Length: 5\r\n\r\nhello", "hello"},
		{"what comes after its length", "GET", top + "Content-Length: 5\r\n\r\nhelloHTTP/1.1", "hello"},
		{"by the end", "GET", top + "\r\nhello", "hello"},
		{"empty by its length", "GET", top + "Content-Length: 0\r\n\r\n", ""},
		{"empty by the end", "GET", top + "\r\n", ""},
		{"of a HEAD", "HEAD", top + "Content-Length: 5\r\n\r\n", ""},
		{"of a 304", "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", ""},
		{"of a 204", "GET", "HTTP/1.1 204 No Content\r\n\r\n", ""},
	} {
		for _, piece := range []int{1, 3, 1 << 20} {
			r, got, err := read(t, tt.method, tt.text, piece)
			if err != nil || string(got) != tt.want || !r.Body.Over() {
				t.Errorf("%s, in pieces of %d: got %q, %v; want %q", tt.name, piece, got, err, tt.want)
			}
		}
	}
	if _, got, err := read(t, "GET", top+"Content-Length: 6\r\n\r\nhello", 2); !errors.Is(err, wire.Offline) {
		t.Errorf("too short: got %q, %v; want offline", got, err)
	}
	if _, _, err := read(t, "GET", top, 2); !errors.Is(err, wire.Offline) {
		t.Errorf("ended in the head: got %v, want offline", err)
	}
	if _, _, err := read(t, "GET", top+"A: "+strings.Repeat("b", maxHead), 1000); !errors.Is(err, wire.BadMessage) {
		t.Errorf("a head without an end: got %v, want bad_message", err)
	}
}

// FuzzResponse holds what is taken for an answer against net/http's reading of the same bytes.
func FuzzResponse(f *testing.F) {
	f.Add("GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\nhello")
	f.Add("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
	f.Add("GET", "HTTP/1.1 304 Not Modified\r\nEtag: \"a\"\r\n\r\n")
	f.Add("GET", "HTTP/1.1 404 \r\nA: b\r\nA: c\r\n\r\nrest until the end")
	f.Fuzz(func(t *testing.T, method, text string) {
		if method != "GET" && method != "HEAD" || len(text) > 2*maxHead {
			t.Skip()
		}
		r, body, err := read(t, method, text, 1<<20)
		if err != nil {
			return
		}
		theirs, err := http.ReadResponse(bufio.NewReader(strings.NewReader(text)), &http.Request{Method: method})
		if err != nil {
			t.Fatalf("net/http refuses what we take: %v", err)
		}
		want, err := io.ReadAll(theirs.Body)
		if r.Status == 205 {
			want = nil // RFC 9110, 15.3.6: it has none
		}
		if err != nil || theirs.StatusCode != r.Status || !bytes.Equal(want, body) {
			t.Fatalf("net/http reads %d with %q (%v), we %d with %q", theirs.StatusCode, want, err, r.Status, body)
		}
		for _, field := range r.Header {
			if http.CanonicalHeaderKey(field.Name) == "Content-Length" {
				continue // net/http takes it away for some
			}
			found := false
			for _, v := range theirs.Header.Values(field.Name) {
				found = found || v == field.Value
			}
			if !found {
				t.Fatalf("net/http has not %q", field)
			}
		}
	})
}
