package relay

import (
	"context"
	"errors"

	"goop/shared/group"
	"goop/shared/wire"
)

// Inspection is all that the host knows of a group at one moment, but for what was said in it.
type Inspection struct {
	Config    group.Config
	Epoch     wire.Epoch
	Roster    []wire.Member // those who joined first in front
	Stats     Stats
	StateSize int // bytes of its state
}

// Inspect returns what there is to know about a group to whoever may manage it.
func (r *Relay) Inspect(caller group.Caller, id wire.GroupID) (Inspection, error) {
	h, err := r.allowed(caller, id, group.Manage)
	if err != nil {
		return Inspection{}, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return Inspection{
		Config: h.cfg, Epoch: h.head.Epoch, Roster: h.roster.Members(), Stats: h.statsLocked(), StateSize: h.head.State.Size(),
	}, nil
}

// Tail returns up to limit entries of a group's log after a position, oldest first, to whoever may manage
// the group, and the position to go on from. When entries right after it are no longer kept, it goes on
// with the oldest that is. A position below zero is limit entries before the end. Whoever calls it again
// and again follows the group without the relay knowing of him.
//
// Direct messages are there without their payload, for they are between two.
func (r *Relay) Tail(ctx context.Context, caller group.Caller, id wire.GroupID, after int64, limit int) (entries []group.Entry, next int64, err error) {
	h, err := r.allowed(caller, id, group.Manage)
	if err != nil {
		return nil, after, err
	}
	h.mu.Lock()
	head := h.head.Seq
	h.mu.Unlock()
	if after < 0 {
		after = max(0, head-int64(limit))
	}
	if after >= head { // what is being appended has not been told to anybody yet
		return nil, head, nil
	}
	limit = min(limit, int(head-after))
	entries, err = h.log.Read(ctx, id, after, limit)
	if errors.Is(err, group.ErrForgotten) {
		entries, err = h.oldest(ctx, after, head, limit)
	}
	if err != nil {
		return nil, after, err
	}
	if len(entries) == 0 {
		return nil, head, nil
	}
	for i := range entries {
		if entries[i].To != "" {
			entries[i].Payload = nil
		}
	}
	return entries, entries[len(entries)-1].Seq, nil
}

// oldest returns the oldest entries that are kept of those between two positions, the second included.
func (h *hub) oldest(ctx context.Context, after, head int64, limit int) ([]group.Entry, error) {
	forgotten := after // what comes right after it is not kept
	for kept := head; kept-forgotten > 1; {
		middle := forgotten + (kept-forgotten)/2
		switch _, err := h.log.Read(ctx, h.id, middle, 1); {
		case errors.Is(err, group.ErrForgotten):
			forgotten = middle
		case err != nil:
			return nil, err
		default:
			kept = middle
		}
	}
	entries, err := h.log.Read(ctx, h.id, forgotten+1, limit)
	if errors.Is(err, group.ErrForgotten) { // meanwhile; the next call finds more
		return nil, nil
	}
	return entries, err
}
