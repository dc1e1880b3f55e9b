package store

import (
	"strings"
	"unicode"

	"goop/shared/data"
)

// search writes that all words of a text occur in the row, each as the beginning of a word.
func (s scope) search(w *data.Where) {
	words := matchWords(w.Value.S)
	if words == "" { // nothing is asked for
		s.q.WriteString("1")
		return
	}
	index := quote(searchTable(s.t.Name))
	s.column(0)
	s.q.WriteString(" IN (SELECT rowid FROM " + index + " WHERE " + index + " MATCH ")
	s.q.bind(words)
	s.q.WriteByte(')')
}

// matchWords makes of a text what FTS5 takes: nothing of it is syntax, since there are only letters and
// digits between the quotes.
func matchWords(text string) string {
	var b strings.Builder
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(`"` + word + `"*`)
	}
	return b.String()
}
