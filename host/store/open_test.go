package store

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/ncruces/go-sqlite3"
)

func TestOpenSettings(t *testing.T) {
	t.Parallel()
	// Names that mean something in a URI.
	for _, name := range []string{"plain", "a b+c", "50%20 #1?", "é&_pragma=x(1)", "file:x"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if runtime.GOOS == "windows" && strings.ContainsAny(name, "?:") {
				t.Skip("not a file name on Windows")
			}
			dir := filepath.Join(t.TempDir(), name, "data")
			db := openTest(t, Options{Dir: dir, Limits: Limits{Readers: 2}})
			conns := []*conn{db.writer, <-db.readers, <-db.readers}
			for i, c := range conns {
				for pragma, want := range map[string]int64{
					"foreign_keys": 1, "trusted_schema": 0, "cell_size_check": 1, "busy_timeout": 5000,
					"temp_store": 2, "application_id": applicationID,
				} {
					if got, err := c.number("PRAGMA " + pragma); got != want || err != nil {
						t.Errorf("connection %d: %s: got %d, %v, want %d", i, pragma, got, err, want)
					}
				}
				if i == 0 {
					if got, err := c.number("PRAGMA synchronous"); got != 2 || err != nil {
						t.Errorf("synchronous: got %d, %v, want 2 (full)", got, err)
					}
				} else if got, err := c.number("PRAGMA query_only"); got != 1 || err != nil {
					t.Errorf("connection %d: query_only: got %d, %v", i, got, err)
				}
				if _, err := c.exec(`SELECT "no such column"`, nil); err == nil {
					t.Errorf("connection %d: a name in double quotes passes as text", i)
				}
				for row, err := range c.query("PRAGMA journal_mode", nil) {
					if err != nil || row.Text(0) != "wal" {
						t.Errorf("connection %d: journal mode %q, %v, want wal", i, row.Text(0), err)
					}
				}
			}
			db.readers <- conns[1]
			db.readers <- conns[2]

			if runtime.GOOS == "windows" {
				return
			}
			entries, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, e := range entries {
				names = append(names, e.Name())
				if info, err := e.Info(); err != nil || info.Mode().Perm() != 0o600 {
					t.Errorf("%s: mode %v, %v, want 0600", e.Name(), info.Mode(), err)
				}
			}
			if want := []string{"goop.db", "goop.db-shm", "goop.db-wal", "goop.lock"}; !slices.Equal(names, want) {
				t.Errorf("got files %q, want %q", names, want)
			}
			if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
				t.Errorf("the folder has mode %v, %v, want 0700", info.Mode(), err)
			}
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	// A sound database with some pages, to be spoilt.
	sound := func(t *testing.T, dir string) {
		db := openTest(t, Options{Dir: dir})
		mustExec(t, db, "CREATE TABLE a (n INTEGER, t TEXT)")
		mustExec(t, db, "INSERT INTO a SELECT i, hex(randomblob(200)) FROM ("+forever+" LIMIT 500)")
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name  string
		spoil func(t *testing.T, dir string)
		want  []string // parts of the message
	}{
		{"not a database", func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, dbName), []byte(strings.Repeat("this is no database\n", 500)))
		}, []string{"goop.db is damaged", "nothing was changed", ".recover", "put back a backup"}},
		{"a page overwritten", func(t *testing.T, dir string) {
			sound(t, dir)
			patch(t, filepath.Join(dir, dbName), 20*4096, []byte(strings.Repeat("\xa5", 4096)))
		}, []string{"goop.db is damaged", ".recover"}},
		{"cut off", func(t *testing.T, dir string) {
			sound(t, dir)
			if err := os.Truncate(filepath.Join(dir, dbName), 10*4096); err != nil {
				t.Fatal(err)
			}
		}, []string{"goop.db is damaged"}},
		{"a newer schema", func(t *testing.T, dir string) {
			sound(t, dir)
			db := openTest(t, Options{Dir: dir})
			if _, err := db.writer.exec("PRAGMA user_version = 1000", nil); err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
		}, []string{"version 1000", "newer goop"}},
		{"another program's", func(t *testing.T, dir string) {
			c, err := sqlite3.Open(filepath.Join(dir, dbName))
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(c.Exec("CREATE TABLE bookmarks (url)"), c.Close()); err != nil {
				t.Fatal(err)
			}
		}, []string{"belongs to another program"}},
		{"a folder instead of the file", func(t *testing.T, dir string) {
			if err := os.Mkdir(filepath.Join(dir, dbName), 0o700); err != nil {
				t.Fatal(err)
			}
		}, []string{"goop.db"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			tt.spoil(t, dir)
			before, _ := os.ReadFile(filepath.Join(dir, dbName))
			for round := range 2 {
				db, err := Open(t.Context(), Options{Dir: dir})
				if err == nil {
					db.Close()
					t.Fatal("it opened")
				}
				for _, part := range tt.want {
					if !strings.Contains(err.Error(), part) {
						t.Errorf("round %d: got %q, want %q in it", round, err, part)
					}
				}
				if strings.Contains(err.Error(), "\n") {
					t.Errorf("got more than one line: %q", err)
				}
			}
			if after, _ := os.ReadFile(filepath.Join(dir, dbName)); string(after) != string(before) {
				t.Error("the file was changed")
			}
		})
	}
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func patch(t *testing.T, path string, at int64, b []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt(b, at)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestOpenUnwritable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	write(t, file, nil)
	_, err := Open(t.Context(), Options{Dir: filepath.Join(file, "data")})
	if err == nil || !strings.Contains(err.Error(), "cannot be made: not a directory") {
		t.Errorf("below a file: got %v", err)
	}
	if os.Geteuid() == 0 || runtime.GOOS == "windows" {
		t.Log("no user whom a mode stops; that half is not tested here")
		return
	}
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), Options{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "is not writable: permission denied") {
		t.Errorf("read-only folder: got %v", err)
	}
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	file := func(sql string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(sql)} }
	one := fstest.MapFS{"migrations/0001_a.sql": file("CREATE TABLE a (n); INSERT INTO a VALUES (1)")}
	two := fstest.MapFS{"migrations/0001_a.sql": one["migrations/0001_a.sql"],
		"migrations/0002_b.sql": file("ALTER TABLE a ADD COLUMN m; UPDATE a SET m = n + 1; -- done\n")}
	broken := fstest.MapFS{"migrations/0001_a.sql": one["migrations/0001_a.sql"], "migrations/0002_b.sql": two["migrations/0002_b.sql"],
		"migrations/0003_c.sql": file("DROP TABLE a; CREATE TABLE b (n); INSERT INTO nowhere VALUES (1)")}
	gap := fstest.MapFS{"migrations/0001_a.sql": one["migrations/0001_a.sql"], "migrations/0003_b.sql": file("SELECT 1")}
	if _, err := openConn(t.Context(), filepath.Join(t.TempDir(), "x.db"), "os", false, 0); err == nil {
		t.Fatal("openConn made a file that createPrivate should have made")
	}
	path := filepath.Join(t.TempDir(), "x.db")
	if _, err := createPrivate(path); err != nil {
		t.Fatal(err)
	}
	c, err := openConn(t.Context(), path, "os", false, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	steps := []struct {
		files   fstest.MapFS
		bad     string // part of the error
		version int64
		sum     string
	}{
		{one, "", 1, "SELECT sum(n) FROM a"},
		{one, "", 1, "SELECT sum(n) FROM a"},
		{two, "", 2, "SELECT sum(n) FROM a WHERE m = 2"},
		{broken, "0003_c.sql", 2, "SELECT sum(n) FROM a WHERE m = 2"},
		{gap, "has to be 0002", 2, "SELECT sum(n) FROM a WHERE m = 2"},
		{two, "", 2, "SELECT sum(n) FROM a WHERE m = 2"},
		{one, "newer goop", 2, "SELECT sum(n) FROM a WHERE m = 2"},
	}
	for i, s := range steps {
		err := migrate(c, s.files)
		if (err == nil) != (s.bad == "") || err != nil && !strings.Contains(err.Error(), s.bad) {
			t.Errorf("step %d: got %v, want %q", i, err, s.bad)
		}
		if got, err := c.number("PRAGMA user_version"); got != s.version || err != nil {
			t.Errorf("step %d: got version %d, %v, want %d", i, got, err, s.version)
		}
		if got, err := c.number(s.sum); got != 1 || err != nil {
			t.Errorf("step %d: got sum %d, %v, want 1", i, got, err)
		}
	}
}

