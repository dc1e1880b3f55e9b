package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/ncruces/go-sqlite3/vfs"

	"goop/shared/data"
)

// Plan tells what a site's tables change in a database.
type Plan struct {
	Changes []string // what is added, or dropped with nothing in it
	Losses  []string // what is lost, or kept in another form
	Blocks  []string // rows that stand in the way
	Backup  *Backup  // that was made before, when the plan was carried out
}

// Migrate finds out what it takes to bring the database of a data folder, which no host may be using, to
// what a site declares, and does it when apply is true and no rows stand in the way: all of it, losses
// too, or nothing. A backup is made before, in the folder backups, unless there is nothing to do. text is the
// site's goop.json, as for DB.KeepSite.
func Migrate(ctx context.Context, dir, backups string, site *data.Site, text []byte, apply bool) (_ *Plan, err error) {
	f, err := lockDatabase(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.close()) }()
	plan, err := f.migrate(ctx, site, text, nil)
	if err != nil || !apply || len(plan.Blocks) > 0 || len(plan.Changes)+len(plan.Losses) == 0 {
		return plan, err
	}
	return f.migrate(ctx, site, text, func() (*Backup, error) {
		if err := os.MkdirAll(backups, 0o700); err != nil {
			return nil, fmt.Errorf("the folder of backups %s cannot be made: %w", backups, cause(err))
		}
		file, err := freeName(filepath.Join(backups, "before-migrate-"+time.Now().UTC().Format(backupTime)+backupSuffix))
		if err != nil {
			return nil, err
		}
		b, err := f.backUp(ctx, file, false)
		return &b, err
	})
}

// BackupFolder is DB.Backup for a data folder that no host is using.
func BackupFolder(ctx context.Context, dir, file string, overwrite bool) (_ Backup, err error) {
	f, err := lockDatabase(ctx, dir)
	if err != nil {
		return Backup{}, err
	}
	defer func() { err = errors.Join(err, f.close()) }()
	return f.backUp(ctx, file, overwrite)
}

// locked is a database that no host is using and that is looked at as it is: its own schema may be that of
// an older version.
type locked struct {
	lock *folderLock
	path string
}

// lockDatabase takes the lock on a data folder that has a database, and looks whether that is sound.
func lockDatabase(ctx context.Context, dir string) (_ *locked, err error) {
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, fmt.Errorf("data folder %s: %w", dir, err)
	}
	f := &locked{path: filepath.Join(dir, dbName)}
	if _, err := os.Stat(f.path); err != nil {
		return nil, fmt.Errorf("there is no database in the data folder %s (--data names another one): %w", dir, cause(err))
	}
	if f.lock, err = lockFolder(dir); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.close())
		}
	}()
	if _, err := finishRestore(dir, time.Now()); err != nil {
		return nil, err
	}
	if _, err := createPrivate(f.path + "-shm"); err != nil {
		return nil, fmt.Errorf("data folder %s is not writable: %w", dir, cause(err))
	}
	registerDisk(vfsName, vfs.Find(""))
	c, err := openConn(ctx, f.path, vfsName, true, 0)
	if err == nil {
		err = errors.Join(c.check(ctx), c.close())
	}
	if err != nil {
		return nil, unreadable(f.path, filepath.Join(dir, BackupFolderName), err)
	}
	return f, nil
}

func (f *locked) close() error { return f.lock.unlock() }

func (f *locked) backUp(ctx context.Context, file string, overwrite bool) (b Backup, err error) {
	c, err := openConn(ctx, f.path, vfsName, true, 0)
	if err != nil {
		return Backup{}, err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	c.db.SetInterrupt(ctx)
	if _, err := c.exec("BEGIN", nil); err != nil {
		return Backup{}, err
	}
	b, err = backUp(ctx, c, f.path, vfsName, file, overwrite)
	return b, interrupted(ctx, err)
}

// migrate does all that there is to do in one transaction, and undoes it unless backup is given, which is
// called before anything is done.
func (f *locked) migrate(ctx context.Context, site *data.Site, text []byte, backup func() (*Backup, error)) (_ *Plan, err error) {
	p := &Plan{}
	if backup != nil {
		if p.Backup, err = backup(); err != nil {
			return nil, err
		}
	}
	c, err := openConn(ctx, f.path, vfsName, false, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	c.db.SetInterrupt(ctx)
	left, err := pending(c, migrations)
	if err != nil {
		return nil, err
	}
	if _, err := c.exec("BEGIN IMMEDIATE", nil); err != nil {
		return nil, public(err)
	}
	s := schema{tx: &Tx{ReadTx: ReadTx{c: c}}}
	for _, m := range left {
		if err := c.db.Exec(m.sql); err != nil {
			return nil, interrupted(ctx, fmt.Errorf("migration %s: %w", m.name, public(err)))
		}
	}
	if len(left) > 0 {
		s.change("the host's own tables become those of version %d", left[len(left)-1].version)
	}
	if err := s.apply(site.Tables); err != nil {
		return nil, interrupted(ctx, public(err))
	}
	if len(s.blocks) == 0 { // a start would refuse a view that asks for what is gone
		if err := openViews(c, site, tablesOf(site)); err != nil {
			return nil, err
		}
	}
	if err := keepSite(s.tx, text); err != nil {
		return nil, public(err)
	}
	p.Changes, p.Losses, p.Blocks = s.changes, s.losses, s.blocks
	end := "ROLLBACK"
	if backup != nil && len(p.Blocks) == 0 {
		end = "COMMIT"
	}
	_, err = c.exec(end, nil)
	return p, public(err)
}
