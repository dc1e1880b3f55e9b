package main

import (
	"context"
	"sync"
	"syscall/js"
	"time"

	"goop/shared/jsontext"
	"goop/shared/member"
	"goop/shared/wire"
	"goop/wasm/internal/jsx"
)

// bridge is what goop.js calls. Sessions are named by numbers and not by objects with functions of
// their own, so that there is nothing to release when one ends and a late call meets a plain refusal.
type bridge struct {
	m    *member.Member
	ctx  context.Context
	loop *jsx.Loop
	wg   sync.WaitGroup // promises under way; the program never ends, so nobody waits for it

	outcomes outcomes

	// mu guards the following.
	mu       sync.Mutex
	last     int
	sessions map[int]*member.Session
}

// newBridge returns a bridge that tells the outcomes of what was posted to outcomes.
func newBridge(m *member.Member, outcomes js.Value) *bridge {
	b := &bridge{m: m, ctx: context.Background(), loop: jsx.NewLoop(), sessions: map[int]*member.Session{}}
	b.outcomes.init(outcomes)
	return b
}

// object returns the bridge as globals.d.ts describes it. Its functions live as long as the page.
func (b *bridge) object() js.Value {
	o := js.Global().Get("Object").New()
	set := func(name string, fn func(args []js.Value) any) { o.Set(name, jsx.Callback(fn)) }
	set("join", b.join)
	set("post", b.post)
	set("update", b.update)
	set("leave", b.leave)
	set("call", b.call)
	set("watch", b.watch)
	set("now", func([]js.Value) any { ms, _ := b.m.Now(); return float64(ms) })
	set("within", func([]js.Value) any { _, within := b.m.Now(); return within.Seconds() * 1000 })
	set("rtt", func([]js.Value) any { return b.m.Status().RTT.Seconds() * 1000 })
	set("wake", func([]js.Value) any { b.m.Wake(); return nil })
	set("suspend", func([]js.Value) any { b.m.Suspend(); return nil })
	set("waiting", b.waiting)
	set("visible", func(args []js.Value) any { b.m.SetVisible(args[0].Bool()); return nil })
	return o
}

// promise resolves with what wait returns. What has to keep the order of the calls is done before, on
// the caller's turn of the event loop; a refusal there is handed in as err.
func (b *bridge) promise(err error, wait func(context.Context) (any, error)) js.Value {
	return jsx.Promise(b.ctx, &b.wg, func(ctx context.Context) (any, error) {
		if err != nil {
			return nil, err
		}
		return wait(ctx)
	})
}

// join(id, options, deliver) resolves with the session's number after the welcome.
func (b *bridge) join(args []js.Value) any {
	d := &delivery{to: args[2], loop: b.loop}
	opts := member.JoinOptions{Text: d.deliver}
	fields := jsontext.MembersOf([]byte(args[1].String()))
	for fields.Next() {
		switch string(fields.Key) {
		case "invite":
			opts.Invite, _ = jsontext.Str(fields.Value)
		case "meta":
			opts.Meta = fields.Value
		}
	}
	s, err := b.m.Open(wire.GroupID(args[0].String()), opts)
	return b.promise(err, func(ctx context.Context) (any, error) {
		if err := s.Joined(ctx); err != nil {
			return nil, err
		}
		return b.keep(s), nil
	})
}

// keep gives a session a number until it ends.
func (b *bridge) keep(s *member.Session) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last++
	n := b.last
	b.sessions[n] = s
	b.wg.Go(func() {
		<-s.Closed()
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.sessions, n)
	})
	return n
}

func (b *bridge) session(number int) (*member.Session, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := b.sessions[number]; s != nil {
		return s, nil
	}
	return nil, wire.E(wire.Closed, "the group is not joined any more")
}

// waiting(session) returns how many messages of the session have no receipt yet.
func (b *bridge) waiting(args []js.Value) any {
	s, err := b.session(args[0].Int())
	if err != nil {
		return 0
	}
	return s.Waiting()
}

// update(session, meta)
func (b *bridge) update(args []js.Value) any {
	s, err := b.session(args[0].Int())
	if err == nil {
		err = s.Update([]byte(args[1].String()))
	}
	return b.promise(err, func(context.Context) (any, error) { return nil, nil })
}

// leave(session) resolves when the session has ended.
func (b *bridge) leave(args []js.Value) any {
	s, err := b.session(args[0].Int())
	return b.promise(err, func(ctx context.Context) (any, error) { return nil, s.Leave(ctx) })
}

// call(request) resolves with the answer, both JSON texts.
func (b *bridge) call(args []js.Value) any {
	r, err := b.m.Ask([]byte(args[0].String()))
	return b.promise(err, func(ctx context.Context) (any, error) {
		answer, err := r.Wait(ctx)
		return string(answer), err
	})
}

// watch(request, deliver) resolves with a function that ends it. deliver(answer, fresh) gets each
// answer, and at an end that nobody asked for a text {"error":…}.
func (b *bridge) watch(args []js.Value) any {
	request, deliver := []byte(args[0].String()), args[1]
	return b.promise(nil, func(ctx context.Context) (any, error) {
		stop, err := b.m.Watch(ctx, request, func(c member.Change) {
			text := c.Answer
			if c.Err != nil {
				w := jsontext.Writer{}
				w.Begin('{')
				w.Key("error")
				w.Raw(c.Err.Append(nil))
				w.End('}')
				text = w.B
			}
			deliver.Invoke(string(text), c.Fresh)
		})
		if err != nil {
			return nil, err
		}
		var end js.Func
		end = jsx.Callback(func([]js.Value) any {
			end.Release() // goop.js calls it once
			b.wg.Go(stop)
			return nil
		})
		return end.Value, nil
	})
}

// turn is how long one delivery after the other may keep the page from its own work. A frame of a
// screen at 60 Hz has 16 ms.
const turn = 10 * time.Millisecond

// delivery hands the events of one session to the page: all that came together in one crossing, as one
// JSON array, which the page parses at once.
type delivery struct {
	to    js.Value
	loop  *jsx.Loop
	since time.Time // when the page last had its turn
	until time.Time // when the last delivery ended
}

// deliver is member.JoinOptions.Text.
func (d *delivery) deliver(events []byte) {
	now := time.Now()
	if now.Sub(d.until) > turn { // the page was idle in between
		d.since = now
	}
	d.to.Invoke(jsx.Text(events))
	d.until = time.Now()
	if d.until.Sub(d.since) > turn {
		d.loop.Pass()
		d.since = time.Now()
	}
}
