package door_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"goop/host/door"
	rules "goop/shared/door"
	"goop/shared/record"
	"goop/shared/record/recordtest"
	"goop/shared/wire"
)

const (
	host = "door.example"
	home = "93.184.215.14" // of the announcer, and of visitors in its house
	away = "8.8.8.8"
)

var key = recordtest.Key(1)

var pages = fstest.MapFS{
	"visit.html":                           {Data: []byte("<!doctype html>visit")},
	"index.html":                           {Data: []byte("<!doctype html>index")},
	"sw.js":                                {Data: []byte("// worker")},
	"visitor-0123456789abcdef0123.wasm":    {Data: bytes.Repeat([]byte("wasm"), 1000)},
	"visitor-0123456789abcdef0123.wasm.br": {Data: []byte("brotli")},
	"headers.json":                         {Data: []byte(`{"Content-Security-Policy":"default-src 'none'; script-src 'self'","X-Content-Type-Options":"nosniff"}`)},
}

func open(t testing.TB, dir string) *door.Door {
	t.Helper()
	d, err := door.Open(door.Options{Host: host, Files: pages, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func closeDoor(t testing.TB, d *door.Door) {
	t.Helper()
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

// ask makes a request that comes from an address. Only the path of a url with a leading slash is the apex's.
func ask(d *door.Door, method, url, from string, body []byte) *httptest.ResponseRecorder {
	if strings.HasPrefix(url, "/") {
		url = "https://" + host + url
	}
	r := httptest.NewRequest(method, url, bytes.NewReader(body))
	r.RemoteAddr = netip.AddrPortFrom(netip.MustParseAddr(from), 50_000).String()
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w
}

func wt(ip string) record.Addr {
	return record.Addr{Kind: record.WebTransport, IP: netip.MustParseAddr(ip), Port: 7780}
}

func put(d *door.Door, from string, body []byte) *httptest.ResponseRecorder {
	return ask(d, "PUT", rules.HostsPath+recordtest.Label(key), from, body)
}

func now() uint64 { return uint64(time.Now().UnixNano()) }

func wantStatus(t *testing.T, what string, w *httptest.ResponseRecorder, status int, code wire.Code) {
	t.Helper()
	if w.Code != status {
		t.Errorf("%s: got %d %s, want %d", what, w.Code, w.Body, status)
		return
	}
	if code == "" {
		return
	}
	if r, ok := rules.ParseRefusal(w.Body.Bytes()); !ok || r.Code != code || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%s: got %s, want %s", what, w.Body, code)
	}
}

// An announcement reaches the visitors for whom it is, and nobody else, until it is over.
func TestAnnouncement(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := open(t, t.TempDir())
		defer closeDoor(t, d)
		own := "https://" + recordtest.Label(key) + "." + host
		wantStatus(t, "before", ask(d, "GET", own+rules.RecordPath, away, nil), 404, wire.NotFound)
		seq := now()
		public, local := recordtest.Seal(key, seq, wt(home)), recordtest.Seal(key, seq, wt(home), wt("192.168.1.5"))
		for range 2 { // the second time it changes nothing
			if w := put(d, "::ffff:"+home, rules.Body(public, local)); w.Code != 204 || w.Body.Len() != 0 || w.Header().Get(rules.SeenHeader) != home {
				t.Fatalf("got %d %s %v", w.Code, w.Body, w.Header())
			}
		}
		read := func(what, url, from string, want []byte) {
			t.Helper()
			w := ask(d, "GET", url, from, nil)
			if w.Code != 200 || !bytes.Equal(w.Body.Bytes(), want) || w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Content-Type") != "application/octet-stream" {
				t.Errorf("%s: got %d %v %x, want %x", what, w.Code, w.Header(), w.Body, want)
			}
		}
		read("a stranger", own+rules.RecordPath, away, public)
		read("a stranger, at the apex", rules.HostsPath+recordtest.Label(key), away, public)
		read("one of the house", own+rules.RecordPath, home, local)
		wantStatus(t, "the record at the apex", ask(d, "GET", rules.RecordPath, away, nil), 404, wire.NotFound)
		wantStatus(t, "another host's origin", ask(d, "GET", own+rules.HostsPath+recordtest.Label(recordtest.Key(2)), away, nil), 404, wire.NotFound)
		if known, here := d.Hosts(); known != 1 || here != 1 {
			t.Errorf("got %d hosts known, %d here", known, here)
		}

		time.Sleep(rules.Lease)
		wantStatus(t, "after its time", ask(d, "GET", own+rules.RecordPath, away, nil), 404, wire.NotFound)
		wantStatus(t, "an older one, after the time of the newer", put(d, home, rules.Body(recordtest.Seal(key, seq-1, wt(home)), nil)), 409, wire.Conflict)
		time.Sleep(30 * 24 * time.Hour)
		wantStatus(t, "and a month later", put(d, home, rules.Body(recordtest.Seal(key, seq-1, wt(home)), nil)), 409, wire.Conflict)
		if w := ask(d, "PUT", own+rules.HostsPath+recordtest.Label(key), home, rules.Body(recordtest.Seal(key, now(), wt(home)), nil)); w.Code != 204 {
			t.Errorf("the host comes back, on its own origin: %d %s", w.Code, w.Body)
		}
		time.Sleep(32 * 24 * time.Hour)
		if known, _ := d.Hosts(); known != 0 {
			t.Errorf("%d hosts are known after a month", known)
		}
	})
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	d := open(t, t.TempDir())
	defer closeDoor(t, d)
	seq := now()
	if w := put(d, home, rules.Body(recordtest.Seal(key, seq, wt(home)), nil)); w.Code != 204 {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	forged := recordtest.Seal(key, seq+1, wt(home))
	forged[len(forged)-9] ^= 8
	for _, c := range []struct {
		what   string
		body   []byte
		status int
		code   wire.Code
	}{
		{"a forged record", rules.Body(forged, nil), 400, wire.BadMessage},
		{"another host's record", rules.Body(recordtest.Seal(recordtest.Key(2), seq+1, wt(home)), nil), 403, wire.WrongHost},
		{"an older record", rules.Body(recordtest.Seal(key, seq-1, wt(home)), nil), 409, wire.Conflict},
		{"a third party's private address", rules.Body(recordtest.Seal(key, seq+1, wt("192.168.1.1")), nil), 400, wire.InvalidValue},
		{"a third party's address", rules.Body(recordtest.Seal(key, seq+1, wt("1.1.1.1")), nil), 400, wire.InvalidValue},
		{"too much", make([]byte, 1<<20), 413, wire.TooLarge},
		{"nothing", nil, 400, wire.BadMessage},
	} {
		wantStatus(t, c.what, put(d, home, c.body), c.status, c.code)
	}
	wantStatus(t, "no label", ask(d, "PUT", rules.HostsPath+"www", home, rules.Body(recordtest.Seal(key, seq+1), nil)), 404, wire.NotFound)
	w := ask(d, "DELETE", rules.HostsPath+recordtest.Label(key), home, nil)
	wantStatus(t, "a method that there is not", w, 405, wire.UnsupportedType)
	if w.Header().Get("Allow") != "GET, HEAD, PUT" {
		t.Errorf("allowed are %q", w.Header().Get("Allow"))
	}
	wantStatus(t, "a POST", ask(d, "POST", "/", home, nil), 405, wire.UnsupportedType)
	wantStatus(t, "another name", ask(d, "GET", "https://example.org/", home, nil), 404, wire.NotFound)
	if w := ask(d, "GET", rules.HostsPath+recordtest.Label(key), away, nil); w.Code != 200 {
		t.Errorf("after all that the record is gone: %d %s", w.Code, w.Body)
	}
}

// Whoever floods the door is refused, cheaply, and others are not.
func TestFlood(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := open(t, t.TempDir())
		defer closeDoor(t, d)
		var got [600]int
		for range 200 {
			got[put(d, away, []byte("flood")).Code]++
		}
		if got[400] != 60 || got[429] != 140 {
			t.Errorf("of a stranger's 200 %d were looked at, and %d were too often", got[400], got[429])
		}
		w := put(d, away, []byte("flood"))
		wantStatus(t, "the next", w, 429, wire.RateLimited)
		if w.Header().Get("Retry-After") != "1" {
			t.Errorf("to try again after %q", w.Header().Get("Retry-After"))
		}
		var own [600]int
		for range 20 {
			own[put(d, home, rules.Body(recordtest.Seal(key, now(), wt(home)), nil)).Code]++
			time.Sleep(time.Millisecond)
		}
		if own[204] != 10 || own[429] != 10 {
			t.Errorf("of a host's 20 %d were taken, and %d were too often", own[204], own[429])
		}
		if known, _ := d.Hosts(); known != 1 {
			t.Errorf("%d hosts are known", known)
		}
	})
}

