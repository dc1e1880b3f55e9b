package main

import (
	"fmt"
	"slices"
	"strings"
)

// row is a line of the table beside the peers.
type row struct {
	name, work, path string
	scale            float64
	unit             string
	less             bool // is better
}

var rows = []row{
	{name: "deliveries per CPU-second of the host, 100 × 500", work: light, path: perCPU},
	{name: "p99, 100 × 500", work: light, path: p99, unit: "ms", less: true},
	{name: "deliveries per CPU-second, 300 × 1,000", work: middle, path: perCPU},
	{name: "p99, 300 × 1,000", work: middle, path: p99, unit: "ms", less: true},
	{name: "deliveries per CPU-second, 300 × 4,000", work: heavy, path: perCPU},
	{name: "p99, 300 × 4,000", work: heavy, path: p99, unit: "ms", less: true},
	{name: "deliveries per CPU-second, mesh 50 × 20", work: mesh, path: perCPU},
	{name: "p99, mesh 50 × 20", work: mesh, path: p99, unit: "ms", less: true},
	{name: "memory of an idle member, RSS", work: idle, path: rssEach, scale: toKiB, unit: "KiB", less: true},
	{name: "memory of an idle member, heap", work: idle, path: heapEach, scale: toKiB, unit: "KiB", less: true},
	{name: "1,000 join, with roster", work: join, path: "result.elapsedMs", scale: toSecond, unit: "s", less: true},
	{name: "1,000 join, CPU of the host", work: join, path: "result.hostCpuMs", scale: toSecond, unit: "s", less: true},
}

// preface is what a reader has to know to read the tables.
const preface = `# Performance

Written by ` + "`./build.sh bench`" + ` from docs/performance.json; only the remarks are by hand, in host/bench/report/remarks.txt.
[Testing](testing.md#benchmarks) says how to run it, and what each instrument does.

`

const besideText = `
All systems do the same: each client is in one group, and a message of one goes to all others, as JSON of 128 bytes. "100 × 500" is 500 messages
a second into a group of 100, from 10 of them. The host has one core and the loader the rest; messages are due at fixed times whatever happened
before, and a latency counts from when a message was due until a member had it. What counts is what has come to members, in order and once; deliveries per
CPU-second are divided by the user and system time of the host's process. Systems take turns in every round, and medians count.
In brackets is how many times better Goop is over WebTransport, more than 1 in its favour in every row. "–" was not run: what cannot keep up at
1,000 messages a second is not asked for 4,000, and nats-server has no roster. ` + "`(!)`" + ` marks a run in which the loader had no time left, so that the system might do
more; ` + "`(lost)`" + ` one in which not all messages came, under a load that was too much.

`

const doesNot = `
What they do for it is not the same:

| | encrypts | knows who sends | one order, no gap unseen | catches up after a lost connection | roster | acknowledges |
|---|---|---|---|---|---|---|
| Goop | always: TLS or Noise, to the host | by handshake | yes | yes | yes | each message |
| plain Go hub | no | by connection | by accident of one lock | no | the bench's own | no |
| Socket.IO | no | by connection | in one process | no (recovery is off by default) | the bench's own | no |
| nats-server | no | no | per sender | no (JetStream not used) | no | no |
| Bun | no | no | in one process | no | the bench's own | no |
| PocketBase | no | by token | rows | no | – | HTTP answers |

`

// document is docs/performance.md.
func (r *record) document(remarks map[string]string) string {
	var b strings.Builder
	b.WriteString(preface)
	r.machines(&b)
	b.WriteString("\n## Beside the peers\n" + besideText)
	r.beside(&b)
	b.WriteString(doesNot)
	b.WriteString("## Targets\n\n")
	missed := r.targets(&b)
	r.reasons(&b, missed, remarks)
	r.database(&b)
	r.pages(&b)
	r.moreOfGoop(&b)
	r.micros(&b)
	return b.String()
}

