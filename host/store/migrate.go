package store

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// migrations holds the schema's history: NNNN_name.sql, from 0001 without gaps. A file that has been in
// a release is never changed; its number is the database's user_version after it.
//
//go:embed migrations/*.sql
var migrations embed.FS

// applicationID marks the file as one of ours (SQLite's application_id; "goop" in ASCII).
const applicationID = 0x676f6f70

// migrate brings the schema to the newest version that files has, each step in a transaction of its own.
func migrate(c *conn, files fs.FS) error {
	names, err := fs.Glob(files, "migrations/*.sql")
	if err != nil {
		return err
	}
	slices.Sort(names)
	version, err := c.number("PRAGMA user_version")
	if err != nil {
		return err
	}
	if err := claimFile(c); err != nil {
		return err
	}
	if newest := int64(len(names)); version > newest {
		return fmt.Errorf("the schema has version %d, and this goop knows versions up to %d: "+
			"it was last used by a newer goop; use that one, or put back a backup from before", version, newest)
	}
	for i, name := range names {
		n, err := strconv.Atoi(strings.SplitN(path.Base(name), "_", 2)[0])
		if err != nil || n != i+1 {
			return fmt.Errorf("migration %s: its number has to be %04d", name, i+1)
		}
		if int64(n) <= version {
			continue
		}
		sql, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		err = c.db.Exec("BEGIN IMMEDIATE;" + string(sql) + fmt.Sprintf(";PRAGMA user_version = %d;COMMIT", n))
		if err != nil {
			err = fmt.Errorf("migration %s: %w", path.Base(name), err)
			if !c.db.GetAutocommit() {
				err = errors.Join(err, c.db.Exec("ROLLBACK"))
			}
			return public(err)
		}
	}
	return nil
}

// claimFile marks a new database as ours.
func claimFile(c *conn) error {
	empty, err := checkOwn(c)
	if err == nil && empty {
		err = public(c.db.Exec(fmt.Sprintf("PRAGMA application_id = %d", applicationID)))
	}
	return err
}

// checkOwn refuses a database that belongs to another program, and reports whether it is still empty.
func checkOwn(c *conn) (empty bool, err error) {
	id, err := c.number("PRAGMA application_id")
	if err != nil || id == applicationID {
		return false, err
	}
	used, err := c.number("SELECT EXISTS (SELECT 1 FROM sqlite_schema)")
	if err == nil && (used != 0 || id != 0) {
		err = errors.New("it belongs to another program; use another data folder, or move the file away")
	}
	return true, err
}