// Many hosts from one address fill the door slowly.
func TestNewHosts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := open(t, t.TempDir())
		defer closeDoor(t, d)
		var got [600]int
		for i := range 100 {
			k := recordtest.Key(byte(i))
			got[ask(d, "PUT", rules.HostsPath+recordtest.Label(k), home, rules.Body(recordtest.Seal(k, now(), wt(home)), nil)).Code]++
			time.Sleep(time.Second) // the rate of announcements is another
		}
		if known, _ := d.Hosts(); known != got[204] || known < 60 || known > 62 {
			t.Errorf("%d of 100 new hosts in 100 s came in, %v", known, got[204])
		}
	})
}

// Of announcements that come at the same time the newest stays, in memory and on the disk.
func TestNoOlderRecordComesBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := open(t, dir)
	base := now()
	for round := range 5 {
		var wg sync.WaitGroup
		newest := uint64(0)
		var mu sync.Mutex
		for i := range 8 {
			seq := base + uint64(round*100+(i*5)%8)
			wg.Go(func() {
				from := netip.AddrFrom4([4]byte{93, 184, byte(round), byte(i)}).String() // rates are for another test
				w := put(d, from, rules.Body(recordtest.Seal(key, seq, wt(from)), nil))
				mu.Lock()
				defer mu.Unlock()
				switch w.Code {
				case 204:
					newest = max(newest, seq)
				case 409, 429:
				default:
					t.Errorf("got %d %s", w.Code, w.Body)
				}
			})
		}
		wg.Wait()
		w := ask(d, "GET", rules.HostsPath+recordtest.Label(key), away, nil)
		if newest == 0 { // all of this round came too often
			continue
		}
		rec, err := record.Open(w.Body.Bytes(), recordtest.Verify)
		if err != nil || rec.Seq != newest {
			t.Fatalf("round %d: the record has the number %d, %v, and %d was taken", round, rec.Seq, err, newest)
		}
	}
	before := ask(d, "GET", rules.HostsPath+recordtest.Label(key), away, nil).Body.Bytes()
	closeDoor(t, d)
	d = open(t, dir)
	defer closeDoor(t, d)
	if after := ask(d, "GET", rules.HostsPath+recordtest.Label(key), away, nil).Body.Bytes(); !bytes.Equal(before, after) {
		t.Errorf("after a restart the record is %x, and was %x", after, before)
	}
}

