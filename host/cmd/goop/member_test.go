package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
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
