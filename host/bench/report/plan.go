package main

import (
	"slices"
	"strconv"
	"time"

	"goop/host/bench"
)

// system is one that is measured: Goop over one of its transports, or a peer.
type system struct {
	id        string // as in the record
	title     string
	transport string // of goop bench; "" for a peer
	bare      bool   // the bare relay, which only does works that name it
}

// A bare relay has its turn right after Goop over the same transport.
var systems = []system{
	{id: "goop-webtransport", title: "Goop, WebTransport", transport: "webtransport"},
	{id: "bare-webtransport", title: "bare relay, WebTransport", transport: "webtransport", bare: true},
	{id: "goop-ws", title: "Goop, WebSocket", transport: "ws"},
	{id: "bare-ws", title: "bare relay, WebSocket", transport: "ws", bare: true},
	{id: "gohub", title: "plain Go hub"},
	{id: "socketio", title: "Socket.IO"},
	{id: "nats", title: "nats-server"},
	{id: "bun", title: "Bun"},
}

// work is what systems are asked to do.
type work struct {
	id       string // as in the record
	scenario string // of goop bench and of the loader
	members  int
	rate     int
	secs     int
	rounds   int      // 0 is as many as asked for
	only     []string // systems; nil is all but bare relays
	bare     []string // bare relays
}

// by reports whether a system does the work.
func (w work) by(s system) bool {
	if s.bare {
		return slices.Contains(w.bare, s.id)
	}
	return w.only == nil || slices.Contains(w.only, s.id)
}

// light, heavy and so on are the works that the targets name.
const (
	light  = "fanout 100 × 500"
	middle = "fanout 300 × 1000"
	heavy  = "fanout 300 × 4000"
	mesh   = "mesh 50 × 20"
	idle   = "idle 1000"
	join   = "join 1000"
	resume = "resume 1000"
	slow   = "slow 100 × 500"
	stored = "append"
	more   = "features 100 × 500"
)

const payload = 128 // bytes

var (
	goopOnly  = []string{"goop-webtransport", "goop-ws"}
	webOnly   = []string{"goop-webtransport"}
	bareWeb   = []string{"bare-webtransport"}
	bareBoth  = []string{"bare-webtransport", "bare-ws"}
	fast      = []string{"goop-webtransport", "goop-ws", "nats", "bun"} // those that the middle work does not choke
	hasRoster = []string{"goop-webtransport", "goop-ws", "gohub", "socketio", "bun"}
)

var works = []work{
	{id: light, scenario: "fanout", members: 100, rate: 500, secs: 4, bare: bareBoth},
	{id: middle, scenario: "fanout", members: 300, rate: 1000, secs: 4, bare: bareBoth},
	{id: heavy, scenario: "fanout", members: 300, rate: 4000, secs: 4, only: fast, bare: bareWeb},
	{id: mesh, scenario: "mesh", members: 50, rate: 20, secs: 4, bare: bareWeb},
	{id: idle, scenario: "idle", members: 1000, secs: 10, rounds: 1, bare: bareBoth},
	{id: join, scenario: "join", members: 1000, only: hasRoster},
	{id: resume, scenario: "resume", members: 1000, rounds: 1, only: goopOnly},
	{id: slow, scenario: "slow", members: 100, rate: 500, secs: 8, rounds: 1, only: webOnly},
	{id: stored, scenario: "data", members: 64, secs: 5, only: webOnly},
	{id: more, scenario: "features", members: 100, rate: 500, secs: 14, rounds: 1, only: webOnly},
}

// smoke returns each scenario once, at a size that takes a moment.
func smoke(works []work) []work {
	var all []work
	for _, w := range works {
		if !slices.ContainsFunc(all, func(other work) bool { return other.scenario == w.scenario }) {
			w.members, w.rate, w.secs = min(w.members, 20), min(w.rate, 50), min(w.secs, 1)
			all = append(all, w)
		}
	}
	return all
}

// args are those of goop bench, and of the loader.
func (w work) args() []string {
	args := []string{w.scenario, "--members", strconv.Itoa(w.members), "--json"}
	if w.rate > 0 {
		args = append(args, "--rate", strconv.Itoa(w.rate), "--size", strconv.Itoa(payload))
	}
	if w.secs > 0 {
		args = append(args, "--secs", strconv.Itoa(w.secs))
	}
	return args
}

// profiles reports whether goop bench can profile the host during the work.
func (w work) profiles() bool {
	return slices.ContainsFunc(bench.All, func(s bench.Scenario) bool { return s.Name == w.scenario && s.Profiles })
}

// patience bounds one run of a work.
func (w work) patience() time.Duration { return 3*time.Minute + 4*time.Duration(w.secs)*time.Second }
