package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"goop/host/store"
)

// scheduled returns a schedule whose backups are empty files, and what it is told of commits and faults.
func scheduled(t *testing.T, dir string) (s *schedule, commits *atomic.Int64, fault *atomic.Pointer[error]) {
	t.Helper()
	commits, fault = new(atomic.Int64), new(atomic.Pointer[error])
	return &schedule{
		every: 24 * time.Hour, keep: 3, dir: dir, log: slog.New(slog.DiscardHandler),
		commits: commits.Load,
		backup: func(_ context.Context, file string) (store.Backup, error) {
			if err := fault.Load(); err != nil {
				return store.Backup{}, *err
			}
			return store.Backup{File: file}, os.WriteFile(file, nil, 0o600)
		},
	}, commits, fault
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestSchedule(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "backups")
	wait := func(d time.Duration) {
		time.Sleep(d)
		synctest.Wait()
	}
	synctest.Test(t, func(t *testing.T) {
		s, commits, fault := scheduled(t, dir)
		s.start()
		wait(24*time.Hour - time.Second)
		if got := files(t, dir); len(got) != 0 || s.status().Last != 0 {
			t.Errorf("before it is time: got %s", got)
		}
		for day := 1; day <= 5; day++ {
			commits.Add(1)
			wait(24 * time.Hour)
			if got, want := len(files(t, dir)), min(day, 3); got != want {
				t.Errorf("day %d: got %d backups, want %d", day, got, want)
			}
		}
		// Nothing has changed, so that nothing is made and nothing is pushed out.
		before := strings.Join(files(t, dir), " ")
		wait(48 * time.Hour)
		if got := strings.Join(files(t, dir), " "); got != before {
			t.Errorf("got %s, want %s", got, before)
		}
		// What cannot be made is told, tried again, and removes none of the others.
		full := errors.New("the disk is full")
		fault.Store(&full)
		commits.Add(1)
		wait(26 * time.Hour)
		if got := strings.Join(files(t, dir), " "); got != before {
			t.Errorf("after failures: got %s, want %s", got, before)
		}
		if _, failed := s.counts(); s.status().Failed != "the disk is full" || failed < 2 {
			t.Errorf("got %+v, failed %d times", s.status(), failed)
		}
		fault.Store(nil)
		wait(time.Hour)
		if got := s.status(); got.Failed != "" || strings.Join(files(t, dir), " ") == before {
			t.Errorf("got %+v, and %s", got, files(t, dir))
		}
		s.stop()
	})

	// After a restart the day is counted from the newest, and what was cut off is cleared away. What others
	// have put there stays.
	synctest.Test(t, func(t *testing.T) {
		for _, name := range []string{"before-migrate-20250101-000000.db", "goop-20250101-000000.db.tmp", "mine.db.tmp", "notes.txt"} {
			if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		names, times, err := store.Backups(dir)
		if err != nil || len(names) != 3 {
			t.Fatal(names, err)
		}
		s, commits, _ := scheduled(t, dir)
		time.Sleep(time.Until(times[2].Add(23*time.Hour + 30*time.Minute)))
		s.start()
		commits.Store(1)
		wait(29 * time.Minute)
		if got, _, _ := store.Backups(dir); got[2] != names[2] {
			t.Errorf("too early: got %s", got)
		}
		wait(2 * time.Minute)
		if got, _, _ := store.Backups(dir); got[1] != names[2] {
			t.Errorf("too late: got %s", got)
		}
		s.stop()
		got := strings.Join(files(t, dir), " ")
		for _, stays := range []string{"before-migrate-20250101-000000.db", "mine.db.tmp", "notes.txt"} {
			if !strings.Contains(got, stays) {
				t.Errorf("%s is gone: %s", stays, got)
			}
		}
		if strings.Contains(got, "goop-20250101-000000.db.tmp") {
			t.Errorf("what was cut off is there still: %s", got)
		}
	})

	never := &schedule{}
	never.start()
	if never.status() != nil {
		t.Error("a host without scheduled backups has a status of them")
	}
	never.stop()
}
