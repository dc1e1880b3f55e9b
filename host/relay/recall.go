package relay

import (
	"context"
	"slices"

	"goop/shared/wire"
)

// recallTries is how often what was read is thrown away because the log has changed meanwhile.
const recallTries = 3

// leastLine is what a line takes up at least; see line.size.
const leastLine = 200

// recall has the window reach back to a position, when it is not far back and there is room. After a restart the window
// is empty, and all members come back at once, each with a position just behind the head: they are read for together, with
// as many reads as fill half a window, and not each for itself. Nothing waits for it but those who join.
func (h *hub) recall(ctx context.Context, seq int64) {
	select {
	case h.recalls <- struct{}{}: // one at a time: the others then find what it has read
	case <-ctx.Done():
		return
	}
	defer func() { <-h.recalls }()
	for tries := 0; tries < recallTries; {
		h.mu.Lock()
		first, erased := h.window.first, h.erased
		far := (first - 1 - seq) * leastLine
		room := int64(h.window.most/2 - h.window.bytes)
		h.mu.Unlock()
		if far <= 0 || far > room {
			return
		}
		lines, err := h.linesBefore(ctx, first)
		if err != nil || len(lines) == 0 || lines[len(lines)-1].seq != first-1 {
			return // who asked finds out by itself
		}
		h.mu.Lock()
		if h.window.first == first && h.erased == erased {
			h.window.prepend(lines)
		} else {
			tries++
		}
		h.mu.Unlock()
	}
}

// linesBefore reads some entries before a position, without a gap between them, the oldest first.
func (h *hub) linesBefore(ctx context.Context, seq int64) ([]*line, error) {
	entries, err := h.older(ctx, seq)
	if err != nil {
		return nil, err
	}
	var lines []*line
	for i := range entries {
		if i > 0 && entries[i].Seq != entries[i-1].Seq-1 {
			break
		}
		lines = append(lines, newLine(h.id, &entries[i]))
	}
	slices.Reverse(lines)
	return lines, nil
}

// resumes reports whether a member that has come to a position can go on from there.
func (h *hub) resumes(ctx context.Context, p wire.Position) bool {
	h.mu.Lock()
	behind := p.Epoch == h.head.Epoch && p.Seq >= 0 && p.Seq+1 < h.window.first
	h.mu.Unlock()
	if behind {
		h.recall(ctx, p.Seq)
	}
	return h.reachesBack(ctx, p)
}