// A restart, also one after a crash, neither forgets hosts nor lets an older record back.
func TestRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := open(t, dir)
	seq := now()
	for i := range uint64(3) {
		if w := put(d, home, rules.Body(recordtest.Seal(key, seq+i, wt(home)), nil)); w.Code != 204 {
			t.Fatal(w.Code, w.Body)
		}
	}
	name := filepath.Join(dir, "hosts.jsonl")
	text, err := os.ReadFile(name) // as it is, without an orderly end
	if err != nil {
		t.Fatal(err)
	}
	closeDoor(t, d)
	whole := recordtest.Seal(key, seq+2, wt(home))
	for what, journal := range map[string][]byte{
		"a crash":                    text,
		"a crash within a line":      append(bytes.Clone(text), text[:100]...),
		"a damaged line in between":  bytes.Replace(text, []byte("\n"), []byte("\n{\"Label\":1}\n"), 1),
		"a long line in between":     bytes.Replace(text, []byte("\n"), []byte("\n"+strings.Repeat("x", 100_000)+"\n"), 1),
		"lines in the wrong order":   reversed(text),
		"a journal with empty lines": bytes.ReplaceAll(text, []byte("\n"), []byte("\n\n")),
	} {
		if err := os.WriteFile(name, journal, 0o600); err != nil {
			t.Fatal(err)
		}
		d := open(t, dir)
		if w := ask(d, "GET", rules.HostsPath+recordtest.Label(key), away, nil); !bytes.Equal(w.Body.Bytes(), whole) {
			t.Errorf("%s: got %d %x", what, w.Code, w.Body)
		}
		wantStatus(t, what+", and an older record", put(d, home, rules.Body(recordtest.Seal(key, seq+1, wt(home)), nil)), 409, wire.Conflict)
		if w := put(d, home, rules.Body(whole, nil)); w.Code != 204 {
			t.Errorf("%s, and the same record: %d %s", what, w.Code, w.Body)
		}
		closeDoor(t, d)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*.jsonl.*")); err != nil || len(left) > 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
}

