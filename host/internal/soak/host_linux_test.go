package soak_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"goop/host/node"
	"goop/host/store"
	"goop/shared/wire"
)

// site is what the host serves: three groups that outlive it, one of which keeps little, and one that does
// not.
const site = `{
  "name": "Soak",
  "groups": [
    {"id": "diary", "name": "Diary", "type": "persistent"},
    {"id": "arena", "name": "Arena", "type": "persistent"},
    {"id": "brief", "name": "Brief", "type": "persistent", "retain": {"count": 8}},
    {"id": "lobby", "name": "Lobby", "type": "open"}
  ]
}`

var (
	durable = []string{"diary", "arena", "brief"}
	groups  = []string{"diary", "arena", "brief", "lobby"}
)

// host is the goop binary, as an operator runs it.
type host struct {
	t        *testing.T
	bin      string
	site     string
	data     string
	web, tcp string // addresses
	cmd      *exec.Cmd
	reading  sync.WaitGroup
	log      *os.File
	kills    int
	restarts int
}

// build makes the binary, as it ships: also where the test itself has the race detector, which needs C.
func build(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "goop")
	cmd := exec.Command("go", "build", "-buildvcs=false", "-trimpath", "-ldflags=-s -w", "-o", bin, "goop/host/cmd/goop")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return bin
}

func newHost(t *testing.T, data string) *host {
	t.Helper()
	h := &host{t: t, bin: build(t), site: t.TempDir(), data: data, web: "127.0.0.1:0", tcp: "127.0.0.1:0"}
	for name, text := range map[string]string{"goop.json": site, "index.html": "<!doctype html><title>Soak</title>"} {
		if err := os.WriteFile(filepath.Join(h.site, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if h.log, err = os.Create(filepath.Join(t.TempDir(), "host.log")); err != nil {
		t.Fatal(err)
	}
	h.start()
	d, err := node.FetchDescriptor("http://" + h.web)(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range d.Addrs { // the native port, for the next start to be the same
		if parts := strings.Split(a, "/"); len(parts) == 7 && parts[3] == "tcp" {
			h.tcp = parts[2] + ":" + parts[4]
		}
	}
	return h
}

// start starts the host and waits until it is up.
func (h *host) start() {
	h.t.Helper()
	h.cmd = exec.Command(h.bin, "serve", h.site, "--data", h.data, "--listen", h.web, "--listen-tcp", h.tcp, "--log-level", "info")
	h.cmd.Stderr = h.log
	out, err := h.cmd.StdoutPipe()
	if err == nil {
		err = h.cmd.Start()
	}
	if err != nil {
		h.t.Fatal(err)
	}
	page := ""
	lines := bufio.NewScanner(out)
	for page == "" && lines.Scan() {
		page, _ = strings.CutPrefix(strings.TrimSpace(lines.Text()), "Page ")
		if !strings.Contains(page, "http") {
			page = ""
		}
	}
	if page == "" {
		_ = h.cmd.Wait()
		h.t.Fatalf("the host did not come up:\n%s", h.tail())
	}
	h.web = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(page), "http://"), "/")
	h.reading.Go(func() { _, _ = io.Copy(io.Discard, out) })
}

// end ends the host with a signal and waits for that.
func (h *host) end(signal syscall.Signal) {
	h.t.Helper()
	if h.cmd.ProcessState != nil {
		return
	}
	if err := h.cmd.Process.Signal(signal); err != nil {
		h.t.Errorf("the host had ended by itself before %v: %v\n%s", signal, err, h.tail())
	}
	h.reading.Wait()
	err := h.cmd.Wait()
	exit, ok := errors.AsType[*exec.ExitError](err)
	switch {
	case err == nil && signal == syscall.SIGTERM:
	case ok && signal == syscall.SIGKILL && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL:
	default:
		h.t.Errorf("after %v the host ended with %v\n%s", signal, err, h.tail())
	}
}

func (h *host) kill() {
	h.end(syscall.SIGKILL)
	h.kills++
}

func (h *host) restart() {
	h.end(syscall.SIGTERM)
	h.restarts++
	h.start()
}

// tail returns the end of what the host has logged.
func (h *host) tail() string {
	text, err := os.ReadFile(h.log.Name())
	if err != nil {
		return err.Error()
	}
	var lines []string
	for line := range strings.Lines(string(text)) {
		if !strings.Contains(line, "disk is full") { // of which there are many, as there should be
			lines = append(lines, line)
		}
	}
	return strings.Join(lines[max(0, len(lines)-40):], "")
}

// logs reads what the host has kept, when it has ended.
func (h *host) logs(ctx context.Context) (map[string]hostLog, error) {
	db, err := store.Open(ctx, store.Options{Dir: h.data})
	if err != nil {
		return nil, err
	}
	defer db.Close()
	saved, err := db.Registry().Groups(ctx)
	if err != nil {
		return nil, err
	}
	all := map[string]hostLog{}
	for _, s := range saved {
		if !s.Config.Durable {
			continue
		}
		id := s.Config.ID
		at, err := db.Log().Open(ctx, s.Config)
		if err != nil {
			return nil, err
		}
		l := hostLog{epoch: string(at.Epoch), head: at.Seq, state: canonical(at.State.Text())}
		for before := at.Seq + 1; before > 1; {
			entries, err := db.Log().Before(ctx, id, before, 1000)
			if err != nil {
				return nil, fmt.Errorf("the log of %s before %d: %w", id, before, err)
			}
			if len(entries) == 0 {
				break
			}
			for i := range entries {
				e := &entries[i]
				r := entryRecord(string(e.Kind), e.Payload, e.Patch)
				r.Group, r.Epoch, r.Seq, r.Time, r.Peer, r.Dest = string(id), l.epoch, e.Seq, e.Time, string(e.From), string(e.To)
				l.entries = append(l.entries, r)
				before = e.Seq
			}
		}
		slices.Reverse(l.entries)
		all[string(id)] = l
	}
	if len(all) != len(durable) {
		return nil, wire.E(wire.Internal, "the host has lost a group")
	}
	return all, nil
}
