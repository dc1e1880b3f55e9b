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

// Diff compares two results of a query. ok is false when they are the same. Rows with which both begin or
// end cost little.
func Diff(before, after []Row) (d Delta, ok bool) {
	start, end := common(before, after)
	was, is := before[start:len(before)-end], after[start:len(after)-end]
	if len(was) == 0 && len(is) == 0 {
		return d, false
	}
	old := make(map[string][]byte, len(was))
	for _, r := range was {
		old[r.ID] = r.JSON
	}
	now := make(map[string]bool, len(is))
	for _, r := range is {
		now[r.ID] = true
		was, known := old[r.ID]
		switch {
		case !known:
			d.Added = append(d.Added, r)
		case !bytes.Equal(was, r.JSON):
			d.Changed = append(d.Changed, r)
		}
	}
	// i walks over is along the order that a follower has, in which what is added comes behind all else.
	i, inOrder := 0, end == 0 || len(d.Added) == 0
	for _, r := range was {
		if !now[r.ID] {
			d.Removed = append(d.Removed, r.ID)
			continue
		}
		inOrder = inOrder && is[i].ID == r.ID
		i++
	}
	for _, r := range d.Added {
		inOrder = inOrder && is[i].ID == r.ID
		i++
	}
	if !inOrder {
		d.Order = make([]string, len(after))
		for i, r := range after {
			d.Order[i] = r.ID
		}
	}
	return d, true
}

// common returns how many rows two results begin with that are the same, and how many of the others they
// end with.
func common(a, b []Row) (start, end int) {
	n := min(len(a), len(b))
	for start < n && same(a[start], b[start]) {
		start++
	}
	for end < n-start && same(a[len(a)-1-end], b[len(b)-1-end]) {
		end++
	}
	return start, end
}

// same is quick for rows that share their memory, as those of results that follow each other do.
func same(a, b Row) bool { return a.ID == b.ID && bytes.Equal(a.JSON, b.JSON) }

// Append appends the line of the event.
func (d *Delta) Append(dst []byte, watch int64) []byte {
	return d.appendRest(AppendHead(dst, watch, false))
}

// appendRest appends what comes behind the line's head.
func (d *Delta) appendRest(dst []byte) []byte {
	w := jsontext.Rest(dst)
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
