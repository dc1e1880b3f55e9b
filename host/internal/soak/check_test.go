package soak_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// evidence is all that was written down in a run.
type evidence struct {
	members []testimony
	host    map[string]hostLog  // of the durable groups, read after the host had ended
	present map[string][]string // who has to be in each group's roster at the end, by name
}

// testimony is what one member saw and did.
type testimony struct {
	name    string
	records []record
}

// hostLog is what the host has kept of one group.
type hostLog struct {
	epoch   string
	head    int64
	state   string // canonical
	entries []record
}

// life is one epoch of one group.
type life struct{ group, epoch string }

// checker holds the pieces of evidence against each other.
type checker struct {
	*evidence
	faults []string
	peers  map[string]string          // names by peer
	names  map[string]string          // peers by name
	union  map[life]map[int64]sighted // what anybody saw
	states map[life]map[int64]sighted // what anybody folded
	where  map[message]sighted        // the entry that a message became
	tally  checked
}

// message names what a member has sent.
type message struct {
	group, by string
	n         int
}

// sighted is what was seen at one place, and by whom first.
type sighted struct {
	record
	who string
}

// checked counts what was held against something else.
type checked struct {
	entries, sightings, acks, folds, gaps, resumes, joins, rosters, kicks, whispers int
	forgotten                                                                       int // gaps within a life of a log
}

// check returns what breaks a promise, one line each. They begin with the promise's letter:
//
//	a  two logs agree where both have something
//	b  no gap and no duplicate, or the member was told
//	c  the messages of one sender are in the order in which it sent them
//	d  what was acknowledged is in the log, also of a host that was killed
//	e  one id is one entry
//	f  all end with the same roster
//	g  nothing comes after a member was thrown out, and nothing of it
//	h  a state, and the patches after it, are the later state
func (e *evidence) check() ([]string, checked) {
	c := &checker{
		evidence: e, peers: map[string]string{}, names: map[string]string{},
		union: map[life]map[int64]sighted{}, states: map[life]map[int64]sighted{}, where: map[message]sighted{},
	}
	for i := range e.members {
		for j := range e.members[i].records {
			if r := &e.members[i].records[j]; r.Kind == aWelcome {
				c.peers[r.Peer], c.names[e.members[i].name] = e.members[i].name, r.Peer
			}
		}
	}
	for _, group := range slices.Sorted(maps.Keys(e.host)) {
		c.host1(group)
	}
	for i := range e.members {
		c.gather(&e.members[i])
	}
	c.senders()
	for i := range e.members {
		m := &e.members[i]
		c.follow(m)
		c.receipts(m)
		c.roster(m)
	}
	c.thrownOut()
	return c.faults, c.tally
}

func (c *checker) fault(text string, args ...any) {
	if len(c.faults) < 50 {
		c.faults = append(c.faults, fmt.Sprintf(text, args...))
	}
}

// see notes what stands at a place, and holds it against what others saw there.
func (c *checker) see(l life, r *record, who string) {
	at := c.union[l]
	if at == nil {
		at = map[int64]sighted{}
		c.union[l] = at
	}
	c.tally.sightings++
	known, ok := at[r.Seq]
	if !ok {
		at[r.Seq] = sighted{*r, who}
		c.tally.entries++
		return
	}
	if got, want := r.content(), known.content(); got != want {
		c.fault("a: entry %d of %s in %s is\n  %s to %s\n  %s to %s", r.Seq, l.group, l.epoch, got, who, want, known.who)
	}
}

// host1 takes in what the host has kept of one group.
func (c *checker) host1(group string) {
	h := c.host[group]
	l := life{group, h.epoch}
	last := h.head - int64(len(h.entries))
	var state any = map[string]any{}
	whole := last == 0 // otherwise the first patches are gone
	for i := range h.entries {
		r := &h.entries[i]
		if last++; r.Seq != last {
			c.fault("b: the host's log of %s has %d where %d belongs", group, r.Seq, last)
			last = r.Seq
		}
		c.see(l, r, "the host")
		if r.Patch != "" {
			state = c.fold(state, r.Patch)
		}
	}
	if got := textOf(state.(map[string]any)); whole && got != h.state {
		c.fault("h: the patches of %s make\n  %s\nand the host has\n  %s", group, got, h.state)
	}
	c.folded(l, h.head, h.state, "the host")
}

