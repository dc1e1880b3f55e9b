package relay

import (
	"context"
	"slices"

	"goop/shared/group"
	"goop/shared/wire"
)

// History returns up to limit entries of a group's log before one of them (or the newest, when before is
// not above 0), oldest first: of those that are kept, the ones that the caller may see. Entries that change
// the state are among them when states is set. There are fewer than limit when there are no more, or when
// they are large: then a page has historyBytes of content, and one entry at least.
//
// Everybody whom the group lets in may read what is kept of it, also of the time before.
func (r *Relay) History(ctx context.Context, caller group.Caller, id wire.GroupID, before int64, limit int, states bool) ([]group.Entry, error) {
	h, err := r.visible(caller, id)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	head := h.head.Seq
	h.mu.Unlock()
	if before <= 0 || before > head+1 { // what nobody has been sent yet is not history
		before = head + 1
	}
	var page []group.Entry
	size := 0
	for more := true; more && len(page) < limit && before > 1; {
		entries, err := h.older(ctx, before)
		if err != nil {
			return nil, r.coded(err, "read", id)
		}
		if len(entries) == 0 {
			break
		}
		before = entries[len(entries)-1].Seq
		for i := 0; i < len(entries) && more && len(page) < limit; i++ {
			e := &entries[i]
			if !seenAs(e, caller.Peer, states) {
				continue
			}
			size += content(e)
			if more = size <= historyBytes || len(page) == 0; more {
				page = append(page, *e)
			}
		}
	}
	slices.Reverse(page)
	return page, nil
}

// older reads some entries, the newest first, when it is its turn.
func (h *hub) older(ctx context.Context, before int64) ([]group.Entry, error) {
	select {
	case h.r.catchUps <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	defer func() { <-h.r.catchUps }()
	return h.log.Before(ctx, h.id, before, readEntries)
}

// seenAs reports whether a peer may see an entry, and takes out of it what is only for its sender.
func seenAs(e *group.Entry, peer wire.PeerID, states bool) bool {
	mine := peer != "" && e.From == peer
	if e.Kind == wire.TypeState && !states || e.To != "" && !mine && e.To != peer {
		return false
	}
	if e.Session = ""; !mine {
		e.ID = ""
	}
	return true
}

// GroupStats returns how a group stands, and how the caller's own sessions in it do.
func (r *Relay) GroupStats(caller group.Caller, id wire.GroupID) (group.GroupStats, error) {
	h, err := r.visible(caller, id)
	if err != nil {
		return group.GroupStats{}, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	stats := group.GroupStats{Epoch: h.head.Epoch, Seq: h.head.Seq, Members: h.roster.Len(), Sessions: len(h.sessions)}
	for _, s := range h.sessions {
		if s.peer == caller.Peer {
			stats.Own++
			stats.Lag = max(stats.Lag, h.head.Seq-s.cursor)
			stats.Resyncs += s.resyncs
			stats.Waiting += s.waiting()
		}
	}
	return stats, nil
}
