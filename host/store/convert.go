package store

import (
	"math"
	"strconv"
	"time"

	"goop/shared/data"
	"goop/shared/jsontext"
)

// convertRows is how many rows are converted at once.
const convertRows = 1000

// convert gives a column that has values its new type. Where a value has no exact counterpart in that
// type, its row stands in the way.
func (s *schema) convert(t *table, old stored) error {
	c := &t.Columns[t.Lookup(old.name)]
	id, from, to := t.columns[0], quote(old.name), quote("_new."+old.name)
	if _, err := s.tx.Exec("ALTER TABLE " + t.name + " ADD COLUMN " + to + " " + sqlType(c.Type)); err != nil {
		return err
	}
	var last, bad, example int64
	last = math.MinInt64
	for {
		type converted struct {
			id int64
			v  any
		}
		var batch []converted
		n := 0
		for row, err := range s.tx.Query("SELECT "+id+", "+from+" FROM "+t.name+" WHERE "+from+" IS NOT NULL AND "+id+" > ? ORDER BY "+id+" LIMIT ?", last, convertRows) {
			if err != nil {
				return err
			}
			n++
			last = row.Int(0)
			v, ok := exactly(value(row, 1, old.typ), c.Type)
			if !ok {
				if bad++; bad == 1 {
					example = last
				}
				continue
			}
			batch = append(batch, converted{last, arg(v)})
		}
		for _, b := range batch {
			if _, err := s.tx.Exec("UPDATE "+t.name+" SET "+to+" = ? WHERE "+id+" = ?", b.v, b.id); err != nil {
				return err
			}
		}
		if n < convertRows {
			break
		}
	}
	if bad > 0 {
		s.block("tables.%s.columns.%s: as %s, %s a value that is no exact %s, such as the one with _id %d", t.Name, old.name, old.typ, have(bad), c.Type, example)
	}
	if _, err := s.tx.Exec("ALTER TABLE " + t.name + " DROP COLUMN " + from); err != nil {
		return err
	}
	_, err := s.tx.Exec("ALTER TABLE " + t.name + " RENAME COLUMN " + to + " TO " + from)
	return err
}

// exactly returns a value as one of another type, if there is one that means the same and from which it
// could be told again.
func exactly(v data.Value, to data.Type) (data.Value, bool) {
	switch to {
	case data.Text:
		return toText(v)
	case data.JSON:
		if v.Type == data.Text {
			raw := []byte(v.S)
			return data.JSONValue(raw), jsontext.Check(raw) == nil && jsontext.KindOf(raw) != jsontext.Null
		}
		return data.JSONValue(v.Append(nil)), v.Type != data.Blob
	}
	switch v.Type {
	case data.Text:
		return fromText(v.S, to)
	case data.JSON:
		if jsontext.KindOf([]byte(v.S)) == jsontext.Number && to != data.Boolean || jsontext.KindOf([]byte(v.S)) == jsontext.Bool && to == data.Boolean {
			return fromText(v.S, to)
		}
		return data.Value{}, false
	}
	switch to {
	case data.Integer, data.Time:
		if v.Type == data.Real {
			n := int64(v.F)
			return data.Value{Type: to, N: n}, math.Abs(v.F) <= maxExact && float64(n) == v.F
		}
		return data.Value{Type: to, N: v.N}, v.Type != data.Blob
	case data.Real:
		return data.Value{Type: to, F: float64(v.N)}, v.Type != data.Blob
	case data.Boolean:
		return data.Value{Type: to, N: v.N}, v.Type == data.Integer && (v.N == 0 || v.N == 1)
	}
	return data.Value{}, false
}

// maxExact is the greatest integer that a page's numbers hold with all below it.
const maxExact = 1<<53 - 1

func toText(v data.Value) (data.Value, bool) {
	switch v.Type {
	case data.JSON:
		if s, err := jsontext.Str([]byte(v.S)); err == nil {
			return data.TextValue(s), true
		}
	case data.Time:
		return data.TextValue(time.UnixMilli(v.N).UTC().Format(time.RFC3339Nano)), true
	case data.Blob:
		return data.Value{}, false
	}
	return data.TextValue(string(v.Append(nil))), true
}

// fromText reads what toText or people write.
func fromText(s string, to data.Type) (data.Value, bool) {
	switch to {
	case data.Integer, data.Time:
		if t, err := time.Parse(time.RFC3339Nano, s); err == nil && to == data.Time {
			return data.TimeValue(t.UnixMilli()), t.Nanosecond()%int(time.Millisecond) == 0
		}
		n, err := strconv.ParseInt(s, 10, 64)
		return data.Value{Type: to, N: n}, err == nil && n >= -maxExact && n <= maxExact && strconv.FormatInt(n, 10) == s
	case data.Real:
		f, err := strconv.ParseFloat(s, 64)
		v := data.Value{Type: to, F: f}
		return v, err == nil && string(v.Append(nil)) == s
	case data.Boolean:
		return data.BooleanValue(s == "true"), s == "true" || s == "false"
	}
	return data.Value{}, false
}
