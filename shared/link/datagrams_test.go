package link_test

import (
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
