package group

import (
	"cmp"
	"maps"
	"slices"

	"goop/shared/jsontext"
	"goop/shared/wire"
)

// How many keys a Touched tells apart, and how many bytes of keys. A key may be as long as a line, and one
// that was set to null is no longer part of the state that Limits bound.
const (
	maxTouched      = 1024
	maxTouchedBytes = 64 << 10
)

// Touched knows, for each top-level key of a state, the last entry that touched it, keys that are gone
// included. It keeps the newest of them; those that it has let go of count as touched at floor, the
// newest entry among them, so that an ifSeq may be refused without need but is never let through
// without right. The zero value is that of a new log.
type Touched struct {
	seqs  map[string]int64
	bytes int // of the keys of seqs
	floor int64
}

// Last returns the newest entry that touched one of keys, 0 for none.
func (t *Touched) Last(keys []string) int64 {
	var last int64
	for _, key := range keys {
		seq, ok := t.seqs[key]
		if !ok {
			seq = t.floor
		}
		last = max(last, seq)
	}
	return last
}

// Set notes that an entry touched keys. Entries come in rising order.
func (t *Touched) Set(keys []string, seq int64) {
	if t.seqs == nil {
		t.seqs = make(map[string]int64, len(keys))
	}
	for _, key := range keys {
		t.set(key, seq)
	}
	if len(t.seqs) > maxTouched || t.bytes > maxTouchedBytes {
		t.shrink()
	}
}

func (t *Touched) set(key string, seq int64) {
	if _, ok := t.seqs[key]; !ok {
		t.bytes += len(key)
	}
	t.seqs[key] = seq
}

// shrink lets go of the older half, so that this happens once in many entries.
func (t *Touched) shrink() {
	keys := slices.Collect(maps.Keys(t.seqs))
	slices.SortFunc(keys, func(a, b string) int { return cmp.Compare(t.seqs[b], t.seqs[a]) })
	n, bytes := 0, 0
	for n < len(keys) && n < maxTouched/2 {
		if bytes += len(keys[n]); bytes > maxTouchedBytes/2 {
			break
		}
		n++
	}
	t.floor = max(t.floor, t.seqs[keys[n]]) // there are more, or Set would not have asked
	maps.DeleteFunc(t.seqs, func(key string, seq int64) bool {
		gone := seq <= t.floor
		if gone {
			t.bytes -= len(key)
		}
		return gone
	})
}

// Clone returns a copy that can be changed by itself.
func (t *Touched) Clone() Touched { return Touched{maps.Clone(t.seqs), t.bytes, t.floor} }

// Append appends the value as JSON, for a store to keep.
func (t *Touched) Append(dst []byte) []byte {
	w := jsontext.Writer{B: dst}
	w.Begin('{')
	w.Key("floor")
	w.Int(t.floor)
	w.Key("keys")
	w.Begin('{')
	for _, key := range slices.Sorted(maps.Keys(t.seqs)) {
		w.Key(key)
		w.Int(t.seqs[key])
	}
	w.End('}')
	w.End('}')
	return w.B
}

// ParseTouched reads what Append wrote; nothing at all is the zero value.
func ParseTouched(raw []byte) (Touched, error) {
	var t Touched
	if len(raw) == 0 {
		return t, nil
	}
	damaged := func() (Touched, error) {
		return Touched{}, wire.E(wire.Internal, "the record of touched keys is damaged")
	}
	if jsontext.Check(raw) != nil {
		return damaged()
	}
	for m := jsontext.MembersOf(raw); m.Next(); {
		switch string(m.Key) {
		case "floor":
			n, err := jsontext.Int(m.Value)
			if err != nil {
				return damaged()
			}
			t.floor = n
		case "keys":
			t.seqs = map[string]int64{}
			for k := jsontext.MembersOf(m.Value); k.Next(); {
				n, err := jsontext.Int(k.Value)
				if err != nil {
					return damaged()
				}
				t.set(string(k.Key), n)
			}
		}
	}
	return t, nil
}
