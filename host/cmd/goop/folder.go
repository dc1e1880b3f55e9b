package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"goop/host/templates"
	"goop/shared/data"
)

// folder is a site's folder and what its goop.json says.
type folder struct {
	files fs.FS
	site  *data.Site
	text  []byte   // of goop.json, nil when there is none
	name  string   // for people, when goop.json has none
	root  *os.Root // nil for a built-in one
	what  string   // which site it is, for people
	in    string   // what stands before the name of a file of it, in what people read
}

// openFolder opens the site of an argument of goop serve: a built-in one, the default one for "", or the
// folder at a path.
func openFolder(arg string) (_ *folder, err error) {
	f := &folder{}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.close())
		}
	}()
	builtIn, err := builtIn(arg)
	if err != nil {
		return nil, err
	}
	if builtIn != "" {
		f.files, _ = templates.Site(builtIn)
		f.name, f.in = builtIn, "the built-in site "+builtIn+": "
		f.what = builtIn + " (built in; goop new " + builtIn + " DIR writes it into a folder, to start from)"
	} else {
		abs, err := filepath.Abs(arg)
		if err != nil {
			return nil, fmt.Errorf("site folder %s: %w", arg, err)
		}
		if f.root, err = os.OpenRoot(abs); err != nil {
			return nil, fmt.Errorf("site folder %s cannot be opened: %w%s", arg, cause(err), maybeBuiltIn(arg, err))
		}
		f.files, f.name, f.what = f.root.FS(), filepath.Base(abs), abs
		f.in = filepath.Clean(arg) + string(filepath.Separator)
	}
	text, err := readManifest(f.files)
	if err != nil {
		return nil, fmt.Errorf("%s%s cannot be read: %w", f.in, data.SiteFile, cause(err))
	}
	f.text = text
	f.site = &data.Site{}
	if text != nil {
		if f.site, err = data.ParseSite(text); err != nil {
			return nil, fmt.Errorf("%s%w", f.in, err) // which begins with goop.json:line:column
		}
	}
	if f.site.Name != "" {
		f.name = f.site.Name
	}
	return f, nil
}

// builtIn returns the name of the site that comes with the program and is meant by an argument of goop
// serve, "" for a folder. Beside a folder of the same name it could mean either, and the wrong one must
// not be served: that is an error.
func builtIn(arg string) (string, error) {
	if arg == "" {
		return templates.Default, nil
	}
	if _, ok := templates.Site(arg); !ok {
		return "", nil
	}
	if info, err := os.Stat(arg); err == nil && info.IsDir() {
		return "", fmt.Errorf("%s is a built-in site and a folder here: write .%c%s for the folder", arg, filepath.Separator, arg)
	}
	return arg, nil
}

// maybeBuiltIn tells of the built-in sites after a plain name under which there is no folder.
func maybeBuiltIn(arg string, err error) string {
	if !errors.Is(err, fs.ErrNotExist) || arg != filepath.Base(arg) {
		return ""
	}
	return ", and the built-in sites are " + strings.Join(templates.Names(), ", ")
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

// about says where the goop.json is with whose name an error begins.
func (f *folder) about(err error) error {
	if strings.HasPrefix(err.Error(), data.SiteFile) {
		return fmt.Errorf("%s%w", f.in, err)
	}
	return err
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
