package bench

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"goop/host/bench/bare"
	"goop/host/bench/load"
	"goop/host/control"
	"goop/host/node"
	"goop/shared/member"
	"goop/shared/wire"
)

// upTime is how long a host has to come up.
const upTime = 30 * time.Second

// group is the open group of Site.
const group = "bench"

// Site is the goop.json of a host that has one open group in memory, whose members everybody sees.
const Site = `{"name": "Bench", "groups": [{"id": "bench", "name": "Bench", "type": "open"}]}`

// Setup says what host a scenario needs.
type Setup struct {
	Site   string   // its goop.json; "" for Site
	Limits []string // each an argument of --limit: what the plan needs beyond what every host allows
	Bare   bool     // a bare one, of package bare, which knows neither sites nor limits
}

// Host is the host that is measured: one that Bench.Start has started, or one that runs anyway.
type Host struct {
	URL string // of its page

	bench   *Bench
	setup   Setup
	folder  string          // temporary, "" for one that runs anyway
	process *load.Process   // nil where nothing is known of it
	control *control.Client // nil where nothing is known of it

	// mu guards the following.
	mu   sync.Mutex
	desc *wire.Descriptor // what a first look has found, nil before
}

// Start starts a host in a process of its own, or finds the one that the operator has named.
func (b *Bench) Start(ctx context.Context, setup Setup) (*Host, error) {
	h := &Host{bench: b, setup: setup, URL: b.URL}
	if b.URL != "" {
		return h, h.find(ctx)
	}
	if h.setup.Site == "" {
		h.setup.Site = Site
	}
	if err := h.launch(ctx); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

// find looks whether there is a host, and gets at its process where its data folder is known.
func (h *Host) find(ctx context.Context) error {
	if _, err := h.descriptor(ctx); err != nil {
		return err
	}
	if h.bench.Data == "" {
		return nil
	}
	h.control = control.NewClient(h.bench.Data)
	s, err := h.control.Status(ctx)
	if err != nil {
		return err
	}
	h.process = load.Attach(s.PID, 0)
	return nil
}

func (h *Host) launch(ctx context.Context) (err error) {
	if h.folder, err = os.MkdirTemp("", "goop-bench-"); err != nil {
		return err
	}
	site := filepath.Join(h.folder, "site")
	if err := os.Mkdir(site, 0o700); err != nil {
		return err
	}
	for name, text := range map[string]string{"goop.json": h.setup.Site, "index.html": "<!doctype html><title>Bench</title>"} {
		if err := os.WriteFile(filepath.Join(site, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	h.control = control.NewClient(filepath.Join(h.folder, "data"))
	return h.up(ctx, "127.0.0.1:0")
}

// up starts the process and waits until the host answers.
func (h *Host) up(ctx context.Context, listen string) error {
	args := []string{
		"serve", filepath.Join(h.folder, "site"), "--data", filepath.Join(h.folder, "data"), "--listen", listen, "--listen-tcp", "127.0.0.1:0",
		"--metrics", "off", "--backup-every", "0", "--log-level", "error",
	}
	for _, l := range h.setup.Limits {
		args = append(args, "--limit", l)
	}
	if h.setup.Bare {
		args = []string{"bench", bare.Command, filepath.Join(h.folder, "data")}
	}
	said := &greeting{up: make(chan string, 1)}
	var complaints tail
	p, err := load.Start(load.Command{Path: h.bench.Program, Name: "goop", Args: args, Stdout: said, Stderr: &complaints, Pin: h.bench.Pin})
	if err != nil {
		return err
	}
	h.process = p
	late := time.NewTimer(upTime)
	defer late.Stop()
	select {
	case page := <-said.up:
		h.mu.Lock()
		defer h.mu.Unlock()
		h.URL = page
		return nil
	case <-p.Done():
		return fmt.Errorf("the host did not come up: %s", complaints.String())
	case <-late.C:
		return fmt.Errorf("the host did not come up within %v", upTime)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Group returns the group in which the members meet.
func (h *Host) Group() wire.GroupID { return wire.GroupID(cmp.Or(h.bench.Group, group)) }

// Kill ends the host as a power cut would. It cannot be done to one that runs anyway.
func (h *Host) Kill() error { return h.process.Kill() }

// Restart starts a host that was killed again, at the same address and on the same data.
func (h *Host) Restart(ctx context.Context) error {
	h.mu.Lock()
	h.desc = nil
	h.mu.Unlock()
	return h.up(ctx, strings.TrimSuffix(strings.TrimPrefix(h.URL, "http://"), "/"))
}

// Own reports whether the host was started for the run.
func (h *Host) Own() bool { return h.folder != "" }

// pinned reports whether the host has one core to itself.
func (h *Host) pinned() bool { return h.Own() && h.bench.Pin && load.Pinnable() }

// Process returns the host's process, nil when nothing is known of it.
func (h *Host) Process() *load.Process { return h.process }

// Control returns a client of the host's control socket, nil when there is none at hand.
func (h *Host) Control() *control.Client { return h.control }

// Close ends a host that was started for the run, and removes all that it has written. It does nothing to others.
func (h *Host) Close() error {
	if !h.Own() {
		return nil
	}
	return errors.Join(h.process.Stop(context.Background()), os.RemoveAll(h.folder))
}

// Dialer returns a dialer of a new peer, over the transport that the operator wants. The members share one look at
// where the host is, so that it is not busy with answering that.
func (h *Host) Dialer() (*node.Dialer, error) {
	return node.NewDialer(node.DialerOptions{Descriptor: h.descriptor, Transport: transport(h.bench.Transport)})
}

// Member returns a member of a new peer that connects, and what closes it.
func (h *Host) Member() (_ *member.Member, done func() error, err error) { return h.watched(nil) }

// watched is Member; onStatus is told how it stands.
func (h *Host) watched(onStatus func(member.Status)) (_ *member.Member, done func() error, err error) {
	d, err := h.Dialer()
	if err != nil {
		return nil, nil, err
	}
	// The load is bounded by its own schedule: what waits must not be refused before it is late.
	m := member.New(member.Options{Dialer: d, OnStatus: onStatus, Outbox: member.OutboxLimits{Count: 1 << 20, Bytes: 1 << 30}})
	m.Start()
	return m, func() error {
		m.Close()
		return d.Close()
	}, nil
}

func (h *Host) descriptor(ctx context.Context) (wire.Descriptor, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.desc == nil {
		d, err := node.FetchDescriptor(h.URL)(ctx)
		if err != nil {
			return d, err
		}
		h.desc = &d
	}
	return *h.desc, nil
}

// greeting reads what a host says on its standard output, up to the address of its page.
type greeting struct {
	text bytes.Buffer
	up   chan string // gets the address, once
	told bool
}

func (g *greeting) Write(p []byte) (int, error) {
	if g.told {
		return len(p), nil
	}
	g.text.Write(p)
	for line := range strings.Lines(g.text.String()) {
		page, ok := strings.CutPrefix(strings.TrimSpace(line), "Page ")
		if ok && strings.HasSuffix(line, "\n") {
			g.up <- strings.TrimSpace(page)
			g.told = true
			break
		}
	}
	return len(p), nil
}

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex // guards text
	text []byte
}

const maxTail = 2 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	t.text = t.text[max(0, len(t.text)-maxTail):]
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.text))
}
