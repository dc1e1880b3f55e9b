package main

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"goop/host/node"
	"goop/shared/member"
	"goop/shared/record"
	"goop/shared/wire"
)

// doorProcess is a door that runs as a process of its own.
type doorProcess struct {
	t      *testing.T
	data   string
	host   string
	flags  []string
	origin string // http://localhost:7790
	cmd    *exec.Cmd
	wg     sync.WaitGroup
}

func (p *doorProcess) start(listen string) {
	p.t.Helper()
	self, err := os.Executable()
	if err != nil {
		p.t.Fatal(err)
	}
	p.cmd = exec.Command(self)
	p.cmd.Args = []string{"goop", "door", "--host", p.host, "--listen", listen, "--data", p.data, "--log-level", "warn"}
	p.cmd.Args = append(p.cmd.Args, p.flags...)
	p.cmd.Stderr = p.t.Output()
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.origin = ""
	for lines := bufio.NewScanner(out); p.origin == "" && lines.Scan(); {
		if page, ok := strings.CutPrefix(strings.TrimSpace(lines.Text()), "Page "); ok {
			p.origin = strings.TrimSuffix(strings.TrimSpace(page), "/")
		}
	}
	if p.origin == "" {
		p.cmd.Wait()
		p.t.Fatal("the door did not open")
	}
	p.wg.Go(func() { io.Copy(io.Discard, out) })
}

func (p *doorProcess) end(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Error(err)
	}
	p.wg.Wait()
	if err := p.cmd.Wait(); err != nil && s == syscall.SIGTERM {
		p.t.Errorf("the door ended with %v, want exit code 0", err)
	}
}

// record waits until a visitor of this machine is given a record of a host's page, or none, which is nil.
func (p *doorProcess) record(ctx context.Context, page string, there bool) *record.Record {
	p.t.Helper()
	at, err := url.Parse(page)
	if err != nil {
		p.t.Fatal(err)
	}
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.Replace(p.origin, "localhost", "127.0.0.1", 1)+"/goop/door/1/record", nil)
		if err != nil {
			p.t.Fatal(err)
		}
		r.Host = at.Host // not every system resolves names below localhost
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			p.t.Fatal(err)
		}
		b, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil {
			p.t.Fatal(err)
		}
		if there != (answer.StatusCode == http.StatusOK) {
			continue
		}
		if !there {
			return nil
		}
		rec, err := record.Open(b, func(public, message, signature []byte) bool { return ed25519.Verify(public, message, signature) })
		if err != nil {
			p.t.Fatal(err)
		}
		return &rec
	}
}

// A host is found at a door, also after the door was killed, until it ends.
func TestDoor(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	d := &doorProcess{t: t, host: "localhost", data: filepath.Join(t.TempDir(), "door")}
	d.start("127.0.0.1:0")
	h := startHost(t, "--door", d.origin)
	if !regexp.MustCompile(`^http://k51qzi5uqu5\w{51}\.localhost:\d+/$`).MatchString(h.page) {
		t.Errorf("the first page is %s, want the door's", h.page)
	}
	if links := h.run("owner-link"); !strings.HasPrefix(links, "http://127.0.0.1:") || !strings.Contains(links, h.page) {
		t.Errorf("an owner comes by\n%s, want the host's own address first", links)
	}
	rec := d.record(ctx, h.page, true)

	// Who takes the door for a host is told so.
	var said strings.Builder
	if code := run(ctx, []string{"query", d.origin, "_groups", "--anonymous"}, strings.NewReader(""), io.Discard, &said); code != exitFailed || !strings.Contains(said.String(), "what is there is a door") {
		t.Errorf("a query of the door itself: exit code %d, %s", code, said.String())
	}
	for at, want := range map[string]string{d.origin: "what is there is a door", h.page: "Everything works, over WebTransport."} {
		said.Reset()
		if code := run(ctx, []string{"doctor", at}, strings.NewReader(""), &said, io.Discard); code == exitOK != (at == h.page) || !strings.Contains(said.String(), want) {
			t.Errorf("the doctor at %s: exit code %d\n%s", at, code, said.String())
		}
	}

	// A visitor gets to the host by what the record says, and by nothing else.
	dialer, err := node.NewDialer(node.DialerOptions{
		Host:       rec.Peer,
		Descriptor: func(context.Context) (wire.Descriptor, error) { return rec.Descriptor(), nil },
		Transport:  "webtransport",
	})
	if err != nil {
		t.Fatal(err)
	}
	defer dialer.Close()
	m := member.New(member.Options{Dialer: dialer})
	defer m.Close()
	m.Start()
	join(t, m, "lobby")

	d.end(os.Kill)
	d.start(strings.TrimPrefix(strings.Replace(d.origin, "localhost", "127.0.0.1", 1), "http://"))
	if again := d.record(ctx, h.page, true); again.Seq != rec.Seq {
		t.Errorf("after a restart the record has the number %d, and had %d", again.Seq, rec.Seq)
	}
	if status := h.run("status"); !regexp.MustCompile(`door     http://k51\w+\.localhost:\d+/\n +announced \d+ s ago, for visitors in this machine's own network\n`).MatchString(status) {
		t.Errorf("the status is\n%s", status)
	}
	if took := h.terminate(); took > 5*time.Second {
		t.Errorf("the host took %v to end", took)
	}
	d.record(ctx, h.page, false)
	var out, errs strings.Builder
	if code := run(t.Context(), []string{"door", "--host", "localhost", "--listen", "127.0.0.1:0", "--data", d.data}, strings.NewReader(""), &out, &errs); code != exitFailed || !strings.Contains(errs.String(), "in use by") {
		t.Errorf("a second door on the same folder: exit code %d, %s", code, errs.String())
	}
	d.end(syscall.SIGTERM)
}

