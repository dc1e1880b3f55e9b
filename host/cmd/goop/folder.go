package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"goop/host/templates"
	"goop/shared/data"
)

// folder is a site's folder and what its goop.json says.
type folder struct {
	files fs.FS
	site  *data.Site
	name  string   // for people, when goop.json has none
	root  *os.Root // nil for the demo
}

// openFolder opens the folder at path, or the demo's for "".
func openFolder(path string) (_ *folder, err error) {
	f := &folder{files: templates.Chess(), name: "Goop"}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.close())
		}
	}()
	if path != "" {
		abs, err := filepath.Abs(path)
		if err != nil {
			return nil, fmt.Errorf("site folder %s: %w", path, err)
		}
		if f.root, err = os.OpenRoot(abs); err != nil {
			return nil, fmt.Errorf("site folder %s cannot be opened: %w", path, cause(err))
		}
		f.files, f.name = f.root.FS(), filepath.Base(abs)
	}
	text, err := readManifest(f.files)
	if err != nil {
		return nil, fmt.Errorf("%s%s cannot be read: %w", inFolder(path), data.SiteFile, cause(err))
	}
	f.site = &data.Site{}
	if text != nil {
		if f.site, err = data.ParseSite(text); err != nil {
			return nil, fmt.Errorf("%s%w", inFolder(path), err) // which begins with goop.json:line:column
		}
	}
	if f.site.Name != "" {
		f.name = f.site.Name
	}
	return f, nil
}

// inFolder returns what stands before the name of a file in a site's folder.
func inFolder(path string) string {
	if path == "" {
		return "the demo's "
	}
	return filepath.Clean(path) + string(filepath.Separator)
}

// readManifest returns the text of goop.json, and nil when there is none.
func readManifest(files fs.FS) ([]byte, error) {
	file, err := files.Open(data.SiteFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(file, data.MaxSite+1)) // ParseSite refuses what is longer
	return text, errors.Join(err, file.Close())
}

func (f *folder) close() error {
	if f.root == nil {
		return nil
	}
	return f.root.Close()
}

// cause strips the operation and path from an error whose message names them already.
func cause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}
