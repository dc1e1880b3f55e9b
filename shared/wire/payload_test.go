package wire_test

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"goop/shared/jsontext"
	"goop/shared/wire"
)

// words are strings that are hard to write and read.
var words = []string{"", "a", "\"\\", "\n\x00\x7f", "é𝄞\u2028", "0", "<script>"}

func word[T ~string](rng *rand.Rand) T { return T(words[rng.IntN(len(words))]) }

func number(rng *rand.Rand) int64 {
	return []int64{0, 1, -1, 42, jsontext.MaxInt, -jsontext.MaxInt}[rng.IntN(6)]
}

func list[T any](rng *rand.Rand, make func() T) []T {
	var out []T
	for range rng.IntN(4) {
		out = append(out, make())
	}
	return out
}

func randomMember(rng *rand.Rand) wire.Member {
	m := wire.Member{
		Peer: word[wire.PeerID](rng), Label: word[string](rng), Role: word[wire.Role](rng),
		Sessions: int(number(rng)), Joined: number(rng),
	}
	if rng.IntN(2) == 0 {
		m.Meta = []byte(`{"a":[1,{}]}`)
	}
	return m
}

func randomLimits(rng *rand.Rand) wire.Limits {
	n := func() int { return int(number(rng)) }
	return wire.Limits{Line: n(), Payload: n(), State: n(), Meta: n(), Data: n(), Rows: n()}
}

func TestPayloadsComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	members := func() []wire.Member { return list(rng, func() wire.Member { return randomMember(rng) }) }
	for range 500 {
		welcome := wire.Welcome{
			Epoch: word[wire.Epoch](rng), Seq: number(rng), StateSeq: number(rng),
			You:     wire.You{Peer: word[wire.PeerID](rng), Session: word[wire.SessionID](rng), Role: word[wire.Role](rng)},
			Members: members(), More: rng.IntN(2) == 0, Count: int(number(rng)), RosterVersion: number(rng),
			Name: word[string](rng), Durable: rng.IntN(2) == 0, Access: word[string](rng), MaxMembers: int(number(rng)),
			Limits: randomLimits(rng), Resumed: rng.IntN(2) == 0, Time: number(rng),
		}
		if !welcome.Resumed {
			welcome.State = []byte(`{"k":null}`)
		}
		same(t, welcome, wire.ParseWelcome, welcome.Append(nil))

		roster := wire.Roster{Version: number(rng), Count: int(number(rng)), Members: members(), More: rng.IntN(2) == 0}
		if rng.IntN(2) == 0 {
			roster = wire.Roster{
				Version: number(rng), Count: int(number(rng)), Delta: true, Joined: members(), Updated: members(),
				Left: list(rng, func() wire.Departure {
					return wire.Departure{Peer: word[wire.PeerID](rng), Reason: word[wire.Reason](rng)}
				}),
			}
		}
		same(t, roster, wire.ParseRoster, roster.Append(nil))

		snapshot := wire.Snapshot{Epoch: word[wire.Epoch](rng), State: []byte("{}"), StateSeq: number(rng)}
		same(t, snapshot, wire.ParseSnapshot, snapshot.Append(nil))

		bye := wire.Goodbye{Reason: word[wire.Reason](rng), Message: word[string](rng)}
		same(t, bye, wire.ParseGoodbye, bye.Append(nil))

		fault := &wire.Error{
			Code: word[wire.Code](rng), Message: word[string](rng), ID: word[string](rng), Fatal: rng.IntN(2) == 0,
			RetryAfter: number(rng), Seq: number(rng),
		}
		same(t, fault, wire.ParseError, fault.Append(nil))

		descriptor := wire.Descriptor{
			Peer: word[wire.PeerID](rng), Name: word[string](rng), Version: word[string](rng),
			Addrs: list(rng, func() string { return word[string](rng) }),
			WebTransport: list(rng, func() wire.WebTransportAddr {
				return wire.WebTransportAddr{URL: word[string](rng), CertHashes: list(rng, func() string { return word[string](rng) })}
			}),
			WebSocket: list(rng, func() string { return word[string](rng) }),
			Visitor:   word[string](rng),
		}
		same(t, descriptor, wire.ParseDescriptor, descriptor.Append(nil))
	}
}

// same reads text and compares.
func same[T any](t *testing.T, want T, parse func([]byte) (T, error), text []byte) {
	t.Helper()
	if err := jsontext.Check(text); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if got, err := parse(text); err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%s: %v\ngot  %+v\nwant %+v", text, err, got, want)
	}
}