func (c *checker) fold(state any, patch string) any {
	p, err := object([]byte(patch))
	if err != nil {
		c.fault("h: the patch %s: %v", patch, err)
		return state
	}
	return merge(state, p)
}

// gather takes in all entries that a member saw.
func (c *checker) gather(m *testimony) {
	for i := range m.records {
		if r := &m.records[i]; r.Kind == anEntry {
			c.see(life{r.Group, r.Epoch}, r, m.name)
		}
	}
}

// folded notes a state at a place, and holds it against what others had there.
func (c *checker) folded(l life, seq int64, state, who string) {
	at := c.states[l]
	if at == nil {
		at = map[int64]sighted{}
		c.states[l] = at
	}
	c.tally.folds++
	known, ok := at[seq]
	if !ok {
		at[seq] = sighted{record{State: state}, who}
	} else if known.State != state {
		c.fault("h: the state of %s at %d is\n  %s to %s\n  %s to %s", l.group, seq, state, who, known.State, known.who)
	}
}

// place is where a member is in one group.
type place struct {
	life
	known bool
	pos   int64
	told  bool // of a gap that ends here
	state any
	whole bool // state is known
	ended bool
}

// follow goes through what a member saw, in order.
func (c *checker) follow(m *testimony) {
	places := map[string]*place{}
	for i := range m.records {
		r := &m.records[i]
		p := places[r.Group]
		if p == nil {
			p = &place{}
			places[r.Group] = p
		}
		switch r.Kind {
		case anEntry, aSkip, aSnapshot, aWelcome, aGap:
			if p.ended {
				c.fault("g: %s got %s %d of %s after the end", m.name, r.Kind, r.Seq, r.Group)
			}
			c.step(m, p, r)
		case aState, anEnd, aWhisper:
			c.step(m, p, r)
		}
	}
}

func (c *checker) step(m *testimony, p *place, r *record) {
	switch r.Kind {
	case aGap:
		if r.Seq != p.pos {
			c.fault("b: %s was told of a gap after %d of %s, and was at %d", m.name, r.Seq, r.Group, p.pos)
		}
		p.pos, p.told = r.To, true
		c.tally.gaps++
		return
	case aWelcome:
		next := life{r.Group, r.Epoch}
		moved := p.known && (next != p.life || r.Seq != p.pos || p.told)
		switch {
		case r.Resumed && (!p.known || moved):
			c.fault("b: %s resumed %s at %d of %s, and was at %d of %s", m.name, r.Group, r.Seq, r.Epoch, p.pos, p.epoch)
		case moved && (!p.told || r.Seq != p.pos):
			c.fault("b: %s was welcomed to %s at %d of %s, was at %d of %s, and was told of no gap", m.name, r.Group, r.Seq, r.Epoch, p.pos, p.epoch)
		}
		if h, durable := c.host[r.Group]; durable && h.epoch != r.Epoch {
			c.fault("b: %s was welcomed to %s in epoch %s, and the host's is %s", m.name, r.Group, r.Epoch, h.epoch)
		}
		if moved && next == p.life {
			c.tally.forgotten++
		}
		if r.Resumed {
			c.tally.resumes++
		} else {
			c.tally.joins++
			c.base(p, r)
			c.folded(next, r.Seq, r.State, m.name)
		}
		p.life, p.known, p.pos = next, true, r.Seq
	case aSnapshot:
		if !p.told || r.Seq != p.pos {
			c.fault("b: %s got a whole state of %s at %d, was at %d, and was told of no gap", m.name, r.Group, r.Seq, p.pos)
		}
		p.pos = r.Seq
		c.base(p, r)
		c.folded(p.life, r.Seq, r.State, m.name)
	case anEntry:
		if r.Seq != p.pos+1 {
			c.fault("b: %s got entry %d of %s after %d", m.name, r.Seq, r.Group, p.pos)
		}
		p.pos = r.Seq
		if mine := r.By == m.name; mine != r.Own {
			c.fault("a: %s got entry %d of %s, which is by %s, and as its own: %v", m.name, r.Seq, r.Group, r.By, r.Own)
		}
		if r.Dest != "" && r.Dest != c.names[m.name] && r.Peer != c.names[m.name] {
			c.fault("a: %s got entry %d of %s, which is for %s alone", m.name, r.Seq, r.Group, c.peers[r.Dest])
		}
		if r.Patch != "" && p.whole {
			p.state = c.fold(p.state, r.Patch)
		}
	case aSkip:
		if r.Seq <= p.pos {
			c.fault("b: %s was moved to %d of %s from %d", m.name, r.Seq, r.Group, p.pos)
		}
		for seq := p.pos + 1; seq <= r.Seq; seq++ {
			e, seen := c.union[p.life][seq]
			if seen && (e.Dest == "" || e.Dest == c.names[m.name] || e.Peer == c.names[m.name]) {
				c.fault("b: %s was moved over entry %d of %s, which is for it: %s", m.name, seq, r.Group, e.content())
			}
		}
		p.pos = r.Seq
	case aState:
		if r.Seq != p.pos {
			c.fault("b: %s has a state of %s at %d, and is at %d", m.name, r.Group, r.Seq, p.pos)
		}
		if p.whole {
			if want := textOf(p.state.(map[string]any)); r.State != want {
				c.fault("h: %s has the state of %s at %d as\n  %s\nand the patches that it got make\n  %s", m.name, r.Group, r.Seq, r.State, want)
			}
		}
		c.folded(p.life, r.Seq, r.State, m.name)
	case anEnd:
		p.ended = true
	case aWhisper:
		c.tally.whispers++
	}
	p.told = false
}

