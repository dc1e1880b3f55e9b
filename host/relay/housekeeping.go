package relay

import (
	"sync"
	"time"

	"goop/shared/wire"
)

// listener is one subscriber to changes of the list of groups.
type listener struct {
	fn func()
	// mu is held during a call of fn, so that none runs on when the subscription is cancelled.
	mu     sync.Mutex
	ceased bool
}

// Subscribe has fn called after each change of what List, Role, Invites or People would say; changes that come together
// are one call. fn returns at once and does not cancel its own subscription. After cancel has returned,
// fn is not called any more.
func (r *Relay) Subscribe(fn func()) (cancel func()) {
	l := &listener{fn: fn}
	r.mu.Lock()
	r.listeners[l] = struct{}{}
	r.mu.Unlock()
	return func() {
		r.mu.Lock()
		delete(r.listeners, l)
		r.mu.Unlock()
		l.mu.Lock()
		l.ceased = true
		l.mu.Unlock()
	}
}

// changed has the subscribers told. It may be called with locks held.
func (r *Relay) changed() { signal(r.news) }

// OwnersChanged tells the relay that Options.IsOwner does not say of everybody what it said before, so
// that what List and Role say may have changed, and what members were told of their rights.
func (r *Relay) OwnersChanged() {
	r.owners.Store(true)
	signal(r.work)
	r.changed()
}

// tellOwners has the members told who are owners now, or are not any more.
func (r *Relay) tellOwners() {
	for _, h := range r.allHubs() {
		h.ownersMayHaveChanged()
	}
}

// askToDissolve has a group ended whose time has come. The hub cannot end itself.
func (r *Relay) askToDissolve(h *hub) {
	r.mu.Lock()
	r.dissolves = append(r.dissolves, h)
	r.mu.Unlock()
	signal(r.work)
}

// housekeeping tells subscribers of changes and ends groups whose time has come, until the relay ends.
func (r *Relay) housekeeping() {
	news, gap := r.news, (<-chan time.Time)(nil)
	for {
		select {
		case <-r.ctx.Done():
			return
		case <-r.work:
			if r.owners.Swap(false) {
				r.tellOwners()
			}
			r.dissolveAll()
		case <-news:
			r.tellAll()
			news, gap = nil, time.After(r.limits.ListGap)
		case <-gap:
			news, gap = r.news, nil
		}
	}
}

func (r *Relay) tellAll() {
	r.mu.Lock()
	listeners := make([]*listener, 0, len(r.listeners))
	for l := range r.listeners {
		listeners = append(listeners, l)
	}
	r.mu.Unlock()
	for _, l := range listeners {
		l.mu.Lock()
		if !l.ceased {
			l.fn()
		}
		l.mu.Unlock()
	}
}

// dissolveAll ends the groups that have asked for it and still have reason to.
func (r *Relay) dissolveAll() {
	r.mu.Lock()
	hubs := r.dissolves
	r.dissolves = nil
	r.mu.Unlock()
	r.manage.Lock()
	defer r.manage.Unlock()
	for _, h := range hubs {
		if !h.stillEnds() {
			continue
		}
		if err := r.remove(r.ctx, h, wire.ReasonDissolved); err != nil {
			r.log.Error("a group could not be dissolved", "group", h.id, "err", err)
			h.dissolveLater()
			continue
		}
		r.log.Info("a group has dissolved", "group", h.id)
	}
}

// dissolveRetry is how long a hub waits when it could not be dissolved.
const dissolveRetry = time.Minute

// stillEnds reports whether the group's own rule ends it, and has the hub look again when not.
func (h *hub) stillEnds() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if at, ends := h.endsAt(); ends && !at.After(time.Now()) {
		return true
	}
	h.dissolving = false
	h.poke()
	return false
}

// dissolveLater has the hub ask again in a while.
func (h *hub) dissolveLater() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.dissolving, h.notBefore = false, time.Now().Add(dissolveRetry)
	h.poke()
}
