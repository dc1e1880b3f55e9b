package store

import (
	"errors"

	"github.com/ncruces/go-sqlite3"

	"goop/shared/wire"
)

// isDamage reports whether err says that the file is not a sound database.
func isDamage(err error) bool {
	return errors.Is(err, sqlite3.CORRUPT) || errors.Is(err, sqlite3.NOTADB)
}

// isFull reports whether err says that there is no room left, on the disk or within Limits.Size.
func isFull(err error) bool {
	return errors.Is(err, sqlite3.FULL) || diskFull(err)
}

// isNoMemory reports whether a panic is go-sqlite3's for want of memory, of which each connection has only
// so much of its own: it is the end of what was done with it, not of the program.
func isNoMemory(p any) bool {
	err, ok := p.(error)
	return ok && (errors.Is(err, sqlite3.NOMEM) || err.Error() == sqlite3.NOMEM.Error())
}

// errNoMemory is what the caller gets then.
func errNoMemory() error {
	return wire.E(wire.LimitExceeded, "this takes more memory than the host gives; ask for fewer rows or columns, or order by an indexed column")
}

// isIDTaken reports whether err says that there is a row with that id.
func isIDTaken(err error) bool {
	return errors.Is(err, sqlite3.CONSTRAINT_PRIMARYKEY) || errors.Is(err, sqlite3.CONSTRAINT_ROWID)
}

// public gives an error of SQLite the code that a caller far away can act on. One that nothing is known
// about stays as it is: it becomes internal at the door.
func public(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*wire.Error](err); ok {
		return err
	}
	if isFull(err) {
		why := "full"
		if diskIsReadOnly.Load() {
			why = "read-only"
		}
		e := wire.E(wire.StorageFull, "the host's storage is ", why, "; nothing of this was stored")
		e.Err = err
		return e
	}
	return err
}
