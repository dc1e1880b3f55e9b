package main

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestTerminalFlags holds the table of docs/terminal.md to the flags that the commands have.
func TestTerminalFlags(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../docs/terminal.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "\n## Flags\n")
	table, _, _ = strings.Cut(table, "\n## ")
	var documented, has []string
	for _, row := range regexp.MustCompile(`(?m)^\| (.*?) \| (.*?) \|`).FindAllStringSubmatch(table, -1) {
		for _, flag := range regexp.MustCompile(`--([a-z]+)`).FindAllStringSubmatch(row[1], -1) {
			of := strings.Split(row[2], ", ")
			if row[2] == "all" {
				of = []string{"join", "send", "query", "watch"}
			}
			for _, command := range of {
				documented = append(documented, command+" "+flag[1])
			}
		}
	}
	for _, cmd := range command().Commands() {
		if slices.Contains([]string{"join", "send", "query", "watch"}, cmd.Name()) {
			for _, flag := range regexp.MustCompile(`(?m)^ +(?:-\w, )?--([a-z]+)`).FindAllStringSubmatch(cmd.Flags().FlagUsages(), -1) {
				has = append(has, cmd.Name()+" "+flag[1])
			}
		}
	}
	slices.Sort(documented)
	slices.Sort(has)
	if !slices.Equal(documented, has) {
		t.Errorf("documented are %q,\nand there are %q", documented, has)
	}
}

// A terminal finds a host by the name that it has at a door, and says so when it is away.
func TestTerminalAtDoor(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	d := &doorProcess{t: t, host: "localhost", data: filepath.Join(t.TempDir(), "door")}
	d.start("127.0.0.1:0")
	defer d.end(syscall.SIGTERM)
	h := startHost(t, "--door", d.origin)
	d.record(ctx, h.page, true)
	say := func() (code int, out, errs string) {
		var stdout, stderr strings.Builder
		code = run(ctx, []string{"send", "--anonymous", h.page + "index.html", "lobby", "hello"}, strings.NewReader(""), &stdout, &stderr)
		return code, stdout.String(), stderr.String()
	}
	if code, out, errs := say(); code != exitOK || !strings.HasPrefix(out, `{"seq":1,`) {
		t.Errorf("exit code %d, %s%s", code, out, errs)
	}
	h.terminate()
	d.record(ctx, h.page, false)
	if code, out, errs := say(); code != exitFailed || out != "" || !strings.Contains(errs, "the host is away: the door has no record of it") {
		t.Errorf("while it is away: exit code %d, %s%s", code, out, errs)
	}
}
