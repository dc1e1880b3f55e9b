package bench

import (
	"testing"

	"goop/shared/wire"
)

func TestTold(t *testing.T) {
	t.Parallel()
	some := []wire.Member{{Peer: "one", Label: `"count":9`}, {Peer: "two"}}
	for name, tt := range map[string]struct {
		roster wire.Roster
		want   int
	}{
		"whole":        {wire.Roster{Members: some, Count: 2}, 2},
		"part of it":   {wire.Roster{Members: some, Count: 2000, More: true}, 0},
		"changes":      {wire.Roster{Delta: true, Joined: some, Count: 1000}, 1000},
		"count alone":  {wire.Roster{Count: 5000}, 5000},
		"with a right": {wire.Roster{Count: 3, You: &wire.You{Rights: []string{"send"}}}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := told(tt.roster.Append(nil)); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}
