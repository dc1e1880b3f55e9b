package load

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ticks is how many of /proc's units of CPU time make a second: USER_HZ, which is 100 on every Linux.
const ticks = 100

// Pinnable reports whether processes can be kept to their cores here, and there are enough.
func Pinnable() bool { return runtime.NumCPU() >= 2 }

// startPinned starts a command on the first core that this process may use, and keeps this process to the
// others until release is called.
func startPinned(cmd *exec.Cmd) (release func(), err error) {
	var all, first, rest unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		return nil, fmt.Errorf("pin to a core: %w", err)
	}
	rest = all
	for i := range len(all) * 64 {
		if all.IsSet(i) {
			first.Set(i)
			rest.Clear(i)
			break
		}
	}
	// The child has the cores of the thread that starts it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.SchedSetaffinity(0, &first); err != nil {
		return nil, fmt.Errorf("pin to a core: %w", err)
	}
	err = cmd.Start()
	cores := runtime.GOMAXPROCS(0)
	if e := keepTo(&rest); e != nil {
		err = errors.Join(err, e)
	}
	runtime.GOMAXPROCS(max(1, min(cores, rest.Count())))
	release = func() {
		_ = keepTo(&all) // what it was before
		runtime.GOMAXPROCS(cores)
	}
	if err != nil {
		release()
		if cmd.Process != nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
		return nil, err
	}
	return release, nil
}

// keepTo keeps all threads of this process to cores. Threads that begin later take after those that begin them.
func keepTo(cores *unix.CPUSet) error {
	list, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return fmt.Errorf("pin to a core: %w", err)
	}
	for _, d := range list {
		id, err := strconv.Atoi(d.Name())
		if err != nil {
			continue
		}
		if err := unix.SchedSetaffinity(id, cores); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("pin to a core: %w", err)
		}
	}
	return nil
}

// apart gives a command a process group of its own, and has it end should this process be killed.
func apart(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}

// ask asks a process to end.
func ask(p *os.Process) error { return p.Signal(syscall.SIGTERM) }

// processCPU reads user and system time from /proc.
func processCPU(pid int) (time.Duration, bool) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, false
	}
	// Behind the name, which may hold anything, in parentheses: state is the third field, utime the 14th.
	_, b, ok := bytes.Cut(b[bytes.LastIndexByte(b, ')'):], []byte(" "))
	fields := bytes.Fields(b)
	if !ok || len(fields) < 13 {
		return 0, false
	}
	user, err1 := strconv.ParseInt(string(fields[11]), 10, 64)
	system, err2 := strconv.ParseInt(string(fields[12]), 10, 64)
	return time.Duration(user+system) * time.Second / ticks, err1 == nil && err2 == nil
}

// processRSS reads the resident pages from /proc.
func processRSS(pid int) (int64, bool) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, false
	}
	fields := bytes.Fields(b)
	if len(fields) < 2 {
		return 0, false
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	return pages * int64(os.Getpagesize()), err == nil
}

// ownCPU returns the CPU time of this process.
func ownCPU() (time.Duration, bool) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, false
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), true
}
