package data

import (
	"bytes"
	"sort"

	"goop/shared/jsontext"
)

// Delta is how the rows of a live query changed from one evaluation to the next.
type Delta struct {
	Added   []Row
	Changed []Row
	Removed []string // ids
	// How the rows stand is told when they do not stand as they come out by taking away what was removed,
	// replacing what changed, and appending what was added: by Places, or by Order when many are to be moved.
	Places []Place
	Order  []string // all rows, by id
}

// Place is where a row stands: it is taken out and put there, in the order in which Places stand, which is
// that of At.
type Place struct {
	ID string
	At int // in all rows, from 0
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
	survivors := make(map[string]int, len(was)) // and where they stood among each other
	for _, r := range was {
		if now[r.ID] {
			survivors[r.ID] = len(survivors)
		} else {
			d.Removed = append(d.Removed, r.ID)
		}
	}
	places := placed(is, survivors)
	// What was added comes behind all else by itself.
	for i := len(is) - 1; i >= 0 && end == 0 && len(places) > 0 && places[len(places)-1] == i; i-- {
		if _, ok := survivors[is[i].ID]; ok {
			break
		}
		places = places[:len(places)-1]
	}
	switch {
	case len(places) == 0:
	case len(places)*placesShare <= len(after):
		for _, i := range places {
			d.Places = append(d.Places, Place{is[i].ID, start + i})
		}
	default:
		d.Order = make([]string, len(after))
		for i, r := range after {
			d.Order[i] = r.ID
		}
	}
	return d, true
}

// placesShare is of how many rows one at most is given a place, before the order of all is told.
const placesShare = 4

// placed returns the places in rows, rising, of as few as can be so that all others stand as before among
// each other. before has where those stood that were there.
func placed(rows []Row, before map[string]int) []int {
	// The others are a longest list of rows that stood in the same order: for each length, ends has the
	// place of the row with which a list of it ends as early as can be, and previous the row before.
	var ends []int
	previous := make([]int, len(rows))
	for i, r := range rows {
		stood, ok := before[r.ID]
		if !ok {
			continue
		}
		n := sort.Search(len(ends), func(n int) bool { return before[rows[ends[n]].ID] > stood })
		if previous[i] = -1; n > 0 {
			previous[i] = ends[n-1]
		}
		if n == len(ends) {
			ends = append(ends, i)
		} else {
			ends[n] = i
		}
	}
	stays := make([]bool, len(rows))
	if len(ends) > 0 {
		for i := ends[len(ends)-1]; i >= 0; i = previous[i] {
			stays[i] = true
		}
	}
	var places []int
	for i, ok := range stays {
		if !ok {
			places = append(places, i)
		}
	}
	return places
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
	if len(d.Places) > 0 {
		w.Key("places")
		w.Begin('[')
		for _, p := range d.Places {
			w.Begin('[')
			w.Raw([]byte(p.ID))
			w.Int(int64(p.At))
			w.End(']')
		}
		w.End(']')
	}
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
