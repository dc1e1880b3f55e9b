package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"goop/shared/jsontext"
	"goop/shared/member"
)

// notesIn returns the notes of a data folder, as what each writer has written, in the order of their ids.
func notesIn(t *testing.T, p *process) map[string][]string {
	t.Helper()
	by := map[string][]string{}
	for line := range strings.Lines(p.run("data", "export", "notes")) {
		text := stringOf(t, []byte(line), "text")
		writer, n, _ := strings.Cut(text, " ")
		by[writer] = append(by[writer], n)
	}
	return by
}

// A backup while four members write is as of one moment: of each there is what it had written until then,
// with what it had been told before the backup began, and nothing out of the middle.
func TestBackupUnderWriters(t *testing.T) {
	t.Parallel()
	p := startHost(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	const writers, first = 4, 20
	var wg, warm sync.WaitGroup
	var slowest [writers]time.Duration
	warm.Add(writers)
	for w := range writers {
		m := p.member(transports[w])
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				begun := time.Now()
				_, err := m.Call(ctx, fmt.Appendf(nil, `{"op":"insert","table":"notes","values":{"text":"w%d %d"}}`, w, n))
				if ctx.Err() != nil {
					return
				}
				if err != nil {
					t.Errorf("writer %d: %v", w, err)
					warm.Done()
					return
				}
				slowest[w] = max(slowest[w], time.Since(begun))
				if n == first {
					warm.Done()
				}
			}
		})
	}
	warm.Wait()
	file := filepath.Join(t.TempDir(), "copy.db")
	var b struct{ Rows, Took int64 }
	if err := json.Unmarshal([]byte(p.run("backup", file, "--json")), &b); err != nil {
		t.Fatal(err)
	}
	cancel()
	wg.Wait()
	t.Logf("%d rows in %d ms; the slowest inserts took %v", b.Rows, b.Took, slowest)

	restored := &process{t: t, data: filepath.Join(t.TempDir(), "data")}
	restored.run("restore", file)
	total := 0
	for writer, list := range notesIn(t, restored) {
		total += len(list)
		if len(list) <= first {
			t.Errorf("%s: got %d notes, want all that were there before", writer, len(list))
		}
		for i, n := range list {
			if n != fmt.Sprint(i) {
				t.Fatalf("%s: note %d is %s: the backup has a hole", writer, i, n)
			}
		}
	}
	if int64(total) != b.Rows || total == 0 {
		t.Errorf("the backup told of %d rows, and has %d", b.Rows, total)
	}
}

