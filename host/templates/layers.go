package templates

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
)

// layers is several file systems as one: a name is looked for in the first, then in the second, and so on.
type layers []fs.FS

var _ fs.ReadDirFS = layers(nil)

// Open implements fs.FS.
func (l layers) Open(name string) (fs.File, error) {
	err := error(&fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist})
	for _, files := range l {
		var f fs.File
		if f, err = files.Open(name); !errors.Is(err, fs.ErrNotExist) {
			return f, err
		}
	}
	return nil, err
}

// ReadDir implements fs.ReadDirFS: what all the layers have in a folder, by name.
func (l layers) ReadDir(name string) ([]fs.DirEntry, error) {
	var all []fs.DirEntry
	found := false
	for _, files := range l {
		entries, err := fs.ReadDir(files, name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		found = found || err == nil
		for _, e := range entries {
			if !slices.ContainsFunc(all, func(other fs.DirEntry) bool { return other.Name() == e.Name() }) {
				all = append(all, e)
			}
		}
	}
	if !found {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrNotExist}
	}
	slices.SortFunc(all, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return all, nil
}
