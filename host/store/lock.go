package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// errHeld is what tryLock returns when somebody else has the lock.
var errHeld = errors.New("held by another process")

// folderLock keeps a second host out of a data folder. The system lets go of it when the process ends,
// however it ends; the file stays.
type folderLock struct{ f *os.File }

// lockFolder takes the lock on dir. The lock file tells the holder's process id, for the message.
func lockFolder(dir string) (*folderLock, error) {
	path := filepath.Join(dir, lockName)
	f, err := tryLock(path)
	if errors.Is(err, errHeld) {
		holder := "another host"
		// Without a number in it the holder has only just begun.
		if b, err := os.ReadFile(path); err == nil {
			if pid, err := strconv.Atoi(strings.TrimSpace(string(b))); err == nil {
				holder = fmt.Sprintf("another host (pid %d)", pid)
			}
		}
		return nil, fmt.Errorf("data folder %s is in use by %s", dir, holder)
	}
	if err != nil {
		return nil, fmt.Errorf("data folder %s is not writable: %w", dir, cause(err))
	}
	pid := []byte(strconv.Itoa(os.Getpid()) + "\n")
	err = f.Truncate(0)
	if err == nil {
		_, err = f.WriteAt(pid, 0)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("data folder %s is not writable: %w", dir, cause(err)), f.Close())
	}
	return &folderLock{f}, nil
}

// LockFolder keeps other hosts out of a folder that has no database in it, until the lock is closed. The
// error is for the operator.
func LockFolder(dir string) (io.Closer, error) {
	l, err := lockFolder(dir)
	if err != nil {
		return nil, err
	}
	return closer(l.unlock), nil
}

type closer func() error

func (c closer) Close() error { return c() }

func (l *folderLock) unlock() error { return errors.Join(unlockFile(l.f), l.f.Close()) }
