package main

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"goop/shared/jsontext"
)

// TestKilledBatches kills the host, twice, while members change a table and send to a group in one request
// each. However often a request came again: there is one row and one message of it, and both or neither.
func TestKilledBatches(t *testing.T) {
	t.Parallel()
	p := startHost(t, "--limit", "data-writes=1000")
	const members, each, kills, between = 6, 150, 2, 200
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	all := gather(t, p, "kept", members)

	var answers, target atomic.Int64
	target.Store(between)
	reached := make(chan struct{}, 1)
	seqs := make([][]int64, members) // of each one's messages, as its answers say
	var wg sync.WaitGroup
	for i, s := range all {
		seqs[i] = make([]int64, each)
		var window sync.WaitGroup
		wg.Go(func() {
			defer window.Wait()
			slots := make(chan struct{}, 10) // under way at once
			for n := range each {
				slots <- struct{}{}
				window.Go(func() {
					defer func() { <-slots }()
					answer, err := s.m.Call(ctx, fmt.Appendf(nil, `{"op":"batch","operations":[{"op":"insert","table":"notes","values":{"text":"%s %d"}},`+
						`{"op":"send","group":"kept","payload":{"by":%q,"n":%d}}]}`, s.peer, n, s.peer, n))
					if err != nil {
						t.Errorf("%s: batch %d: %v", s.peer, n, err)
						return
					}
					for e := jsontext.ElementsOf(fieldOf(answer, "results")); e.Next(); {
						if seq := fieldOf(e.Value, "seq"); seq != nil {
							seqs[i][n], _ = jsontext.Int(seq)
						}
					}
					if done, at := answers.Add(1), target.Load(); at > 0 && done >= at && target.CompareAndSwap(at, 0) {
						reached <- struct{}{}
					}
				})
			}
		})
	}
	for range kills {
		select {
		case <-reached:
		case <-ctx.Done():
			t.Fatal("the members do not get their answers")
		}
		p.kill()
		p.restart()
		n := answers.Load()
		t.Logf("killed and started again after %d of %d answers", n, members*each)
		target.Store(n + between)
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
	// All see the same messages, each once and where its sender was told.
	for i, s := range all {
		seen := s.events.await(ctx, members*each)
		if len(seen) != members*each {
			t.Fatalf("member %d has %d messages, want %d", i, len(seen), members*each)
		}
		for j, e := range seen {
			if e.Frame.Seq != s.start+int64(j)+1 {
				t.Fatalf("member %d: message %d has the number %d", i, j, e.Frame.Seq)
			}
			n := intOf(t, e.Frame.Payload, "n")
			for k, by := range all {
				if e.Frame.From == by.peer && seqs[k][n] != e.Frame.Seq {
					t.Fatalf("message %d of member %d was to be %d, and is %d", n, k, seqs[k][n], e.Frame.Seq)
				}
			}
		}
	}
	for _, s := range all {
		mine := fmt.Sprintf(`"where":{"_owner":%q}`, s.peer)
		if n := string(call(t, s.m, `{"op":"count","table":"notes",`+mine+`}`, "count")); n != strconv.Itoa(each) {
			t.Errorf("%s has %s rows, want %d", s.peer, n, each)
		}
		texts := call(t, s.m, `{"op":"aggregate","table":"notes",`+mine+`,"by":["text"],"compute":{"n":"count"},"order":["-n"],"limit":1}`, "rows")
		for e := jsontext.ElementsOf(texts); e.Next(); {
			if n := string(fieldOf(e.Value, "n")); n != "1" {
				t.Errorf("%s has the row %s %s times", s.peer, fieldOf(e.Value, "text"), n)
			}
		}
	}
}
