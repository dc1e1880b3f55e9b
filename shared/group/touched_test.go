package group_test

import (
	"fmt"
	"strings"
	"testing"

	"goop/shared/group"
)

// Keys that come and go leave nothing in the state; what is remembered of them must be bounded all the
// same, in bytes too.
func TestTouchedIsBoundedInBytes(t *testing.T) {
	t.Parallel()
	l := group.OpenLedger(group.Config{}, group.Head{}, group.Touched{}, 1<<10)
	for i := range 600 {
		long := strings.Repeat("k", 50_000)
		commit(t, l, patch("a", "member", fmt.Sprintf(`{"%d%s":null,"short":%d}`, i, long, i)))
	}
	commit(t, l, patch("a", "member", `{"x":1}`))
	if n := len(l.Touched().Append(nil)); n > 100_000 {
		t.Errorf("%d bytes are remembered of keys", n)
	}
	text := l.Touched().Append(nil)
	again, err := group.ParseTouched(text)
	if err != nil || string(again.Append(nil)) != string(text) {
		t.Errorf("it does not come back as it was: %v", err)
	}
	seq := l.Head().Seq
	for _, tt := range []struct {
		key  string
		want int64
	}{{"x", seq}, {"never", seq - 1}, {"short", seq - 1}} {
		if got := l.Touched().Last([]string{tt.key}); got > tt.want || tt.key != "never" && got != tt.want {
			t.Errorf("Last(%q): got %d, want %d", tt.key, got, tt.want)
		}
	}
}
