//go:build !js

package yamux_test

import (
	"io"
	"testing"

	"goop/shared/link"
	"goop/wasm/internal/yamux"
)

// A stream from which much is read gets a larger window, as long as all of them together are not too large, and
// what it had goes to others when it ends.
func TestWindowsGrow(t *testing.T) {
	t.Parallel()
	s, server := connect(t)
	echo(t, server)
	pass := func(st link.Stream, size int) {
		t.Helper()
		go st.Write(make([]byte, size))
		if _, err := io.ReadFull(st, make([]byte, size)); err != nil {
			t.Fatal(err)
		}
	}
	allowed := func(st link.Stream) int { return st.(*yamux.Stream).Allowed() }
	quiet := open(t, s)
	pass(quiet, 1000)
	if s.Grown() != 0 {
		t.Errorf("%d bytes more for a stream that is hardly used", s.Grown())
	}
	var busy []link.Stream
	for range yamux.MaxGrown/(yamux.MaxWindow-yamux.Window) + 3 {
		st := open(t, s)
		busy = append(busy, st)
		pass(st, 4*yamux.MaxWindow)
		if n := s.Grown(); n > yamux.MaxGrown || allowed(st) > yamux.MaxWindow {
			t.Fatalf("grown by %d bytes, one stream has %d", n, allowed(st))
		}
	}
	if first := allowed(busy[0]); first != yamux.MaxWindow {
		t.Errorf("a busy stream has %d bytes, want %d", first, yamux.MaxWindow)
	}
	for _, st := range busy {
		st.CloseWrite()
		if _, err := io.ReadAll(st); err != nil {
			t.Fatal(err)
		}
	}
	if s.Grown() != 0 {
		t.Errorf("%d bytes are still given away when the streams have ended", s.Grown())
	}
}
