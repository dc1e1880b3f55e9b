// Package doctor says who will be able to visit a host, and why others will not: what was seen on the
// machine and on the way to the host goes in as [Facts] or as a [Visit], findings with what to change come out.
//
// It holds judgement alone. It looks at nothing itself and has no clock, so that every case can be written
// down in a test; package look and the command gather the facts. It must not know libp2p, the control
// socket, or how a fact was come by. What was not seen it does not claim: a fact that is missing is told as
// not seen, or not at all.
package doctor

import (
	"fmt"
	"slices"
	"time"
)

// Level says how much a finding matters.
type Level string

// The levels, the harmless ones first.
const (
	OK   Level = "ok"
	Note Level = "note" // nothing is wrong; it explains what visitors will see
	Warn Level = "warn" // works, and less well than it could
	Bad  Level = "bad"  // visitors cannot come, or soon cannot
)

// Finding is one thing that was looked at.
type Finding struct {
	Area  string `json:"area"`
	Level Level  `json:"level"`
	Seen  string `json:"seen"`            // what was seen, one sentence
	Means string `json:"means,omitempty"` // for visitors
	Do    string `json:"do,omitempty"`    // what to change; "" for nothing
}

// Visitors are those who come from one place.
type Visitors struct {
	Who string `json:"who"` // "on this machine"
	// Level is OK when they can come, Note when they cannot because nobody wanted that, Warn when it is not
	// known, Bad when something keeps them out.
	Level Level  `json:"level"`
	Can   string `json:"can"` // what they can do, and why not more
}

// Report is what the doctor says.
type Report struct {
	Visitors []Visitors `json:"visitors"`
	Findings []Finding  `json:"findings"`
}

// Healthy reports whether visitors can come: nothing that was found keeps them out.
func (r *Report) Healthy() bool {
	return !slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Level == Bad })
}

func (r *Report) add(area string, level Level, seen, means, do string) {
	r.Findings = append(r.Findings, Finding{area, level, seen, means, do})
}

// Try is one attempt to reach the host over one way.
type Try struct {
	Tried     bool
	Err       string        // "" when it worked
	Connected time.Duration // until the host was known by its key
	Welcome   time.Duration // until it had answered a first request
}

// Worked reports whether the way was tried and led to the host.
func (t Try) Worked() bool { return t.Tried && t.Err == "" }

func (t Try) String() string {
	if t.Err != "" {
		return t.Err
	}
	return fmt.Sprintf("connected after %s, first answer after %s", ms(t.Connected), ms(t.Welcome))
}

func ms(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }

// Verdict is what a firewall does with a packet that opens a connection to a port.
type Verdict string

const (
	Unsure Verdict = ""       // a rule that decides cannot be read
	Passes Verdict = "passes" // as far as its rules say
	Drops  Verdict = "drops"  // or refuses
)
