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

// migration is one step of the schema's history.
type migration struct {
	name    string
	version int64
	sql     string // sets the version as well
}

// migrate brings the schema to the newest version that files has, each step in a transaction of its own.
func migrate(c *conn, files fs.FS) error {
	if err := claimFile(c); err != nil {
		return err
	}
	left, err := pending(c, files)
	if err != nil {
		return err
	}
	for _, s := range left {
		err := c.db.Exec("BEGIN IMMEDIATE;" + s.sql + ";COMMIT")
		if err != nil {
			err = fmt.Errorf("migration %s: %w", s.name, err)
			if !c.db.GetAutocommit() {
				err = errors.Join(err, c.db.Exec("ROLLBACK"))
			}
			return public(err)
		}
	}
	return nil
}

// pending returns the left that a database has still to take.
func pending(c *conn, files fs.FS) ([]migration, error) {
	names, err := migrationNames(files)
	if err != nil {
		return nil, err
	}
	version, err := c.number("PRAGMA user_version")
	if err != nil {
		return nil, err
	}
	if newest := int64(len(names)); version > newest {
		return nil, tooNew(version, newest)
	}
	var left []migration
	for i, name := range names {
		n := int64(i + 1)
		if n <= version {
			continue
		}
		sql, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		left = append(left, migration{path.Base(name), n, string(sql) + fmt.Sprintf(";PRAGMA user_version = %d", n)})
	}
	return left, nil
}

// migrationNames lists the files, whose numbers are those of the versions.
func migrationNames(files fs.FS) ([]string, error) {
	names, err := fs.Glob(files, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	for i, name := range names {
		if n, err := strconv.Atoi(strings.SplitN(path.Base(name), "_", 2)[0]); err != nil || n != i+1 {
			return nil, fmt.Errorf("migration %s: its number has to be %04d", name, i+1)
		}
	}
	return names, nil
}

// tooNew tells that a newer program has been here.
func tooNew(version, newest int64) error {
	return fmt.Errorf("the schema has version %d, and this goop knows versions up to %d: "+
		"it was last used by a newer goop; use that one, or put back a backup from before", version, newest)
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
