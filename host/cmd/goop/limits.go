package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"goop/host/dataserve"
	"goop/host/node"
	"goop/host/relay"
	"goop/host/store"
	"goop/shared/data"
	"goop/shared/wire"
)

// limits are the bounds that an operator may set, in the places where they are kept. Each has its default
// until it is set.
type limits struct {
	wire   wire.Limits
	relay  relay.Limits
	memory relay.MemLimits
	node   node.Limits
	data   dataserve.Rates
	store  store.Limits

	coalesce int // milliseconds
}

func defaultLimits() limits {
	return limits{
		wire:   wire.DefaultLimits(),
		relay:  relay.Limits{RosterNames: 1000, Bytes: 1 << 20},
		memory: relay.MemLimits{Entries: 10_000, Bytes: 4 << 20},
		node:   node.Limits{Connections: 12_000},
		data:   dataserve.Rates{Reads: 500, Writes: 200},
		store:  store.Limits{LogEntries: 10_000, LogBytes: 16 << 20},

		coalesce: 6,
	}
}

// limit is one bound of the flag --limit.
type limit struct {
	name        string
	what        string // it is
	unit        unit
	least, most int64
	value       func(*limits) int64
	set         func(*limits, int64)
}

// bound makes a limit of the field that at finds.
func bound[T int | int64 | float64](name, what string, u unit, least, most int64, at func(*limits) *T) limit {
	return limit{
		name, what, u, least, most,
		func(l *limits) int64 { return int64(*at(l)) },
		func(l *limits, v int64) { *at(l) = T(v) },
	}
}

// envelope is what a line of the group protocol may have around a payload or meta, in bytes.
const envelope = 1 << 10

// settable are the bounds that can be set, in the order in which they are listed.
var settable = []limit{
	bound("line", "one line of the group protocol", size, 4<<10, 1<<20, func(l *limits) *int { return &l.wire.Line }),
	bound("payload", "the payload of a message", size, 256, 1<<20-envelope, func(l *limits) *int { return &l.wire.Payload }),
	bound("state", "the whole state of a group", size, 1<<10, 2<<20, func(l *limits) *int { return &l.wire.State }),
	bound("meta", "what a member tells of itself", size, 128, wire.MaxMeta, func(l *limits) *int { return &l.wire.Meta }),
	bound("data", "one line of the data protocol", size, 4<<10, 1<<20, func(l *limits) *int { return &l.wire.Data }),
	bound("rows", "rows of one answer", number, 100, 1000, func(l *limits) *int { return &l.wire.Rows }),
	bound("rate", "lines a second of one peer to all its groups", number, 1, 100_000, func(l *limits) *int { return &l.wire.Rate }),
	bound("bandwidth", "bytes a second of one peer to all its groups", size, 4<<10, 1<<30, func(l *limits) *float64 { return &l.relay.Bytes }),
	bound("joins", "joins a minute of one peer", number, 1, 100_000, func(l *limits) *int { return &l.wire.Joins }),
	bound("sessions", "pages of one peer in one group", number, 1, 1000, func(l *limits) *int { return &l.wire.Sessions }),
	bound("members", "peers of one group", number, 1, 10_000, func(l *limits) *int { return &l.wire.Members }),
	bound("roster-names", "peers of one group that are told each other's names; with more it is their count", number, 1, 10_000, func(l *limits) *int { return &l.relay.RosterNames }),
	bound("groups", "groups of the host", number, 1, 100_000, func(l *limits) *int { return &l.wire.Groups }),
	bound("pages", "pages that are connected at once, of all peers", number, 1, 1_000_000, func(l *limits) *int { return &l.node.Connections }),
	bound("connections", "connections of one address that have not said yet who they are", number, 16, 100_000, func(l *limits) *int { return &l.wire.Connections }),
	bound("idle", "time for which a connection may be without a stream", span, 5_000, 24*60*60_000, func(l *limits) *int { return &l.wire.Idle }),
	bound("coalesce", "time between two writes of new messages to each page of a group of 100; 0 for none", span, 0, 50, func(l *limits) *int { return &l.coalesce }),
	bound("datagram", "the payload of an unreliable message", size, 64, wire.MaxDatagramPayload, func(l *limits) *int { return &l.wire.Datagram }),
	bound("data-reads", "queries a second of one peer to the tables", number, 1, 100_000, func(l *limits) *float64 { return &l.data.Reads }),
	bound("data-writes", "changes a second of one peer to the tables", number, 1, 100_000, func(l *limits) *float64 { return &l.data.Writes }),
	bound("log-entries", "messages that a durable group keeps", number, 100, 1_000_000, func(l *limits) *int64 { return &l.store.LogEntries }),
	bound("log-bytes", "their bytes", size, 64<<10, 1<<30, func(l *limits) *int64 { return &l.store.LogBytes }),
	bound("memory-entries", "messages that another group keeps, in memory", number, 100, 1_000_000, func(l *limits) *int { return &l.memory.Entries }),
	bound("memory-bytes", "their bytes", size, 64<<10, 1<<30, func(l *limits) *int { return &l.memory.Bytes }),
}