// machines says where and when each part was measured.
func (r *record) machines(b *strings.Builder) {
	b.WriteString("| part | date | sources | machine |\n|---|---|---|---|\n")
	for _, name := range allParts {
		if p := r.Parts[name]; p != nil {
			m := p.Machine
			fmt.Fprintf(b, "| %s | %s | %s | %d cores of %s, %s, %s, %s, Node %s |\n", name, p.Date, p.Version, m.Cores, m.CPU, m.Memory, m.Kernel, m.Go, m.Node)
		}
	}
}

// beside writes the table of all systems that are to be had.
func (r *record) beside(b *strings.Builder) {
	systems := slices.DeleteFunc(slices.Clone(systems), func(s system) bool { return s.bare })
	b.WriteString("| |")
	for _, s := range systems {
		fmt.Fprintf(b, " %s |", strings.TrimSpace(s.title+" "+r.text(s.id, light, "version")))
	}
	b.WriteString("\n|---|" + strings.Repeat("--:|", len(systems)) + "\n")
	for _, row := range rows {
		fmt.Fprintf(b, "| %s |", row.name)
		ours, known := r.figure(webtransport, row.work, row.path)
		for _, s := range systems {
			v, ok := r.figure(s.id, row.work, row.path)
			if !ok {
				b.WriteString(" – |")
				continue
			}
			shown := v
			if row.scale != 0 {
				shown *= row.scale
			}
			fmt.Fprintf(b, " %s", quantity(shown, row.unit))
			if known && s.id != webtransport && v > 0 && ours > 0 {
				ratio := ours / v
				if row.less {
					ratio = 1 / ratio
				}
				fmt.Fprintf(b, " (%.2f×)", ratio)
			}
			if bound, ok := r.figure(s.id, row.work, "result.loaderBound"); ok && bound > 0 {
				b.WriteString(" (!)")
			}
			if lost, ok := r.figure(s.id, row.work, "result.missing"); ok && lost > 0 {
				b.WriteString(" (lost)")
			}
			b.WriteString(" |")
		}
		b.WriteString("\n")
	}
}

// targets writes the table of the targets, and returns those that are missed.
func (r *record) targets(b *strings.Builder) []target {
	var missed []target
	b.WriteString("| work | target | figures | |\n|---|---|---|---|\n")
	for _, t := range targets {
		figures, met := t.verdict(r)
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", t.what, t.want, figures, met)
		if met != "met" {
			missed = append(missed, t)
		}
	}
	return missed
}

// reasons shows for each missed target where the rest goes.
func (r *record) reasons(b *strings.Builder, missed []target, remarks map[string]string) {
	for _, t := range targets {
		late := slices.ContainsFunc(missed, func(m target) bool { return m.id == t.id })
		remark := remarks[t.id]
		profiled := late && slices.ContainsFunc(t.systems, func(s string) bool { return len(r.profile(s, t.profiled)) > 0 })
		if !profiled && remark == "" {
			continue
		}
		fmt.Fprintf(b, "\n### %s\n\n", strings.ToUpper(t.what[:1])+t.what[1:])
		if remark != "" {
			b.WriteString(remark + "\n")
		}
		if !profiled {
			continue
		}
		for _, s := range t.systems {
			profile := r.profile(s, t.profiled)
			if len(profile) == 0 {
				continue
			}
			fmt.Fprintf(b, "\nWhere the host's time goes (%s, %s; time in the functions of each package themselves):\n\n| package | of the time | most of it |\n|---|--:|---|\n", title(s), t.profiled)
			for _, p := range profile[:min(len(profile), 12)] {
				fmt.Fprintf(b, "| %s | %.1f %% | `%s` |\n", p.Package, p.Percent, p.Most)
			}
		}
	}
}

func title(id string) string {
	for _, s := range systems {
		if s.id == id {
			return s.title
		}
	}
	return id
}

// parseRemarks reads remarks.txt: a line "[id]" begins the remark about a target, lines with # are left out.
func parseRemarks(text string) map[string]string {
	all := map[string]string{}
	id := ""
	for line := range strings.Lines(text) {
		switch line := strings.TrimRight(line, "\n"); {
		case strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]"):
			id = strings.Trim(line, "[]")
		case id != "":
			all[id] = strings.TrimSpace(all[id] + "\n" + line)
		}
	}
	return all
}