// After a restore the members who saw more come back by themselves, are told that they missed something, and
// go on in a log of another epoch.
func TestRestoreUnderMembers(t *testing.T) {
	t.Parallel()
	p := startHost(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	all := gather(t, p, "kept", 3)
	send := func(s *sender, n int) {
		t.Helper()
		if _, err := s.s.Send(ctx, fmt.Appendf(nil, `{"by":"x","n":%d}`, n), member.SendOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	send(all[0], 1)
	send(all[1], 2)
	file := filepath.Join(t.TempDir(), "copy.db")
	p.run("backup", file)
	send(all[2], 3)
	for _, s := range all {
		s.events.await(ctx, 3)
	}
	epoch := all[0].s.Position().Epoch
	identity, err := os.ReadFile(filepath.Join(p.data, keyName))
	if err != nil {
		t.Fatal(err)
	}
	p.terminate()
	p.run("restore", file)
	p.restart()
	for i, s := range all {
		if !s.events.awaitGap(ctx) {
			t.Fatalf("member %d was not told that it has missed something", i)
		}
	}
	send(all[0], 4)
	for i, s := range all {
		list := s.events.await(ctx, 4)
		if last := list[len(list)-1]; intOf(t, last.Frame.Payload, "n") != 4 || last.Frame.Seq != 3 {
			t.Errorf("member %d: got %s", i, last.Line)
		}
		if now := s.s.Position().Epoch; now == epoch || now == "" {
			t.Errorf("member %d is in epoch %q still", i, now)
		}
		gaps := 0
		for _, e := range s.events.others() {
			if e.Frame.Type == member.TypeGap {
				gaps++
			}
		}
		if gaps != 1 {
			t.Errorf("member %d was told of %d gaps, want 1", i, gaps)
		}
	}
	if now, err := os.ReadFile(filepath.Join(p.data, keyName)); err != nil || string(now) != string(identity) {
		t.Errorf("the host's identity was changed: %v", err)
	}
	rows := call(t, all[1].m, `{"op":"query","table":"moves","order":["_id"],"columns":["n"]}`, "rows")
	var numbers []int64
	for e := jsontext.ElementsOf(rows); e.Next(); {
		numbers = append(numbers, intOf(t, e.Value, "n"))
	}
	if fmt.Sprint(numbers) != "[1 2 4]" {
		t.Errorf("got rows %v", numbers)
	}
}

// awaitGap waits until a gap was told.
func (l *eventLog) awaitGap(ctx context.Context) bool {
	for {
		for _, e := range l.others() {
			if e.Frame.Type == member.TypeGap {
				return true
			}
		}
		select {
		case <-l.changed:
		case <-ctx.Done():
			return false
		}
	}
}

// killWhen starts a goop command, and ends it as a power cut would as soon as a condition holds. It reports
// whether that was before its end.
func killWhen(t *testing.T, holds func() bool, args ...string) bool {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Args = append([]string{"goop"}, args...)
	cmd.Stdout, cmd.Stderr = io.Discard, t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	tick := time.NewTicker(200 * time.Microsecond)
	defer tick.Stop()
	for !holds() {
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("goop %q: %v", args, err)
			}
			return false
		case <-tick.C:
		}
	}
	cmd.Process.Kill()
	return <-ended != nil
}

// sizeOver returns a condition: a file is larger than so many bytes.
func sizeOver(path string, size int64) func() bool {
	return func() bool {
		info, err := os.Stat(path)
		return err == nil && info.Size() > size
	}
}

// A backup, of a host or without one, and a restore that are killed leave a folder that works: with the rows
// from before or those of the backup, and no file that looks like a backup and is none.
func TestKilledInTheMiddle(t *testing.T) {
	t.Parallel()
	p := startHost(t)
	var rows strings.Builder
	for i := range 4000 {
		fmt.Fprintf(&rows, `{"text":"w %d","_owner":"%s"}`+"\n", i, strings.Repeat("x", 2000))
	}
	many := filepath.Join(t.TempDir(), "many.jsonl")
	if err := os.WriteFile(many, []byte(rows.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	p.run("data", "import", "notes", many)
	whole := filepath.Join(t.TempDir(), "whole.db")
	p.run("backup", whole)
	info, err := os.Stat(whole)
	if err != nil {
		t.Fatal(err)
	}

	// The host is killed while it makes one.
	file := filepath.Join(t.TempDir(), "copy.db")
	done := make(chan struct{})
	go func() {
		defer close(done)
		run(t.Context(), []string{"backup", file, "--data", p.data}, strings.NewReader(""), io.Discard, io.Discard)
	}()
	for over := sizeOver(file+".tmp", info.Size()/2); !over(); {
		select {
		case <-done:
			t.Skip("the backup was faster than this test")
		default:
		}
	}
	p.kill()
	<-done
	if _, err := os.Stat(file); err == nil {
		p.run("restore", file) // it was complete, then
	}
	p.restart()
	if got := len(notesIn(t, p)["w"]); got != 4000 {
		t.Errorf("after a killed backup: got %d notes", got)
	}
	p.run("backup", file, "--force") // what was left of the one that was cut off is in nobody's way
	p.run("data", "import", "notes", many)
	p.terminate()

	// So is the command that makes one without a host.
	cut := filepath.Join(t.TempDir(), "cut.db")
	killWhen(t, sizeOver(cut+".tmp", info.Size()/3), "backup", cut, "--data", p.data)
	if got := len(notesIn(t, p)["w"]); got != 8000 {
		t.Errorf("after a killed backup without a host: got %d notes", got)
	}

	// A restore, at one moment after the other.
	restoring := filepath.Join(p.data, "goop.db.restoring")
	aside := func() bool {
		list, _ := filepath.Glob(filepath.Join(p.data, "goop.db.before-restore-*"))
		return len(list) > 0
	}
	for i, holds := range []func() bool{
		sizeOver(restoring, 0), sizeOver(restoring, info.Size()/2), sizeOver(restoring, info.Size()-1),
		sizeOver(restoring+"-wal", 0), sizeOver(filepath.Join(p.data, "goop.db.restored"), 0), aside,
	} {
		killed := killWhen(t, holds, "restore", file, "--data", p.data)
		got := len(notesIn(t, p)["w"])
		t.Logf("moment %d: killed before its end: %v; then there are %d notes", i, killed, got)
		if got != 8000 && got != 4000 || got == 8000 && !killed {
			t.Errorf("moment %d: got %d notes", i, got)
		}
	}
	p.run("restore", file)
	if got := len(notesIn(t, p)["w"]); got != 4000 {
		t.Errorf("at last: got %d notes", got)
	}
	for _, name := range []string{"goop.db.restoring", "goop.db.restored"} {
		if _, err := os.Stat(filepath.Join(p.data, name)); err == nil {
			t.Errorf("%s is there still", name)
		}
	}
}