func reversed(text []byte) []byte {
	lines := bytes.SplitAfter(text, []byte("\n"))
	var out []byte
	for i := range lines {
		out = append(out, lines[len(lines)-1-i]...)
	}
	return out
}

// The journal does not grow for ever.
func TestJournalShrinks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		d := open(t, dir)
		defer closeDoor(t, d)
		a := record.Addr{Kind: record.WebTransport, IP: netip.MustParseAddr(home), Port: 1}
		for range 100 {
			a.CertHashes = append(a.CertHashes, make([]byte, 32))
		}
		largest := int64(0)
		for range 900 {
			envelope := recordtest.Seal(key, now(), a)
			if w := put(d, home, rules.Body(envelope, envelope)); w.Code != 204 {
				t.Fatal(w.Code, w.Body)
			}
			time.Sleep(3 * time.Second)
			info, err := os.Stat(filepath.Join(dir, "hosts.jsonl"))
			if err != nil {
				t.Fatal(err)
			}
			largest = max(largest, info.Size())
		}
		if largest > 7<<20 || largest < 4<<20 {
			t.Errorf("the journal had %d bytes", largest)
		}
	})
}

func TestPages(t *testing.T) {
	t.Parallel()
	d := open(t, t.TempDir())
	defer closeDoor(t, d)
	own := "https://" + recordtest.Label(key) + "." + host
	for _, c := range []struct {
		url, status, body, control string
	}{
		{"/", "200", "<!doctype html>index", "no-store"},
		{"/other", "404", "", "no-store"},
		{own + "/", "200", "<!doctype html>visit", "no-store"},
		{own + "/deep/page?x=1", "200", "<!doctype html>visit", "no-store"},
		{own + "/goop/host.json", "200", "<!doctype html>visit", "no-store"},
		{own + "/goop/door/sw.js", "200", "// worker", "no-cache"},
		{"/goop/door/sw.js", "200", "// worker", "no-cache"},
		{own + "/goop/door/visitor-0123456789abcdef0123.wasm", "200", strings.Repeat("wasm", 1000), "public, max-age=31536000, immutable"},
		{own + "/goop/door/headers.json", "404", "", "no-store"},
		{own + "/goop/door/visit.html", "404", "", "no-store"},
		{own + "/goop/door/../door/sw.js", "404", "", "no-store"},
		{own + "/goop/door/", "404", "", "no-store"},
		{own + "/goop/door/visitor-0123456789abcdef0123.wasm.br", "404", "", "no-store"},
	} {
		w := ask(d, "GET", c.url, away, nil)
		if fmt.Sprint(w.Code) != c.status || c.body != "" && w.Body.String() != c.body || w.Header().Get("Cache-Control") != c.control || w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: got %d %q %v", c.url, w.Code, w.Body, w.Header())
		}
		if h := ask(d, "HEAD", c.url, away, nil); h.Code != w.Code {
			t.Errorf("HEAD %s: got %d", c.url, h.Code)
		}
	}
	w := ask(d, "GET", own+"/goop/door/sw.js", away, nil)
	if w.Header().Get("Service-Worker-Allowed") != "/" || w.Header().Get("Content-Type") != "text/javascript; charset=utf-8" || !strings.Contains(w.Header().Get("Content-Security-Policy"), "script-src") {
		t.Errorf("the worker has the headers %v", w.Header())
	}
	r := httptest.NewRequest("GET", own+"/goop/door/visitor-0123456789abcdef0123.wasm", nil)
	for accept, want := range map[string]string{"gzip, deflate, br": "br", "gzip": "", "br;q=0": "", "br;q=0.5": "br", "": ""} {
		r.Header.Set("Accept-Encoding", accept)
		w := httptest.NewRecorder()
		d.ServeHTTP(w, r)
		if got := w.Header().Get("Content-Encoding"); w.Code != 200 || got != want || w.Header().Get("Content-Type") != "application/wasm" {
			t.Errorf("who accepts %q gets %d, %q, %v", accept, w.Code, got, w.Header())
		}
	}
}

