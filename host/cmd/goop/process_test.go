package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"goop/host/node"
	"goop/shared/jsontext"
	"goop/shared/member"
	"goop/shared/wire"
)

// testSite is the goop.json of the hosts that these tests start.
const testSite = `{
  "name": "Test",
  "tables": {
    "moves": {
      "columns": {"by": {"type": "text"}, "n": {"type": "integer"}},
      "access": {"read": "open", "insert": "none", "update": "none", "remove": "owner"}
    },
    "notes": {
      "columns": {"text": {"type": "text", "required": true}},
      "access": {"read": "open", "insert": "open", "update": "author", "remove": "author"}
    }
  },
  "groups": [
    {"id": "lobby", "name": "Lobby", "type": "open"},
    {"id": "kept", "name": "Kept", "type": "persistent", "record": "moves"},
    {"id": "hidden", "name": "Hidden", "type": "open", "listed": false}
  ],
  "create": {"room": {"type": "invite-only", "each": 1}}
}`

// process is a host that runs as a process of its own, as it does for an operator.
type process struct {
	t     *testing.T
	site  string
	data  string
	flags []string // beyond those that every host of a test has
	page  string   // such as http://127.0.0.1:7780/
	cmd   *exec.Cmd
	wg    sync.WaitGroup // reads what it says
}

// startHost starts a host on free ports and waits until it is up.
func startHost(t *testing.T, flags ...string) *process {
	t.Helper()
	return startSite(t, testSite, flags...)
}

// startSite is startHost with another goop.json.
func startSite(t *testing.T, site string, flags ...string) *process {
	t.Helper()
	p := &process{t: t, site: t.TempDir(), data: filepath.Join(t.TempDir(), "data"), flags: flags}
	for name, text := range map[string]string{"goop.json": site, "index.html": "<!doctype html><title>Test</title>"} {
		if err := os.WriteFile(filepath.Join(p.site, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p.start("127.0.0.1:0")
	t.Cleanup(func() {
		if p.cmd.ProcessState == nil {
			p.kill()
		}
	})
	return p
}

// start runs this test binary under the name goop, which makes it the command (see TestMain).
func (p *process) start(listen string) {
	p.t.Helper()
	self, err := os.Executable()
	if err != nil {
		p.t.Fatal(err)
	}
	p.cmd = exec.Command(self)
	p.cmd.Args = []string{"goop", "serve", p.site, "--data", p.data, "--listen", listen, "--listen-tcp", "127.0.0.1:0", "--metrics", "off", "--log-level", "warn"}
	p.cmd.Args = append(p.cmd.Args, p.flags...)
	p.cmd.Stderr = p.t.Output()
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if page, ok := strings.CutPrefix(strings.TrimSpace(lines.Text()), "Page "); ok {
			p.page = strings.Fields(page)[0]
			break
		}
	}
	if p.page == "" {
		p.cmd.Wait()
		p.t.Fatal("the host did not come up")
	}
	p.wg.Go(func() { io.Copy(io.Discard, out) })
}

// kill ends the host as a power cut would.
func (p *process) kill() {
	p.t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		p.t.Fatal(err)
	}
	p.wg.Wait()
	p.cmd.Wait() // its error is the signal
}

// restart starts the host again, on the same port and with the same flags.
func (p *process) restart() {
	p.t.Helper()
	address := strings.TrimSuffix(strings.TrimPrefix(p.page, "http://"), "/")
	p.page = ""
	p.start(address)
}

// terminate asks the host to end and returns how long that took. It wants exit code 0.
func (p *process) terminate() time.Duration {
	p.t.Helper()
	begun := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Errorf("SIGTERM: %v", err)
	}
	p.wg.Wait()
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("the host ended with %v, want exit code 0", err)
	}
	return time.Since(begun)
}

// run executes another goop command on the host's data folder and returns what it prints.
func (p *process) run(args ...string) string {
	p.t.Helper()
	var out, errs strings.Builder
	if code := run(p.t.Context(), append(args, "--data", p.data), strings.NewReader(""), &out, &errs); code != exitOK {
		p.t.Fatalf("goop %q: exit code %d, %s", args, code, errs.String())
	}
	return out.String()
}

// dialer returns a dialer of a new peer.
func (p *process) dialer(transport string) *node.Dialer {
	p.t.Helper()
	d, err := node.NewDialer(node.DialerOptions{Descriptor: node.FetchDescriptor(p.page), Transport: transport})
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { d.Close() })
	return d
}

// dial connects a new peer and nothing more.
func (p *process) dial(transport string) member.Conn {
	p.t.Helper()
	c, err := p.dialer(transport).Dial(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { c.Close() })
	return c
}

// member starts a member of a new peer.
func (p *process) member(transport string) *member.Member {
	p.t.Helper()
	m := member.New(member.Options{Dialer: p.dialer(transport)})
	p.t.Cleanup(m.Close)
	m.Start()
	return m
}

// join joins a group; what happens there goes to the log that is returned.
func join(t *testing.T, m *member.Member, id wire.GroupID) (*member.Session, *eventLog) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	events := &eventLog{changed: make(chan struct{}, 1)}
	s, err := m.Join(ctx, id, member.JoinOptions{Handler: events})
	if err != nil {
		t.Fatalf("join %s: %v", id, err)
	}
	return s, events
}

// call makes a data request and returns a field of the answer.
func call(t *testing.T, m *member.Member, request, field string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	answer, err := m.Call(ctx, []byte(request))
	if err != nil {
		t.Fatalf("%s: %v", request, err)
	}
	members := jsontext.MembersOf(answer)
	for members.Next() {
		if string(members.Key) == field {
			return members.Value
		}
	}
	t.Fatalf("%s: the answer %s has no %q", request, answer, field)
	return nil
}

// eventLog keeps what a session is told, but for rosters.
type eventLog struct {
	changed chan struct{} // holds one token

	// mu guards the following.
	mu      sync.Mutex
	entries []member.Event // sequenced ones
	other   []member.Event
}

// Deliver implements member.Handler.
func (l *eventLog) Deliver(batch []member.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range batch {
		switch e.Frame.Type {
		case wire.TypeMsg:
			l.entries = append(l.entries, e)
		case wire.TypeMembers, wire.TypeWelcome:
		default:
			l.other = append(l.other, e)
		}
	}
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// await waits until there are n entries, and returns all.
func (l *eventLog) await(ctx context.Context, n int) []member.Event {
	for {
		l.mu.Lock()
		have := l.entries[:len(l.entries):len(l.entries)]
		l.mu.Unlock()
		if len(have) >= n {
			return have
		}
		select {
		case <-l.changed:
		case <-ctx.Done():
			return have
		}
	}
}

// others returns what there was beside entries and rosters.
func (l *eventLog) others() []member.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.other
}
