package control_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"goop/host/control"
	"goop/shared/wire"
)

func (h *host) Counters(context.Context) (control.Counters, error) {
	return control.Counters{Deliveries: 12, BytesOut: 345}, h.err
}

func TestMeasure(t *testing.T) {
	h := &host{}
	dir := t.TempDir()
	listen(t, dir, h)
	c, ctx := control.NewClient(dir), t.Context()

	n, err := c.Counters(ctx)
	if err != nil || n.Deliveries != 12 || n.BytesOut != 345 || n.Mallocs <= 0 || n.AllocBytes <= 0 {
		t.Errorf("counters: %+v, %v", n, err)
	}
	before := n.GCs
	if m, err := c.Memory(ctx); err != nil || m.Heap <= 0 || m.Stacks <= 0 || m.Goroutines <= 0 || m.RSS < 0 {
		t.Errorf("memory: %+v, %v", m, err)
	}
	if n, err = c.Counters(ctx); err != nil || n.GCs <= before {
		t.Errorf("%d garbage collections before the memory was read, %d after: %v", before, n.GCs, err)
	}

	b, err := c.Profile(ctx, time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	unpacked, err := gzip.NewReader(bytes.NewReader(b))
	if err == nil {
		_, err = io.Copy(io.Discard, unpacked)
	}
	if err != nil {
		t.Errorf("the profile is none: %v", err)
	}
	for _, d := range []time.Duration{0, -time.Second, control.MaxProfile + 1} {
		if _, err := c.Profile(ctx, d); !errors.Is(err, wire.InvalidValue) {
			t.Errorf("a profile of %v: %v", d, err)
		}
	}
}

// TestProfileEnds has a profile end with who waits for it, and with the host, long before its time.
func TestProfileEnds(t *testing.T) {
	dir := t.TempDir()
	s := listen(t, dir, &host{})
	c := control.NewClient(dir)

	ctx, cancel := context.WithCancel(t.Context())
	gaveUp := make(chan error, 1)
	go func() { gaveUp <- profileTurn(ctx, c) }()
	untilProfiled(t, c)
	cancel()
	if err := <-gaveUp; !errors.Is(err, context.Canceled) {
		t.Errorf("nobody waits any more: %v", err)
	}

	ended := make(chan error, 1)
	go func() { ended <- profileTurn(t.Context(), c) }()
	untilProfiled(t, c)
	if err := s.Close(t.Context()); err != nil {
		t.Errorf("close: %v", err)
	}
	if err := <-ended; err == nil {
		t.Error("a profile of ten minutes is complete")
	}
}

// profileTurn asks for the longest profile, and asks again while another one is made: one that is on its way out, or
// one of untilProfiled.
func profileTurn(ctx context.Context, c *control.Client) error {
	for {
		if _, err := c.Profile(ctx, control.MaxProfile); !errors.Is(err, wire.Conflict) {
			return err
		}
	}
}

// untilProfiled returns when the host is being profiled.
func untilProfiled(t *testing.T, c *control.Client) {
	t.Helper()
	for {
		_, err := c.Profile(t.Context(), time.Nanosecond)
		if errors.Is(err, wire.Conflict) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}
