package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ncruces/go-sqlite3/vfs"

	"goop/shared/wire"
)

const (
	dbName   = "goop.db"
	lockName = "goop.lock"
	vfsName  = "goop" // among those of go-sqlite3

	// BackupFolderName is the folder with backups in the data folder, unless the operator says another one.
	BackupFolderName = "backups"
)

// Options says where a database lies and how much it may take.
type Options struct {
	Dir    string       // the data folder; made when it is missing
	Logger *slog.Logger // nil to log nothing
	Limits Limits

	// Backups is the folder with the backups, which a damaged database's error names the newest of; default
	// BackupFolderName in Dir.
	Backups string

	vfs string // of go-sqlite3, for tests that let the disk fail
}

// Limits bounds what the store spends. The zero value of a field means its default.
type Limits struct {
	Readers      int           // connections that read at once; default 4
	Batch        int           // calls of Write that share one COMMIT at most; default 256
	ReadTimeout  time.Duration // of one Read, waiting for a connection included; default 5s
	WriteTimeout time.Duration // of one function given to Write; default 5s
	Size         int64         // bytes of the database file; default: as far as the disk goes
	LogEntries   int64         // that a group's log keeps for those who come back; default 10,000
	LogBytes     int64         // of payloads that a group's log keeps; default 16 MiB
	State        int           // bytes of one group's state; default 256 KiB
}

func (l Limits) withDefaults() Limits {
	def := func(v *int64, d int64) {
		if *v <= 0 {
			*v = d
		}
	}
	if l.Readers <= 0 {
		l.Readers = 4
	}
	if l.Batch <= 0 {
		l.Batch = 256
	}
	if l.ReadTimeout <= 0 {
		l.ReadTimeout = 5 * time.Second
	}
	if l.WriteTimeout <= 0 {
		l.WriteTimeout = 5 * time.Second
	}
	if l.State <= 0 {
		l.State = wire.DefaultLimits().State
	}
	def(&l.LogEntries, 10_000)
	def(&l.LogBytes, 16<<20)
	return l
}

// errClosed is what every call gets after Close.
var errClosed = wire.E(wire.Closed, "the host is going down")

// DB is an open database. It holds the lock on its data folder until Close.
type DB struct {
	log    *slog.Logger
	limits Limits
	lock   *folderLock
	writer *conn
	owners owners
	users  userTables

	groupLog Log

	path, vfs string // with which connections are opened

	backing sync.Mutex // held while a backup is made

	ctx     context.Context // ends with Close
	cancel  context.CancelCauseFunc
	wg      sync.WaitGroup
	jobs    chan *job
	stopped chan struct{} // closed when the writer will take no more jobs
	readers chan *conn    // those that are free
	opened  int           // readers that there are
	boss    chan *conn    // the connection for the site's owner's SQL, nil until it is needed; while nobody uses it

	// mu guards the following.
	mu    sync.Mutex
	hooks []func(Commit)

	// The following belong to the writer's goroutine.
	position int64  // of the last commit that had changes
	now      int64  // the last instant given out
	lastID   int64  // the last row id given out
	trouble  string // why nothing could be committed, the last time; "" when something could
	refused  int    // calls since commits began to fail
	careful  int    // so many calls more run in savepoints, even those that are bold
	kept     int    // answers since those were cleared away that are too old

	commits atomic.Int64 // transactions that were committed
	instant atomic.Int64 // the last one given out to a transaction that writes
}

// Open opens the database in o.Dir, makes it when there is none, and brings its schema up to date. The
// error is one line for the operator.
func Open(ctx context.Context, o Options) (_ *DB, err error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("data folder %s: %w", o.Dir, err)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("data folder %s cannot be made: %w", dir, cause(err))
	}
	lock, err := lockFolder(dir)
	if err != nil {
		return nil, err
	}
	db := &DB{
		log:     o.Logger,
		limits:  o.Limits.withDefaults(),
		lock:    lock,
		jobs:    make(chan *job, 1024),
		stopped: make(chan struct{}),
	}
	db.groupLog = Log{db: db, open: make(map[wire.GroupID]*groupLog)}
	db.ctx, db.cancel = context.WithCancelCause(context.Background())
	defer func() {
		if err != nil {
			db.cancel(errClosed)
			db.release()
		}
	}()
	if o.vfs == "" {
		o.vfs = vfsName
		registerDisk(vfsName, vfs.Find(""))
	}
	aside, err := finishRestore(dir, time.Now())
	if err != nil {
		return nil, err
	}
	if err := clearImports(dir); err != nil {
		return nil, fmt.Errorf("data folder %s: %w", dir, cause(err))
	}
	if aside != "" {
		o.Logger.Warn("a restore that was cut off has been finished", "before", aside)
	}
	if o.Backups == "" {
		o.Backups = filepath.Join(dir, BackupFolderName)
	}
	if err := db.connect(ctx, filepath.Join(dir, dbName), o); err != nil {
		return nil, err
	}
	if err := db.load(); err != nil {
		return nil, err
	}
	db.wg.Go(db.writeLoop)
	return db, nil
}

