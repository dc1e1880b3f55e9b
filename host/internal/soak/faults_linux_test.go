package soak_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"goop/shared/wire"
)

// disturb does one thing after the other to the host, the network and the members, until it is time to
// stop: each kind once at first, in any order, and then at random.
func (r *run) disturb(until time.Time) {
	kinds := []func(){r.killHost, r.stopCrew, r.cutUDP, r.cutTCP, r.fillDisk, r.throwOut}
	first := r.rng.Perm(len(kinds))
	for time.Now().Before(until) || len(first) > 0 {
		r.pause(300, 1500)
		if len(first) > 0 {
			kinds[first[0]]()
			first = first[1:]
		} else {
			kinds[r.rng.IntN(len(kinds))]()
		}
		if r.t.Failed() {
			return
		}
	}
	r.pending.Wait()
}

// pause lets things go on for some milliseconds.
func (r *run) pause(least, most int) {
	time.Sleep(time.Duration(least+r.rng.IntN(most-least)) * time.Millisecond)
}

// during does something for some milliseconds while other things go on.
func (r *run) during(least, most int, begin, end func()) {
	d := time.Duration(least+r.rng.IntN(most-least)) * time.Millisecond
	begin()
	r.pending.Go(func() {
		time.Sleep(d)
		end()
	})
}

func (r *run) killHost() {
	r.host.kill()
	r.pause(1, 800)
	r.host.start()
}

func (r *run) stopCrew() {
	p := r.crews[r.rng.IntN(len(r.crews))].cmd.Process
	r.stops++
	r.during(1000, 6000, func() { _ = p.Signal(syscall.SIGSTOP) }, func() { _ = p.Signal(syscall.SIGCONT) })
}

func (r *run) cutUDP() {
	r.cuts++
	r.during(500, 5000, func() { r.udp.down.Store(true) }, func() { r.udp.down.Store(false) })
}

func (r *run) cutTCP() {
	r.cuts++
	r.during(1, 3000, func() {
		for _, p := range []*cutTCP{r.web, r.tcp} {
			p.down.Store(true)
			p.cut()
		}
	}, func() {
		r.web.down.Store(false)
		r.tcp.down.Store(false)
	})
}

// fillDisk starts the host again, so that its journal has to grow, and takes all room from it for a while.
func (r *run) fillDisk() {
	r.host.restart()
	path := filepath.Join(filepath.Dir(r.host.data), "ballast")
	f, err := os.Create(path)
	if err != nil {
		r.t.Fatal(err)
	}
	zeros := make([]byte, 64<<10)
	for err == nil {
		_, err = f.Write(zeros)
		if err != nil && len(zeros) > 1 { // what is left, to the last byte
			zeros, err = zeros[:len(zeros)/2], nil
		}
	}
	_ = f.Close()
	r.fills++
	r.pause(1000, 2500)
	if err := os.Remove(path); err != nil {
		r.t.Fatal(err)
	}
}

// throwOut bans a member from the arena, and marks the place in the log behind which nothing may be of it.
func (r *run) throwOut() {
	ctx, cancel := context.WithTimeout(r.t.Context(), time.Minute)
	defer cancel()
	arena := r.me.rooms[slices.Index(groups, "arena")]
	var peer wire.PeerID
	name := ""
	for len(r.victims) > 0 && name == "" { // until one is there
		list, _ := arena.view.Members()
		for _, m := range list {
			if at := slices.Index(r.victims, m.Label); at >= 0 {
				name, peer = m.Label, m.Peer
				r.victims = slices.Delete(r.victims, at, at+1)
				break
			}
		}
		if name != "" {
			break
		}
		select {
		case <-arena.changed:
		case <-ctx.Done():
			r.t.Error("none of those who could be thrown out comes back")
			return
		}
	}
	if name == "" {
		return
	}
	if _, err := r.me.m.Call(ctx, fmt.Appendf(nil, `{"op":"group.ban","group":"arena","peer":%q}`, peer)); err != nil {
		r.t.Errorf("ban %s: %v", name, err)
		return
	}
	text := arena.last()
	arena.notes.add(record{Kind: aPost, Group: "arena", N: arena.sent, What: "msg " + hash([]byte(text))})
	receipt, err := arena.s.Send(ctx, []byte(text), noOptions)
	arena.answer(arena.sent, receipt, err)
	if err != nil {
		r.t.Logf("no mark was set for %s: %v", name, err)
	} else {
		arena.notes.add(record{Kind: aMark, Group: "arena", Epoch: string(arena.s.Position().Epoch), Peer: string(peer), Seq: receipt.Seq})
		r.bans++
	}
	r.out[name] = true
}
