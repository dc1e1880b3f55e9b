//go:build unix && !linux

package look

import "syscall"

// files returns how many files a process may have open: of others than this one nobody tells.
func files(pid int) int64 {
	var l syscall.Rlimit
	if pid > 0 || syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l) != nil {
		return 0
	}
	return int64(l.Cur)
}
