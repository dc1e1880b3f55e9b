// Command data measures Goop's database beside PocketBase's: the real hosts, one after the other, under the
// same load over the loopback interface. It prints a table in Markdown, or JSON for host/bench/report.
// `./build.sh bench data` builds what it needs and runs it.
//
// Each client is a member, or an HTTP client that keeps its connection, with one request under way at a
// time. The clients share the machine with the host under test, so that what they cost counts too; the
// seconds of CPU are the host's alone.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"
)

// load says how much is asked of a host.
type load struct {
	clients  int
	watchers int
	writers  int           // in the part with watchers
	burst    int           // rows that they write there, all into one game
	phase    time.Duration // of each other part
	live     time.Duration // of that with watchers
}

// rowsOfGame is how many rows a query finds.
const rowsOfGame = 20

func main() {
	goop := flag.String("goop", "bin/goop", "the host's binary")
	pocketbase := flag.String("pocketbase", "bin/bench-pocketbase", "the other's; \"\" to leave it out")
	rounds := flag.Int("rounds", 3, "how many times each host is measured")
	raw := flag.Bool("raw", false, "print every round as it ends")
	asJSON := flag.Bool("json", false, "print every round as JSON in the end, instead of the table")
	var l load
	flag.IntVar(&l.clients, "clients", 64, "who write and read at once")
	flag.IntVar(&l.watchers, "watchers", 100, "who watch")
	flag.IntVar(&l.writers, "writers", 16, "who write while others watch")
	flag.IntVar(&l.burst, "burst", 500, "rows written while others watch, at a time")
	flag.DurationVar(&l.phase, "phase", 4*time.Second, "for how long rows are inserted, and so on")
	flag.DurationVar(&l.live, "live", 6*time.Second, "for how long others watch, at least")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	all := []system{&goopHost{binary: *goop, transport: "webtransport"}, &goopHost{binary: *goop, transport: "websocket"}}
	if *pocketbase != "" {
		all = append(all, &pocketBase{binary: *pocketbase})
	}
	results := make([][]result, len(all))
	for round := range *rounds {
		for i, s := range all {
			fmt.Fprintf(os.Stderr, "round %d of %d: %s\n", round+1, *rounds, s.name())
			r, err := measure(ctx, s, l)
			if err != nil {
				fmt.Fprintf(os.Stderr, "%s: %v\n", s.name(), err)
				os.Exit(1)
			}
			results[i] = append(results[i], r)
			if *raw {
				fmt.Fprint(os.Stderr, table(all[i:i+1], [][]result{{r}}))
			}
		}
	}
	if *asJSON {
		if err := json.NewEncoder(os.Stdout).Encode(records(all, results)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	fmt.Print(heading(l, *rounds), table(all, results))
}
