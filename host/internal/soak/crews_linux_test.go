package soak_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// crewProcess is one crew as its parent sees it.
type crewProcess struct {
	names   []string
	cmd     *exec.Cmd
	in      io.WriteCloser
	orders  *json.Encoder
	answers *json.Decoder
}

func startCrew(t *testing.T, c *crew) *crewProcess {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &crewProcess{names: c.Names, cmd: exec.Command(self)}
	p.cmd.Env = append(os.Environ(), crewJob+"=1")
	p.cmd.Stderr = t.Output()
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.orders, p.answers = json.NewEncoder(p.in), json.NewDecoder(bufio.NewReader(out))
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if p.cmd.ProcessState == nil {
			_ = p.cmd.Process.Kill()
			_ = p.cmd.Wait()
		}
	})
	if err := p.orders.Encode(c); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *crewProcess) answer() (answer, error) {
	var a answer
	err := p.answers.Decode(&a)
	if err == nil && a.Error != "" {
		err = fmt.Errorf("the crew of %s: %s", p.names[0], a.Error)
	}
	return a, err
}
