package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"goop/host/control"
	"goop/host/store"
)

// Times of the backups that are made without being asked for.
const (
	firstBackup = time.Minute // after the start, when one is due by then
	backupRetry = time.Hour   // after one that could not be made
)

// schedule makes backups from time to time and keeps the newest of them.
type schedule struct {
	every time.Duration // 0 for never
	keep  int
	dir   string
	log   *slog.Logger

	commits func() int64 // so far; when there are no more, there is nothing new to keep
	backup  func(ctx context.Context, file string) (store.Backup, error)

	cancel context.CancelFunc
	wg     sync.WaitGroup

	// mu guards the following.
	mu     sync.Mutex
	last   time.Time // when the newest was made
	failed string    // why the last attempt was none
	faults int64     // attempts that failed
}

// start begins. stop ends it, and waits for a backup that is being made, which ends then.
func (s *schedule) start() {
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	if s.every > 0 {
		s.wg.Go(func() { s.run(ctx) })
	}
}

func (s *schedule) stop() {
	if s.cancel != nil {
		s.cancel()
		s.wg.Wait()
	}
}

func (s *schedule) run(ctx context.Context) {
	s.clear()
	_, times, err := store.Backups(s.dir)
	if err != nil {
		s.note(time.Time{}, fmt.Errorf("the folder of backups cannot be read: %w", err))
	}
	wait := s.every // of a host that has never made one
	if len(times) > 0 {
		s.note(times[len(times)-1], nil)
		wait = max(firstBackup, time.Until(times[len(times)-1].Add(s.every)))
	}
	seen := int64(-1)
	for timer := time.NewTimer(wait); ; timer.Reset(wait) {
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		wait = s.every
		now := s.commits()
		if now == seen {
			s.log.Debug("no backup is made: nothing has changed since the last one")
			continue
		}
		if s.make(ctx) {
			seen = now
		} else {
			wait = min(s.every, backupRetry)
		}
	}
}

// make makes one backup, and reports whether it is there.
func (s *schedule) make(ctx context.Context) bool {
	at := time.Now()
	err := os.MkdirAll(s.dir, 0o700)
	var b store.Backup
	if err == nil {
		b, err = s.backup(ctx, filepath.Join(s.dir, store.BackupName(at)))
	}
	if ctx.Err() != nil {
		return false // the host ends
	}
	if s.note(at, err); err != nil {
		s.log.Error("the scheduled backup could not be made", "folder", s.dir, "err", oneLine(err))
		return false
	}
	s.log.Info("a backup was made", "file", b.File, "bytes", b.Size, "rows", b.Rows(), "took", b.Took)
	s.prune()
	return true
}

// prune removes all but the newest.
func (s *schedule) prune() {
	names, _, err := store.Backups(s.dir)
	for len(names) > s.keep && err == nil {
		err = os.Remove(filepath.Join(s.dir, names[0]))
		names = names[1:]
	}
	if err != nil {
		s.log.Error("an old backup cannot be removed", "folder", s.dir, "err", err)
	}
}

// clear removes what is left of backups that were cut off.
func (s *schedule) clear() {
	entries, err := os.ReadDir(s.dir)
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".tmp")
		if _, own := store.BackupTime(name); ok && own {
			err = errors.Join(err, os.Remove(filepath.Join(s.dir, e.Name())))
		}
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.log.Warn("what is left of an earlier backup cannot be removed", "folder", s.dir, "err", err)
	}
}

// note remembers how an attempt went.
func (s *schedule) note(at time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.failed = oneLine(err)
		s.faults++
		return
	}
	s.last, s.failed = at, ""
}

// status tells how the backups go, nil when there are none.
func (s *schedule) status() *control.Schedule {
	if s.every == 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &control.Schedule{Every: s.every.Milliseconds(), Keep: s.keep, Dir: s.dir, Failed: s.failed}
	if !s.last.IsZero() {
		c.Last = s.last.UnixMilli()
	}
	return c
}

// counts returns when the newest was made, in seconds since 1970, 0 for never, and how many attempts failed.
func (s *schedule) counts() (last int, failed int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.last.IsZero() {
		last = int(s.last.Unix())
	}
	return last, s.faults
}
