//go:build !unix

package node

import (
	"fmt"
	"os"
)

// checkPrivate checks the kind of file alone: its mode says nothing about who may read it here.
func checkPrivate(f *os.File) error {
	fi, err := f.Stat()
	if err != nil {
		return fmt.Errorf("read the identity key: %w", err)
	}
	if !fi.Mode().IsRegular() {
		return fmt.Errorf("identity key %s is not a regular file", f.Name())
	}
	return nil
}

// syncDir has nothing to do: folders cannot be synced here.
func syncDir(string) error { return nil }

// fileLimit is unknown here.
func fileLimit() uint64 { return 0 }
