// Package bench measures what a host carries: goop bench. It starts a host in a process of its own, or uses one
// that runs, connects native members through shared/member, makes load on it with package load, and reports what
// the host spent.
//
// # A scenario
//
// Each is one Scenario in a file of its own, named after it, and stands in the list All: that gives it a command,
// its flags and its help. Its Run starts a host with Bench.Start (which is the running one where the operator named
// one), does its work with the members of a Crew, or others, and fills a Report: Result is what programs read,
// Report.Row adds what people do, and Report.Note what they have to know. Scenarios whose work is messages to a
// group have all of that in Bench.messages. Whoever adds one thinks of Ctrl-C: when the context ends, Run returns
// soon, and Host.Close removes the host and its folder.
//
// The package must not know the command line, nor what the host does inside: it asks over the wire and over the
// control socket. A figure that cannot be had is told as unknown, and never as 0.
package bench

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"goop/host/bench/load"
	"goop/host/node"
	"goop/shared/wire"
)

// Scenario is one kind of work.
type Scenario struct {
	Name  string
	Short string // one line, for the list of them
	Long  string // what is done and what is measured
	// Usual is what holds where the operator says nothing else: Members, Rate, Size and For. What is zero has no
	// meaning here, and no flag.
	Usual Options
	// Profiles says that how long it lasts is known well enough for the host to be profiled.
	Profiles bool
	Bare     bool // it can be done on a bare relay
	Run      func(ctx context.Context, b *Bench) (*Report, error)
}

// All are the scenarios, in the order in which they are listed.
var All = []Scenario{
	fanout,
	mesh,
	idle,
	join,
	resume,
	data,
	slow,
	features,
}

// Options say how much, over what, and on which host.
type Options struct {
	Members   int
	Rate      float64 // a second; of what, the scenario says
	Size      int     // bytes of a payload
	For       time.Duration
	Transport string // one of Transports
	URL       string // of the page of a host that runs; "" starts one
	Data      string // the data folder of that host, where it is on this machine
	Group     string // of that host, which everybody may join; "" for the one of Site
	Profile   string // the file for the host's CPU profile, of the measured time or of the first seconds of it
	Pin       bool   // the host to one core, and the load to the others
	Bare      bool   // a bare relay in the place of a host; see package bare
}

// Transports are the names of transports that members can use, as the operator writes them.
var Transports = []string{node.WebTransport, node.QUIC, "ws", node.TCP}

// transport returns package node's name of a transport.
func transport(name string) string {
	if name == "ws" {
		return node.WebSocket
	}
	return name
}

// Bounds of what is asked for, against slips of the finger.
const (
	maxMembers = 20_000
	maxRate    = 1e6
	minSize    = 64
	maxSize    = 32 << 10
	maxFor     = time.Hour
)

// Check returns an error about options that a scenario cannot have.
func (o Options) Check(s Scenario) error {
	switch {
	case s.Usual.Members > 0 && (o.Members < 2 || o.Members > maxMembers):
		return fmt.Errorf("--members %d is not 2 to %d", o.Members, maxMembers)
	case s.Usual.Rate > 0 && !(o.Rate > 0 && o.Rate <= maxRate):
		return fmt.Errorf("--rate %v is not more than 0 and at most %.0f", o.Rate, maxRate)
	case s.Usual.Size > 0 && (o.Size < minSize || o.Size > maxSize):
		return fmt.Errorf("--size %d is not %d to %d bytes", o.Size, minSize, maxSize)
	case s.Usual.For > 0 && (o.For < 100*time.Millisecond || o.For > maxFor):
		return fmt.Errorf("--secs %v is not 0.1 to %.0f", o.For.Seconds(), maxFor.Seconds())
	case !slices.Contains(Transports, o.Transport):
		return fmt.Errorf("--transport %q is not %s", o.Transport, strings.Join(Transports, ", "))
	case o.URL == "" && (o.Data != "" || o.Group != ""):
		return errors.New("--data and --group are of the host at --url, which is missing")
	case o.URL != "" && o.Bare:
		return errors.New("--bare starts a relay of its own: it takes no --url")
	case o.Group != "" && !wire.ValidID(o.Group):
		return fmt.Errorf("--group %q is not the id of a group", o.Group)
	}
	if o.URL != "" {
		u, err := url.Parse(o.URL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return fmt.Errorf("--url %q is not an address such as http://192.168.1.5:7780", o.URL)
		}
		if o.Profile != "" && o.Data == "" {
			return errors.New("--profile needs --data, the folder of the host at --url: its operator alone may profile a host")
		}
	}
	return nil
}

// Bench is what a scenario works with.
type Bench struct {
	Options
	Scenario Scenario
	Program  string       // this program, which is also the host's
	Version  string       // of it
	Progress func(string) // tells people what is being done
}

// loadGC is the garbage collector's pace in this process, in percent: the load has memory to spare, and no time.
const loadGC = 400

// Run runs the scenario.
func (b *Bench) Run(ctx context.Context) (*Report, error) {
	defer debug.SetGCPercent(debug.SetGCPercent(loadGC))
	r, err := b.Scenario.Run(ctx, b)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return r, err
}

// plan is a plan of package load with the options in it.
func (b *Bench) plan(senders int, rate float64) load.Plan {
	return load.Plan{
		Members: b.Members, Senders: senders, Rate: rate, Size: b.Size,
		Warm: min(2*time.Second, b.For/2), For: b.For,
	}
}
