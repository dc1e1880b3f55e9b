package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"time"
)

// stopTime is how long a process has to end after it was asked to, before it is killed.
const stopTime = 10 * time.Second

// Command says what a Process runs.
type Command struct {
	Path   string
	Name   string   // that the program sees as its own; "" for Path
	Args   []string // without the name
	Env    []string // beyond those of this process
	Dir    string
	Stdout io.Writer
	Stderr io.Writer
	// Pin keeps the process to the first core, and this one to the others, where there are two or more and
	// the system can do that (see Pinnable). Go programs then see one core.
	Pin bool
}

// Process is the system under test, in a process of its own. A nil Process is one of which nothing is known.
type Process struct {
	pid   int
	cores int
	cmd   *exec.Cmd // nil for one that was there before
	done  chan struct{}
	err   error  // of its end
	unpin func() // gives this process its cores back
}

// Start starts a process.
func Start(c Command) (*Process, error) {
	cmd := exec.Command(c.Path, c.Args...)
	if c.Name != "" {
		cmd.Args[0] = c.Name
	}
	cmd.Env = append(os.Environ(), c.Env...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = c.Dir, c.Stdout, c.Stderr
	// Its own group: Ctrl-C is for the load, which then ends the process in good order.
	apart(cmd)
	p := &Process{cmd: cmd, cores: runtime.NumCPU(), done: make(chan struct{}), unpin: func() {}}
	var err error
	if c.Pin && Pinnable() {
		p.cores = 1
		p.unpin, err = startPinned(cmd)
	} else {
		err = cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", c.Path, err)
	}
	p.pid = cmd.Process.Pid
	go func() { // ends with the process, for which Stop waits
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// Attach returns the process with an id, which it does not end. cores is how many it may use, 0 when that is
// not known.
func Attach(pid, cores int) *Process { return &Process{pid: pid, cores: cores} }

// PID returns the id of the process.
func (p *Process) PID() int { return p.pid }

// Cores returns how many cores the process may use, 0 when that is not known.
func (p *Process) Cores() int {
	if p == nil {
		return 0
	}
	return p.cores
}

// CPU returns the CPU time that the process has used so far, user and system. ok is false where that cannot be
// found out.
func (p *Process) CPU() (_ time.Duration, ok bool) {
	if p == nil {
		return 0, false
	}
	return processCPU(p.pid)
}

// RSS returns the bytes of memory that the process has now. ok is false where that cannot be found out.
func (p *Process) RSS() (_ int64, ok bool) {
	if p == nil {
		return 0, false
	}
	return processRSS(p.pid)
}

// Done is closed when the process has ended. It is nil for one that was not started here.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err returns how the process ended; nil while it runs, and when all went well.
func (p *Process) Err() error {
	select {
	case <-p.done:
		return p.err
	default:
		return nil
	}
}

// Kill ends the process as a power cut would, and waits for it.
func (p *Process) Kill() error {
	if p.cmd == nil {
		return errors.New("the process was not started here")
	}
	defer p.unpin()
	err := p.cmd.Process.Kill()
	<-p.done
	if errors.Is(err, os.ErrProcessDone) {
		err = nil
	}
	return err
}

// Stop asks the process to end, and waits for it; it is killed when ctx ends or it takes too long. It does
// nothing to one that was not started here. An error is about a process that did not end well.
func (p *Process) Stop(ctx context.Context) error {
	if p == nil || p.cmd == nil {
		return nil
	}
	defer p.unpin()
	select {
	case <-p.done:
		return nil // whoever cares how it ended by itself asks Err
	default:
	}
	if err := ask(p.cmd.Process); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return errors.Join(err, p.Kill())
	}
	ctx, cancel := context.WithTimeout(ctx, stopTime)
	defer cancel()
	select {
	case <-p.done:
	case <-ctx.Done():
		return errors.Join(errors.New("the process did not end when it was asked to"), p.Kill())
	}
	if e, ok := errors.AsType[*exec.ExitError](p.err); ok && e.ExitCode() < 0 {
		return nil // by the signal: it has no handler for it
	}
	return p.err
}
