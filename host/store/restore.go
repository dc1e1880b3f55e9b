package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/ncruces/go-sqlite3/vfs"

	"goop/shared/wire"
)

// Names that a restore uses in the data folder.
const (
	restoringName = dbName + ".restoring" // while it is made; what a restore that was cut off has left of it is of no use
	restoredName  = dbName + ".restored"  // when it is complete; whoever has the folder's lock puts it in place
	asideName     = dbName + ".before-restore-"
)

// Restored tells what a restore has done.
type Restored struct {
	Backup        // File is the backup
	Aside  string // where the database from before lies now, "" when there was none
}

// Restore puts a backup in the place of the database in a data folder, which no host may be using. The
// database from before is moved aside. Every group's log gets a new epoch, so that members who saw more than
// the backup has begin anew, and owner links that were handed out are void. What is cut off has done
// nothing, or is finished by whoever opens the folder next.
func Restore(ctx context.Context, dir, file string) (_ Restored, err error) {
	begun := time.Now()
	if dir, err = filepath.Abs(dir); err != nil {
		return Restored{}, fmt.Errorf("data folder %s: %w", dir, err)
	}
	if file, err = filepath.Abs(file); err != nil {
		return Restored{}, fmt.Errorf("backup %s: %w", file, err)
	}
	registerDisk(vfsName, vfs.Find(""))
	tables, size, err := inspect(ctx, file)
	if err != nil {
		return Restored{}, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Restored{}, fmt.Errorf("data folder %s cannot be made: %w", dir, cause(err))
	}
	lock, err := lockFolder(dir)
	if err != nil {
		return Restored{}, err
	}
	defer func() { err = errors.Join(err, lock.unlock()) }()
	if _, err := finishRestore(dir, begun); err != nil {
		return Restored{}, err
	}
	if err := roomFor(dir, size); err != nil {
		return Restored{}, err
	}
	temp := filepath.Join(dir, restoringName)
	if err := prepare(ctx, file, temp); err != nil {
		return Restored{}, errors.Join(fmt.Errorf("restore %s: %w", file, err), removeAll(temp))
	}
	if err := settle(temp, filepath.Join(dir, restoredName)); err != nil {
		return Restored{}, errors.Join(fmt.Errorf("restore %s: %w", file, err), removeAll(temp))
	}
	aside, err := finishRestore(dir, begun)
	return Restored{Backup{file, size, tables, time.Since(begun)}, aside}, err
}

// inspect looks whether a file is a backup that this program can use, and returns how many rows its tables
// have, and its size.
func inspect(ctx context.Context, file string) (map[string]int64, int64, error) {
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return nil, 0, fmt.Errorf("backup %s cannot be read: %w", file, cause(err))
	case !info.Mode().IsRegular():
		return nil, 0, fmt.Errorf("backup %s is no file", file)
	}
	if wal, err := os.Stat(file + "-wal"); err == nil && wal.Size() > 0 {
		return nil, 0, fmt.Errorf("%s is a database in use, or a copy of one: there is a file %s-wal beside it; "+
			"make a backup with: goop backup FILE", file, filepath.Base(file))
	}
	c, err := openFrozen(ctx, file, vfsName)
	if err != nil {
		return nil, 0, badBackup(file, err)
	}
	var tables map[string]int64
	err = func() error {
		empty, err := checkOwn(c)
		if err != nil {
			return err
		}
		if empty {
			return errNoBackup
		}
		version, err := c.number("PRAGMA user_version")
		if err != nil {
			return err
		}
		if _, err := pending(c, migrations); err != nil {
			return err
		}
		if err := c.sound(ctx); err != nil {
			return err
		}
		counts, err := countRows(c)
		if err == nil && version > 1 {
			tables, err = siteRows(c, counts)
		}
		return interrupted(ctx, err)
	}()
	if err := errors.Join(err, c.close()); err != nil {
		return nil, 0, badBackup(file, err)
	}
	return tables, info.Size(), nil
}

var errNoBackup = errors.New("it is no backup of a host")

// badBackup tells why a file is not restored.
func badBackup(file string, err error) error {
	switch {
	case errors.Is(err, errNoBackup):
		return fmt.Errorf("%s is no backup that goop has made; nothing was changed", file)
	case isDamage(err):
		return fmt.Errorf("backup %s is damaged (%w); nothing was changed: use another one", file, err)
	}
	return fmt.Errorf("backup %s: %w", file, err)
}

