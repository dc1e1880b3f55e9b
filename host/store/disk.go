package store

import (
	"sync/atomic"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"
)

// diskVFS is the system's file system, with one thing mended: go-sqlite3 (v0.35.6) takes a full disk for
// a broken one, because it compares the error with the system's number and not what it wraps, and by
// the time SQLite reports the fault the cause is gone. Whatever else a file can do is passed on.
type diskVFS struct{ vfs.VFSFilename }

// registerDisk makes base with that mended known to SQLite under a name.
func registerDisk(name string, base vfs.VFS) {
	vfs.Register(name, diskVFS{base.(vfs.VFSFilename)})
}

func (v diskVFS) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	f, out, err := v.VFSFilename.OpenFilename(name, flags)
	if err != nil {
		return nil, out, tellFull(err)
	}
	if flags&vfs.OPEN_WAL != 0 {
		return &walFile{diskFile: diskFile{f}}, out, nil
	}
	return diskFile{f}, out, nil
}

// diskIsReadOnly tells why the disk took nothing the last time: it may not be written, as when the system has
// mounted it anew after a fault. SQLite knows a full disk alone, from which it recovers. A process has one
// database, so that there is one.
var diskIsReadOnly atomic.Bool

// tellFull gives the error of a disk that takes nothing the SQLite code of a full one.
func tellFull(err error) error {
	readOnly := diskReadOnly(err)
	if readOnly || diskFull(err) {
		diskIsReadOnly.Store(readOnly)
		return vfs.SystemError(err, sqlite3.FULL)
	}
	return err
}

type diskFile struct{ vfs.File }

func (f diskFile) WriteAt(p []byte, off int64) (int, error) {
	n, err := f.File.WriteAt(p, off)
	return n, tellFull(err)
}

func (f diskFile) Sync(flags vfs.SyncFlag) error { return tellFull(f.File.Sync(flags)) }

func (f diskFile) SizeHint(size int64) error { return tellFull(vfsutil.WrapSizeHint(f.File, size)) }

func (f diskFile) Unwrap() vfs.File               { return f.File }
func (f diskFile) SharedMemory() vfs.SharedMemory { return vfsutil.WrapSharedMemory(f.File) }
func (f diskFile) MemoryMapper() vfs.MemoryMapper { return vfsutil.WrapMemoryMapper(f.File) }
func (f diskFile) LockState() vfs.LockLevel       { return vfsutil.WrapLockState(f.File) }
func (f diskFile) HasMoved() (bool, error)        { return vfsutil.WrapHasMoved(f.File) }
func (f diskFile) PersistWAL() bool               { return vfsutil.WrapPersistWAL(f.File) }
func (f diskFile) SetPersistWAL(keep bool)        { vfsutil.WrapSetPersistWAL(f.File, keep) }
func (f diskFile) PowersafeOverwrite() bool       { return vfsutil.WrapPowersafeOverwrite(f.File) }
func (f diskFile) SetPowersafeOverwrite(on bool)  { vfsutil.WrapSetPowersafeOverwrite(f.File, on) }
func (f diskFile) BeginAtomicWrite() error        { return vfsutil.WrapBeginAtomicWrite(f.File) }
func (f diskFile) CommitAtomicWrite() error       { return vfsutil.WrapCommitAtomicWrite(f.File) }
func (f diskFile) RollbackAtomicWrite() error     { return vfsutil.WrapRollbackAtomicWrite(f.File) }
