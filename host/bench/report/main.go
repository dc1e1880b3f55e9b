// Command report measures Goop beside its peers, all in one run on one machine, and writes docs/performance.md.
// `./build.sh bench` builds what it needs and runs it; it knows the instruments by what they print.
//
// What was measured is kept in docs/performance.json, part by part: a part that is named is measured again, and the
// document is written from all of them. Nothing in the document is written by hand, but for the remarks in
// remarks.txt.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// tool is one run of this program.
type tool struct {
	root    string // of the repository
	scratch string
	rounds  int
	smoke   bool
	began   time.Time

	// mu guards the following.
	mu     sync.Mutex
	record *record
	failed []string
}

// allParts are the parts in the order in which they are measured.
var allParts = []string{"goop", "peers", "data", "page", "micro", "sizes"}

func main() {
	t := &tool{began: time.Now()}
	flag.StringVar(&t.root, "root", ".", "the repository")
	flag.IntVar(&t.rounds, "rounds", 3, "how many times each system does each work; medians count")
	flag.BoolVar(&t.smoke, "smoke", false, "whether all instruments work, at tiny sizes: nothing is kept")
	flag.Usage = func() {
		fmt.Fprintf(os.Stderr, "usage: report [flags] [%s|report]...\n", strings.Join(allParts, "|"))
		flag.PrintDefaults()
	}
	flag.Parse()
	if t.smoke {
		t.rounds = 1
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := t.run(ctx, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		stop()
		os.Exit(1)
	}
}

func (t *tool) run(ctx context.Context, parts []string) (err error) {
	if t.scratch, err = os.MkdirTemp("", "goop-bench"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(t.scratch)) }()
	if t.record, err = load(t.path("docs/performance.json")); err != nil {
		return err
	}
	if len(parts) == 0 {
		parts = allParts
	}
	for _, p := range parts {
		if p != "report" && !slices.Contains(allParts, p) {
			return fmt.Errorf("there is no part %q; there are %s", p, strings.Join(allParts, ", "))
		}
	}
	t.measure(ctx, parts)
	if err := ctx.Err(); err != nil {
		return err
	}
	if !t.smoke {
		remarks, err := os.ReadFile(t.path("host/bench/report/remarks.txt"))
		if err != nil {
			return err
		}
		if err := os.WriteFile(t.path("docs/performance.md"), []byte(t.record.document(parseRemarks(string(remarks)))), 0o644); err != nil {
			return err
		}
	}
	t.say("done in %s", time.Since(t.began).Round(time.Second))
	if len(t.failed) > 0 {
		return fmt.Errorf("%d failed:\n  %s", len(t.failed), strings.Join(t.failed, "\n  "))
	}
	return nil
}

// measure measures the named parts again: one after the other, but in a smoke, where no figure counts, all at once.
func (t *tool) measure(ctx context.Context, names []string) {
	m := thisMachine()
	parts := map[string]*part{}
	for _, name := range names {
		if name != "report" {
			parts[name] = t.record.begin(name, m)
		}
	}
	all := []func(){func() { t.bench(ctx, parts) }}
	for _, other := range []struct {
		name string
		do   func(context.Context) ([]run, error)
	}{{"data", t.data}, {"page", t.page}, {"micro", t.micro}, {"sizes", t.sizes}} {
		if p := parts[other.name]; p != nil {
			all = append(all, func() {
				if ctx.Err() != nil {
					return
				}
				runs, err := other.do(ctx)
				if err != nil {
					t.fail("%s: %v", other.name, err)
				}
				t.mu.Lock()
				defer t.mu.Unlock()
				p.Runs = append(p.Runs, runs...)
				t.keep()
			})
		}
	}
	var running sync.WaitGroup
	for _, do := range all {
		running.Go(do)
		if !t.smoke {
			running.Wait()
		}
	}
	running.Wait()
}

// keep writes down what there is, so that an end by force loses one part and not all. It is called with mu held.
func (t *tool) keep() {
	if t.smoke {
		return
	}
	if err := t.record.save(t.path("docs/performance.json")); err != nil {
		t.failLocked("%v", err)
	}
}

func (t *tool) path(name string) string { return filepath.Join(t.root, filepath.FromSlash(name)) }

// bin is a program that ./build.sh has built.
func (t *tool) bin(name string) string {
	path, err := filepath.Abs(t.path("bin/" + name))
	if err != nil {
		return name
	}
	return path
}

func (t *tool) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%5.0f s  %s\n", time.Since(t.began).Seconds(), fmt.Sprintf(format, args...))
}

// fail notes what went wrong; the rest is measured all the same.
func (t *tool) fail(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failLocked(format, args...)
}

func (t *tool) failLocked(format string, args ...any) {
	t.failed = append(t.failed, fmt.Sprintf(format, args...))
	t.say("FAILED: "+format, args...)
}