// prepare makes a copy of a backup what the host will open.
func prepare(ctx context.Context, file, temp string) error {
	if err := removeAll(temp); err != nil {
		return err
	}
	if err := copyFile(ctx, file, temp); err != nil {
		return err
	}
	c, err := openConn(ctx, temp, vfsName, false, 0)
	if err != nil {
		return err
	}
	return errors.Join(anew(c), c.close()) // closing takes the WAL back into the file
}

// anew gives each log another epoch, and makes owner links void that somebody still has.
func anew(c *conn) error {
	var logs []int64
	for row, err := range c.query("SELECT log FROM _group_head", nil) {
		if err != nil {
			return err
		}
		logs = append(logs, row.Int(0))
	}
	if _, err := c.exec("BEGIN IMMEDIATE", nil); err != nil {
		return err
	}
	for _, log := range logs {
		if _, err := c.exec("UPDATE _group_head SET epoch = ? WHERE log = ?", []any{newEpoch(), log}); err != nil {
			return err
		}
	}
	if _, err := c.exec("DELETE FROM _owner_link", nil); err != nil {
		return err
	}
	_, err := c.exec("COMMIT", nil)
	return public(err)
}

// newEpoch makes the name of a log's epoch.
func newEpoch() wire.Epoch { return wire.Epoch(rand.Text()[:16]) }

// copyFile copies a file to a new one for its owner alone.
func copyFile(ctx context.Context, from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close() // only read
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, whileContext{ctx, in})
	return public(errors.Join(err, out.Close()))
}

// whileContext is a reader that ends with a context.
type whileContext struct {
	ctx context.Context
	io.Reader
}

func (r whileContext) Read(p []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, context.Cause(r.ctx)
	}
	return r.Reader.Read(p)
}

// finishRestore puts a complete copy in the place of the database, when there is one, and clears away what a
// restore that was cut off has left. It returns where the database from before lies. However often it is
// itself cut off, the folder has a database, and doing it again ends well.
func finishRestore(dir string, now time.Time) (aside string, err error) {
	if err := removeAll(filepath.Join(dir, restoringName)); err != nil {
		return "", fmt.Errorf("data folder %s: %w", dir, cause(err))
	}
	restored, db := filepath.Join(dir, restoredName), filepath.Join(dir, dbName)
	if _, err := os.Stat(restored); errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("finish the restore in the data folder %s: %w", dir, cause(err))
		}
	}()
	if info, err := os.Stat(db); err == nil && info.Size() > 0 {
		if aside, err = freeName(filepath.Join(dir, asideName+now.UTC().Format(backupTime))); err != nil {
			return "", err
		}
		// A second name, and not another one, so that at no moment there is no database. The WAL belongs to it
		// and must not meet the new one.
		for _, suffix := range []string{"-wal", ""} {
			if info, err := os.Stat(db + suffix); err != nil || info.Size() == 0 {
				continue
			}
			if err := secondName(db+suffix, aside+suffix); err != nil {
				return "", err
			}
		}
		if err := syncFolder(dir); err != nil {
			return "", err
		}
	}
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := os.Remove(db + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	if err := syncFolder(dir); err != nil {
		return "", err
	}
	if err := os.Rename(restored, db); err != nil {
		return "", err
	}
	return aside, syncFolder(dir)
}

// secondName gives a file a second name, or makes a copy where the file system has no such thing.
func secondName(from, to string) error {
	if err := os.Link(from, to); err == nil || errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := copyFile(context.Background(), from, to); err != nil {
		return err
	}
	f, err := os.OpenFile(to, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// freeName returns a name that no file has: the given one, or one with a number behind it.
func freeName(name string) (string, error) {
	for i := 1; ; i++ {
		try := name
		if i > 1 {
			try = fmt.Sprintf("%s-%d", name, i)
		}
		if _, err := os.Lstat(try); errors.Is(err, fs.ErrNotExist) {
			return try, nil
		} else if err != nil {
			return "", err
		}
	}
}

// removeAll removes a database and what belongs to it, as far as it is there.
func removeAll(path string) error {
	for _, suffix := range []string{"-wal", "-shm", "-journal", ""} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
