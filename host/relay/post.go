package relay

import (
	"context"
	"time"

	"goop/shared/group"
	"goop/shared/wire"
)

// Send appends a message to a durable group for a caller that need not be in it, and waits until it is on
// the disk. The caller needs the right to send, as a session of it would. What d has with it is done in the
// same transaction; when the engine has done that before, the result is a Dup, and nothing is appended. All
// sessions get the message, those of the caller too. When ctx is over, what becomes of it is unknown.
func (r *Relay) Send(ctx context.Context, caller group.Caller, id wire.GroupID, d group.Draft) (group.Result, error) {
	f := wire.Frame{Type: wire.TypeMsg, Group: id, Payload: d.Payload}
	if err := f.Validate(r.wire); err != nil {
		return group.Result{}, err
	}
	d.From, d.Kind, d.Session = caller.Peer, wire.TypeMsg, ""
	if err := r.pace(ctx, caller.Peer, len(d.Payload)); err != nil {
		return group.Result{}, err
	}
	result := make(chan group.Result, 1)
	for {
		wait, err := r.post(caller, id, queued{draft: d, size: draftSize + len(d.Payload), answer: result})
		if err != nil {
			return group.Result{}, err
		}
		if wait == nil {
			break
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return group.Result{}, context.Cause(ctx)
		}
	}
	select {
	case res := <-result:
		return res, res.Err
	case <-ctx.Done():
		return group.Result{}, context.Cause(ctx)
	}
}

// pace counts a line of a peer as one of its sessions would, and waits while it sends too fast.
func (r *Relay) pace(ctx context.Context, peer wire.PeerID, size int) error {
	a := r.account(peer)
	defer a.leave()
	now := time.Now()
	wait := max(a.line(size, now), a.ordered(now))
	if wait <= 0 {
		return nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// post puts a draft of a caller into the queue of a group. What it returns is closed when it may be tried
// again; nil when the draft is in the queue.
func (r *Relay) post(caller group.Caller, id wire.GroupID, q queued) (again <-chan struct{}, err error) {
	h := r.hub(id)
	if h == nil {
		return nil, noSuchGroup()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.allows(caller, group.Send); err != nil {
		return nil, err
	}
	switch {
	case !h.cfg.Durable:
		return nil, wire.E(wire.NotSupported, `a batch can only send to a durable group, whose log is where its rows are: one of type "persistent" or "invite-only", or with "durable"`)
	case h.paused != nil:
		return h.paused, nil
	case h.phase != running:
		return nil, wire.E(wire.Closed, "the host is going down")
	case h.queueBytes > 0 && h.queueBytes+q.size > h.r.limits.QueueBytes:
		if h.room == nil {
			h.room = make(chan struct{})
		}
		return h.room, nil
	}
	q.draft.Role = h.callerRole(caller)
	h.enqueue(q)
	return nil, nil
}
