package data

import (
	"bytes"
	"unicode/utf8"

	"goop/shared/wire"
)

// suggest returns ` (did you mean "x"?)` for the candidate that is nearest to what was written, and
// "" when none is near.
func suggest(got string, candidates []string) string {
	if best := Nearest(got, candidates); best != "" {
		return ` (did you mean "` + best + `"?)`
	}
	return ""
}

// Nearest returns the candidate that is nearest to what was written, and "" when none is near.
func Nearest(got string, candidates []string) string {
	if len(got) > 2*wire.MaxID {
		return ""
	}
	best, least := "", len(got)/3+2 // an edit distance of a third of the letters is a typing mistake
	for _, c := range candidates {
		d := distance(got, c)
		if d < least || d == least && best != "" && len(c) == len(got) && len(best) != len(got) && !twice(got, best) {
			best, least = c, d
		}
	}
	return best
}

// twice tells whether the last letter of a word was written twice, as in "==".
func twice(got, word string) bool { return got == word+word[len(word)-1:] }

// slip tells of what is taken for JSON and is none, where that is what stands at a byte of a file.
func slip(file []byte, at int) string {
	if at >= len(file) {
		return ""
	}
	before := bytes.TrimRight(file[:at], " \t\r\n")
	switch c := file[at]; {
	case c == '/':
		return ": JSON has no comments"
	case (c == '}' || c == ']') && bytes.HasSuffix(before, []byte(",")):
		return ": the last one has no comma behind it"
	}
	return ""
}

// distance is the number of letters to insert, delete, replace or swap with their neighbour on the
// way from a to b, case ignored.
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if lower(a[i]) == lower(b[j]) {
				cost = 0
			}
			row[j+1] = min(row[j]+1, last[j+1]+1, last[j]+cost)
			if i > 0 && j > 0 && lower(a[i]) == lower(b[j-1]) && lower(a[i-1]) == lower(b[j]) {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// clip cuts a name from outside to what may stand in an error.
func clip(name string) string {
	if len(name) <= wire.MaxID {
		return name
	}
	cut := wire.MaxID
	for !utf8.RuneStart(name[cut]) {
		cut--
	}
	return name[:cut] + "…"
}
