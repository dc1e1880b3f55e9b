package store

import (
	"bytes"

	"github.com/ncruces/go-sqlite3"

	"goop/shared/data"
)

// addFunctions gives a connection the functions by which conditions look into texts. SQLite's own would do
// but for their price: instr takes the product of both lengths, and SQLite looks whether it is to stop
// only after many steps of its own, of which a whole LIKE is one. With long texts, a condition of a few
// bytes would keep a reader busy for minutes. These ask each time.
func addFunctions(db *sqlite3.Conn) error {
	for name, match := range map[string]func(text, what []byte) bool{
		"goop_contains": bytes.Contains,
		"goop_like":     func(text, pattern []byte) bool { return data.IsLike(string(text), string(pattern)) },
	} {
		err := db.CreateFunction(name, 2, sqlite3.DETERMINISTIC|sqlite3.DIRECTONLY, func(ctx sqlite3.Context, arg ...sqlite3.Value) {
			switch {
			case ctx.Conn().GetInterrupt().Err() != nil:
				ctx.ResultError(sqlite3.INTERRUPT)
			case arg[0].Type() == sqlite3.NULL:
				ctx.ResultNull()
			default:
				ctx.ResultBool(match(arg[0].RawText(), arg[1].RawText()))
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}
