package dial_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"syscall/js"
	"testing"
	"time"

	"goop/shared/member"
	"goop/shared/wire"
	"goop/wasm/internal/idb"
	"goop/wasm/internal/jsx"
)

// testStore holds the browser's storage against what member.Store promises. It is here because this
// package's tests are those that have a browser.
func testStore(t *testing.T) {
	const name = "store-test"
	stores := []*idb.Store{idb.NewStore(name), idb.NewStore(name)} // as two tabs
	update := func(s *idb.Store, scans []member.Scan, rows ...member.Row) [][]member.Row {
		t.Helper()
		var found [][]member.Row
		err := s.Update(t.Context(), scans, func(f [][]member.Row) []member.Row {
			found = f
			return rows
		})
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	update(stores[0], nil, member.Row{Key: "h/a/2", Value: "two é\u2028"}, member.Row{Key: "h/a/1", Value: "one"},
		member.Row{Key: "h/a0", Value: "behind"}, member.Row{Key: "h/a", Value: "before"}, member.Row{Key: "h/b/\U0001F600", Value: "x"})
	found := update(stores[1], []member.Scan{{Prefix: "h/a/", Values: true}, {Prefix: "h/b/"}, {Prefix: "none"}},
		member.Row{Key: "h/a/1"}, member.Row{Key: "h/a/3", Value: "three"}, member.Row{Key: "never there"})
	want := [][]member.Row{{{Key: "h/a/1", Value: "one"}, {Key: "h/a/2", Value: "two é\u2028"}}, {{Key: "h/b/\U0001F600"}}, {}}
	if !slices.EqualFunc(found, want, slices.Equal) {
		t.Errorf("got %q, want %q", found, want)
	}
	found = update(stores[0], []member.Scan{{Prefix: "h/a/", Values: true}})
	if want := []member.Row{{Key: "h/a/2", Value: "two é\u2028"}, {Key: "h/a/3", Value: "three"}}; !slices.Equal(found[0], want) {
		t.Errorf("got %q, want %q", found[0], want)
	}

	// Transactions exclude each other.
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			err := stores[i%2].Update(t.Context(), []member.Scan{{Prefix: "count", Values: true}}, func(f [][]member.Row) []member.Row {
				n := 0
				if len(f[0]) > 0 {
					n, _ = strconv.Atoi(f[0][0].Value)
				}
				return []member.Row{{Key: "count", Value: strconv.Itoa(n + 1)}}
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if found := update(stores[0], []member.Scan{{Prefix: "count", Values: true}}); found[0][0].Value != "20" {
		t.Errorf("20 tabs counted to %s", found[0][0].Value)
	}

	// The user deletes what the site has stored: the database is closed, and the next use makes a new one.
	deleted := make(chan struct{})
	request := js.Global().Get("indexedDB").Call("deleteDatabase", name)
	defer jsx.Listen(request, "success", func(js.Value) { close(deleted) })()
	select {
	case <-deleted:
	case <-time.After(10 * time.Second):
		t.Fatal("the database cannot be deleted while it is open")
	}
	if found := update(stores[0], []member.Scan{{Prefix: ""}}); len(found[0]) != 0 {
		t.Errorf("got %q from a database that was deleted", found[0])
	}
	update(stores[1], nil, member.Row{Key: "again", Value: "1"})

	// A value that somebody else has put there is no row's.
	if _, err := stores[1].Add(t.Context(), "alien", jsx.ValueOf(map[string]any{"a": 1})); err != nil {
		t.Fatal(err)
	}
	if found := update(stores[0], []member.Scan{{Prefix: "a", Values: true}}); !slices.Equal(found[0], []member.Row{{Key: "again", Value: "1"}, {Key: "alien"}}) {
		t.Errorf("got %q", found[0])
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errGone)
	if err := stores[0].Update(ctx, nil, func([][]member.Row) []member.Row { return nil }); !errors.Is(err, errGone) {
		t.Errorf("given up: got %v", err)
	}
}

var errGone = wire.E(wire.Closed, "gone")
