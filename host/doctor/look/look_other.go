//go:build !linux

package look

import (
	"context"
	"errors"
	"runtime"
	"strings"

	"goop/host/doctor"
)

// buffers: here nobody tells.
func buffers() (receive, send int) { return 0, 0 }

// firewalls tells which one is on. Theirs go by programs and not by ports, and so only somebody outside sees
// what they do.
func firewalls(ctx context.Context, _ int) []doctor.Firewall {
	switch runtime.GOOS {
	case "darwin":
		text, err := program(ctx, "socketfilterfw", "--getglobalstate")
		if errors.Is(err, errMissing) {
			return nil
		}
		w := doctor.Firewall{Name: "the firewall of macOS", Active: strings.Contains(text, "enabled"),
			Allow: "System Settings, Network, Firewall, Options: allow incoming connections for goop"}
		if err != nil {
			w.Blind = err.Error()
		}
		return []doctor.Firewall{w}
	case "windows":
		text, err := program(ctx, "netsh", "advfirewall", "show", "currentprofile", "state")
		w := doctor.Firewall{Name: "the firewall of Windows", Active: !strings.Contains(text, "OFF"),
			Allow: "Windows Security, Firewall, Allow an app: goop, for private networks"}
		if err != nil {
			w.Blind = err.Error()
		}
		return []doctor.Firewall{w}
	}
	return nil
}
