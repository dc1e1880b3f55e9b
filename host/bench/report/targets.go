package main

import (
	"cmp"
	"fmt"
	"strings"
)

// target is one of those that were set before anything was measured.
type target struct {
	id     string // as in remarks.txt
	what   string
	want   string
	checks []check
	// profiled is the work whose profile shows where the time goes when the target is missed, for each system.
	profiled string
	systems  []string
}

// check is one figure of a target, and what it has to be.
type check struct {
	name         string
	system, work string
	path         string
	plus         string  // another path, which is added
	scale        float64 // what the figure is multiplied by; 0 is 1
	unit         string
	atMost       float64 // 0 is no bound
	atLeast      float64
	beside       string // a system: the figure is divided by the same one of this
	against      string // a work: the figure is divided by the same one of this
}

const (
	webtransport = "goop-webtransport"
	websocket    = "goop-ws"
	bareWT       = "bare-webtransport"
	bareWS       = "bare-ws"

	relay = "goop/host/relay" // its Go benchmarks
	crowd = "CrowdJoins/roster"

	perCPU    = "result.perHostCpuSecond"
	p99       = "result.p99Ms"
	heapEach  = "host.heapPerMember"
	stackEach = "host.stackPerMember"
	rssEach   = "host.rssPerMember"
	onTop     = "result.oursPerMember"
	beats     = "result.heartbeatCpuPercent"
	ofPage    = "systems.goop-webtransport." // in what js/bench prints
	toKB      = 1e-3
	toSecond  = 1e-3 // of milliseconds
	toKiB     = 1.0 / 1024
	none      = 0.0001  // the bound of what must not be at all
	aTenth    = 10      // percent
	tenthMore = 1 / 1.1 // how many there are for the same, when each costs a tenth more
)

// value is the figure of a check.
func (c check) value(r *record) (float64, bool) {
	v, ok := r.figure(c.system, c.work, c.path)
	if !ok {
		return 0, false
	}
	if c.plus != "" {
		more, ok := r.figure(c.system, c.work, c.plus)
		if !ok {
			return 0, false
		}
		v += more
	}
	if c.scale != 0 {
		v *= c.scale
	}
	if c.beside != "" || c.against != "" {
		base, ok := r.figure(cmp.Or(c.beside, c.system), cmp.Or(c.against, c.work), c.path)
		if !ok || base == 0 {
			return 0, false
		}
		v /= base
	}
	return v, true
}

func (c check) met(v float64) bool {
	return (c.atMost == 0 || v <= c.atMost) && (c.atLeast == 0 || v >= c.atLeast)
}

// verdict says what a target's figures are, and whether all are as they should be.
func (t target) verdict(r *record) (figures, met string) {
	var lines []string
	if met = "met"; len(t.checks) == 0 {
		met = "not measured"
	}
	for _, c := range t.checks {
		v, ok := c.value(r)
		switch {
		case !ok:
			lines = append(lines, c.name+": not measured")
			if met == "met" {
				met = "not measured"
			}
			continue
		case !c.met(v):
			met = "**missed**"
			lines = append(lines, fmt.Sprintf("**%s: %s**", c.name, quantity(v, c.unit)))
		default:
			lines = append(lines, fmt.Sprintf("%s: %s", c.name, quantity(v, c.unit)))
		}
	}
	return strings.Join(lines, "<br>"), met
}

// quantity writes a number with three digits that count.
func quantity(v float64, unit string) string {
	space := " "
	if unit == "×" || unit == "" || unit == "%" {
		space = ""
	}
	if unit == "ms" && v >= 1000 {
		v, unit = v/1000, "s"
	}
	switch {
	case v == 0:
		return "0" + space + unit
	case v >= 1e6:
		return fmt.Sprintf("%.3gM%s%s", v/1e6, space, unit)
	case v >= 1e4:
		return fmt.Sprintf("%.0fk%s%s", v/1e3, space, unit)
	case v >= 100:
		return fmt.Sprintf("%.0f%s%s", v, space, unit)
	case v >= 10:
		return fmt.Sprintf("%.1f%s%s", v, space, unit)
	default:
		return fmt.Sprintf("%.2g%s%s", v, space, unit)
	}
}