// child starts this test binary to do what, in dir. It is killed with the test at the latest.
func child(t testing.TB, what, dir string, args ...string) (cmd *exec.Cmd, out *bufio.Reader) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd = exec.CommandContext(t.Context(), self, append([]string{dir}, args...)...)
	cmd.Env = append(os.Environ(), childEnv+"="+what)
	cmd.Stderr = t.Output()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stdin.Close() })
	return cmd, bufio.NewReader(pipe)
}

// childLock opens the folder, says so, and keeps it until its input ends.
func childLock() {
	db, err := Open(context.Background(), Options{Dir: os.Args[1]})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("open")
	io.Copy(io.Discard, os.Stdin)
	if err := db.Close(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(0)
}

func TestLock(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	holder, out := child(t, "lock", dir)
	if line, err := out.ReadString('\n'); line != "open\n" {
		t.Fatalf("the holder says %q, %v", line, err)
	}
	want := fmt.Sprintf("data folder %s is in use by another host (pid %d)", dir, holder.Process.Pid)
	if _, err := Open(t.Context(), Options{Dir: dir}); err == nil || err.Error() != want {
		t.Errorf("got %v, want %q", err, want)
	}
	if err := holder.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := holder.Wait(); err == nil {
		t.Error("the holder ended by itself")
	}
	db := openTest(t, Options{Dir: dir})
	second, out := child(t, "lock", dir)
	line, _ := out.ReadString('\n')
	if want := fmt.Sprintf("data folder %s is in use by another host (pid %d)\n", dir, os.Getpid()); line != want {
		t.Errorf("got %q, want %q", line, want)
	}
	if err := second.Wait(); err == nil {
		t.Error("the second host went on")
	}
	if err := errors.Join(db.Close(), db.Close()); err != nil {
		t.Errorf("close, twice: %v", err)
	}
	openTest(t, Options{Dir: dir})
}

func TestOpenContext(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := openTest(t, Options{Dir: dir})
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(ctx, Options{Dir: dir}); !errors.Is(err, context.Canceled) {
		t.Errorf("open with a context that has ended: got %v", err)
	}
	openTest(t, Options{Dir: dir}) // the lock was given back
}
