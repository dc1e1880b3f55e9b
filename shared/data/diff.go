package data

import (
	"bytes"

	"goop/shared/jsontext"
)

// Delta is how the rows of a live query changed from one evaluation to the next.
type Delta struct {
	Added   []Row
	Changed []Row
	Removed []string // ids
	// Order is how all rows stand now, by id. It is nil when they stand as they come out by taking away
	// what was removed, replacing what changed, and appending what was added.
	Order []string
}

// Diff compares two results of a query. ok is false when they are the same. A slice that is the other
// one costs nothing.
func Diff(before, after []Row) (d Delta, ok bool) {
	if len(before) == len(after) && (len(before) == 0 || &before[0] == &after[0]) {
		return d, false
	}
	old := make(map[string][]byte, len(before))
	for _, r := range before {
		old[r.ID] = r.JSON
	}
	now := make(map[string]bool, len(after))
	for _, r := range after {
		now[r.ID] = true
		was, known := old[r.ID]
		switch {
		case !known:
			d.Added = append(d.Added, r)
		case !bytes.Equal(was, r.JSON):
			d.Changed = append(d.Changed, r)
		}
	}
	// i walks over after along the order that a follower has.
	i, inOrder := 0, true
	for _, r := range before {
		if !now[r.ID] {
			d.Removed = append(d.Removed, r.ID)
			continue
		}
		inOrder = inOrder && after[i].ID == r.ID
		i++
	}
	for _, r := range d.Added {
		inOrder = inOrder && after[i].ID == r.ID
		i++
	}
	if !inOrder {
		d.Order = make([]string, len(after))
		for i, r := range after {
			d.Order[i] = r.ID
		}
	}
	return d, len(d.Added)+len(d.Changed)+len(d.Removed) > 0 || !inOrder
}

// Append appends the line of the event.
func (d *Delta) Append(dst []byte, watch int64) []byte {
	w := jsontext.Writer{B: dst}
	w.Begin('{')
	w.Key("watch")
	w.Int(watch)
	if len(d.Added) > 0 {
		appendList(&w, "added", d.Added)
	}
	if len(d.Changed) > 0 {
		appendList(&w, "changed", d.Changed)
	}
	appendIDs(&w, "removed", d.Removed)
	appendIDs(&w, "order", d.Order)
	return end(w)
}

func appendIDs(w *jsontext.Writer, key string, ids []string) {
	if len(ids) == 0 {
		return
	}
	w.Key(key)
	w.Begin('[')
	for _, id := range ids {
		w.Raw([]byte(id))
	}
	w.End(']')
}