var targets = []target{
	{
		id: "light", what: "WebTransport, 100 members × 500 messages/s of 128 B", want: "p99 ≤ 10 ms; deliveries per CPU-second ≥ 1.0× the plain Go hub's and Socket.IO's",
		profiled: light, systems: webOnly,
		checks: []check{
			{name: "p99", system: webtransport, work: light, path: p99, unit: "ms", atMost: 10},
			{name: "beside the plain hub", system: webtransport, work: light, path: perCPU, beside: "gohub", unit: "×", atLeast: 1},
			{name: "beside Socket.IO", system: webtransport, work: light, path: perCPU, beside: "socketio", unit: "×", atLeast: 1},
		},
	},
	{
		id: "bare", what: "what features cost: a plain open group over the bare relay, and each further feature over that",
		want:     "≤ 10 % of CPU for a delivery, so that deliveries per CPU-second are ≥ 0.91× the bare relay's; ≤ 10 % for each feature",
		profiled: light, systems: []string{webtransport, bareWT},
		checks: []check{
			{name: "WebTransport, 100 × 500", system: webtransport, work: light, path: perCPU, beside: bareWT, unit: "×", atLeast: tenthMore},
			{name: "300 × 1,000", system: webtransport, work: middle, path: perCPU, beside: bareWT, unit: "×", atLeast: tenthMore},
			{name: "300 × 4,000", system: webtransport, work: heavy, path: perCPU, beside: bareWT, unit: "×", atLeast: tenthMore},
			{name: "mesh 50 × 20", system: webtransport, work: mesh, path: perCPU, beside: bareWT, unit: "×", atLeast: tenthMore},
			{name: "WebSocket, 100 × 500", system: websocket, work: light, path: perCPU, beside: bareWS, unit: "×", atLeast: tenthMore},
			{name: "300 × 1,000", system: websocket, work: middle, path: perCPU, beside: bareWS, unit: "×", atLeast: tenthMore},
			{name: "durable", system: webtransport, work: more, path: "result.durable.costPercent", unit: "%", atMost: aTenth},
			{name: "state", system: webtransport, work: more, path: "result.state.costPercent", unit: "%", atMost: aTenth},
			{name: "volatile", system: webtransport, work: more, path: "result.volatile.costPercent", unit: "%", atMost: aTenth},
			{name: "news of members", system: webtransport, work: more, path: "result.news.costPercent", unit: "%", atMost: aTenth},
			{name: "watched table", system: webtransport, work: more, path: "result.watch.costPercent", unit: "%", atMost: aTenth},
		},
	},
	{
		id: "heavy", what: "WebTransport, 300 × 4,000", want: "≥ 650k deliveries per CPU-second; p99 ≤ 50 ms; nobody resynced",
		profiled: heavy, systems: webOnly,
		checks: []check{
			{name: "per CPU-second", system: webtransport, work: heavy, path: perCPU, atLeast: 650_000},
			{name: "p99", system: webtransport, work: heavy, path: p99, unit: "ms", atMost: 50},
			{name: "resynced", system: webtransport, work: heavy, path: "host.resyncs", atMost: none},
		},
	},
	{
		id: "fallback", what: "WebSocket fallback (Noise and yamux), both works", want: "≥ 1.0× the plain Go hub, which does not encrypt",
		profiled: light, systems: []string{websocket},
		checks: []check{
			{name: "100 × 500", system: websocket, work: light, path: perCPU, beside: "gohub", unit: "×", atLeast: 1},
			{name: "300 × 1,000", system: websocket, work: middle, path: perCPU, beside: "gohub", unit: "×", atLeast: 1},
		},
	},
	{
		id: "mesh", what: "mesh of 50 members, each of whom sends 20 messages/s", want: "keeps up on one core over WebTransport; p99 ≤ 20 ms",
		profiled: mesh, systems: webOnly,
		checks: []check{
			{name: "deliveries/s", system: webtransport, work: mesh, path: "result.perSecond", atLeast: 48_000},
			{name: "p99", system: webtransport, work: mesh, path: p99, unit: "ms", atMost: 20},
		},
	},
	{
		id: "idle", what: "an idle member, of 1,000, after a forced collection", want: "WebTransport ≤ 150 KiB; WebSocket ≤ 64 KiB; ours ≤ 16 KiB of it",
		profiled: idle, systems: goopOnly,
		checks: []check{
			{name: "WebTransport, heap and stacks", system: webtransport, work: idle, path: heapEach, plus: stackEach, scale: toKiB, unit: "KiB", atMost: 150},
			{name: "RSS", system: webtransport, work: idle, path: rssEach, scale: toKiB, unit: "KiB"},
			{name: "WebSocket, heap and stacks", system: websocket, work: idle, path: heapEach, plus: stackEach, scale: toKiB, unit: "KiB", atMost: 64},
			{name: "RSS", system: websocket, work: idle, path: rssEach, scale: toKiB, unit: "KiB"},
			{name: "ours", system: webtransport, work: idle, path: onTop, scale: toKiB, unit: "KiB", atMost: 16},
			{name: "a bare relay's", system: bareWT, work: idle, path: onTop, scale: toKiB, unit: "KiB"},
		},
	},
	{
		id: "join", what: "1,000 members join one group with roster, WebTransport", want: "≤ 5 s on one core; CPU ≤ 1.3× that of the bare handshakes",
		profiled: join, systems: webOnly,
		checks: []check{
			{name: "time", system: webtransport, work: join, path: "result.elapsedMs", scale: toSecond, unit: "s", atMost: 5},
			{name: "beside bare handshakes", system: webtransport, work: join, path: "result.cpuOverBare", unit: "×", atMost: 1.3},
		},
	},
	{
		id: "storm", what: "one group of 10,000, joined over 60 s", want: "bytes and frames per member bounded as promised; CPU ≤ 2× of joining without a roster",
		checks: []check{
			{name: "beside no roster", system: relay, work: crowd, against: "CrowdJoins/blind", path: "cpu-s", unit: "×", atMost: 2},
			{name: "lines of a member, mean", system: relay, work: crowd, path: "lines/member", atMost: 10 * 60},
			{name: "bytes of a member, mean", system: relay, work: crowd, path: "bytes/member", scale: toKiB, unit: "KiB"},
			{name: "most of a member", system: relay, work: crowd, path: "most-bytes", scale: toKiB, unit: "KiB", atMost: 512},
		},
	},
	{
		id: "resume", what: "1,000 members resume after SIGKILL", want: "all back and caught up ≤ 5 s after the listener is up; store reads grow with groups, not with members",
		checks: []check{
			{name: "time", system: webtransport, work: resume, path: "result.elapsedMs", scale: toSecond, unit: "s", atMost: 5},
		},
	},
	{
		id: "append", what: "append → acknowledged, 64 durable groups of one sender each, synchronous=FULL", want: "≥ 30,000/s",
		profiled: stored, systems: webOnly,
		checks: []check{{name: "a second", system: webtransport, work: stored, path: "result.append.perSecond", atLeast: 30_000}},
	},
	{
		id: "heartbeat", what: "heartbeat of 1,000 members, every 2 s", want: "≤ 3 % of a core",
		profiled: idle, systems: webOnly,
		checks: []check{
			{name: "of a core", system: webtransport, work: idle, path: beats, unit: "%", atMost: 3},
			{name: "on a bare relay", system: bareWT, work: idle, path: beats, unit: "%"},
		},
	},
	{
		id: "allocations", what: "allocations per delivered message on the host, 300 members", want: "≤ 0.05",
		profiled: middle, systems: webOnly,
		checks: []check{{name: "300 × 1,000", system: webtransport, work: middle, path: "host.allocsPerDelivery", atMost: 0.05}},
	},
	{
		id: "size", what: "the member's wasm, Brotli, both transports", want: "≤ 900 kB; ≤ 950 kB transferred in all",
		checks: []check{
			{name: "wasm", system: pageSystem, work: pageWork, path: ofPage + "sizes.wasm.brotli", scale: toKB, unit: "kB", atMost: 900},
			{name: "transferred", system: pageSystem, work: pageWork, path: ofPage + "transfer.total", scale: toKB, unit: "kB", atMost: 950},
		},
	},
	{
		id: "welcome", what: "from navigation to welcome, local", want: "cold ≤ 300 ms; warm ≤ 120 ms",
		checks: []check{
			{name: "cold", system: pageSystem, work: pageWork, path: ofPage + "visits.cold.welcome", unit: "ms", atMost: 300},
			{name: "warm", system: pageSystem, work: pageWork, path: ofPage + "visits.warm.welcome", unit: "ms", atMost: 120},
		},
	},
	{
		id: "task", what: "longest task of the main thread, also in a burst of 10,000 messages", want: "≤ 50 ms; ≤ 200 ms with the processor throttled to a quarter",
		checks: []check{
			{name: "load", system: pageSystem, work: pageWork, path: ofPage + "tasks.load", unit: "ms", atMost: 50},
			{name: "connect", system: pageSystem, work: pageWork, path: ofPage + "tasks.connect", unit: "ms", atMost: 50},
			{name: "burst", system: pageSystem, work: pageWork, path: ofPage + "tasks.burst", unit: "ms", atMost: 50},
			{name: "throttled load", system: pageSystem, work: pageWork, path: ofPage + "tasks4.load", unit: "ms", atMost: 200},
			{name: "throttled connect", system: pageSystem, work: pageWork, path: ofPage + "tasks4.connect", unit: "ms", atMost: 200},
			{name: "throttled burst", system: pageSystem, work: pageWork, path: ofPage + "tasks4.burst", unit: "ms", atMost: 200},
		},
	},
	{
		id: "callback", what: "messages a second into the page's callback", want: "≥ 150,000",
		checks: []check{
			{name: "live", system: pageSystem, work: pageWork, path: ofPage + "receive.rate", atLeast: 150_000},
			{name: "held", system: pageSystem, work: pageWork, path: ofPage + "held.rate"},
			{name: "for a second of the tab's CPU", system: pageSystem, work: pageWork, path: ofPage + "held.perCpu"},
		},
	},
}
