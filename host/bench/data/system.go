package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// system is one of those that are compared.
type system interface {
	name() string
	// id names it in JSON, and version is which one it is; "" is this repository's.
	id() string
	version() string
	// start starts a host with an empty database in dir.
	start(ctx context.Context, dir string) (*process, error)
	// client connects one more client to the host that start has started.
	client(ctx context.Context) (client, error)
}

// row is what the clients write.
type row struct {
	game string
	ply  int
}

// client makes one request at a time.
type client interface {
	insert(ctx context.Context, r row) (id string, err error)
	get(ctx context.Context, id string) error
	// query asks for the rows of a game, which are rowsOfGame.
	query(ctx context.Context, game string) error
	// watch has seen called with the ply of each row that comes into a game, until the client is closed. It returns when the
	// watch stands.
	watch(ctx context.Context, game string, seen func(ply int)) error
	close()
}

// process is a host that runs.
type process struct {
	cmd  *exec.Cmd
	page string
	wg   sync.WaitGroup
}

// launch starts a host that says on a line where its page is.
func launch(ctx context.Context, binary string, args ...string) (*process, error) {
	p := &process{cmd: exec.CommandContext(ctx, binary, args...)}
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if page, ok := strings.CutPrefix(strings.TrimSpace(lines.Text()), "Page "); ok {
			p.page = strings.TrimSpace(page)
			break
		}
	}
	if p.page == "" {
		return nil, errors.Join(errors.New("the host did not come up"), p.cmd.Wait())
	}
	p.wg.Go(func() { _, _ = io.Copy(io.Discard, out) })
	return p, nil
}

// stop ends the host.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	kill := time.AfterFunc(10*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer kill.Stop()
	p.wg.Wait()
	_ = p.cmd.Wait() // how it ends is not what is measured
}

// ticks is how many units of /proc/PID/stat are a second: on Linux, everywhere.
const ticks = 100

// cpu returns the time that the process has spent on its processors.
func (p *process) cpu() (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	// The name of the program, which may have spaces, ends with the last parenthesis.
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	const utime, stime = 11, 12
	if len(fields) <= stime {
		return 0, fmt.Errorf("/proc/%d/stat has %d fields", p.cmd.Process.Pid, len(fields))
	}
	user, err := strconv.Atoi(fields[utime])
	if err != nil {
		return 0, err
	}
	system, err := strconv.Atoi(fields[stime])
	return time.Duration(user+system) * time.Second / ticks, err
}