// connect opens all connections, and checks and migrates the file on the way.
func (db *DB) connect(ctx context.Context, path string, o Options) (err error) {
	vfsName := o.vfs
	dir := filepath.Dir(path)
	fresh, err := createPrivate(path)
	if err == nil {
		_, err = createPrivate(path + "-shm")
	}
	if err != nil {
		return fmt.Errorf("data folder %s is not writable: %s: %w", dir, filepath.Base(path), cause(err))
	}
	db.path, db.vfs = path, vfsName
	db.readers = make(chan *conn, db.limits.Readers)
	db.boss = make(chan *conn, 1)
	db.boss <- nil
	addReader := func() (*conn, error) {
		r, err := openConn(ctx, path, vfsName, true, 0)
		if err == nil {
			r.users = &db.users
			db.readers <- r
			db.opened++
		}
		return r, err
	}
	if !fresh {
		// Look with a connection that changes nothing, until it is known that the file is ours and sound.
		start := time.Now()
		r, err := addReader()
		if err == nil {
			err = r.check(ctx)
		}
		if err != nil {
			return unreadable(path, o.Backups, err)
		}
		db.log.Debug("database checked", "took", time.Since(start))
	}
	if db.writer, err = openConn(ctx, path, vfsName, false, db.limits.Size); err != nil {
		return unreadable(path, o.Backups, err)
	}
	db.writer.users = &db.users
	if err := migrate(db.writer, migrations); err != nil {
		return fmt.Errorf("database %s: %w", path, err)
	}
	// SQLite's WAL file is new after a clean end; its name has to be on the disk before anything in it
	// is promised to anybody.
	if err := syncFolder(dir); err != nil {
		return fmt.Errorf("data folder %s: %w", dir, cause(err))
	}
	for db.opened < db.limits.Readers {
		if _, err := addReader(); err != nil {
			return unreadable(path, o.Backups, err)
		}
	}
	return nil
}

// load reads what is kept in memory.
func (db *DB) load() error {
	for row, err := range db.writer.query("SELECT n FROM _position", nil) {
		if err != nil {
			return err
		}
		db.position = row.Int(0)
	}
	return db.owners.load(db.writer)
}

// Close lets the calls that are under way finish, writes everything back and frees the folder. Calls
// that come later get an error with code closed. It may be called more than once.
func (db *DB) Close() error {
	db.cancel(errClosed)
	db.wg.Wait()
	// mu makes a second Close wait for the first.
	db.mu.Lock()
	defer db.mu.Unlock()
	return db.release()
}

// Commits returns how many transactions were committed since Open.
func (db *DB) Commits() int64 { return db.commits.Load() }

// release frees what connect got hold of. The writer goes last, since the last connection to close
// copies the WAL into the database.
func (db *DB) release() (err error) {
	if db.lock == nil {
		return nil
	}
	for ; db.opened > 0; db.opened-- {
		err = errors.Join(err, (<-db.readers).close())
	}
	if db.boss != nil {
		if c := <-db.boss; c != nil {
			err = errors.Join(err, c.close())
		}
	}
	if db.writer != nil {
		err = errors.Join(err, db.writer.close())
	}
	err = errors.Join(err, db.lock.unlock())
	db.lock = nil
	return err
}

// createPrivate makes the file for its owner alone, and reports whether it was missing or empty.
func createPrivate(path string) (fresh bool, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return false, err
	}
	info, err := f.Stat()
	return err == nil && info.Size() == 0, errors.Join(err, f.Close())
}

// cause strips the operation and path, which the message around has in plainer words.
func cause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// unreadable tells what to do when the file is damaged; a file that is merely out of reach is told as it
// is.
func unreadable(path, backups string, err error) error {
	if !isDamage(err) {
		return fmt.Errorf("database %s: %w", path, err)
	}
	restore := "a backup with goop restore FILE"
	if newest := newestBackup(backups); newest != "" {
		restore = "the newest backup with: goop restore " + newest + " --data " + filepath.Dir(path)
	}
	return fmt.Errorf("database %s is damaged (%w); nothing was changed: stop here, copy the data folder, "+
		"then put back %s (it keeps the damaged file), or recover what can be read with the sqlite3 shell's .recover", path, err, restore)
}
