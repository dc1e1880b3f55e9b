package data

import (
	"slices"

	"goop/shared/group"
	"goop/shared/jsontext"
	"goop/shared/wire"
)

// AppendAnswer appends the line of an answer with one field; raw is JSON text.
func AppendAnswer(dst []byte, id int64, key string, raw []byte) []byte {
	w := begin(dst, id)
	w.Key(key)
	w.Raw(raw)
	return end(w)
}

// AppendFields appends the line of an answer with the fields of a JSON object.
func AppendFields(dst []byte, id int64, object []byte) []byte {
	w := begin(dst, id)
	for m := jsontext.MembersOf(object); m.Next(); {
		w.Key(string(m.Key))
		w.Raw(m.Value)
	}
	return end(w)
}

// AppendResults appends the line of an answer to "batch": the fields of each operation's answer, as JSON
// objects.
func AppendResults(dst []byte, id int64, results [][]byte) []byte {
	w := begin(dst, id)
	w.Key("results")
	w.Begin('[')
	for _, r := range results {
		w.Raw(r)
	}
	w.End(']')
	return end(w)
}

// AppendTime appends the line of an answer to "time".
func AppendTime(dst []byte, id, ms int64) []byte {
	w := begin(dst, id)
	w.Key("time")
	w.Int(ms)
	return end(w)
}

// AppendPage appends the line of an answer with the rows of a query, and with the cursor behind them if
// there are more.
func AppendPage(dst []byte, id int64, p Page) []byte {
	size := 64 + len(p.Cursor)
	for _, r := range p.Rows {
		size += len(r.JSON) + 1
	}
	w := begin(slices.Grow(dst, size), id)
	appendList(&w, "rows", p.Rows)
	w.StrUnlessEmpty("cursor", p.Cursor)
	return end(w)
}

// AppendRows appends the line of an answer with rows.
func AppendRows(dst []byte, id int64, rows []Row) []byte {
	size := 32
	for _, r := range rows {
		size += len(r.JSON) + 1
	}
	w := begin(slices.Grow(dst, size), id)
	appendList(&w, "rows", rows)
	return end(w)
}

// AppendRole appends the line of an answer to "role" when it named no table, with the templates from
// which the caller may make groups.
func AppendRole(dst []byte, id int64, role wire.Role, templates []group.Template) []byte {
	w := begin(dst, id)
	w.Key("role")
	w.Str(string(role))
	if len(templates) > 0 {
		w.Key("create")
		w.Begin('[')
		for i := range templates {
			w.Str(templates[i].Name)
		}
		w.End(']')
	}
	return end(w)
}

// AppendError appends the line of an answer that is an error; known tells whether the request had an id.
func AppendError(dst []byte, id int64, known bool, err *wire.Error) []byte {
	w := jsontext.Writer{B: dst}
	w.Begin('{')
	w.Key("id")
	if known {
		w.Int(id)
	} else {
		w.Raw(nil)
	}
	w.Key("error")
	w.Raw(err.Append(nil))
	return end(w)
}

// AppendWatchError appends the line of the event that ends a watch.
func AppendWatchError(dst []byte, watch int64, err *wire.Error) []byte {
	w := jsontext.Writer{B: dst}
	w.Begin('{')
	w.Key("watch")
	w.Int(watch)
	w.Key("error")
	w.Raw(err.Append(nil))
	return end(w)
}

func begin(dst []byte, id int64) jsontext.Writer {
	w := jsontext.Writer{B: dst}
	w.Begin('{')
	w.Key("id")
	w.Int(id)
	return w
}

func end(w jsontext.Writer) []byte {
	w.End('}')
	return append(w.B, '\n')
}

func appendList(w *jsontext.Writer, key string, rows []Row) {
	w.Key(key)
	w.Begin('[')
	for _, r := range rows {
		w.Raw(r.JSON)
	}
	w.End(']')
}

// RowID reads the _id of a row of the table, as a request names it. The error is a *wire.Error with code
// bad_message.
func (t *Table) RowID(raw []byte) (Value, error) {
	v, err := t.Columns[0].Type.parse(raw)
	if err != nil || v.IsNull() {
		return Value{}, wire.E(wire.BadMessage, `field "row" is the _id of a row, an integer, got `, describe(raw))
	}
	return v, nil
}
