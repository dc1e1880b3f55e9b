package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"goop/host/bench/load"
	"goop/host/control"
	"goop/host/node"
	"goop/shared/wire"
)

// BareCommand is what this program is started as to be a bare host.
const BareCommand = "bare-host"

// memoryPath is where a bare host tells what it holds.
const memoryPath = "/memory"

// Bare is a host that takes connections and does nothing with them, until ctx ends: what handshakes and open connections
// cost without groups, data and a site. It tells its address as goop serve does.
func Bare(ctx context.Context, out io.Writer) (err error) {
	key, err := node.NewKey()
	if err != nil {
		return err
	}
	n, err := node.Open(ctx, node.Options{
		Key: key, Name: "bare", Listen: "127.0.0.1:0", ListenTCP: "127.0.0.1:0",
		Limits: node.Limits{Idle: time.Hour, Connections: 2 * maxMembers, Pending: 2 * maxMembers},
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+wire.HostPath, func(w http.ResponseWriter, r *http.Request) {
		d := n.Descriptor(r.Host, false)
		_, _ = w.Write(d.Append(nil))
	})
	mux.HandleFunc("GET "+memoryPath, func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(control.ReadMemory()) })
	n.HandleHTTP(mux)
	if err := n.Listen(ctx); err != nil {
		return err
	}
	fmt.Fprintln(out, "Page", n.Origins()[0])
	<-ctx.Done()
	return nil
}

// redial is the pause after a connection that was refused.
const redial = 100 * time.Millisecond

// bareFigures are what connections alone cost.
type bareFigures struct {
	Memory  HostFigures   // per member
	HostCPU time.Duration // of the handshakes; load.Unknown where that cannot be had
	Elapsed time.Duration
}

// bare connects so many peers to a host that does nothing with them.
func (b *Bench) bare(ctx context.Context, over time.Duration) (f bareFigures, err error) {
	h := &Host{bench: b, setup: Setup{bare: true}}
	defer func() { err = errors.Join(err, h.Close()) }()
	if err := h.launch(ctx); err != nil {
		return f, err
	}
	empty, err := bareMemory(ctx, h.URL)
	if err != nil {
		return f, err
	}
	p := newPeople(b)
	defer p.close()
	cpu, known := h.process.CPU()
	begun := time.Now()
	if err := p.come(ctx, over, "connected to a bare host", func(ctx context.Context, _ int) (func() error, error) {
		d, err := h.Dialer()
		if err != nil {
			return nil, err
		}
		c, err := d.Dial(ctx)
		for ; err != nil; c, err = d.Dial(ctx) { // as a member does: a host takes in only so many at a time
			if wait(ctx, redial) != nil {
				return nil, errors.Join(err, d.Close())
			}
		}
		return func() error { return errors.Join(c.Close(), d.Close()) }, nil
	}); err != nil {
		return f, err
	}
	f.Elapsed, f.HostCPU = time.Since(begun), load.Unknown
	if now, ok := h.process.CPU(); ok && known {
		f.HostCPU = now - cpu
	}
	full, err := bareMemory(ctx, h.URL)
	f.Memory.members(empty, full, b.Members)
	return f, err
}

func bareMemory(ctx context.Context, page string) (m control.Memory, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, page+memoryPath, nil)
	if err != nil {
		return m, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return m, fmt.Errorf("read the bare host's memory: %w", err)
	}
	defer res.Body.Close()
	return m, json.NewDecoder(res.Body).Decode(&m)
}
