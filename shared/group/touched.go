package group

import (
	"maps"
	"slices"

	"goop/shared/jsontext"
	"goop/shared/wire"
)

// maxTouched is how many keys a Touched tells apart.
const maxTouched = 1024

// Touched knows, for each top-level key of a state, the last entry that touched it, keys that are gone
// included. It keeps the newest of them; those that it has let go of count as touched at floor, the
// newest entry among them, so that an ifSeq may be refused without need but is never let through
// without right. The zero value is that of a new log.
type Touched struct {
	seqs  map[string]int64
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
		t.seqs[key] = seq
	}
	if len(t.seqs) <= maxTouched {
		return
	}
	// Let go of the older half, so that this happens once in many entries.
	seqs := slices.Sorted(maps.Values(t.seqs))
	t.floor = max(t.floor, seqs[len(seqs)-maxTouched/2])
	maps.DeleteFunc(t.seqs, func(_ string, seq int64) bool { return seq <= t.floor })
}

// Clone returns a copy that can be changed by itself.
func (t *Touched) Clone() Touched { return Touched{maps.Clone(t.seqs), t.floor} }

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
				t.seqs[string(k.Key)] = n
			}
		}
	}
	return t, nil
}
