package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/ext/fts5"

	"goop/shared/wire"
)

// Bounds of a backup.
const (
	backupPages = 256      // that are copied before it is looked whether to go on
	backupSpare = 32 << 20 // bytes that have to stay free on the disk beside it
)

// Backup tells what a backup holds.
type Backup struct {
	File   string
	Size   int64            // bytes
	Tables map[string]int64 // rows of each of the site's tables
	Took   time.Duration
}

// Rows returns how many rows of the site's tables there are.
func (b *Backup) Rows() (n int64) {
	for _, rows := range b.Tables {
		n += rows
	}
	return n
}

// Backup writes the database as it is at one moment into a file; writers go on meanwhile. The file is
// there under its name when it has been read again: sound, and with as many rows in each table as there
// were at that moment. A file that is there is an error with code conflict, unless it may be overwritten.
// One backup is made at a time; a further one is told so with code conflict.
func (db *DB) Backup(ctx context.Context, file string, overwrite bool) (Backup, error) {
	if !db.backing.TryLock() {
		return Backup{}, wire.E(wire.Conflict, "another backup is being made at the moment; try again when it is done")
	}
	defer db.backing.Unlock()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(db.ctx, func() { cancel(errClosed) })()
	var b Backup
	err := db.snapshot(ctx, func(c *conn) (err error) {
		b, err = backUp(ctx, c, db.path, db.vfs, file, overwrite)
		return err
	})
	return b, err
}

// snapshot runs fn with a connection of its own, within one transaction that reads: it may take as long as
// it likes, and holds up nobody.
func (db *DB) snapshot(ctx context.Context, fn func(*conn) error) (err error) {
	c, err := openConn(ctx, db.path, db.vfs, true, 0)
	if c == nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	if err != nil {
		return context.Cause(ctx)
	}
	c.db.SetInterrupt(ctx)
	if _, err := c.exec("BEGIN", nil); err != nil {
		return err
	}
	return interrupted(ctx, fn(c))
}

// interrupted gives what was cut off with ctx its reason.
func interrupted(ctx context.Context, err error) error {
	if errors.Is(err, sqlite3.INTERRUPT) && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// backUp copies the database of c, which is in a transaction, into a file.
func backUp(ctx context.Context, c *conn, path, vfsName, file string, overwrite bool) (_ Backup, err error) {
	begun := time.Now()
	if file, err = filepath.Abs(file); err != nil {
		return Backup{}, fmt.Errorf("backup: %w", err)
	}
	if err := checkTarget(path, file, overwrite); err != nil {
		return Backup{}, err
	}
	counts, err := countRows(c)
	if err != nil {
		return Backup{}, err
	}
	if err := checkRoom(c, filepath.Dir(file)); err != nil {
		return Backup{}, err
	}
	temp := file + ".tmp"
	defer func() {
		if err != nil {
			err = backupFailed(file, err)
			for _, name := range []string{temp, temp + "-journal"} {
				if e := os.Remove(name); e != nil && !errors.Is(e, fs.ErrNotExist) {
					err = errors.Join(err, e)
				}
			}
		}
	}()
	if err := os.WriteFile(temp, nil, 0o600); err != nil {
		return Backup{}, err
	}
	if err := copyPages(ctx, c, temp, vfsName); err != nil {
		return Backup{}, err
	}
	size, err := verify(ctx, temp, vfsName, counts)
	if err != nil {
		return Backup{}, err
	}
	if err := settle(temp, file); err != nil {
		return Backup{}, err
	}
	tables, err := siteRows(c, counts)
	return Backup{file, size, tables, time.Since(begun)}, err
}

// backupFailed tells what was tried.
func backupFailed(file string, err error) error {
	if isFull(err) {
		return wire.E(wire.StorageFull, "there is no room for the backup ", file, "; nothing was left behind")
	}
	if _, ok := errors.AsType[*wire.Error](err); ok {
		return err
	}
	return wire.E(wire.InvalidValue, "the backup ", file, " cannot be made: ", cause(err).Error())
}

// checkTarget looks whether a backup may go into a file.
func checkTarget(path, file string, overwrite bool) error {
	name := filepath.Base(file)
	if filepath.Dir(file) == filepath.Dir(path) && (name == lockName || strings.HasPrefix(name, dbName) && name != dbName+".backup") {
		return wire.E(wire.InvalidValue, "a backup cannot go to ", file, ": the host's own files are there; take another name or folder")
	}
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		_, err = os.Stat(filepath.Dir(file))
		if errors.Is(err, fs.ErrNotExist) {
			return wire.E(wire.InvalidValue, "there is no folder ", filepath.Dir(file), " for the backup")
		}
	case err == nil && info.IsDir():
		return wire.E(wire.InvalidValue, file, " is a folder; a backup is a file, such as ", filepath.Join(file, "goop-backup.db"))
	case err == nil && !overwrite:
		return wire.E(wire.Conflict, "there is a file ", file, " already; --force overwrites it")
	}
	if err != nil {
		return backupFailed(file, err)
	}
	return nil
}

// checkRoom looks whether there is room for a copy of the database in a folder.
func checkRoom(c *conn, dir string) error {
	pages, err := c.number("PRAGMA page_count")
	if err != nil {
		return err
	}
	size, err := c.number("PRAGMA page_size")
	if err != nil {
		return err
	}
	return roomFor(dir, pages*size)
}

