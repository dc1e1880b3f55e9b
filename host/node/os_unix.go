//go:build unix

package node

import (
	"fmt"
	"os"
	"syscall"
)

// checkPrivate refuses a file that others than its owner may read or write. It is not repaired
// silently: the operator should know that the key may have been read.
func checkPrivate(f *os.File) error {
	fi, err := f.Stat()
	if err != nil {
		return fmt.Errorf("read the identity key: %w", err)
	}
	if !fi.Mode().IsRegular() {
		return fmt.Errorf("identity key %s is not a regular file", f.Name())
	}
	if mode := fi.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Errorf("identity key %s is open to other users (mode %#o); if nobody has read it, run: chmod 600 %s", f.Name(), mode, f.Name())
	}
	return nil
}

// syncDir makes a new name in a folder survive a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// fileLimit is how many files the process may have open, 0 when unknown.
func fileLimit() uint64 {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return 0
	}
	return uint64(l.Cur)
}
