package store

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"
)

// countedFile counts the writes of a file in memory.
type countedFile struct {
	vfsutil.SliceFile
	writes int
}

func (f *countedFile) WriteAt(p []byte, off int64) (int, error) {
	f.writes++
	return f.SliceFile.WriteAt(p, off)
}

// A frame is one write, and whoever looks at the file finds all that was written, in whatever order and place.
func TestWALFile(t *testing.T) {
	t.Parallel()
	under := &countedFile{}
	f := &walFile{diskFile: diskFile{under}}
	put := func(p []byte, off int64) {
		t.Helper()
		if n, err := f.WriteAt(p, off); n != len(p) || err != nil {
			t.Fatalf("WriteAt %d bytes at %d: got %d, %v", len(p), off, n, err)
		}
	}
	put(make([]byte, 32), 0)
	for i := range int64(10) {
		put(bytes.Repeat([]byte{1}, frameHeader), 32+i*(frameHeader+4096))
		put(bytes.Repeat([]byte{2}, 4096), 32+i*(frameHeader+4096)+frameHeader)
	}
	if under.writes != 11 {
		t.Errorf("got %d writes for the file's header and 10 frames, want 11", under.writes)
	}

	want := slices.Clone([]byte(under.SliceFile))
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		off := int64(rnd.IntN(len(want) + 1))
		if rnd.IntN(2) == 0 {
			off = f.end
		}
		off = min(off, int64(len(want)))
		p := bytes.Repeat([]byte{byte(rnd.Uint32())}, []int{frameHeader, 1, 100}[rnd.IntN(3)])
		put(p, off)
		want = slices.Concat(want[:off], p, want[min(len(want), int(off)+len(p)):])
		switch rnd.IntN(8) {
		case 0:
			if n, err := f.Size(); n != int64(len(want)) || err != nil {
				t.Fatalf("Size: got %d, %v, want %d", n, err, len(want))
			}
		case 1:
			got := make([]byte, len(want))
			if _, err := f.ReadAt(got, 0); err != nil || !bytes.Equal(got, want) {
				t.Fatalf("ReadAt: %v, or other bytes than were written", err)
			}
		case 2:
			if err := f.Sync(vfs.SYNC_NORMAL); err != nil || !bytes.Equal(under.SliceFile, want) {
				t.Fatalf("Sync: %v, or other bytes than were written", err)
			}
		case 3:
			want = want[:len(want)/2]
			if err := f.Truncate(int64(len(want))); err != nil || !bytes.Equal(under.SliceFile, want) {
				t.Fatalf("Truncate: %v, or other bytes than were written", err)
			}
		}
	}
}
