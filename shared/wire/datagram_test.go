package wire_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"reflect"
	"strings"
	"testing"

	"goop/shared/wire"
)

// behind returns what stands behind the session of a packet.
func behind(t *testing.T, packet []byte) (session uint64, rest []byte) {
	t.Helper()
	session, n := binary.Uvarint(packet)
	if n <= 0 {
		t.Fatalf("%x has no session", packet)
	}
	return session, packet[n:]
}

func TestDatagram(t *testing.T) {
	t.Parallel()
	up := wire.Datagram{Session: 300, Seq: 7, Key: "cursor", Payload: []byte(`{"x":3}`)}
	session, rest := behind(t, up.AppendUp(nil))
	got, err := wire.ParseUp(rest)
	if got.Session = session; err != nil || !reflect.DeepEqual(got, up) {
		t.Errorf("up: got %+v, %v; want %+v", got, err, up)
	}
	down := wire.Datagram{Session: 1, Seq: 9, Sender: 4, Time: 1767225600000, From: "12D3KooWA", Payload: []byte(`[3,4]`)}
	session, rest = behind(t, down.AppendDown(nil))
	got, err = wire.ParseDown(rest)
	if got.Session = session; err != nil || !reflect.DeepEqual(got, down) {
		t.Errorf("down: got %+v, %v; want %+v", got, err, down)
	}
	longest := wire.Datagram{
		Session: 1 << 20, Seq: 1 << 32, Sender: 1 << 20, Time: 1 << 42, From: wire.PeerID(strings.Repeat("p", 52)),
		Key: strings.Repeat("k", 16), Payload: bytes.Repeat([]byte("1"), wire.MaxDatagramPayload),
	}
	if n := len(longest.AppendDown(nil)); n > 1200 {
		t.Errorf("a large datagram has %d bytes", n)
	}
}

func TestDatagramRefused(t *testing.T) {
	t.Parallel()
	large := wire.Datagram{Seq: 1, Payload: bytes.Repeat([]byte("1"), wire.MaxDatagramPayload+1)}
	_, tooLarge := behind(t, large.AppendUp(nil))
	for name, tt := range map[string]struct {
		rest []byte
		want wire.Code
	}{
		"empty":              {nil, wire.BadMessage},
		"no key":             {[]byte{1}, wire.BadMessage},
		"key beyond the end": {[]byte{1, 9, 'k', '1'}, wire.BadMessage},
		"key too long":       {append([]byte{1, 65}, bytes.Repeat([]byte("k"), 70)...), wire.BadMessage},
		"key not UTF-8":      {[]byte{1, 1, 0xff, '1'}, wire.BadMessage},
		"no payload":         {[]byte{1, 0}, wire.BadMessage},
		"not JSON":           {[]byte{1, 0, '{'}, wire.BadMessage},
		"more than one line": {append([]byte{1, 0}, "[1,\n2]"...), wire.BadMessage},
		"nested":             {append([]byte{1, 0}, strings.Repeat("[", 49)+strings.Repeat("]", 49)...), wire.BadMessage},
		"too large":          {tooLarge, wire.TooLarge},
		"endless number":     {bytes.Repeat([]byte{0xff}, 12), wire.BadMessage},
	} {
		if _, err := wire.ParseUp(tt.rest); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %s", name, err, tt.want)
		}
	}
}

// FuzzDatagram feeds packets to both parsers. What is understood is written again as what was read, but
// for numbers that were longer than they had to be.
func FuzzDatagram(f *testing.F) {
	d := wire.Datagram{Seq: 7, Sender: 2, Time: 5, From: "12D3KooWA", Key: "cursor", Payload: []byte(`{"x":3}`)}
	_, n := binary.Uvarint(d.AppendUp(nil))
	f.Add(d.AppendUp(nil)[n:])
	f.Add(d.AppendRest(nil))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0, '1'})
	f.Fuzz(func(t *testing.T, rest []byte) {
		if up, err := wire.ParseUp(rest); err == nil {
			_, text := behind(t, up.AppendUp(nil))
			again, err := wire.ParseUp(text)
			if err != nil || !reflect.DeepEqual(again, up) {
				t.Errorf("%x: got %+v, %v; want %+v", rest, again, err, up)
			}
		}
		if down, err := wire.ParseDown(rest); err == nil {
			if line := (&wire.Frame{Type: wire.TypeMsg, Payload: down.Payload}).Append(nil); bytes.Count(line, []byte("\n")) != 1 {
				t.Errorf("%x: as a line it would be %q", rest, line)
			}
			again, err := wire.ParseDown(down.AppendRest(nil))
			if err != nil || !reflect.DeepEqual(again, down) {
				t.Errorf("%x: got %+v, %v; want %+v", rest, again, err, down)
			}
		}
	})
}
