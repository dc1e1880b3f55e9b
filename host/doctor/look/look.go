// Package look sees on this machine what package doctor judges: firewalls, buffers, disk, limits. It asks the
// system's own files and programs, within a few seconds, changes nothing, and tells when it may not see
// something. It must not judge, and knows nothing of the host.
package look

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"time"

	"goop/host/doctor"
)

// patience is how long one program of the system may take.
const patience = 3 * time.Second

// maxOutput bounds what is read of a program's output, in bytes: rules of a machine with many containers.
const maxOutput = 8 << 20

// Machine fills in what the facts say of the machine itself. Port and Data are set already. pid is the process
// of the host, or 0 for this one.
func Machine(ctx context.Context, f *doctor.Facts, pid int) {
	f.Receive, f.Send = buffers()
	f.FreeDisk = freeDisk(f.Data)
	f.Files = files(pid)
	f.Firewalls = firewalls(ctx, f.Port)
}

var errMissing = errors.New("there is no such program")

// program runs a program of the system, which may not be on the path of everybody.
func program(ctx context.Context, name string, args ...string) (string, error) {
	path, err := exec.LookPath(name)
	for _, folder := range []string{"/usr/sbin/", "/sbin/", "/usr/libexec/ApplicationFirewall/"} {
		if err != nil {
			path, err = exec.LookPath(folder + name)
		}
	}
	if err != nil {
		return "", errMissing
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.WaitDelay = time.Second
	var out, fault bounded
	cmd.Stdout, cmd.Stderr = &out, &fault
	if err := cmd.Run(); err != nil {
		said, _, _ := strings.Cut(strings.TrimSpace(fault.String()), "\n")
		if said == "" {
			said = err.Error()
		}
		return out.String(), errors.New(said)
	}
	return out.String(), nil
}

// bounded keeps what fits.
type bounded struct{ strings.Builder }

func (b *bounded) Write(p []byte) (int, error) {
	b.Builder.Write(p[:min(len(p), max(0, maxOutput-b.Len()))])
	return len(p), nil
}