// A door with a certificate of its own answers over https, for its name and for those below it.
func TestDoorTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	roots := ownPair(t, 1, certFile, keyFile)
	d := &doorProcess{t: t, host: "example.org", data: filepath.Join(dir, "door"), flags: []string{"--tls-cert", certFile, "--tls-key", keyFile}}
	d.start("127.0.0.1:0")
	defer d.end(syscall.SIGTERM)
	at, err := url.Parse(d.origin)
	if err != nil || at.Scheme != "https" || at.Hostname() != "example.org" {
		t.Fatalf("the door is at %s, %v", d.origin, err)
	}
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: roots},
		ForceAttemptHTTP2: true,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, "127.0.0.1:"+at.Port())
		},
	}}
	defer client.CloseIdleConnections()
	answer, err := client.Get("https://k.example.org:" + at.Port() + "/goop/door/1/record")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusNotFound || answer.Proto != "HTTP/2.0" || answer.Header.Get("Content-Type") != "application/json" {
		t.Errorf("got %s over %s", answer.Status, answer.Proto)
	}
}

// A host whose door is not there runs, says so, and hands out its own addresses.
func TestDoorAway(t *testing.T) {
	t.Parallel()
	h := startHost(t, "--door", "http://localhost:1")
	if !strings.HasPrefix(h.page, "http://127.0.0.1:") {
		t.Errorf("the first page is %s, and nobody finds the host there", h.page)
	}
	for {
		if status := h.run("status"); strings.Contains(status, "not announced; NOW: the door is not reached") {
			if !regexp.MustCompile(`page     http://127\.0\.0\.1:\d+/\n`).MatchString(status) {
				t.Errorf("the status is\n%s", status)
			}
			break
		}
	}
	if took := h.terminate(); took > 5*time.Second {
		t.Errorf("the host took %v to end", took)
	}
}

func TestDoorFlags(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ args, want string }{
		{"door", "--host is missing"},
		{"door --host 127.0.0.1", "is not a name"},
		{"door --host [::1]:7790", "is not a name"},
		{"door --host https://door.example", "is not a name"},
		{"door --host *.door.example", "is not a name"},
		{"door --host door.example:0", "is not a name"},
		{"door --host door_1.example", "is not a name"},
		{"door --host door.example --trusted-proxy x", "--trusted-proxy"},
		{"door --host door.example --tls-cert x", "belong together"},
		{"serve --door door.example", "is not the address of a door"},
		{"serve --door http://door.example", "by https"},
		{"serve --door https://door.example --router-port 0", "between 1 and 65535"},
		{"serve --door https://door.example --router-port 65536", "is not a port between 1 and 65535"},
		{"serve --router-port 7780", "goes with --door"},
	} {
		var out, errs strings.Builder
		if code := run(t.Context(), strings.Fields(c.args), strings.NewReader(""), &out, &errs); code != exitUsage || !strings.Contains(errs.String(), c.want) {
			t.Errorf("goop %s: exit code %d, %s", c.args, code, strings.SplitN(errs.String(), "\n", 2)[0])
		}
	}
	for s, want := range map[string]string{"Door.Example": "door.example", "localhost:7790": "localhost:7790"} {
		if got, err := parseDoorHost(s); err != nil || got != want {
			t.Errorf("--host %s: got %s, %v", s, got, err)
		}
	}
}

func TestNamedRecord(t *testing.T) {
	t.Parallel()
	key, err := node.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	n, err := node.Open(t.Context(), node.Options{Key: key, Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	for s, want := range map[string]string{
		"https://Quiz.example.org/":      "/dns/quiz.example.org/tcp/443/tls/ws",
		"https://quiz.example.org:8443/": "/dns/quiz.example.org/tcp/8443/tls/ws",
		"http://quiz.example.org/":       "",
		"https://93.184.215.14/":         "",
	} {
		u, err := parsePublic(s)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, a := range (named{n, u}).RecordAddrs() {
			got = append(got, a.String())
		}
		if fmt.Sprint(got) != fmt.Sprintf("[%s]", want) {
			t.Errorf("%s: got %q", s, got)
		}
	}
}
