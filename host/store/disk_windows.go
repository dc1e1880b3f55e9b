package store

import (
	"errors"
	"os"
	"syscall"
)

// Codes of the system that package syscall does not name.
const (
	errSharingViolation syscall.Errno = 32
	errHandleDiskFull   syscall.Errno = 39
	errDiskFull         syscall.Errno = 112
	errWriteProtect                   = syscall.Errno(19)
)

// tryLock opens the file so that nobody else can open it for writing, or returns errHeld. Reading it
// stays possible.
func tryLock(path string) (*os.File, error) {
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, err
	}
	h, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, syscall.FILE_SHARE_READ,
		nil, syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if errors.Is(err, errSharingViolation) {
		return nil, errHeld
	}
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(h), path), nil
}

// unlockFile does nothing: closing the file is enough.
func unlockFile(*os.File) error { return nil }

// syncFolder does nothing: Windows keeps the names of a folder by itself.
func syncFolder(string) error { return nil }

func diskFull(err error) bool {
	return errors.Is(err, errDiskFull) || errors.Is(err, errHandleDiskFull)
}

func diskReadOnly(err error) bool { return errors.Is(err, errWriteProtect) }
