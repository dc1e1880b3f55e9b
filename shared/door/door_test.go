package door_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"goop/shared/door"
	"goop/shared/record"
	"goop/shared/record/recordtest"
	"goop/shared/wire"
)

var (
	key  = recordtest.Key(1)
	now  = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	wide = netip.MustParseAddr("93.184.215.14") // an address that everybody reaches
)

// wt is a WebTransport address.
func wt(ip string) record.Addr {
	return record.Addr{Kind: record.WebTransport, IP: netip.MustParseAddr(ip), Port: 7780, CertHashes: [][]byte{make([]byte, 32)}}
}

func wss(name string) record.Addr {
	return record.Addr{Kind: record.WebSocket, Name: name, Port: 443, TLS: true}
}

func at(d time.Duration) uint64 { return uint64(now.Add(d).UnixNano()) }

// announcement is one of the host of key.
func announcement(from netip.Addr, body []byte) door.Announcement {
	return door.Announcement{Label: recordtest.Label(key), Body: body, From: from, Now: now}
}

// announce has the rules decide on a pair of records of one sequence number; a nil local is left out.
func announce(have *door.Entry, from netip.Addr, seq uint64, public, local []record.Addr) (*door.Entry, error) {
	var near []byte
	if local != nil {
		near = recordtest.Seal(key, seq, local...)
	}
	return door.Announce(announcement(from, door.Body(recordtest.Seal(key, seq, public...), near)), have, recordtest.Verify)
}

// The table of docs/door.md, row by row: who announces, what, and whether it may stand in the public and in the
// local record.
func TestAddresses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from, addr    string
		public, local bool
	}{
		{"93.184.215.14", "93.184.215.14", true, true},
		{"::ffff:93.184.215.14", "93.184.215.14", true, true},
		{"93.184.215.14", "93.184.215.15", false, false}, // a third party
		{"93.184.215.14", "192.168.1.5", false, true},
		{"93.184.215.14", "10.0.0.1", false, true},
		{"93.184.215.14", "100.64.1.1", false, true},
		{"93.184.215.14", "fd12:3456::1", false, true},
		{"93.184.215.14", "127.0.0.1", false, false},
		{"93.184.215.14", "::1", false, false},
		{"93.184.215.14", "169.254.169.254", false, false}, // where clouds have their secrets
		{"93.184.215.14", "fe80::1", false, false},
		{"93.184.215.14", "224.0.0.1", false, false},
		{"93.184.215.14", "255.255.255.255", false, false},
		{"93.184.215.14", "0.0.0.0", false, false},
		{"93.184.215.14", "::", false, false},
		{"93.184.215.14", "0.1.2.3", false, false},
		{"93.184.215.14", "203.0.113.9", false, false},
		{"93.184.215.14", "198.18.0.1", false, false},
		{"93.184.215.14", "240.0.0.1", false, false},
		{"93.184.215.14", "::ffff:93.184.215.14", false, false}, // in a form that only confuses
		{"93.184.215.14", "64:ff9b::c0a8:101", false, false},    // 192.168.1.1 behind a translator
		{"93.184.215.14", "2002:c0a8:101::1", false, false},     // and in a tunnel
		{"93.184.215.14", "2606:4700::1", false, false},         // of the other family: nobody has seen that it is his
		{"2606:4700:1:2::a", "2606:4700:1:2::b", true, true},
		{"2606:4700:1:2::a", "2606:4700:1:3::b", false, false},
		{"2606:4700:1:2::a", "192.168.1.5", false, true},
		{"192.168.1.5", "192.168.1.5", true, true},
		{"192.168.1.5", "192.168.1.1", false, true},
		{"192.168.1.5", "172.17.0.1", false, true},
		{"192.168.1.5", "93.184.215.14", false, false},
		{"192.168.1.5", "127.0.0.1", false, false},
		{"fd12::a", "fd12::b", true, true},
		{"fd12::a", "fd13::b", false, true},
		{"127.0.0.1", "127.0.0.1", false, true},
		{"127.0.0.1", "::1", false, true},
		{"::1", "192.168.1.5", true, true},
		{"127.0.0.1", "93.184.215.14", false, false},
	} {
		from, a := netip.MustParseAddr(c.from), wt(c.addr)
		_, err := announce(nil, from, at(0), []record.Addr{a}, nil)
		if (err == nil) != c.public || err != nil && !errors.Is(err, wire.InvalidValue) {
			t.Errorf("%s announces %s to everybody: %v", c.from, c.addr, err)
		}
		_, err = announce(nil, from, at(0), nil, []record.Addr{a})
		if (err == nil) != c.local || err != nil && !errors.Is(err, wire.InvalidValue) {
			t.Errorf("%s announces %s to its own network: %v", c.from, c.addr, err)
		}
		public, local := door.Choose([]record.Addr{a}, from)
		if len(public) == 1 != c.public || len(local) == 1 != c.local {
			t.Errorf("%s, announcing from %s, chooses %s as %v and %v", c.addr, c.from, c.addr, public, local)
		}
	}
	if public, _ := door.Choose([]record.Addr{wss("Quiz.example.org"), wss("a_b.example.org"), wss("*.example.org"), wss("quiz.example.org")}, wide); len(public) != 1 {
		t.Errorf("of names that are none are chosen %v", public)
	}
	if _, err := announce(nil, netip.MustParseAddr("127.0.0.1"), at(0), []record.Addr{wss("quiz.localhost")}, nil); err != nil {
		t.Errorf("a name of this machine, announced on it: %v", err)
	}
	for _, c := range []struct {
		what  string
		addrs []record.Addr
		ok    bool
	}{
		{"a name with TLS", []record.Addr{wss("quiz.example.org")}, true},
		{"a name without", []record.Addr{{Kind: record.WebSocket, Name: "quiz.example.org", Port: 80}}, false},
		{"a name for QUIC", []record.Addr{{Kind: record.QUIC, Name: "quiz.example.org", Port: 443}}, false},
		{"a name of one's own network", []record.Addr{wss("router")}, false},
		{"a name of this machine", []record.Addr{wss("quiz.localhost")}, false},
		{"another", []record.Addr{wss("printer.local")}, false},
		{"as many names as may be", slices.Repeat([]record.Addr{wss("quiz.example.org")}, door.MaxNames), true},
		{"more names", slices.Repeat([]record.Addr{wss("quiz.example.org")}, door.MaxNames+1), false},
		{"no port", []record.Addr{{Kind: record.TCP, IP: wide}}, false},
		{"of no known kind", []record.Addr{{IP: wide, Port: 1}}, false},
		{"none", nil, true},
	} {
		if _, err := announce(nil, wide, at(0), c.addrs, nil); (err == nil) != c.ok || err != nil && !errors.Is(err, wire.InvalidValue) {
			t.Errorf("%s: %v", c.what, err)
		}
		public, _ := door.Choose(c.addrs, wide)
		if _, err := announce(nil, wide, at(0), public, nil); err != nil && c.what != "of no known kind" {
			t.Errorf("%s: what is chosen of it is refused: %v", c.what, err)
		}
	}
}

