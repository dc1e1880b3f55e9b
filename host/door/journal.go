package door

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"goop/shared/door"
)

const (
	journalName = "hosts.jsonl"
	// maxLine bounds a line of the journal: two envelopes of 4 KiB, in base64, and what is around them.
	maxLine = 32 << 10
	// slack is how much a journal may grow, in bytes, beside twice what is of use in it.
	slack = 4 << 20
)

// journal is a file with one line of JSON for each announcement. The last line of a host counts.
type journal struct {
	dir   string
	file  *os.File
	size  int64 // of what is written
	first int64 // of what was written when it was new
	fault error // why nothing can be written any more
}

type line struct {
	Label string
	door.Entry
}

// readJournal calls each with the entries in the order in which they were written, and returns how many lines
// are none. The last one may have been cut off by a crash.
func readJournal(dir string, each func(label string, e *door.Entry)) (damaged int, err error) {
	f, err := os.Open(filepath.Join(dir, journalName))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, maxLine)
	for {
		text, err := r.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF):
			return damaged, nil // a line without its end was never answered
		case errors.Is(err, bufio.ErrBufferFull):
			damaged++
			for errors.Is(err, bufio.ErrBufferFull) {
				_, err = r.ReadSlice('\n')
			}
			continue
		case err != nil:
			return damaged, fmt.Errorf("read %s: %w", f.Name(), err)
		}
		var l line
		if err := json.Unmarshal(text, &l); err != nil || l.Label == "" {
			damaged++
			continue
		}
		each(l.Label, &l.Entry)
	}
}

// newJournal writes a journal of what there is in place of the one before.
func newJournal(dir string, entries map[string]*door.Entry) (*journal, error) {
	j := &journal{dir: dir}
	return j, j.rewrite(entries)
}

// rewrite closes each file before it is renamed or replaced: some systems insist.
func (j *journal) rewrite(entries map[string]*door.Entry) error {
	f, err := os.CreateTemp(j.dir, journalName+".*")
	if err != nil {
		return err
	}
	size, err := writeAll(f, entries)
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	name := filepath.Join(j.dir, journalName)
	if j.file != nil {
		_ = j.file.Close() // all that was in it is in the new one
	}
	if err := os.Rename(f.Name(), name); err != nil {
		err = errors.Join(err, os.Remove(f.Name()))
		return errors.Join(err, j.open(name, j.size))
	}
	j.first = size
	return j.open(name, size)
}

func (j *journal) open(name string, size int64) error {
	j.file, j.fault = os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
	j.size = size
	return j.fault
}

func writeAll(f *os.File, entries map[string]*door.Entry) (size int64, err error) {
	w := bufio.NewWriter(f)
	for label, e := range entries {
		b, err := encode(label, e)
		if err != nil {
			return 0, err
		}
		size += int64(len(b))
		if _, err := w.Write(b); err != nil {
			return 0, err
		}
	}
	return size, errors.Join(w.Flush(), f.Sync())
}

func encode(label string, e *door.Entry) ([]byte, error) {
	b, err := json.Marshal(line{label, *e})
	return append(b, '\n'), err
}

// write appends an entry. What could be written only in part is taken back.
func (j *journal) write(label string, e *door.Entry) error {
	if j.fault != nil {
		return j.fault
	}
	b, err := encode(label, e)
	if err != nil {
		return err
	}
	if _, err := j.file.Write(b); err != nil {
		if j.file.Truncate(j.size) != nil {
			j.fault = fmt.Errorf("the journal is broken: %w", err)
		}
		return err
	}
	j.size += int64(len(b))
	return nil
}

// shrink writes the journal anew when most of it is of no use any more, or nothing can be written to it.
func (j *journal) shrink(entries map[string]*door.Entry) error {
	if j.fault == nil && j.size < 2*j.first+slack {
		return nil
	}
	return j.rewrite(entries)
}

func (j *journal) close() error {
	if j.file == nil {
		return j.fault
	}
	return errors.Join(j.file.Sync(), j.file.Close())
}
