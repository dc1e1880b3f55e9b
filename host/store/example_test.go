package store_test

import (
	"context"
	"fmt"
	"os"

	"goop/host/store"
	"goop/shared/group"
	"goop/shared/wire"
)

// A group's log, appended to and read again after a restart.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "goop-example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)

	cfg, err := group.ParseConfig([]byte(`{"id": "chess-42", "type": "persistent"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 2 {
		db, err := store.Open(ctx, store.Options{Dir: dir})
		if err != nil {
			fmt.Println(err)
			return
		}
		if _, err := db.Log().Open(ctx, cfg); err != nil {
			fmt.Println(err)
		}
		results, err := db.Log().Append(ctx, cfg.ID, []group.Draft{
			{From: "alice", ID: "qK3", Kind: wire.TypeMsg, Payload: []byte(`{"move":"e2e4"}`)},
			{From: "bob", Kind: wire.TypeMsg, Payload: []byte(`{"text":"hello"}`)},
		})
		if err != nil {
			fmt.Println(err)
		}
		for _, r := range results {
			fmt.Println(r.Seq, r.Dup)
		}
		if err := db.Close(); err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// 1 false
	// 2 false
	// 1 true
	// 3 false
}
