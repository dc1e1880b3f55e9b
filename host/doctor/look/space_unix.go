//go:build linux || darwin || freebsd

package look

import (
	"os"
	"path/filepath"
	"syscall"
)

// freeDisk returns how many bytes may still be written in a folder, or where it would be made; negative when
// the system does not tell.
func freeDisk(dir string) int64 {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return -1
	}
	for {
		if _, err := os.Stat(dir); err == nil || dir == filepath.Dir(dir) {
			break
		}
		dir = filepath.Dir(dir)
	}
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return -1
	}
	return int64(s.Bavail) * int64(s.Bsize)
}