// names lists the bounds that can be set.
func names() (list []string) {
	for _, l := range settable {
		list = append(list, l.name)
	}
	return list
}

// Set reads one --limit name=value.
func (l *limits) Set(text string) error {
	name, value, ok := strings.Cut(text, "=")
	if !ok {
		return fmt.Errorf("it is name=value, such as payload=32KiB")
	}
	for _, s := range settable {
		if s.name != strings.TrimSpace(name) {
			continue
		}
		v, err := s.unit.parse(strings.TrimSpace(value))
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		if v < s.least || v > s.most {
			return fmt.Errorf("%s is %s to %s", s.name, s.unit.text(s.least), s.unit.text(s.most))
		}
		s.set(l, v)
		return nil
	}
	return fmt.Errorf("there is no limit %q%s; there are %s", name, didYouMean("", data.Nearest(name, names())), strings.Join(names(), ", "))
}

// String implements pflag.Value: what the flag is without being given, which its help says elsewhere.
func (l *limits) String() string { return "" }

// Type implements pflag.Value.
func (l *limits) Type() string { return "name=value" }

// check looks at what the bounds mean for each other.
func (l *limits) check() error {
	w := &l.wire
	if w.Payload > w.Line-envelope {
		return fmt.Errorf("--limit: a payload of %s does not fit into a line of %s: \"line\" has to be %s more, for what stands around it",
			size.text(int64(w.Payload)), size.text(int64(w.Line)), size.text(envelope))
	}
	// What a member is sent when it joins is one line.
	const member = 256 // bytes of a member in it beside its meta, about
	if welcome := w.State + l.relay.RosterNames*(w.Meta+member) + 64<<10; welcome > wire.MaxLine {
		return fmt.Errorf("--limit: with a state of %s and %s names, each with %s of \"meta\", what a member is sent first would not fit into %s",
			size.text(int64(w.State)), number.text(int64(l.relay.RosterNames)), size.text(int64(w.Meta)), size.text(wire.MaxLine))
	}
	return nil
}

// Numbers of other bounds that go with those that were set, so that a host that was told one number works.
const (
	bursts      = 5 // halves of a second for which a peer may send at its rate at once
	pageStreams = 8 // of one page: its groups, its data, the site's files
)

// share puts the numbers that stand in several places into all of them.
func (l *limits) share() {
	l.relay.LineBurst = bursts * float64(l.wire.Rate) / 2
	l.relay.ByteBurst = 2 * l.relay.Bytes
	l.relay.VolatileBytes = max(64<<10, l.wire.Payload)
	if l.relay.Coalesce = time.Duration(l.coalesce) * time.Millisecond; l.coalesce == 0 {
		l.relay.Coalesce = -1 // there, 0 is the default
	}
	l.memory.State = l.wire.State
	l.store.State = l.wire.State
	l.node.AddressPending = l.wire.Connections
	l.node.Idle = time.Duration(l.wire.Idle) * time.Millisecond
	l.node.Pending = max(8192, 4*l.wire.Connections)
	l.node.AddressConnections = max(4096, 2*l.wire.Connections)
	l.node.Streams = max(100_000, pageStreams*l.node.Connections)
}

// help lists the bounds with their defaults.
func (l *limits) help() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, s := range settable {
		fmt.Fprintf(w, "  %s\t%s\t%s\n", s.name, s.unit.text(s.value(l)), s.what)
	}
	_ = w.Flush() // to memory
	return b.String()
}

// values are the bounds by name: sizes in bytes, times in milliseconds.
func (l *limits) values() map[string]int64 {
	all := map[string]int64{}
	for _, s := range settable {
		all[s.name] = s.value(l)
	}
	return all
}
