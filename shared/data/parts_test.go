package data_test

import (
	"errors"
	"strings"
	"testing"

	"goop/shared/data"
	"goop/shared/wire"
)

// Conditions that test nothing cost something too: the text of the SELECT that is made of them is kept.
func TestEmptyConditionsAreBounded(t *testing.T) {
	t.Parallel()
	list := func(test, part string, n int) string {
		return `{"` + test + `":[` + strings.TrimSuffix(strings.Repeat(part+",", n), ",") + `]}`
	}
	for _, tt := range []struct {
		name, where string
		ok          bool
	}{
		{"a hundred", list("or", `{}`, 100), true},
		{"a hundred terms, each in parts", list("and", `{"not":{"or":[{"i":1}]}}`, 100), true},
		{"many empty", list("or", list("or", `{}`, 100), 100), false},
		{"many empty lists", list("or", list("or", `{"and":[],"or":[]}`, 100), 10), false},
	} {
		_, err := data.ParseWhere(tableT(t), []byte(tt.where))
		if ok := err == nil; ok != tt.ok || !ok && !errors.Is(err, wire.BadQuery) {
			t.Errorf("%s: got %v", tt.name, err)
		}
	}
}
