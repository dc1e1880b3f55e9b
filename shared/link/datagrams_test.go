package link_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"goop/shared/link"
)

func TestDemux(t *testing.T) {
	t.Parallel()
	var d link.Demux
	var got []string
	note := func(who string) func([]byte) { return func(rest []byte) { got = append(got, who+" "+string(rest)) } }
	first, second := d.Attach(note("first")), d.Attach(note("second"))
	d.Bind(900, note("bound"))
	send := func(number uint64, rest string) { d.Take(append(binary.AppendUvarint(nil, number), rest...)) }
	send(second, "a")
	send(900, "b")
	send(first, "")
	send(901, "nobody")
	d.Take(nil)
	d.Take([]byte{0xff})
	d.Detach(second)
	send(second, "c")
	want := []string{"second a", "bound b", "first "}
	if len(got) != len(want) {
		t.Fatalf("got %q, want %q", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("packet %d: got %q, want %q", i, got[i], want[i])
		}
	}
}

// FuzzDemux hands packets to somebody who has a number. They arrive as what stands behind their own
// number, whole, and nobody gets those of another.
func FuzzDemux(f *testing.F) {
	f.Add([]byte{1, 'x'}, uint64(1))
	f.Add([]byte{0xac, 0x02, 0}, uint64(300))
	f.Add([]byte{0x81, 0x00, '1'}, uint64(1)) // longer than it had to be
	f.Add(bytes.Repeat([]byte{0xff}, 11), uint64(1))
	f.Add([]byte{}, uint64(0))
	f.Fuzz(func(t *testing.T, packet []byte, number uint64) {
		var d link.Demux
		var got [][]byte
		d.Bind(number, func(rest []byte) { got = append(got, bytes.Clone(rest)) })
		d.Bind(number+1, func([]byte) {})
		d.Take(packet)
		own := append(binary.AppendUvarint(nil, number), packet...)
		d.Take(own)
		d.Detach(number)
		d.Take(own)
		if len(got) == 0 || !bytes.Equal(got[len(got)-1], packet) {
			t.Fatalf("got %q, want %q", got, packet)
		}
		if len(got) > 1 { // then the packet began with the number by itself
			n, size := binary.Uvarint(packet)
			if n != number || size <= 0 || !bytes.Equal(got[0], packet[size:]) || len(got) > 2 {
				t.Errorf("%x was taken for one of %d, as %q", packet, number, got[0])
			}
		}
	})
}
