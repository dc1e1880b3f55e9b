package store

import (
	"strings"

	"goop/shared/data"
)

// search writes that all words of a text occur in the row, each as the beginning of a word.
func (s scope) search(w *data.Where) {
	index := quote(searchTable(s.t.Name))
	s.column(0)
	s.q.WriteString(" IN (SELECT rowid FROM " + index + " WHERE " + index + " MATCH ")
	s.q.bind(matchWords(w.Value.S))
	s.q.WriteByte(')')
}

// ranked adds the table of words to the FROM, with the condition for what is searched for at the top of w,
// and returns what rows are ordered by for the best to come first.
func (s scope) ranked(w *data.Where) string {
	index, alias := quote(searchTable(s.t.Name)), s.q.alias()
	s.q.WriteString(", " + index + " AS " + alias + " WHERE " + alias + "." + index + " MATCH ")
	s.q.bind(strings.Join(sought(w), " "))
	s.q.WriteString(" AND " + alias + ".rowid = ")
	s.column(0)
	return alias + ".rank"
}

// sought returns what FTS5 takes for all that is searched for outside of or and not.
func sought(w *data.Where) (all []string) {
	switch w.Test {
	case data.Search:
		all = append(all, matchWords(w.Value.S))
	case data.And:
		for _, term := range w.Terms {
			all = append(all, sought(term)...)
		}
	}
	return all
}

// matchWords makes of a text what FTS5 takes: nothing of it is syntax, since there are only letters, digits
// and marks between the quotes.
func matchWords(text string) string {
	var b strings.Builder
	for _, word := range data.SearchWords(text) {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(`"` + word + `"*`)
	}
	return b.String()
}