// Each kind of announcement that must be refused, with its status.
func TestAnnounceRefuses(t *testing.T) {
	t.Parallel()
	have, err := announce(nil, wide, at(0), []record.Addr{wt("93.184.215.14")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	forged := recordtest.Seal(key, at(1))
	forged[len(forged)-1] ^= 1
	other := recordtest.Key(2)
	seal := func(d time.Duration, a ...record.Addr) []byte { return recordtest.Seal(key, at(d), a...) }
	for _, c := range []struct {
		what   string
		body   []byte
		status int
		code   wire.Code
	}{
		{"a forged record", door.Body(forged, nil), 400, wire.BadMessage},
		{"a record that another has signed", door.Body(recordtest.SealAs(other, key.Public().(ed25519.PublicKey), at(1)), nil), 400, wire.BadMessage},
		{"another host's record", door.Body(recordtest.Seal(other, at(1)), nil), 403, wire.WrongHost},
		{"another host's as the local one", door.Body(seal(1), recordtest.Seal(other, at(1))), 403, wire.WrongHost},
		{"an older record", door.Body(seal(-1), nil), 409, wire.Conflict},
		{"another of the same number", door.Body(seal(0, wss("a.example")), nil), 409, wire.Conflict},
		{"private addresses for everybody", door.Body(seal(1, wt("192.168.1.1")), nil), 400, wire.InvalidValue},
		{"a third party", door.Body(seal(1, wt("93.184.215.15")), nil), 400, wire.InvalidValue},
		{"numbers that differ", door.Body(seal(1), seal(2)), 400, wire.BadMessage},
		{"a record of the future", door.Body(seal(door.Ahead+time.Second), nil), 400, wire.InvalidValue},
		{"one of the end of time", door.Body(recordtest.Seal(key, 1<<64-1), nil), 400, wire.InvalidValue},
		{"nothing", nil, 400, wire.BadMessage},
		{"three envelopes", slices.Concat(door.Body(seal(1), seal(1)), door.Body(seal(1), nil)), 400, wire.BadMessage},
		{"a page", []byte("<!doctype html>"), 400, wire.BadMessage},
		{"too much", make([]byte, door.MaxBody+1), 413, wire.TooLarge},
		{"too large an envelope", door.Body(make([]byte, record.MaxSize+1), nil), 413, wire.TooLarge},
	} {
		next, err := door.Announce(announcement(wide, c.body), have, recordtest.Verify)
		if next != nil || !errors.Is(err, c.code) || door.Status(err) != c.status {
			t.Errorf("%s: got %+v, %v, status %d, want %s and %d", c.what, next, err, door.Status(err), c.code, c.status)
		}
		text := door.AppendError(nil, err)
		r, ok := door.ParseRefusal(text)
		if !ok || r.Code != c.code || r.Message == "" || (r.Seq == have.Seq) != (c.code == wire.Conflict) {
			t.Errorf("%s: it is told as %s and read as %+v", c.what, text, r)
		}
		if third := strings.Contains(c.what, "party"); third != (r.Seen == wide) && c.what != "private addresses for everybody" {
			t.Errorf("%s: the announcer is told that it is at %v", c.what, r.Seen)
		}
	}
	if _, err := door.Announce(door.Announcement{Label: "www", Body: door.Body(seal(1), nil), From: wide, Now: now}, nil, recordtest.Verify); door.Status(err) != 404 {
		t.Errorf("no label: %v", err)
	}
	if _, err := announce(nil, netip.Addr{}, at(0), nil, nil); door.Status(err) != 400 {
		t.Errorf("from nowhere: %v", err)
	}
}

func TestAnnounce(t *testing.T) {
	t.Parallel()
	e, err := announce(nil, wide, at(0), []record.Addr{wt("93.184.215.14")}, []record.Addr{wt("192.168.1.5")})
	if err != nil {
		t.Fatal(err)
	}
	if e.Seq != int64(at(0)) || e.Peer != recordtest.Peer(key) || e.Expires != now.Add(door.Lease).UnixMilli() || e.Network != "93.184.215.14" || e.Scope != door.Global {
		t.Errorf("got %+v", e)
	}
	// The same once more changes nothing, whoever sends it: else one could have the local record sent to oneself.
	body := door.Body(e.Public, e.Local)
	for _, from := range []netip.Addr{wide, netip.MustParseAddr("192.168.1.5")} {
		again := announcement(from, body)
		again.Now = now.Add(time.Minute)
		if next, err := door.Announce(again, e, recordtest.Verify); from == wide && (next != nil || err != nil) || from != wide && err == nil {
			t.Errorf("the same again from %v: %+v, %v", from, next, err)
		}
	}
	// A record without addresses says that the host is away, and is remembered.
	away, err := announce(e, wide, at(1), nil, nil)
	if err != nil || away.Current(now) || away.For(wide, now) != nil || away.Seq != int64(at(1)) {
		t.Errorf("a host that leaves: %+v, %v", away, err)
	}
	if _, err := announce(away, wide, at(0), []record.Addr{wt("93.184.215.14")}, nil); !errors.Is(err, wire.Conflict) {
		t.Errorf("it comes back with an older record: %v", err)
	}
}

func TestFor(t *testing.T) {
	t.Parallel()
	public, local := []byte("public"), []byte("local")
	for _, c := range []struct {
		what, from, visitor string
		local               bool // there is one
		want                string
	}{
		{"a stranger", "93.184.215.14", "8.8.8.8", true, "public"},
		{"one of the same house", "93.184.215.14", "93.184.215.14", true, "local"},
		{"the same, IPv4 in IPv6", "93.184.215.14", "::ffff:93.184.215.14", true, "local"},
		{"the same without a local record", "93.184.215.14", "93.184.215.14", false, "public"},
		{"one of the same /64", "2606:4700:1:2::a", "2606:4700:1:2:ffff::b", true, "local"},
		{"one of the next", "2606:4700:1:2::a", "2606:4700:1:3::b", true, "public"},
		{"the door's own machine", "93.184.215.14", "127.0.0.1", true, "public"},
		{"a private host's neighbour", "192.168.1.5", "192.168.1.6", true, "public"},
		{"a private host itself", "192.168.1.5", "192.168.1.5", true, "local"},
		{"a private host, from outside", "192.168.1.5", "8.8.8.8", true, ""},
		{"this machine's host, here", "127.0.0.1", "::1", true, "local"},
		{"this machine's host, nearby", "127.0.0.1", "192.168.1.6", true, "public"},
		{"this machine's host, from outside", "127.0.0.1", "8.8.8.8", true, ""},
		{"nowhere", "93.184.215.14", "fe80::1", true, ""},
	} {
		var e door.Entry
		e.Network, e.Scope = door.Network(netip.MustParseAddr(c.from))
		e.Public, e.Expires = public, now.UnixMilli()+1
		if c.local {
			e.Local = local
		}
		if got := e.For(netip.MustParseAddr(c.visitor), now); string(got) != c.want {
			t.Errorf("%s: got %q, want %q", c.what, got, c.want)
		}
		if got := e.For(netip.MustParseAddr(c.visitor), now.Add(time.Millisecond)); got != nil {
			t.Errorf("%s, too late: got %q", c.what, got)
		}
	}
	if (&door.Entry{Public: public, Expires: now.UnixMilli() + 1, Scope: door.Global}).For(netip.Addr{}, now) != nil {
		t.Error("a visitor without an address is given a record")
	}
}

// A host may announce itself ten times at once and then every two seconds; what is refused costs nothing.
func TestPace(t *testing.T) {
	t.Parallel()
	var e *door.Entry
	clock, seq := now, at(0)
	try := func() error {
		seq++
		a := announcement(wide, door.Body(recordtest.Seal(key, seq), nil))
		a.Now = clock
		next, err := door.Announce(a, e, recordtest.Verify)
		if err == nil {
			e = next
		}
		return err
	}
	for i := range 10 {
		if err := try(); err != nil {
			t.Fatalf("announcement %d: %v", i, err)
		}
	}
	for range 100 {
		err := try()
		w, ok := errors.AsType[*wire.Error](err)
		if !ok || w.Code != wire.RateLimited || door.Status(err) != 429 || w.RetryAfter != 2000 || door.RetryAfter(err) != "2" {
			t.Fatalf("got %v, retry after %q, want rate_limited and 2 s", err, door.RetryAfter(err))
		}
	}
	clock = clock.Add(2 * time.Second)
	if err := try(); err != nil {
		t.Errorf("after 2 s: %v", err)
	}
	if err := try(); !errors.Is(err, wire.RateLimited) {
		t.Errorf("and at once again: %v", err)
	}
	// Who cannot sign does not use it up.
	clock = clock.Add(2 * time.Second)
	for range 50 {
		a := announcement(wide, door.Body(e.Public, []byte("x")))
		a.Now = clock
		if _, err := door.Announce(a, e, recordtest.Verify); !errors.Is(err, wire.BadMessage) {
			t.Fatal(err)
		}
	}
	if err := try(); err != nil {
		t.Errorf("after what others have sent: %v", err)
	}
	clock = clock.Add(-time.Minute) // the door's clock was set back
	if err := try(); err != nil {
		t.Errorf("with an older clock: %v", err)
	}
}

func TestRates(t *testing.T) {
	t.Parallel()
	var r door.Rates
	for i := range 60 {
		if err := r.Announcement(wide, now); err != nil {
			t.Fatalf("announcement %d: %v", i, err)
		}
	}
	if err := r.Announcement(wide, now); door.Status(err) != 429 || door.RetryAfter(err) != "1" {
		t.Errorf("the 61st: %v, %q", err, door.RetryAfter(err))
	}
	if err := r.Announcement(netip.MustParseAddr("8.8.8.8"), now); err != nil {
		t.Errorf("another address: %v", err)
	}
	if err := r.Announcement(wide, now.Add(time.Second)); err != nil {
		t.Errorf("a second later: %v", err)
	}
	for i := range 60 {
		a := netip.MustParseAddr("2606:4700:1:2::").As16()
		a[15] = byte(i)
		if err := r.NewHost(netip.AddrFrom16(a), now); err != nil {
			t.Fatalf("new host %d: %v", i, err)
		}
	}
	if err := r.NewHost(netip.MustParseAddr("2606:4700:1:2::ffff"), now); !errors.Is(err, wire.RateLimited) {
		t.Errorf("one more host of the same /64: %v", err)
	}
	// So many addresses that they are not all remembered: it goes on.
	for i := range 50_000 {
		if err := r.Announcement(netip.AddrFrom4([4]byte{8, byte(i >> 16), byte(i >> 8), byte(i)}), now); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSite(t *testing.T) {
	t.Parallel()
	label := recordtest.Label(key)
	for _, c := range []struct {
		site, host, label string
		ok                bool
	}{
		{"door.example", "door.example", "", true},
		{"door.example", "DOOR.example", "", true},
		{"door.example", label + ".door.example", label, true},
		{"door.example", strings.ToUpper(label) + ".door.example", label, true},
		{"door.example", "a." + label + ".door.example", "", false},
		{"door.example", "evildoor.example", "", false},
		{"door.example", ".door.example", "", false},
		{"door.example", "example", "", false},
		{"door.example", "", "", false},
		{"localhost:7790", label + ".localhost:7790", label, true},
		{"localhost:7790", label + ".localhost:7791", "", false},
	} {
		got, ok := door.Site{Host: c.site}.Label(c.host)
		if ok != c.ok || ok && got != c.label {
			t.Errorf("%s at %s: got %q, %v", c.host, c.site, got, ok)
		}
	}
	if got := (door.Site{Host: "door.example"}).Origin(label); got != label+".door.example" {
		t.Errorf("got %s", got)
	}
}

func FuzzAnnounce(f *testing.F) {
	always := func(_, _, signature []byte) bool { return len(signature) == 64 }
	one := recordtest.Seal(key, at(0), wt("93.184.215.14"), wss("quiz.example.org"))
	f.Add(door.Body(one, nil))
	f.Add(door.Body(one, recordtest.Seal(key, at(0), wt("192.168.1.5"))))
	f.Add(door.Body(recordtest.Seal(key, at(0)), nil))
	f.Add([]byte{0x80, 0x00})
	f.Add([]byte{0x00})
	f.Add([]byte{0xff, 0xff, 0x01})
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := door.Announce(announcement(wide, body), nil, always)
		if err != nil {
			if s := door.Status(err); s < 400 || s >= 500 {
				t.Fatalf("%x: %v has the status %d", body, err, s)
			}
			if _, ok := door.ParseRefusal(door.AppendError(nil, err)); !ok {
				t.Fatalf("%x: %s", body, door.AppendError(nil, err))
			}
			return
		}
		if e.Seq < 0 || len(e.Public) > record.MaxSize || len(e.Local) > record.MaxSize {
			t.Fatalf("%x: %+v", body, e)
		}
		for _, envelope := range [][]byte{e.Public, e.Local} {
			if envelope != nil && !bytes.Contains(body, envelope) {
				t.Fatalf("%x: an envelope that does not stand in it", body)
			}
		}
		if e.Public == nil {
			return
		}
		rec, err := record.Open(e.Public, always)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range rec.Addrs {
			if a.IP.IsValid() && a.IP != wide {
				t.Fatalf("%x: everybody is sent to %s", body, a)
			}
		}
	})
}

// Who has a /48 has 65,536 networks, and cannot fill a door with them.
func TestRatesOfASite(t *testing.T) {
	t.Parallel()
	var r door.Rates
	now := time.Now()
	taken := 0
	for i := range 4000 {
		a := netip.MustParseAddr("2606:4700:1::1").As16()
		a[6], a[7] = byte(i>>8), byte(i)
		for range door.NewBurst {
			if r.NewHost(netip.AddrFrom16(a), now) == nil {
				taken++
			}
		}
	}
	if taken > 4*door.NewBurst {
		t.Errorf("%d new hosts at once from one /48, and a door has room for %d", taken, door.MaxHosts)
	}
	if err := r.NewHost(netip.MustParseAddr("2606:4700:2::1"), now); err != nil {
		t.Errorf("another one has to wait for it: %v", err)
	}
}
