// Package docs_test holds the docs to what they say: the sessions of protocol.md are played on a real
// relay, its example lines are those of the golden files, and the numbers of limits.md are the code's.
// js/test/docs.test.mjs does the same for what pages and operators read.
package docs_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// blocks returns the fenced blocks of a document whose info is the given, without the fences.
func blocks(t *testing.T, path, info string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, m := range regexp.MustCompile("(?ms)^```"+info+"\n(.*?)^```$").FindAllSubmatch(text, -1) {
		found = append(found, string(m[1]))
	}
	if len(found) == 0 {
		t.Fatalf("%s has no block %q", path, info)
	}
	return found
}

// TestMemberInGo holds the program that docs/terminal.md shows to the one that is run.
func TestMemberInGo(t *testing.T) {
	t.Parallel()
	code, err := os.ReadFile("../host/node/example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	shown := strings.ReplaceAll("\n"+blocks(t, "terminal.md", "go member")[0], "\n", "\n\t")
	shown = strings.ReplaceAll(strings.TrimSuffix(shown, "\t"), "\n\t\n", "\n\n")
	if !strings.Contains(string(code), shown) {
		t.Error("terminal.md shows another program than host/node/example_test.go runs")
	}
}