func TestWithoutPages(t *testing.T) {
	t.Parallel()
	for _, files := range []fs.FS{nil, os.DirFS(filepath.Join(t.TempDir(), "none"))} {
		d, err := door.Open(door.Options{Host: host, Files: files, Dir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		if w := ask(d, "GET", "/", away, nil); w.Code != 404 || !strings.Contains(w.Body.String(), "./build.sh build") {
			t.Errorf("got %d %s", w.Code, w.Body)
		}
		closeDoor(t, d)
	}
}

// Behind a proxy that is trusted the visitor's address is the one that it tells.
func TestProxy(t *testing.T) {
	t.Parallel()
	d, err := door.Open(door.Options{Host: host, Dir: t.TempDir(), Trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	if err != nil {
		t.Fatal(err)
	}
	defer closeDoor(t, d)
	send := func(peer, forwarded string) int {
		r := httptest.NewRequest("PUT", "https://"+host+rules.HostsPath+recordtest.Label(key), bytes.NewReader(rules.Body(recordtest.Seal(key, now(), wt(home)), nil)))
		r.RemoteAddr = peer + ":1"
		r.Header.Set("X-Forwarded-For", forwarded)
		w := httptest.NewRecorder()
		d.ServeHTTP(w, r)
		return w.Code
	}
	if got := send("127.0.0.1", home); got != http.StatusNoContent {
		t.Errorf("from home, through the proxy: %d", got)
	}
	if got := send("127.0.0.1", home+", "+away); got != http.StatusBadRequest {
		t.Errorf("from away, with a lie about home: %d", got)
	}
	if got := send(away, home); got != http.StatusBadRequest {
		t.Errorf("from away, with a lie and no proxy: %d", got)
	}
}

func TestOpenFails(t *testing.T) {
	t.Parallel()
	if _, err := door.Open(door.Options{Host: host, Dir: filepath.Join(t.TempDir(), "none")}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
	if _, err := door.Open(door.Options{Host: host, Dir: t.TempDir(), Files: fstest.MapFS{"headers.json": {Data: []byte("{")}}}); err == nil {
		t.Error("broken headers are taken")
	}
}

func TestServer(t *testing.T) {
	t.Parallel()
	d := open(t, t.TempDir())
	defer closeDoor(t, d)
	s, err := d.Listen(t.Context(), "127.0.0.1:0", nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+s.Addr().String()+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host + ":7790" // a port of which the door's own name says nothing
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := answer.Body.Close(); err != nil || answer.StatusCode != 200 {
		t.Errorf("got %s, %v", answer.Status, err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// One address cannot have all connections; a proxy can, and a place that was given back is there for another one.
func TestOneAddressDoesNotFillTheDoor(t *testing.T) {
	t.Parallel()
	const most = 512
	for _, trusted := range [][]netip.Prefix{nil, {netip.MustParsePrefix("127.0.0.0/8")}} {
		d, err := door.Open(door.Options{Host: host, Dir: t.TempDir(), Trusted: trusted})
		if err != nil {
			t.Fatal(err)
		}
		s, err := d.Listen(t.Context(), "127.0.0.1:0", nil)
		if err != nil {
			t.Fatal(err)
		}
		// answered reports whether the door answers on a new connection, which stays.
		answered := func() (net.Conn, bool) {
			c, err := net.Dial("tcp", s.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { c.Close() })
			_, _ = io.WriteString(c, "HEAD / HTTP/1.1\r\nHost: "+host+"\r\n\r\n")
			_, err = http.ReadResponse(bufio.NewReader(c), nil)
			return c, err == nil
		}
		var last net.Conn
		for i := range most {
			c, ok := answered()
			if last = c; !ok {
				t.Fatalf("connection %d is refused", i+1)
			}
		}
		if _, ok := answered(); ok != (trusted != nil) {
			t.Errorf("trusted %v: connection %d is taken: %v", trusted, most+1, ok)
		}
		last.Close()
		for ok := false; !ok; { // the door notices that in its own time
			_, ok = answered()
		}
		if err := errors.Join(s.Close(t.Context()), d.Close()); err != nil {
			t.Error(err)
		}
	}
}
