package control

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
)

const (
	socketName = "control.sock"
	// pointerName is a file that holds the socket's path when the socket lies elsewhere.
	pointerName = "control.path"
	// maxPath is the longest path in bytes that a socket may have on every system: 104 on the BSDs and
	// macOS, with the zero byte at its end.
	maxPath = 103
	// tempPrefix begins the name of a socket's folder in the temporary one.
	tempPrefix = "goop-control-"
)

// listen opens the socket of a data folder. In a folder whose path is too long for a socket, the
// socket lies in a private folder of the system's temporary one, and a file says where.
func listen(dir string) (*socket, error) {
	path, err := filepath.Abs(filepath.Join(dir, socketName))
	if err != nil {
		return nil, err
	}
	pointer := filepath.Join(dir, pointerName)
	if err := sweep(dir, path, pointer); err != nil {
		return nil, err
	}
	s := &socket{files: []string{path}}
	if len(path) > maxPath {
		private, err := os.MkdirTemp("", tempPrefix) // mode 0700
		if err != nil {
			return nil, err
		}
		path = filepath.Join(private, socketName)
		s.files = []string{path, private, pointer}
		if len(path) > maxPath {
			return nil, errors.Join(fmt.Errorf("the paths of the data folder %s and of the temporary folder %s are both too long for a socket",
				dir, os.TempDir()), s.remove())
		}
		if err := os.WriteFile(pointer, []byte(path+"\n"), 0o600); err != nil {
			return nil, errors.Join(err, s.remove())
		}
	}
	s.Listener, err = net.Listen("unix", path)
	if err != nil {
		return nil, errors.Join(err, s.remove())
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, s.Listener.Close(), s.remove())
	}
	return s, nil
}

// sweep removes what a host that was killed has left.
func sweep(dir, path, pointer string) error {
	left := socket{files: []string{path, pointer}}
	if old, err := find(dir); err == nil && old != path && strings.HasPrefix(filepath.Base(filepath.Dir(old)), tempPrefix) {
		left.files = append(left.files, old, filepath.Dir(old)) // a folder goes only when it is empty
	}
	return left.remove()
}

// remove removes the files, of which closing the listener may have removed the first.
func (s *socket) remove() (err error) {
	for _, name := range s.files {
		if e := os.Remove(name); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// find returns the path of the socket of a data folder, whether or not anybody answers there.
func find(dir string) (string, error) {
	path, err := filepath.Abs(filepath.Join(dir, socketName))
	if err != nil {
		return "", err
	}
	b, err := os.ReadFile(filepath.Join(dir, pointerName))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return path, nil
	case err != nil:
		return "", err
	}
	return strings.TrimSpace(string(b)), nil
}
