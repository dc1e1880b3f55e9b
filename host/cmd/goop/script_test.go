package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"goop/host/control"
	"goop/shared/wire"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"goop": main})
}

// TestScripts runs the command line as an operator does, each script in a folder of its own.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"fails":  fails,
			"usage":  usage,
			"up":     up,
			"occupy": occupy,
			"get":    get,
			"term":   term,
			"joined": joined,
			"prints": prints,
		},
	})
}

// fails runs goop and wants it to say no: exit code 1, and one line that matches.
//
//	fails PATTERN ARG...
func fails(ts *testscript.TestScript, neg bool, args []string) {
	stderr := refused(ts, neg, args, exitFailed)
	if strings.Count(stderr, "\n") != 1 || !strings.HasPrefix(stderr, "goop: ") {
		ts.Fatalf("goop %q: want one line that begins with goop:, got %q", args[1:], stderr)
	}
}

// usage runs goop and wants it not to understand: exit code 2, a line that matches, and how it is used.
//
//	usage PATTERN ARG...
func usage(ts *testscript.TestScript, neg bool, args []string) {
	if stderr := refused(ts, neg, args, exitUsage); !strings.Contains(stderr, "\nUsage:\n") {
		ts.Fatalf("goop %q: want the usage, got %q", args[1:], stderr)
	}
}

// refused runs goop, wants that exit code and a first line that matches, and returns what it said.
func refused(ts *testscript.TestScript, neg bool, args []string, code int) (stderr string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: fails|usage PATTERN ARG...")
	}
	pattern, err := regexp.Compile(args[0])
	ts.Check(err)
	exit, ok := errors.AsType[*exec.ExitError](ts.Exec("goop", args[1:]...))
	stdout, stderr := ts.ReadFile("stdout"), ts.ReadFile("stderr")
	first, _, _ := strings.Cut(stderr, "\n")
	if !ok || exit.ExitCode() != code || stdout != "" || !pattern.MatchString(first) {
		ts.Fatalf("goop %q: want exit code %d and a line like %q, got %v, stdout %q, stderr %q", args[1:], code, pattern, exit, stdout, stderr)
	}
	return stderr
}

// up waits until the host on a data folder answers, and puts the address of its page in $PAGE, its port
// in $PORT, and the address of its metrics in $METRICS.
//
//	up DIR
func up(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: up DIR")
	}
	client := control.NewClient(ts.MkAbs(args[0]))
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var err error
	for range 1000 {
		var s control.Status
		if s, err = client.Status(context.Background()); err == nil {
			u, err := url.Parse(s.URLs[0])
			ts.Check(err)
			ts.Setenv("PAGE", s.URLs[0])
			ts.Setenv("PORT", u.Port())
			ts.Setenv("METRICS", s.Metrics)
			return
		}
		<-tick.C
	}
	ts.Fatalf("the host on %s does not come up: %v", args[0], err)
}

// occupy takes a port of 127.0.0.1 until the script ends, and puts it in $TAKEN.
//
//	occupy tcp|udp
func occupy(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: occupy tcp|udp")
	}
	var taken io.Closer
	var addr net.Addr
	switch args[0] {
	case "tcp":
		l, err := net.Listen("tcp", "127.0.0.1:0")
		ts.Check(err)
		taken, addr = l, l.Addr()
	case "udp":
		c, err := net.ListenPacket("udp", "127.0.0.1:0")
		ts.Check(err)
		taken, addr = c, c.LocalAddr()
	default:
		ts.Fatalf("usage: occupy tcp|udp")
	}
	ts.Defer(func() { taken.Close() })
	_, port, err := net.SplitHostPort(addr.String())
	ts.Check(err)
	ts.Setenv("TAKEN", port)
}

// get asks for a page and wants it to contain a text; "! get" wants an answer other than 200.
//
//	get URL [TEXT]
//	! get URL
func get(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: get URL [TEXT]")
	}
	res, err := http.Get(args[0])
	ts.Check(err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	ts.Check(err)
	if ok := res.StatusCode == http.StatusOK; ok == neg {
		ts.Fatalf("GET %s: %s\n%s", args[0], res.Status, body)
	}
	if len(args) == 2 && !strings.Contains(string(body), args[1]) {
		ts.Fatalf("GET %s has no %q:\n%s", args[0], args[1], body)
	}
}

// term sends SIGTERM to the command that was started last in the background.
//
//	term
func term(ts *testscript.TestScript, neg bool, args []string) {
	running := ts.BackgroundCmds()
	if neg || len(args) != 0 || len(running) == 0 {
		ts.Fatalf("usage: term, while a command runs in the background")
	}
	ts.Check(running[len(running)-1].Process.Signal(syscall.SIGTERM))
}

// joined waits until a group of the host on a data folder has so many members.
//
//	joined DIR GROUP NUMBER
func joined(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: joined DIR GROUP NUMBER")
	}
	want, err := strconv.Atoi(args[2])
	ts.Check(err)
	client := control.NewClient(ts.MkAbs(args[0]))
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var g control.GroupDetail
	for range 1000 {
		if g, err = client.Group(context.Background(), wire.GroupID(args[1])); err == nil && g.Members == want {
			return
		}
		<-tick.C
	}
	ts.Fatalf("the group %s has %d members, want %d: %v", args[1], g.Members, want, err)
}

// prints waits until a file, into which a command writes in the background, has a line that matches.
//
//	prints FILE PATTERN
func prints(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: prints FILE PATTERN")
	}
	pattern, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var text []byte
	for range 1000 {
		if text, err = os.ReadFile(ts.MkAbs(args[0])); err == nil && pattern.Match(text) {
			return
		}
		<-tick.C
	}
	ts.Fatalf("%s has no line like %s: %v\n%s", args[0], args[1], err, text)
}
