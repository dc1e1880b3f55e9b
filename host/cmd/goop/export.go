package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"goop/host/control"
)

// export writes rows into files, each of which is there under its name when it is complete.
type export struct {
	path  func(table string) string // "" for standard output
	force bool
	out   io.Writer
	done  []string // for people

	file  *os.File
	name  string // of the file when it is complete
	lines *bufio.Writer
	rows  int
}

// newExport decides where tables go.
func newExport(out string, tables []control.Table, force bool, stdout io.Writer) (*export, error) {
	e := &export{force: force, out: stdout}
	info, err := os.Stat(out)
	isDir := err == nil && info.IsDir()
	switch {
	case len(tables) == 1 && (out == "" || out == "-"):
		e.path = func(string) string { return "" }
		return e, nil
	case out == "" || out == "-":
		return nil, fmt.Errorf("%s need a folder to be written to: --out DIR (one table can go to standard output; there are %s)", count(len(tables), "table"), tableNames(tables))
	case len(tables) == 1 && !isDir && !os.IsPathSeparator(out[len(out)-1]):
		e.path = func(string) string { return out }
	case err == nil && !isDir:
		return nil, fmt.Errorf("--out %s is a file, and %s need a folder", out, count(len(tables), "table"))
	default:
		if err := os.MkdirAll(out, 0o700); err != nil {
			return nil, fmt.Errorf("--out %s cannot be made: %w", out, cause(err))
		}
		e.path = func(table string) string { return filepath.Join(out, table+".jsonl") }
	}
	for _, t := range tables {
		path := e.path(t.Name)
		if _, err := os.Lstat(path); err == nil && !force {
			return nil, fmt.Errorf("there is a file %s already; --force overwrites it", path)
		} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s cannot be written: %w", path, cause(err))
		}
	}
	return e, nil
}

// row takes a row, and nil before the first of a table.
func (e *export) row(table string, row []byte) error {
	if row == nil {
		return errors.Join(e.finish(), e.begin(e.path(table)))
	}
	e.rows++
	_, err := e.lines.Write(row)
	return errors.Join(err, e.lines.WriteByte('\n'))
}

func (e *export) begin(path string) (err error) {
	e.rows, e.name = 0, path
	if path == "" {
		e.lines = bufio.NewWriter(e.out)
		return nil
	}
	if e.file, err = os.OpenFile(path+".tmp", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600); err != nil {
		return fmt.Errorf("%s cannot be written: %w", path, cause(err))
	}
	e.lines = bufio.NewWriterSize(e.file, 64<<10)
	return nil
}

// finish completes the file of the last table.
func (e *export) finish() error {
	if e.lines == nil {
		return nil
	}
	err := e.lines.Flush()
	e.lines = nil
	if e.file == nil {
		return err
	}
	err = errors.Join(err, e.file.Sync(), e.file.Close())
	temp := e.file.Name()
	e.file = nil
	if err == nil {
		err = os.Rename(temp, e.name)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("%s cannot be written: %w", e.name, cause(err)), os.Remove(temp))
	}
	e.done = append(e.done, fmt.Sprintf("%s: %s", e.name, count(e.rows, "row")))
	return nil
}

// end completes the last file, or removes what there is of it after an error.
func (e *export) end(err error) error {
	if err == nil {
		return e.finish()
	}
	if e.file == nil {
		return nil
	}
	return errors.Join(e.file.Close(), os.Remove(e.file.Name()))
}
