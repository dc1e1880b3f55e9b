package random_test

import (
	"bytes"
	"io"
	"sync"
	"testing"

	"goop/wasm/internal/random"
)

func TestRead(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, 16, 63, 64, 65, 511, 512, 513, 65536, 65537, 200_000} {
		b := make([]byte, size+8)
		random.Read(b[:size])
		if !bytes.Equal(b[size:], make([]byte, 8)) {
			t.Errorf("%d bytes: it writes behind them", size)
		}
		if tail := b[max(0, size-16):size]; len(tail) == 16 && bytes.Equal(tail, make([]byte, 16)) {
			t.Errorf("%d bytes: the last of them are not filled", size)
		}
	}
	if n, err := io.ReadFull(random.Reader, make([]byte, 100)); n != 100 || err != nil {
		t.Errorf("Reader: got %d, %v", n, err)
	}
}

// No bytes are given twice, whoever asks.
func TestOnce(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	seen := map[[16]byte]bool{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 500 {
				var id [16]byte
				random.Read(id[:])
				mu.Lock()
				if seen[id] {
					t.Errorf("%x came twice", id)
				}
				seen[id] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}
