package load_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"goop/host/bench/load"
)

// burning names the variable with which this test binary is a host that uses up CPU time.
const burning = "LOAD_TEST_BURNS"

func TestMain(m *testing.M) {
	if os.Getenv(burning) == "" {
		os.Exit(m.Run())
	}
	// As much as a reading can tell, by its own account.
	var u syscall.Rusage
	for u.Utime.Nano()+u.Stime.Nano() < int64(200*time.Millisecond) {
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			panic(err)
		}
	}
	fmt.Println("cores", runtime.NumCPU())
	select {}
}

// burn starts such a host and returns it when it has used 200 ms, and how many cores it sees.
func burn(t *testing.T, pin bool) (p *load.Process, cores string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r, w := io.Pipe()
	p, err = load.Start(load.Command{Path: self, Env: []string{burning + "=1"}, Stdout: w, Pin: pin})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("stop: %v", err)
		}
		if _, ok := p.CPU(); ok {
			t.Error("a process that has ended has CPU time")
		}
	})
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	go io.Copy(io.Discard, r)
	return p, strings.TrimSpace(line)
}

func TestAProcessIsRead(t *testing.T) {
	p, cores := burn(t, false)
	if cpu, ok := p.CPU(); !ok || cpu < 150*time.Millisecond {
		t.Errorf("CPU time %v, %v; it has used 200 ms", cpu, ok)
	}
	if rss, ok := p.RSS(); !ok || rss < 100<<10 {
		t.Errorf("RSS %d, %v", rss, ok)
	}
	if p.Cores() != runtime.NumCPU() || cores != fmt.Sprint("cores ", runtime.NumCPU()) {
		t.Errorf("it has %d cores and sees %q", p.Cores(), cores)
	}
	other := load.Attach(p.PID(), 0)
	if cpu, ok := other.CPU(); !ok || cpu < 150*time.Millisecond {
		t.Errorf("attached: CPU time %v, %v", cpu, ok)
	}
	if err := other.Stop(t.Context()); err != nil || p.Err() != nil {
		t.Errorf("a process of somebody else's was stopped: %v, %v", err, p.Err())
	}
}

func TestAProcessIsPinned(t *testing.T) {
	if !load.Pinnable() {
		t.Skip("this machine has one core")
	}
	before := runtime.GOMAXPROCS(0)
	p, cores := burn(t, true)
	if p.Cores() != 1 || cores != "cores 1" {
		t.Errorf("it has %d cores and sees %q", p.Cores(), cores)
	}
	if now := runtime.GOMAXPROCS(0); now != max(1, min(before, runtime.NumCPU()-1)) {
		t.Errorf("the load has %d of %d cores", now, runtime.NumCPU())
	}
	if err := p.Kill(); err != nil {
		t.Errorf("kill: %v", err)
	}
	if now := runtime.GOMAXPROCS(0); now != before {
		t.Errorf("after the host's end the load has %d cores, not %d", now, before)
	}
}
