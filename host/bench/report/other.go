package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strconv"
)

// data measures the database beside PocketBase's.
func (t *tool) data(ctx context.Context) (runs []run, err error) {
	t.say("the database beside PocketBase's")
	args := []string{"-json", "-goop", t.bin("goop"), "-pocketbase", t.bin("bench-pocketbase"),
		"-rounds", strconv.Itoa(min(t.rounds, 2)), "-phase", "3s", "-live", "4s"}
	if t.smoke {
		args = append(args, "-rounds", "1", "-phase", "300ms", "-live", "300ms", "-clients", "8", "-watchers", "8", "-writers", "4", "-burst", "20")
	}
	err = t.decode(ctx, &runs, append([]string{t.bin("bench-data")}, args...)...)
	if err == nil && len(runs) == 0 {
		err = errors.New("no result")
	}
	return runs, err
}

// page measures a page in Chromium: see js/bench.
func (t *tool) page(ctx context.Context) ([]run, error) {
	t.say("a page in Chromium")
	args := []string{t.path("js/test/netns.sh"), "node", t.path("js/bench/page.mjs"), "--json"}
	if t.smoke {
		args = append(args, "--smoke")
	}
	var o map[string]any
	err := t.decode(ctx, &o, args...)
	if err == nil && len(o) == 0 {
		err = errors.New("no result")
	}
	if err != nil {
		return nil, err
	}
	return []run{{System: pageSystem, Work: pageWork, Output: o}}, nil
}

// micro runs the Go benchmarks of the hot paths.
func (t *tool) micro(ctx context.Context) ([]run, error) {
	t.say("Go benchmarks")
	return micro(ctx, t.root, min(t.rounds, 3), t.smoke)
}

// sizes reads how large what a page loads is, as the build has noted it.
func (t *tool) sizes(context.Context) (runs []run, err error) {
	text, err := os.ReadFile(t.path("js/dist/build-info.json"))
	var info struct {
		Files map[string]map[string]any `json:"files"`
	}
	if err == nil {
		err = json.Unmarshal(text, &info)
	}
	if err == nil && len(info.Files) == 0 {
		err = errors.New("build-info.json names no files")
	}
	if err != nil {
		return nil, err
	}
	for _, name := range sortedKeys(info.Files) {
		runs = append(runs, run{System: sizeSystem, Work: name, Output: info.Files[name]})
	}
	return runs, nil
}

// What is not done by one of the systems is kept under these names.
const (
	pageSystem = "page"
	pageWork   = "page"
	sizeSystem = "sizes"
)

// decode runs a program that prints JSON, and shows what it says of its progress.
func (t *tool) decode(ctx context.Context, into any, args ...string) error {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return err
	}
	return json.Unmarshal(out, into)
}
