package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"goop/host/control"
	"goop/host/metrics"
	"goop/host/relay"
	"goop/shared/group"
	"goop/shared/wire"
)

// defaultMetrics is where the metrics are read without --metrics: by programs of the machine itself.
const defaultMetrics = "127.0.0.1:7781"

// noMetrics is the --metrics of a host that has none.
const noMetrics = "off"

// checkMetrics checks the form of --metrics.
func checkMetrics(address string) error {
	if address == noMetrics {
		return nil
	}
	if _, err := net.ResolveTCPAddr("tcp", address); err != nil || address == "" {
		return fmt.Errorf("--metrics %q is not an address such as %s, or %s", address, defaultMetrics, noMetrics)
	}
	return nil
}

// serveMetrics opens the listener of the metrics. Another program on an address that nobody asked for is
// no reason not to run: often it is a second host.
func (h *running) serveMetrics(ctx context.Context) (err error) {
	address := h.opts.metrics
	if address == noMetrics {
		return nil
	}
	h.scrapes, err = h.metrics.Listen(ctx, address, h.opts.log)
	switch {
	case err == nil:
		return nil
	case !h.opts.metricsAsked:
		h.opts.log.Warn("the metrics are not told: their address is not free (--metrics takes another one, or off)", "address", address, "error", err)
		return nil
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("the address %s of --metrics is taken by another program", address)
	}
	return fmt.Errorf("listen on %s for --metrics: %w", address, err)
}

// reading returns what the host counts.
func (h *running) reading() metrics.Reading {
	c := h.relay.Counters()
	r := metrics.Reading{
		Connections: h.node.Connections(), Peers: h.online.peers(),
		Commits: h.db.Commits(), Joins: c.Joins, Appended: c.Appended, Deliveries: c.Deliveries, BytesOut: c.BytesOut,
		Resyncs: c.Resyncs, TooSlow: c.TooSlow, DatagramsIn: c.DatagramsIn, DatagramsOut: c.DatagramsOut,
		VolatileDropped: c.VolatileDropped, Refused: map[string]int64{},
	}
	for _, code := range wire.Codes { // those that were never used too, so that their first use is a rise
		r.Refused[string(code)] = c.Refused[code]
	}
	r.BackupLast, r.BackupsFailed = h.backups.counts()
	for _, g := range h.relay.Stats() {
		r.Groups++
		r.Members += g.Members
		r.Sessions += g.Sessions
	}
	return r
}

// Counters returns what the host counts, for who measures it.
func (h *running) Counters(context.Context) (control.Counters, error) {
	c := h.relay.Counters()
	return control.Counters{
		Joins: c.Joins, Appended: c.Appended, Deliveries: c.Deliveries, BytesOut: c.BytesOut, Commits: h.db.Commits(),
		Resyncs: c.Resyncs, TooSlow: c.TooSlow,
	}, nil
}

// timedLog is a log whose appends are timed.
type timedLog struct {
	relay.Log
	appended func(time.Duration)
}

func (l timedLog) Append(ctx context.Context, id wire.GroupID, drafts []group.Draft) ([]group.Result, error) {
	begun := time.Now()
	results, err := l.Log.Append(ctx, id, drafts)
	if err == nil {
		l.appended(time.Since(begun))
	}
	return results, err
}