// base sets the state that later patches are folded into.
func (c *checker) base(p *place, r *record) {
	o, err := object([]byte(r.State))
	if err != nil {
		c.fault("h: the state %s of %s: %v", r.State, r.Group, err)
		return
	}
	p.state, p.whole = o, true
}

// receipts holds what a member was told of its own messages against the logs.
func (c *checker) receipts(m *testimony) {
	type post struct {
		group string
		n     int
	}
	posted, answered := map[post]*record{}, map[post]string{}
	for i := range m.records {
		r := &m.records[i]
		at := post{r.Group, r.N}
		switch r.Kind {
		case aPost:
			posted[at] = r
		case anAck:
			c.tally.acks++
			c.receipt(m, r, posted[at])
		}
		if r.Kind == anAck || r.Kind == aFailure {
			if before, twice := answered[at]; twice {
				c.fault("e: %s has two answers to %d in %s: %s, then %s", m.name, r.N, r.Group, before, cmp.Or(r.Code, "ack"))
			}
			answered[at] = cmp.Or(r.Code, "ack")
		}
	}
	for l, entries := range c.union {
		for seq, e := range entries {
			if e.By != m.name {
				continue
			}
			at := post{l.group, e.N}
			if p := posted[at]; p == nil || p.What != e.What {
				c.fault("e: entry %d of %s says that it is number %d of %s, who has not sent that", seq, l.group, e.N, m.name)
			}
			switch code := answered[at]; code {
			case "ack", "", "epoch_changed", "closed", "offline", "banned", "forbidden": // those who were thrown out may have got in before
			default:
				c.fault("d: number %d of %s was refused with %s, and is entry %d of %s", e.N, m.name, code, seq, l.group)
			}
		}
	}
}

// receipt looks for an acknowledged message in the logs.
func (c *checker) receipt(m *testimony, ack, post *record) {
	if post == nil {
		c.fault("d: %s has a receipt for number %d in %s, which it has not sent", m.name, ack.N, ack.Group)
		return
	}
	h, durable := c.host[ack.Group]
	if durable {
		if oldest := h.head - int64(len(h.entries)) + 1; ack.Seq > h.head {
			c.fault("d: %s has the receipt %d for number %d in %s, and the host's log ends at %d", m.name, ack.Seq, ack.N, ack.Group, h.head)
			return
		} else if ack.Seq >= oldest {
			if e := &h.entries[ack.Seq-oldest]; e.By != m.name || e.N != ack.N || e.What != post.What || e.Time != ack.Time {
				c.fault("d: %s has the receipt %d at %d for number %d (%s) in %s, and the host has there\n  %s", m.name, ack.Seq, ack.Time, ack.N, post.What, ack.Group, e.content())
			}
			return
		}
	}
	if e, ok := c.where[message{ack.Group, m.name, ack.N}]; ok && (e.Seq != ack.Seq || e.Time != ack.Time || e.What != post.What) {
		c.fault("d: %s has the receipt %d at %d for number %d in %s, which %s saw as %d of %s\n  %s", m.name, ack.Seq, ack.Time, ack.N, ack.Group, e.who, e.Seq, e.Epoch, e.content())
	}
}

