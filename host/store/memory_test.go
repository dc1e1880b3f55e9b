//go:build !race

// With the race detector, 300 MB through SQLite are minutes: build.sh's test_large runs this without it.

package store

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"goop/shared/group"
	"goop/shared/wire"
)

// Sorting takes memory, of which a connection has only so much. A query that needs more is refused; it must
// neither end the host, which is what go-sqlite3 does by itself, nor cost a reader.
func TestQueryThatNeedsTooMuchMemory(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, Limits{Readers: 1, ReadTimeout: time.Minute},
		`"notes":{"columns":{"text":{"type":"text"},"n":{"type":"integer"}},"access":{"read":"open","insert":"open"}}`)
	c := group.Caller{Peer: "mallory"}
	for i := range 1200 {
		w.mustInsert(c, "notes", fmt.Sprintf(`{"n":%d,"text":"%s"}`, i*7919%1200, strings.Repeat("a", 250_000)))
	}
	for range 2 {
		_, err := w.rows(c, "notes", `"order":["n"],"limit":1000,"offset":100000`)
		wantCode(t, "sorting 300 MB", err, wire.LimitExceeded)
	}
	for range 2 {
		if rows, err := w.rows(c, "notes", `"columns":["n"],"order":["n"],"limit":2`); err != nil || strings.Count(rows, "\n") != 2 {
			t.Errorf("afterwards: got %s, %v", rows, err)
		}
	}
}
