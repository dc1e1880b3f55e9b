//go:build !linux

package load

import (
	"errors"
	"os"
	"os/exec"
	"time"
)

// Pinnable reports whether processes can be kept to their cores: not here.
func Pinnable() bool { return false }

func startPinned(*exec.Cmd) (release func(), err error) {
	return nil, errors.New("processes cannot be kept to a core here")
}

func apart(*exec.Cmd) {}

// ask asks a process to end; where there is no way to ask, it ends it.
func ask(p *os.Process) error {
	if err := p.Signal(os.Interrupt); err != nil {
		return p.Kill()
	}
	return nil
}

// The CPU time and the memory of a process are not known here.
func processCPU(int) (time.Duration, bool) { return 0, false }
func processRSS(int) (int64, bool)         { return 0, false }
func ownCPU() (time.Duration, bool)        { return 0, false }