// senders holds the order of each sender's entries, and that each is there once.
func (c *checker) senders() {
	lives := slices.SortedFunc(maps.Keys(c.union), func(a, b life) int {
		return cmp.Or(cmp.Compare(a.group, b.group), cmp.Compare(a.epoch, b.epoch))
	})
	for _, l := range lives {
		last := map[string]int{}
		for _, seq := range slices.Sorted(maps.Keys(c.union[l])) {
			e := c.union[l][seq]
			if name := c.peers[e.Peer]; name != "" && name != e.By {
				c.fault("a: entry %d of %s is from %s and says it is by %s", seq, l.group, name, e.By)
			}
			if e.N <= last[e.By] {
				c.fault("c: entry %d of %s is number %d of %s, after number %d", seq, l.group, e.N, e.By, last[e.By])
			}
			last[e.By] = e.N
			m := message{l.group, e.By, e.N}
			if before, twice := c.where[m]; twice {
				c.fault("e: number %d of %s is entry %d of %s in %s, and was %d in %s", e.N, e.By, seq, l.group, l.epoch, before.Seq, before.Epoch)
			}
			c.where[m] = e
		}
	}
}

// roster holds what a member sees at the end against who has to be there.
func (c *checker) roster(m *testimony) {
	for i := range m.records {
		r := &m.records[i]
		if r.Kind != aRoster {
			continue
		}
		c.tally.rosters++
		l := life{r.Group, r.Epoch}
		for seq := range c.union[l] {
			if seq > r.Seq {
				c.fault("b: %s has come to %d of %s at the end, and there is %d", m.name, r.Seq, r.Group, seq)
				break
			}
		}
		c.folded(l, r.Seq, r.State, m.name)
		var got []string
		for _, peer := range r.Peers {
			got = append(got, cmp.Or(c.peers[peer], peer))
		}
		slices.Sort(got)
		want := slices.Sorted(slices.Values(c.present[r.Group]))
		if !slices.Equal(got, want) || r.N != len(want) {
			c.fault("f: %s sees in %s at the end\n  %v and a count of %d, want\n  %v", m.name, r.Group, got, r.N, want)
		}
	}
}

// thrownOut wants nothing of a peer behind the mark that was set when it had been thrown out.
func (c *checker) thrownOut() {
	for i := range c.members {
		for j := range c.members[i].records {
			mark := &c.members[i].records[j]
			if mark.Kind != aMark {
				continue
			}
			c.tally.kicks++
			for seq, e := range c.union[life{mark.Group, mark.Epoch}] {
				if e.Peer == mark.Peer && seq > mark.Seq {
					c.fault("g: entry %d of %s is from %s, who was out by %d", seq, mark.Group, c.peers[mark.Peer], mark.Seq)
				}
			}
			for k := range c.members {
				if c.members[k].name == c.peers[mark.Peer] {
					c.silent(&c.members[k], mark)
				}
			}
		}
	}
}

// silent wants a member that was thrown out to have seen nothing from the mark on, and to have been told.
func (c *checker) silent(m *testimony, mark *record) {
	told := false
	for i := range m.records {
		r := &m.records[i]
		if r.Group != mark.Group {
			continue
		}
		if r.Kind == anEntry && r.Epoch == mark.Epoch && r.Seq >= mark.Seq {
			c.fault("g: %s got entry %d of %s, and was out by %d", m.name, r.Seq, r.Group, mark.Seq)
		}
		told = told || r.Kind == anEnd
	}
	if !told {
		c.fault("g: %s was thrown out of %s, and was not told", m.name, mark.Group)
	}
}
