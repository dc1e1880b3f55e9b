package data

import (
	"slices"
	"strconv"
	"strings"
	"unicode"

	"goop/shared/jsontext"
	"goop/shared/wire"
)

// SearchKey is what a where calls the words in a row.
const SearchKey = "_search"

// Bounds of what is searched for.
const (
	MaxSearch = 256 // bytes of the text
	MaxWords  = 16
)

// SearchWords returns the words of a text: its runs of letters, digits and the marks on them. Nothing else
// of what somebody searches for means anything.
func SearchWords(text string) []string {
	letter := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }
	words := strings.FieldsFunc(text, func(r rune) bool { return !letter(r) && !unicode.IsMark(r) })
	return slices.DeleteFunc(words, func(word string) bool { return !strings.ContainsFunc(word, letter) })
}

// search adds to all what _search asks for.
func (p *whereParser) search(all *Where, raw []byte) error {
	if p.site != nil {
		return wire.E(wire.BadQuery, `"_search" is not for rules`)
	}
	if len(p.table.Search) == 0 {
		return wire.E(wire.BadQuery, `table "`, p.table.Name, `" cannot be searched: goop.json names no columns for that, under "search"`)
	}
	if p.terms++; p.terms > MaxTerms {
		return tooManyTerms()
	}
	if jsontext.KindOf(raw) != jsontext.String {
		return wire.E(wire.InvalidValue, `"_search" takes a string, got `, describe(raw))
	}
	v, err := Text.parse(raw)
	if err != nil {
		return wire.E(wire.InvalidValue, `"_search": `, err.Error())
	}
	if len(v.S) > MaxSearch {
		return wire.E(wire.BadQuery, `"_search" is at most `, strconv.Itoa(MaxSearch), " bytes long")
	}
	switch n := len(SearchWords(v.S)); {
	case n == 0:
		return wire.E(wire.BadQuery, `"_search" has no word, which is made of letters and digits, got `, describe(raw))
	case n > MaxWords:
		return wire.E(wire.BadQuery, `"_search" has more than `, strconv.Itoa(MaxWords), " words")
	}
	w := &Where{Test: Search, Value: v}
	for _, name := range p.table.Search {
		w.search = append(w.search, p.table.Lookup(name))
	}
	all.Terms = append(all.Terms, w)
	return nil
}

// found reports whether each word of a Search begins a word of the row.
func (w *Where) found(row []Value) bool {
	var there []string
	for _, i := range w.search {
		there = append(there, SearchWords(plain(row[i].S))...)
	}
	for _, word := range SearchWords(plain(w.Value.S)) {
		if !slices.ContainsFunc(there, func(s string) bool { return strings.HasPrefix(s, word) }) {
			return false
		}
	}
	return true
}

// accents has, behind each letter, those that are it with a mark.
var accents = strings.Fields(`aàáâãäåāăą cçćĉċč dď eèéêëēĕėęě gĝğġģ hĥ iìíîïĩīĭį jĵ kķ lĺļľ nñńņň oòóôõöōŏő rŕŗř
	sśŝşš tţť uùúûüũūŭůűų wŵ yýÿŷ zźżž`)

var unaccented = func() map[rune]rune {
	m := map[rune]rune{}
	for _, family := range accents {
		for _, r := range family {
			m[r] = rune(family[0])
		}
	}
	return m
}()

// plain returns a text in small letters without the marks of Latin ones.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		r = unicode.ToLower(r)
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		if to, ok := unaccented[r]; ok {
			return to
		}
		return r
	}, s)
}
