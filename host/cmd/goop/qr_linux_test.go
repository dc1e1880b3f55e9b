package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestQRIntoTerminal opens a real terminal of two widths: a code that would not fit is not printed.
func TestQRIntoTerminal(t *testing.T) {
	for _, tt := range []struct {
		term    string
		columns uint16
		want    bool
	}{{"xterm", 80, true}, {"xterm", 30, false}, {"dumb", 80, false}} {
		t.Setenv("TERM", tt.term)
		far, near := openTerminal(t)
		if err := unix.IoctlSetWinsize(int(far.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: tt.columns}); err != nil {
			t.Fatal(err)
		}
		if err := printQR(near, qrAuto, "http://192.168.1.5:7780/", "what it is"); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(near, "end")
		var out []byte
		for buf := make([]byte, 4096); !bytes.Contains(out, []byte("end")); {
			n, err := far.Read(buf)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, buf[:n]...)
		}
		if got := strings.Contains(string(out), "\x1b[38;5;16;48;5;231m"); got != tt.want {
			t.Errorf("%s with %d columns: got a code: %v, want %v", tt.term, tt.columns, got, tt.want)
		}
	}
}

// TestHelpIntoTerminal has what flags do stand beside their names, however narrow the terminal is.
func TestHelpIntoTerminal(t *testing.T) {
	t.Setenv("TERM", "xterm")
	far, near := openTerminal(t)
	if err := unix.IoctlSetWinsize(int(far.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80}); err != nil {
		t.Fatal(err)
	}
	go func() { // a terminal that nobody reads takes a few thousand letters and no more
		run(t.Context(), []string{"serve", "--help"}, strings.NewReader(""), near, near)
		fmt.Fprintln(near, "end")
	}()
	var out []byte
	for buf := make([]byte, 4096); !bytes.Contains(out, []byte("\nend")); {
		n, err := far.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, buf[:n]...)
	}
	_, flags, _ := strings.Cut(string(out), "Flags:\r\n")
	flags, _, _ = strings.Cut(flags, "\r\n\r\n")
	for line := range strings.SplitSeq(flags, "\r\n") {
		if len(line) > 80 || !strings.HasPrefix(line, "  ") {
			t.Errorf("with 80 columns: %q", line)
		}
	}
	if !strings.Contains(flags, "--public-url address") {
		t.Errorf("got %s", out)
	}
}

// openTerminal opens a terminal that nobody sits at: what goes into near is read from far.
func openTerminal(t *testing.T) (far, near *os.File) {
	t.Helper()
	far, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("there are no terminals here: %v", err)
	}
	t.Cleanup(func() { far.Close() })
	if err := unix.IoctlSetPointerInt(int(far.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(far.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	near, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close() })
	return far, near
}
