package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"goop/shared/wire"
)

// jsonFlag adds --json, which all commands have that print more than a word.
func jsonFlag(cmd *cobra.Command) *bool {
	return cmd.Flags().Bool("json", false, "print JSON, for programs")
}

// printJSON prints a value over several lines.
func printJSON(out io.Writer, v any) error {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// plain returns a text of somebody else as it may go to a terminal, on one line: what would steer the
// terminal, or hide, is written as an escape.
func plain(text string) string {
	if strings.IndexFunc(text, steers) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if steers(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func steers(r rune) bool { return r != ' ' && !unicode.IsPrint(r) }

// orNone stands for an empty cell of a table.
func orNone(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// short returns the end of a peer id, which tells peers apart: all begin alike.
func short(p wire.PeerID) string {
	const most = 8
	if len(p) <= most {
		return string(p)
	}
	return "…" + string(p[len(p)-most:])
}

// bytesText writes a number of bytes.
func bytesText(n int) string {
	switch {
	case n >= 10<<20:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 10<<10:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return count(n, "byte")
}
