package relay

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestQueue holds a queue against a slice, through adds and drops that fill, move along, and empty it.
func TestQueue(t *testing.T) {
	t.Parallel()
	const seed = 7
	rng := rand.New(rand.NewPCG(seed, seed))
	var q queue[int]
	var want []int
	for step := range 2000 {
		most := 20
		if step%500 < 250 {
			most = 3 * chunkSize
		}
		for range rng.IntN(most) {
			q.add(step)
			want = append(want, step)
		}
		n := rng.IntN(min(len(want), 2*chunkSize) + 1)
		q.drop(n)
		want = want[n:]
		got := make([]int, q.len())
		for i := range got {
			got[i] = *q.at(i)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d, step %d: got %v, want %v", seed, step, got, want)
		}
		if most := len(want)/chunkSize + 2; len(q.chunks) > most {
			t.Fatalf("seed %d, step %d: %d chunks for %d", seed, step, len(q.chunks), len(want))
		}
	}
}

// TestQueueLetsGo looks whether what was dropped is still held: a log would hold its old messages.
func TestQueueLetsGo(t *testing.T) {
	t.Parallel()
	var q queue[*int]
	for i := range 3 * chunkSize {
		q.add(&i)
	}
	q.drop(3*chunkSize - 2)
	held := 0
	for _, c := range append(q.chunks, q.spare) {
		for _, p := range c {
			if p != nil {
				held++
			}
		}
	}
	if held != q.len() {
		t.Errorf("%d are held, of which %d are in the queue", held, q.len())
	}
}

// TestQueueInPlace adds and drops one after the other. Nothing is allocated for what is in it, however long it goes on.
func TestQueueInPlace(t *testing.T) {
	var q queue[[20]int]
	for range 100 {
		q.add([20]int{})
	}
	if n := testing.AllocsPerRun(10_000, func() {
		q.add([20]int{})
		q.drop(1)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
