package relay

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestFifo holds a fifo against a slice, through adds and drops that fill, move along, and empty it.
func TestFifo(t *testing.T) {
	t.Parallel()
	const seed = 7
	rng := rand.New(rand.NewPCG(seed, seed))
	var f fifo[int]
	var want []int
	for step := range 2000 {
		most := 20
		if step%500 < 250 {
			most = 3 * pieceSize
		}
		for range rng.IntN(most) {
			f.add(step)
			want = append(want, step)
		}
		n := rng.IntN(min(len(want), 2*pieceSize) + 1)
		f.drop(n)
		want = want[n:]
		got := make([]int, f.len())
		for i := range got {
			got[i] = *f.at(i)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d, step %d: got %v, want %v", seed, step, got, want)
		}
		if most := len(want)/pieceSize + 2; len(f.pieces) > most {
			t.Fatalf("seed %d, step %d: %d pieces for %d", seed, step, len(f.pieces), len(want))
		}
	}
}

// TestFifoLetsGo looks whether what was dropped is still held: a log would hold its old messages.
func TestFifoLetsGo(t *testing.T) {
	t.Parallel()
	var f fifo[*int]
	for i := range 3 * pieceSize {
		f.add(&i)
	}
	f.drop(3*pieceSize - 2)
	held := 0
	for _, c := range append(f.pieces, f.spare) {
		for _, p := range c {
			if p != nil {
				held++
			}
		}
	}
	if held != f.len() {
		t.Errorf("%d are held, of which %d are in it", held, f.len())
	}
}

// TestFifoInPlace adds and drops one after the other. Nothing is allocated for what is in it, however long it goes on.
func TestFifoInPlace(t *testing.T) {
	var f fifo[[20]int]
	for range 100 {
		f.add([20]int{})
	}
	if n := testing.AllocsPerRun(10_000, func() {
		f.add([20]int{})
		f.drop(1)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
