package relay

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"goop/shared/group"
	"goop/shared/link"
	"goop/shared/wire"
)

// Options is what a Relay needs. Logger may be nil for none; so may Durable and Registry for a relay
// that keeps nothing, Memory for a MemLog with default limits, and IsOwner for a site without owners.
type Options struct {
	Durable  Log      // for groups that are durable
	Memory   Log      // for the others
	Registry Registry // which groups there are
	// IsOwner reports whether a peer is an owner of the site. It is asked often, with a lock held, and
	// has to answer from memory.
	IsOwner func(wire.PeerID) bool
	// Templates are the kinds of groups that others than the site's owner may make.
	Templates []group.Template
	Limits    Limits
	Wire      wire.Limits // told to members; the zero value of a field means that of wire.DefaultLimits
	Logger    *slog.Logger
}

// Relay runs the groups of one host.
type Relay struct {
	durable   Log
	memory    Log
	registry  Registry
	isOwner   func(wire.PeerID) bool
	templates []group.Template
	limits    Limits
	wire      wire.Limits
	log       *slog.Logger
	count     counters
	accounts  accounts

	ctx      context.Context // ends with the relay
	cancel   context.CancelFunc
	running  sync.WaitGroup // the hubs and housekeeping
	serving  sync.WaitGroup // Serve and the sessions' writers
	news     chan struct{}  // what List says has changed
	work     chan struct{}  // there are groups to dissolve, or owners have changed
	owners   atomic.Bool    // who they are has changed
	catchUps chan struct{}  // a slot for each session that reads from an engine

	// manage is held while groups are created, changed and closed, so that this happens one at a time.
	manage sync.Mutex

	// mu guards the following.
	mu        sync.Mutex
	closing   bool
	hubs      map[wire.GroupID]*hub
	streams   map[link.Stream]bool // of all calls of Serve; true once the first line is there
	dissolves []*hub
	listeners map[*listener]struct{}
}

// Open returns a relay that runs the groups of the registry. Durable groups go on where their logs
// stand, the others begin anew.
func Open(ctx context.Context, o Options) (*Relay, error) {
	r := &Relay{
		durable: o.Durable, memory: o.Memory, registry: o.Registry, isOwner: o.IsOwner, templates: o.Templates,
		limits: o.Limits.withDefaults(), wire: o.Wire.WithDefaults(), log: o.Logger,
		news: make(chan struct{}, 1), work: make(chan struct{}, 1),
		hubs: map[wire.GroupID]*hub{}, streams: map[link.Stream]bool{},
		listeners: map[*listener]struct{}{},
	}
	if r.memory == nil {
		r.memory = NewMemLog(MemLimits{State: r.wire.State})
	}
	if r.isOwner == nil {
		r.isOwner = func(wire.PeerID) bool { return false }
	}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	r.count.init()
	r.accounts.of = map[wire.PeerID]*account{}
	r.catchUps = make(chan struct{}, r.limits.CatchUps)
	r.ctx, r.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if r.registry != nil {
		saved, err := r.registry.Groups(ctx)
		for i := 0; i < len(saved) && err == nil; i++ {
			_, err = r.openHub(ctx, &saved[i])
			if err == nil {
				err = r.forgetStale(ctx, saved[i].Config.ID)
			}
		}
		if err != nil {
			_ = r.Shutdown(ctx)
			return nil, err
		}
	}
	r.running.Go(r.housekeeping)
	return r, nil
}

// openHub opens the log of a group and starts its hub.
func (r *Relay) openHub(ctx context.Context, saved *group.Saved) (*hub, error) {
	cfg := saved.Config
	log := r.logOf(&cfg)
	if log == nil {
		return nil, wire.E(wire.NotSupported, "this host keeps nothing on disk, so a group cannot be durable")
	}
	head, err := log.Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	h := newHub(r, cfg, log, head)
	h.people = peopleOf(saved)
	r.mu.Lock()
	r.hubs[cfg.ID] = h
	r.mu.Unlock()
	r.running.Go(h.run)
	return h, nil
}

func (r *Relay) logOf(cfg *group.Config) Log {
	if cfg.Durable {
		return r.durable
	}
	return r.memory
}

// hub returns the hub of a group, nil when there is none.
func (r *Relay) hub(id wire.GroupID) *hub {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.hubs[id]
}

func (r *Relay) allHubs() []*hub {
	r.mu.Lock()
	defer r.mu.Unlock()
	hubs := make([]*hub, 0, len(r.hubs))
	for _, h := range r.hubs {
		hubs = append(hubs, h)
	}
	return hubs
}

// coded returns err as it may be told to the far side. What has no code is logged here and becomes
// internal.
func (r *Relay) coded(err error, doing string, id wire.GroupID) *wire.Error {
	if e, ok := errors.AsType[*wire.Error](err); ok {
		told := *e
		return &told
	}
	r.log.Error("a group is in trouble", "group", id, "doing", doing, "err", err)
	return wire.E(wire.Internal, "the host could not do this; its log says why")
}

// enter lets a call of Serve in, unless the relay is closing, and gives its stream a while for the
// first line.
func (r *Relay) enter(stream link.Stream) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closing {
		return false
	}
	r.serving.Add(1)
	r.streams[stream] = false
	_ = stream.SetReadDeadline(time.Now().Add(r.limits.JoinWait))
	return true
}

// begun notes that a stream's first line is there, and lets it take its time with the others.
func (r *Relay) begun(stream link.Stream) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.streams[stream] = true
	_ = stream.SetReadDeadline(time.Time{})
}

func (r *Relay) exit(stream link.Stream) {
	r.mu.Lock()
	delete(r.streams, stream)
	r.mu.Unlock()
	r.serving.Done()
}

func (r *Relay) isClosing() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.closing
}

// Shutdown ends the relay: nobody joins any more, what is being appended is finished, and every session
// is told that the host is going down. It returns when all goroutines of the relay have ended, or with
// ctx's error when ctx is over before; the streams are then thrown away. A second call waits too.
func (r *Relay) Shutdown(ctx context.Context) error {
	r.mu.Lock()
	first := !r.closing
	r.closing = true
	for stream, begun := range r.streams {
		if !begun { // it need not join any more
			_ = stream.SetReadDeadline(time.Now())
		}
	}
	r.mu.Unlock()

	ended := make(chan struct{})
	go func() { // ends when all it waits for has ended; Shutdown may give up before
		defer close(ended)
		if first {
			r.endHubs()
		}
		r.serving.Wait()
		r.cancel()
		r.running.Wait()
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
	}
	r.cancel()
	r.mu.Lock()
	defer r.mu.Unlock()
	for stream := range r.streams {
		_ = stream.Reset()
	}
	return context.Cause(ctx)
}

// endHubs has each hub finish its queue, and tells its sessions.
func (r *Relay) endHubs() {
	r.manage.Lock()
	defer r.manage.Unlock()
	hubs := r.allHubs()
	for _, h := range hubs {
		h.close()
	}
	for _, h := range hubs {
		<-h.done
		h.endSessions(wire.ReasonShutdown)
	}
}
