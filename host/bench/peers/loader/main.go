// Command loader does to the peers what `goop bench` does to Goop, with the same code of host/bench/load, and prints
// the same JSON. It starts the peer's server in a process of its own, on the first core, and is its clients on the others.
//
// It is a module of its own, so that Goop's does not know it, and the clients are written by hand: they do as little
// as the protocol of each peer lets them, so that they are not what is measured.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"

	"goop/host/bench/load"
)

// options are what the command line asks for.
type options struct {
	folders
	peer     *peer
	scenario string
	members  int
	senders  int
	rate     float64
	size     int
	secs     time.Duration
	pin      bool
}

// answer is what is printed: as goop bench has it.
type answer struct {
	Scenario  string         `json:"scenario"`
	Transport string         `json:"transport"`
	System    string         `json:"system"`
	Version   string         `json:"version"`
	Plan      map[string]any `json:"plan"`
	Result    any            `json:"result"`
	Host      map[string]any `json:"host"`
}

func main() {
	o, err := parse(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "loader:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	a, err := measure(ctx, o)
	stop()
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(a)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "loader:", err)
		os.Exit(1)
	}
}

func parse(args []string) (options, error) {
	o := options{folders: folders{peers: "host/bench/peers", bin: "bin"}}
	if len(args) < 2 {
		return o, errors.New("usage: loader PEER fanout|mesh|idle|join [flags]")
	}
	for _, p := range all {
		if p.name == args[0] {
			o.peer = p
		}
	}
	if o.peer == nil {
		return o, fmt.Errorf("there is no peer %s", args[0])
	}
	o.scenario = args[1]
	f := flag.NewFlagSet("loader", flag.ContinueOnError)
	f.StringVar(&o.peers, "peers", o.peers, "where the peers' sources are")
	f.StringVar(&o.bin, "bin", o.bin, "where what was built of them is")
	f.IntVar(&o.members, "members", 100, "members of the group")
	f.Float64Var(&o.rate, "rate", 500, "messages a second: into the group (fanout), or of each member (mesh)")
	f.IntVar(&o.size, "size", 128, "bytes of a message")
	f.BoolVar(&o.pin, "pin", true, "keep the server to the first core, and the members to the others")
	f.Bool("json", true, "print JSON, which it always does")
	secs := f.Float64("secs", 10, "seconds that are measured")
	if err := f.Parse(args[2:]); err != nil {
		return o, err
	}
	o.secs = time.Duration(*secs * float64(time.Second))
	o.senders = min(10, o.members)
	if o.scenario == "mesh" {
		o.senders, o.rate = o.members, o.rate*float64(o.members)
	}
	return o, nil
}

// warm is how long messages flow before they count.
const warm = 2 * time.Second

func measure(ctx context.Context, o options) (_ *answer, err error) {
	srv, err := start(ctx, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, srv.Stop(ctx)) }()
	address, err := o.peer.address(ctx, srv.page)
	if err != nil {
		return nil, err
	}
	sys := &system{peer: o.peer, address: address}
	a := &answer{Scenario: o.scenario, Transport: "ws", System: o.peer.name, Version: o.peer.version, Plan: map[string]any{"members": o.members}}
	switch o.scenario {
	case "fanout", "mesh":
		plan := load.Plan{Members: o.members, Senders: o.senders, Rate: o.rate, Size: o.size, Warm: min(warm, o.secs/2), For: o.secs}
		a.Plan = map[string]any{"members": plan.Members, "senders": plan.Senders, "rate": plan.Rate, "size": plan.Size, "secs": plan.For.Seconds(), "warmSecs": plan.Warm.Seconds()}
		var res load.Result
		if res, err = load.Run(ctx, sys, plan, srv.Process, tell); err == nil {
			a.Result, a.Host = res, map[string]any{"rss": res.HostRSS}
		}
	case "idle":
		a.Result, a.Host, err = idle(ctx, sys, srv, o.members, o.secs)
	case "join":
		a.Result, a.Host, err = join(ctx, sys, srv, o.members)
	default:
		err = fmt.Errorf("there is no scenario %s", o.scenario)
	}
	return a, errors.Join(err, errors.Join(sys.failed...))
}

func tell(what string) { fmt.Fprintln(os.Stderr, what) }

// start starts a peer's server, and waits until it says where it is.
func start(ctx context.Context, o options) (*server, error) {
	args := o.peer.command(o.folders)
	out, in := io.Pipe()
	p, err := load.Start(load.Command{Path: args[0], Args: args[1:], Stdout: in, Stderr: os.Stderr, Pin: o.pin})
	if err != nil {
		return nil, err
	}
	go func() { // ends with the process
		<-p.Done()
		in.Close()
	}()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if page, ok := strings.CutPrefix(strings.TrimSpace(lines.Text()), "Page "); ok {
			go io.Copy(io.Discard, out) // ends with the pipe
			return &server{Process: p, page: strings.TrimSpace(page)}, nil
		}
	}
	return nil, errors.Join(errors.New("the server did not come up"), p.Stop(ctx))
}
