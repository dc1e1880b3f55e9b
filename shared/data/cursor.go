package data

import (
	"encoding/base64"
	"encoding/binary"
	"hash/fnv"
	"math"
	"strconv"

	"goop/shared/wire"
)

// A cursor is, as base64url, a fingerprint of the table and the order that it is for, and then the values of
// a row in the columns of that order and its _id, each behind a byte that tells its kind.
const (
	fingerprint = 6 // bytes

	isNull    = 0
	isInteger = 1 // 8 bytes follow
	isReal    = 2 // 8 bytes follow
	isText    = 3 // a varint and so many bytes follow
)

// longCursor is what there is in place of a cursor that would be longer than maxCursor. It is a cursor of
// no order.
const longCursor = "too_long"

// cursors is the base64 of cursors.
var cursors = base64.RawURLEncoding.Strict()

// Cursor returns what makes the query go on behind a row: that of these values in the columns of Order,
// and of its _id. A query in the order of rank has none, "".
func (q *Query) Cursor(values []Value) string {
	if q.Ranked() {
		return ""
	}
	b := q.fingerprint()
	for _, v := range values {
		switch v.Type {
		case "":
			b = append(b, isNull)
		case Real:
			b = binary.BigEndian.AppendUint64(append(b, isReal), math.Float64bits(v.F))
		case Integer, Time, Boolean:
			b = binary.BigEndian.AppendUint64(append(b, isInteger), uint64(v.N))
		default:
			b = binary.AppendUvarint(append(b, isText), uint64(len(v.S)))
			b = append(b, v.S...)
		}
	}
	if cursors.EncodedLen(len(b)) > maxCursor {
		return longCursor
	}
	return cursors.EncodeToString(b)
}

// fingerprint makes a cursor of another table or order be recognised.
func (q *Query) fingerprint() []byte {
	h := fnv.New64a()
	part := func(s string) { _, _ = h.Write(append([]byte(s), 0)) } // a hash takes everything
	part(q.Table.Name)
	for _, o := range q.Order {
		part(q.Table.Columns[o.Column].Name)
		part(strconv.FormatBool(o.Down))
	}
	return h.Sum(nil)[:fingerprint]
}

// after reads a cursor into q.After. The error is a *wire.Error with code bad_query.
func (q *Query) after(cursor string) error {
	if q.Ranked() {
		return wire.E(wire.BadQuery, `a query in the order of "`, RankColumn, `" has no cursor; use "offset"`)
	}
	if cursor == longCursor {
		return wire.E(wire.BadQuery, `"after": the values of the order's columns are together too long for a cursor; order by others, or use "offset"`)
	}
	foreign := wire.E(wire.BadQuery, `"after" is no cursor of a query on this table with this order`)
	b, err := cursors.DecodeString(cursor)
	if err != nil || len(b) < fingerprint || string(b[:fingerprint]) != string(q.fingerprint()) {
		return foreign
	}
	b = b[fingerprint:]
	values := make([]Value, 0, len(q.Order)+1)
	for i := range len(q.Order) + 1 {
		t := q.Table.Columns[0].Type
		if i < len(q.Order) {
			t = q.Table.Columns[q.Order[i].Column].Type
		}
		var v Value
		var ok bool
		if v, b, ok = cursorValue(t, b); !ok {
			return foreign
		}
		values = append(values, v)
	}
	if len(b) > 0 || values[len(q.Order)].IsNull() {
		return foreign
	}
	q.After = values
	return nil
}

// cursorValue reads the value of a column of type t at the beginning of b, and returns what is behind it.
func cursorValue(t Type, b []byte) (v Value, rest []byte, ok bool) {
	if len(b) == 0 {
		return v, nil, false
	}
	kind, b := b[0], b[1:]
	if kind == isNull {
		return v, b, true
	}
	v.Type = t
	switch t {
	case Real, Integer, Time, Boolean:
		want := byte(isInteger)
		if t == Real {
			want = isReal
		}
		if kind != want || len(b) < 8 {
			return v, nil, false
		}
		n := binary.BigEndian.Uint64(b)
		b = b[8:]
		if t != Real {
			v.N = int64(n)
			return v, b, t != Boolean || n <= 1
		}
		v.F = math.Float64frombits(n)
		return v, b, !math.IsNaN(v.F) // which would be no value
	}
	n, size := binary.Uvarint(b)
	if kind != isText || size <= 0 || n > uint64(len(b)-size) {
		return v, nil, false
	}
	v.S = string(b[size : size+int(n)])
	return v, b[size+int(n):], true
}
