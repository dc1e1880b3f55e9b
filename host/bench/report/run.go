package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// besides is how many runs of a smoke go on at a time. No figure of it counts, and most of its time is waiting for
// what has to settle.
const besides = 4

// bench runs all works, round by round, and within a round all systems one after the other: what changes on the
// machine meanwhile changes it for all.
func (t *tool) bench(ctx context.Context, parts map[string]*part) {
	all, slots := works, make(chan struct{}, 1)
	if t.smoke {
		all, slots = smoke(works), make(chan struct{}, besides)
	}
	var running sync.WaitGroup
	defer running.Wait()
	for round := 1; round <= t.rounds; round++ {
		for _, w := range all {
			rounds := t.rounds
			if w.rounds > 0 {
				rounds = min(rounds, w.rounds)
			}
			if round > rounds {
				continue
			}
			for _, s := range systems {
				p := parts[s.part()]
				if p == nil || !w.by(s) || ctx.Err() != nil {
					continue
				}
				slots <- struct{}{}
				running.Go(func() {
					defer func() { <-slots }()
					t.say("round %d of %d: %s, %s", round, rounds, w.id, s.title)
					r := t.once(ctx, s, w, round == rounds)
					t.mu.Lock()
					defer t.mu.Unlock()
					p.Runs = append(p.Runs, r)
					t.keep()
				})
			}
		}
	}
}

// part is the name of the part in which what a system came to is kept.
func (s system) part() string {
	if s.transport == "" {
		return "peers"
	}
	return "goop"
}

// once has a system do a work. The last round of Goop's says where the host's time went too.
func (t *tool) once(ctx context.Context, s system, w work, last bool) run {
	r := run{System: s.id, Work: w.id}
	args := w.args()
	profile := ""
	if s.transport == "" {
		args = slices.Concat([]string{t.bin("bench-loader"), s.id}, args, []string{"--peers", t.path("host/bench/peers"), "--bin", t.path("bin")})
	} else {
		args = slices.Concat([]string{t.bin("goop"), "bench"}, args, []string{"--transport", s.transport})
		if s.bare {
			args = append(args, "--bare")
		}
		if last && !t.smoke && w.profiles() {
			profile = filepath.Join(t.scratch, "profile")
			args = append(args, "--profile", profile)
		}
	}
	var err error
	r.Output, err = object(ctx, w.patience(), args...)
	if err == nil {
		err = t.sound(s, w, r.Output)
	}
	if err == nil && profile != "" {
		r.Profile, err = shares(ctx, profile)
	}
	if err != nil {
		r.Error = err.Error()
		t.fail("%s, %s: %v", w.id, s.title, err)
	}
	return r
}

// sound reports what shows that an instrument is broken, or that a system has not done its work. A peer may have lost
// messages under a load that is too much for it: the document says so.
func (t *tool) sound(s system, w work, output map[string]any) error {
	if _, ok := output["result"].(map[string]any); !ok {
		return errors.New("no result")
	}
	if w.scenario != "fanout" && w.scenario != "mesh" {
		return nil
	}
	if n, _ := number(output, "result.delivered"); n == 0 {
		return errors.New("nothing was delivered")
	}
	for _, bad := range []string{"duplicates", "outOfOrder", "missing"} {
		n, ok := number(output, "result."+bad)
		if lost := bad == "missing" && s.transport == "" && !t.smoke; !ok || n != 0 && !lost {
			return fmt.Errorf("%s: %.0f", bad, n)
		}
	}
	return nil
}

// object runs a program that prints one object of JSON.
func object(ctx context.Context, patience time.Duration, args ...string) (map[string]any, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, lastLine(errs.Bytes()))
	}
	var o map[string]any
	if err := json.Unmarshal(out, &o); err != nil {
		return nil, fmt.Errorf("what it prints is not an object of JSON: %w", err)
	}
	return o, nil
}

// lastLine is what a program that failed said in the end.
func lastLine(text []byte) []byte {
	text = bytes.TrimSpace(text)
	return text[bytes.LastIndexByte(text, '\n')+1:]
}
