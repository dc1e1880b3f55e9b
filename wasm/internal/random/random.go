// Package random is the browser's source of random bytes, for keys and for ids. It knows nothing of what they
// are for. Everything may be used from any goroutine.
//
// It stands here because crypto/rand brings the random generator of FIPS 140, with AES under it.
package random

import (
	"io"
	"sync"
)

// Reader gives random bytes, as crypto/rand's does: it always fills p, and never fails.
var Reader io.Reader = reader{}

type reader struct{}

func (reader) Read(p []byte) (int, error) {
	Read(p)
	return len(p), nil
}

// ahead is how many bytes are fetched at a time: asking the browser takes longer than an id needs.
const ahead = 512

// mu guards the following.
var (
	mu    sync.Mutex
	store [ahead]byte
	left  []byte // in store
)

// Read fills p with random bytes that nobody else gets.
func Read(p []byte) {
	if len(p) > ahead/8 {
		fill(p)
		return
	}
	mu.Lock()
	defer mu.Unlock()
	if len(left) < len(p) {
		left = store[:]
		fill(left)
	}
	n := copy(p, left)
	clear(left[:n])
	left = left[n:]
}