func TestPayloadsThatAreNone(t *testing.T) {
	t.Parallel()
	parse := map[string]func([]byte) error{
		"welcome":    func(b []byte) error { _, err := wire.ParseWelcome(b); return err },
		"roster":     func(b []byte) error { _, err := wire.ParseRoster(b); return err },
		"snapshot":   func(b []byte) error { _, err := wire.ParseSnapshot(b); return err },
		"goodbye":    func(b []byte) error { _, err := wire.ParseGoodbye(b); return err },
		"error":      func(b []byte) error { _, err := wire.ParseError(b); return err },
		"descriptor": func(b []byte) error { _, err := wire.ParseDescriptor(b); return err },
	}
	for _, tt := range []struct{ what, text string }{
		{"welcome", `{"seq":"1"}`},
		{"welcome", `{"you":[]}`},
		{"welcome", `{"you":{"peer":1}}`},
		{"welcome", `{"members":{}}`},
		{"welcome", `{"members":[1]}`},
		{"welcome", `{"members":[{"meta":1}]}`},
		{"welcome", `{"limits":{"line":"x"}}`},
		{"welcome", `{"resumed":1}`},
		{"roster", `{"version":null}`},
		{"roster", `{"joined":1}`},
		{"roster", `{"left":[{"peer":1}]}`},
		{"snapshot", `{"stateSeq":1.5}`},
		{"goodbye", `{"reason":1}`},
		{"error", `{"code":1}`},
		{"error", `{"fatal":"yes"}`},
		{"descriptor", `{"addrs":[1]}`},
		{"descriptor", `{"webtransport":{}}`},
		{"descriptor", `{"webtransport":[{"certhashes":"x"}]}`},
		{"descriptor", `{"peer"`},
	} {
		if err := parse[tt.what]([]byte(tt.text)); err == nil || err.(*wire.Error).Code != wire.BadMessage {
			t.Errorf("%s %s: got %v, want bad_message", tt.what, tt.text, err)
		}
	}
	for what, p := range parse {
		for _, text := range []string{``, `[]`, `1`, `"x"`, `null`} {
			if err := p([]byte(text)); err == nil {
				t.Errorf("%s %q: got no error", what, text)
			}
		}
		if err := p([]byte(`{"of a later version":{"x":1}}`)); err != nil {
			t.Errorf("%s with an unknown field: %v", what, err)
		}
	}
}

// FuzzPayloads reads any text as each payload. What can be read of a checked text is the same after it
// was written.
func FuzzPayloads(f *testing.F) {
	for _, s := range []string{
		`{"epoch":"e","seq":1,"you":{"peer":"p"},"members":[{"peer":"p","meta":{}}],"state":{},"limits":{"line":1}}`,
		`{"version":2,"joined":[],"left":[{"peer":"p","reason":"left"}],"members":[],"more":true}`,
		`{"code":"full","message":"m","id":"i","fatal":true,"retryAfter":1,"seq":2}`,
		`{"reason":"kicked","message":""}`,
		`{"peer":"p","addrs":["a"],"webtransport":[{"url":"u","certhashes":["00"]}],"websocket":[]}`,
		`{"you":{`, `{"members":[{}`, `[`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		checked := jsontext.Check(text) == nil
		again(t, text, checked, wire.ParseWelcome, (*wire.Welcome).Append)
		again(t, text, checked, wire.ParseRoster, (*wire.Roster).Append)
		again(t, text, checked, wire.ParseSnapshot, (*wire.Snapshot).Append)
		again(t, text, checked, wire.ParseGoodbye, (*wire.Goodbye).Append)
		again(t, text, checked, wire.ParseDescriptor, (*wire.Descriptor).Append)
		again(t, text, checked, func(b []byte) (wire.Error, error) {
			e, err := wire.ParseError(b)
			return *e, err
		}, (*wire.Error).Append)
	})
}

func again[T any](t *testing.T, text []byte, checked bool, parse func([]byte) (T, error), write func(*T, []byte) []byte) {
	t.Helper()
	first, err := parse(text)
	if err != nil {
		if e, ok := err.(*wire.Error); !ok || e.Code != wire.BadMessage {
			t.Fatalf("%q: got %v, want bad_message", text, err)
		}
		return
	}
	if !checked {
		return
	}
	once := write(&first, nil)
	second, err := parse(once)
	if twice := write(&second, nil); err != nil || string(twice) != string(once) {
		t.Fatalf("%q was written as %q and then as %q: %v", text, once, twice, err)
	}
}