// roomFor is an error with code storage_full when a folder has no room for so many bytes.
func roomFor(dir string, size int64) error {
	if free, ok := freeSpace(dir); ok && free < size+backupSpare {
		return wire.E(wire.StorageFull, fmt.Sprintf("there is no room in %s: %d MiB are needed, and %d MiB are free", dir, (size+backupSpare)>>20, free>>20))
	}
	return nil
}

// copyPages copies the whole database into a file that is there and empty.
func copyPages(ctx context.Context, c *conn, file, vfsName string) error {
	// Until it has been read again the file is nobody's, so that SQLite need not guard it against a power cut.
	b, err := c.db.BackupInit("main", dsn(file, vfsName, []string{"journal_mode(off)", "synchronous(off)"}))
	if err != nil {
		return err
	}
	for done := false; !done && err == nil; {
		if err = context.Cause(ctx); err == nil {
			done, err = b.Step(backupPages)
		}
	}
	return errors.Join(err, b.Close())
}

// verify reads a copy: it is sound, and has those rows. It returns its size.
func verify(ctx context.Context, file, vfsName string, counts map[string]int64) (int64, error) {
	c, err := openFrozen(ctx, file, vfsName)
	if err != nil {
		return 0, err
	}
	err = func() error {
		if err := c.sound(ctx); err != nil {
			return err
		}
		got, err := countRows(c)
		if err == nil && !maps.Equal(got, counts) {
			err = errors.New("the copy does not have the rows that it should have")
		}
		return interrupted(ctx, err)
	}()
	if err := errors.Join(err, c.close()); err != nil {
		return 0, err
	}
	info, err := os.Stat(file)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// openFrozen opens a database that nobody changes, without making a file beside it.
func openFrozen(ctx context.Context, file, vfsName string) (*conn, error) {
	db, err := sqlite3.OpenFlags(dsn(file, vfsName, []string{"query_only(1)", "cell_size_check(1)", "cache_size(-8000)"})+"&immutable=1",
		sqlite3.OPEN_URI|sqlite3.OPEN_READONLY)
	if err != nil {
		return nil, err
	}
	c := &conn{db: db, stmts: make(map[stmtKey]*stmt)}
	if err := errors.Join(c.restrict(0), fts5.Register(db), ctx.Err()); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// sound reads the whole database for damage, its indexes and words too.
func (c *conn) sound(ctx context.Context) error {
	defer c.db.SetInterrupt(c.db.SetInterrupt(ctx))
	for row, err := range c.query("PRAGMA integrity_check(1)", nil) {
		if err != nil {
			return interrupted(ctx, err)
		}
		if s := row.Text(0); s != "ok" {
			return fmt.Errorf("%w: %s", sqlite3.CORRUPT, strings.ReplaceAll(s, "\n", " "))
		}
	}
	return nil
}

// countRows counts the rows of all tables, by their names.
func countRows(c *conn) (map[string]int64, error) {
	counts := make(map[string]int64)
	var names []string
	for row, err := range c.query("SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0", nil) {
		if err != nil {
			return nil, err
		}
		names = append(names, row.Text(0))
	}
	for _, name := range names {
		n, err := c.number("SELECT count(*) FROM " + quote(name))
		if err != nil {
			return nil, err
		}
		counts[name] = n
	}
	return counts, nil
}

// siteRows picks the site's tables out of all.
func siteRows(c *conn, counts map[string]int64) (map[string]int64, error) {
	out := make(map[string]int64)
	for row, err := range c.query("SELECT name FROM _tables", nil) {
		if err != nil {
			return nil, err
		}
		out[row.Text(0)] = counts[row.Text(0)]
	}
	return out, nil
}

// settle puts a file on the disk, and then under its name.
func settle(temp, file string) error {
	f, err := os.OpenFile(temp, os.O_RDWR, 0)
	if err == nil {
		err = errors.Join(f.Sync(), f.Close())
	}
	if err == nil {
		err = os.Rename(temp, file)
	}
	if err == nil {
		err = syncFolder(filepath.Dir(file))
	}
	return err
}

// Names of backups that are made on a schedule; their order is that of their times.
const (
	backupPrefix = "goop-"
	backupSuffix = ".db"
	backupTime   = "20060102-150405"
)

// BackupName returns the name of a scheduled backup that is made at a moment.
func BackupName(t time.Time) string { return backupPrefix + t.UTC().Format(backupTime) + backupSuffix }

// BackupTime returns the moment in the name of a scheduled backup, and whether it is such a name.
func BackupTime(name string) (time.Time, bool) {
	text, begins := strings.CutPrefix(name, backupPrefix)
	text, ends := strings.CutSuffix(text, backupSuffix)
	t, err := time.Parse(backupTime, text)
	return t, begins && ends && err == nil
}

// Backups lists the scheduled backups in a folder, the oldest first, each with its moment. A folder that is
// not there has none.
func Backups(dir string) (names []string, times []time.Time, err error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	for _, e := range entries { // in the order of their names
		if t, ok := BackupTime(e.Name()); ok && e.Type().IsRegular() {
			names, times = append(names, e.Name()), append(times, t)
		}
	}
	return names, times, err
}

// newestBackup returns the path of the newest database in a folder of backups, whoever made it, "" for none.
func newestBackup(dir string) string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return ""
	}
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool {
		return !e.Type().IsRegular() || filepath.Ext(e.Name()) != backupSuffix
	})
	newest, at := "", time.Time{}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.ModTime().After(at) {
			newest, at = filepath.Join(dir, e.Name()), info.ModTime()
		}
	}
	return newest
}
