package store

import "github.com/ncruces/go-sqlite3/vfs"

// frameHeader is the length of what stands before each page in a WAL.
const frameHeader = 24

// walFile is a WAL in which a page and the header before it are written with one call instead of two. SQLite writes
// the header of a new frame and then, whatever happens, its page: so a header that comes where the last write ended
// waits for the next write. Anything else that is done with the file sees it written.
//
// More than that must not wait. What another connection may read is known by shared memory, which SQLite changes
// without asking here.
type walFile struct {
	diskFile
	end   int64  // of the last write
	wait  int    // bytes of frame that are still to be written, before end
	frame []byte // scratch
}

func (f *walFile) WriteAt(p []byte, off int64) (int, error) {
	follows := off == f.end
	if !follows {
		if err := f.flush(); err != nil {
			return 0, err
		}
	}
	f.end = off + int64(len(p))
	switch {
	case f.wait > 0:
		f.frame = append(f.frame[:f.wait], p...)
		off -= int64(f.wait)
		f.wait = 0
		n, err := f.diskFile.WriteAt(f.frame, off)
		return max(0, n-len(f.frame)+len(p)), err
	case follows && len(p) == frameHeader:
		f.frame = append(f.frame[:0], p...)
		f.wait = len(p)
		return len(p), nil
	}
	return f.diskFile.WriteAt(p, off)
}

// flush writes a header for which no page has come.
func (f *walFile) flush() error {
	if f.wait == 0 {
		return nil
	}
	n := f.wait
	f.wait = 0
	_, err := f.diskFile.WriteAt(f.frame[:n], f.end-int64(n))
	return err
}

func (f *walFile) ReadAt(p []byte, off int64) (int, error) {
	if err := f.flush(); err != nil {
		return 0, err
	}
	return f.diskFile.ReadAt(p, off)
}

func (f *walFile) Truncate(size int64) error {
	if err := f.flush(); err != nil {
		return err
	}
	return f.diskFile.Truncate(size)
}

func (f *walFile) Sync(flags vfs.SyncFlag) error {
	if err := f.flush(); err != nil {
		return err
	}
	return f.diskFile.Sync(flags)
}

func (f *walFile) Size() (int64, error) {
	if err := f.flush(); err != nil {
		return 0, err
	}
	return f.diskFile.Size()
}
