package model_test

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"time"

	"goop/shared/group"
	"goop/shared/wire"
)

// verb is what a step does.
type verb string

const (
	// By one session.
	join     verb = "join"     // as a new page: it knows nothing of before
	resume   verb = "resume"   // from where it was
	ghost    verb = "ghost"    // resume, while the stream before is still open
	leave    verb = "leave"    //
	cut      verb = "cut"      // the stream is reset after some milliseconds
	hangUp   verb = "hang up"  // the stream is ended without a leave
	rubbish  verb = "rubbish"  // a line that is no JSON
	describe verb = "describe" // a new label
	send     verb = "send"
	flood    verb = "flood" // many at once
	direct   verb = "direct"
	patch    verb = "patch"
	patchIf  verb = "patch if"
	repeat   verb = "repeat" // the line of an earlier id again
	misuse   verb = "misuse" // an earlier id for something else
	whisper  verb = "whisper"
	redact   verb = "redact"
	mistake  verb = "mistake" // a frame that the host refuses
	pause    verb = "pause"   // it reads no more
	unpause  verb = "unpause"

	// By others.
	wait     verb = "wait"
	restart  verb = "restart" // in good order
	crash    verb = "crash"   // all streams are cut first, amid of what is on its way
	closeAll verb = "close"   // the group, which is then made anew
	fullDisk verb = "full disk"
	slowDisk verb = "slow disk"
	kick     verb = "kick"
	ban      verb = "ban"
	unban    verb = "unban"
	promote  verb = "role" // another one for a peer
	admit    verb = "admit"
	invite   verb = "invite" // anew; earlier tokens stay good
	revoke   verb = "revoke" // the last invite
	look     verb = "look"   // back into the log
)

// step is one line of a script.
type step struct {
	verb verb
	slot int // who
	room int // where, for what no session does
	n    int // what this is, the verb says
	text string
}

var padding = regexp.MustCompile(`x{8,}`)

func (s *step) String() string {
	switch s.verb {
	case wait, crash, restart, slowDisk:
		return fmt.Sprintf("%s %d ms", s.verb, s.n)
	case kick, ban, unban, promote, admit, invite, revoke, look:
		return strings.TrimSpace(fmt.Sprintf("%s of room %d: %s %d %s", peerOf(s.slot), roomOf(s.slot), s.verb, s.n, s.text))
	case fullDisk, closeAll:
		return fmt.Sprintf("%s: room %d", s.verb, s.room)
	}
	text := padding.ReplaceAllStringFunc(s.text, func(x string) string { return fmt.Sprintf("x…%d", len(x)) })
	return strings.TrimSpace(fmt.Sprintf("%d: %s %d %s", s.slot, s.verb, s.n, text))
}

// Every script has the same places: rooms with peers in them, each with up to two sessions.
const (
	peers    = 4
	perPeer  = 2
	slotsOf  = peers * perPeer // slots of one room
	maxBurst = 10
)

// roomSpec is a group of every script, but for what it retains.
type roomSpec struct {
	id      wire.GroupID
	preset  group.Preset
	durable bool
}

var rooms = []roomSpec{
	{"diary", group.Persistent, true},
	{"lobby", group.OpenGroup, false},
	{"den", group.InviteOnly, true},
}

// config returns the configuration of a room.
func (s *script) config(room int) group.Config {
	text := fmt.Sprintf(`{"id":%q,"type":%q,"retain":%s}`, rooms[room].id, rooms[room].preset, s.retain[room])
	cfg, err := group.ParseConfig([]byte(text))
	if err != nil {
		panic(err)
	}
	return cfg
}

func peerOf(slot int) wire.PeerID {
	return wire.PeerID(fmt.Sprintf("peer%d", slot%slotsOf/perPeer))
}

func roomOf(slot int) int { return slot / slotsOf }

// script is what one run does: bursts of steps, which happen at once and then come to rest.
type script struct {
	seed    uint64
	entries int // that an engine keeps
	window  int // bytes that a hub keeps encoded
	retain  []string
	delta   []bool
	narrow  []bool // streams that hold little
	bursts  [][]step
}

func (s *script) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d, logs of %d entries, windows of %d bytes, retained: %v\n", s.seed, s.entries, s.window, s.retain)
	for i, burst := range s.bursts {
		for _, st := range burst {
			fmt.Fprintf(&b, "%3d  %s\n", i, st.String())
		}
	}
	return b.String()
}

// author makes up a script. It knows what should be up, not what came of it.
type author struct {
	*rand.Rand
	up, paused []bool
	next       int              // number of the next id
	ids        map[string][]int // by room and peer
	member     map[string]bool  // who has come, gone or changed in this burst, by room and peer
}

// newScript makes the script of a seed.
func newScript(seed uint64, bursts int) *script {
	slots := len(rooms) * slotsOf
	a := &author{Rand: rand.New(rand.NewPCG(seed, 1)), up: make([]bool, slots), paused: make([]bool, slots), ids: map[string][]int{}}
	s := &script{seed: seed, delta: make([]bool, slots), narrow: make([]bool, slots)}
	s.entries = []int{40, 200, 10_000}[a.IntN(3)]
	s.window = []int{1500, 8000, 1 << 20}[a.IntN(3)]
	for range rooms {
		s.retain = append(s.retain, a.pick("{}", "{}", `{"count":30}`, `{"age":15000}`, `{"count":60,"age":40000}`))
	}
	for i := range slots {
		s.delta[i], s.narrow[i] = a.IntN(4) > 0, a.IntN(3) == 0
	}
	s.bursts = append(s.bursts, a.opening())
	for range bursts {
		a.member = map[string]bool{}
		var burst []step
		for range 1 + a.IntN(maxBurst) {
			if st, ok := a.byOne(); ok {
				burst = append(burst, st)
			}
		}
		if st, ok := a.byOthers(); ok {
			burst = append(burst, st)
		}
		if len(burst) > 0 {
			s.bursts = append(s.bursts, burst)
		}
	}
	return s
}

func (a *author) key(slot int) string { return fmt.Sprint(roomOf(slot), peerOf(slot)) }

// opening lets some peers of each group in where that is needed, and makes some more than members.
func (a *author) opening() []step {
	var burst []step
	for slot := 0; slot < len(a.up); slot += perPeer {
		burst = append(burst, step{verb: admit, slot: slot})
		if a.IntN(2) == 0 {
			burst = append(burst, step{verb: promote, slot: slot, text: "moderator"})
		}
	}
	return burst
}

// byOne makes up a step of one session. Of one peer, only one session comes, goes or changes in a burst,
// so that it is known in which order that happens.
func (a *author) byOne() (step, bool) {
	st := step{slot: a.IntN(len(a.up))}
	key := a.key(st.slot)
	if !a.up[st.slot] {
		if a.member[key] {
			return st, false
		}
		a.member[key], a.up[st.slot] = true, true
		st.verb = join
		if a.IntN(4) > 0 {
			st.verb = resume
		}
		return st, true
	}
	if a.paused[st.slot] && a.IntN(4) == 0 {
		a.paused[st.slot] = false
		st.verb = unpause
		return st, true
	}
	switch n := a.IntN(100); {
	case n < 20: // comes, goes, changes
		if a.member[key] {
			return st, false
		}
		a.member[key] = true
		switch {
		case n < 3:
			st.verb = leave
		case n < 9:
			st.verb, st.n = cut, a.IntN(30)
		case n < 12:
			st.verb, st.text = hangUp, []string{"", `{"type":"msg","id":"half","pay`}[a.IntN(2)]
		case n < 13:
			st.verb, st.text = rubbish, []string{"x", "[]", `{"type":"msg"`, "\x00"}[a.IntN(4)]
		case n < 17:
			st.verb = describe
			st.text = fmt.Sprintf(`{"type":"join","group":%q,"meta":{"label":"label %d"}}`, rooms[roomOf(st.slot)].id, a.IntN(100))
			return st, true
		default:
			st.verb, a.paused[st.slot] = ghost, false
			return st, true
		}
		a.up[st.slot], a.paused[st.slot] = false, false
	case n < 23:
		st.verb, a.paused[st.slot] = pause, true
	case n < 29 && len(a.ids[key]) > 0:
		st.verb, st.n = repeat, a.ids[key][a.IntN(len(a.ids[key]))]
	case n < 31 && len(a.ids[key]) > 0:
		st.verb, st.n = misuse, a.ids[key][a.IntN(len(a.ids[key]))]
	case n < 40:
		st.verb, st.n = whisper, a.id(key)
		st.text = fmt.Sprintf(`{"type":"msg","volatile":true%s%s,"payload":{"by":"%d","n":%d,"pad":%q}}`, a.to(), a.pick("", `,"key":"cursor"`), st.slot, st.n, a.pad())
	case n < 43:
		st.verb, st.n = mistake, a.id(key)
		st.text = fmt.Sprintf(a.pick(`{"type":"welcome","id":"%d"}`, `{"type":"msg","id":"%d"}`, `{"type":"state","id":"%d","patch":[1]}`, `{"type":"msg","id":"%d","group":"other","payload":1}`), st.n)
	case n < 52:
		st.verb, st.n = direct, a.id(key)
		st.text = fmt.Sprintf(`{"type":"msg","id":"%d","to":"peer%d","payload":{"n":%d,"pad":%q}}`, st.n, a.IntN(peers+1), st.n, a.pad())
	case n < 62:
		st.verb, st.n = patch, a.id(key)
		st.text = fmt.Sprintf(`{"type":"state","id":"%d","patch":%s}`, st.n, a.patch())
	case n < 70: // n is how far back from its position the sender believes the keys to be untouched
		st.verb, st.n = patchIf, a.IntN(12)
		st.text = fmt.Sprintf(`{"type":"state","id":"%d","ifSeq":IFSEQ,"patch":%s}`, a.id(key), a.patch())
	case n < 73: // the first of n ids
		st.verb, st.n, st.text = flood, 20+a.IntN(60), strconv.Itoa(a.next)
		a.next += st.n
	case n < 77: // of the entry so far from the head
		st.verb, st.n = redact, a.IntN(12)
		st.text = fmt.Sprintf(`{"type":"msg","id":"%d","redact":TARGET}`, a.id(key))
	case n < 80: // without an id: nobody waits for an answer
		st.verb = send
		st.text = fmt.Sprintf(`{"type":"msg","payload":{"n":%d}}`, a.IntN(1000))
	default:
		st.verb, st.n = send, a.id(key)
		st.text = fmt.Sprintf(`{"type":"msg","id":"%d","payload":{"n":%d,"pad":%q}}`, st.n, st.n, a.pad())
	}
	return st, true
}

// byOthers makes up what happens to all, at the end of a burst; mostly nothing.
func (a *author) byOthers() (step, bool) {
	st := step{room: a.IntN(len(rooms)), slot: a.IntN(len(a.up))}
	switch n := a.IntN(100); {
	case n < 4:
		st.verb, st.n = restart, a.IntN(40)
	case n < 9:
		st.verb, st.n = crash, a.IntN(40)
	case n < 10:
		st.verb = closeAll
	case n < 20:
		st.verb, st.n = wait, []int{10, 3000, 6000, 21_000, 21_000}[a.IntN(5)]
	case n < 25:
		st.verb = fullDisk
	case n < 40:
		st.verb, st.n = slowDisk, a.IntN(20)
	case n < 43:
		st.verb = kick
	case n < 46:
		st.verb = ban
	case n < 51:
		st.verb = unban
	case n < 66:
		st.verb, st.n = look, a.IntN(60)
	case n < 73:
		st.verb, st.text = promote, a.pick("moderator", "moderator", "member", "viewer")
	case n < 79:
		st.verb = admit
	case n < 83:
		st.verb = invite
	case n < 85:
		st.verb = revoke
	default:
		return st, false
	}
	if st.verb == kick || st.verb == ban {
		for i := range a.up {
			if a.key(i) == a.key(st.slot) {
				a.up[i], a.paused[i] = false, false
			}
		}
	}
	if st.verb == restart || st.verb == crash {
		clear(a.up)
		clear(a.paused)
	}
	if st.verb == closeAll {
		clear(a.up[st.room*slotsOf : (st.room+1)*slotsOf])
		clear(a.paused[st.room*slotsOf : (st.room+1)*slotsOf])
	}
	return st, true
}

func (a *author) id(key string) int {
	a.next++
	a.ids[key] = append(a.ids[key], a.next)
	return a.next
}

func (a *author) pick(texts ...string) string { return texts[a.IntN(len(texts))] }

func (a *author) to() string {
	if a.IntN(3) > 0 {
		return ""
	}
	return fmt.Sprintf(`,"to":"peer%d"`, a.IntN(peers))
}

func (a *author) pad() string { return strings.Repeat("x", a.IntN(2)*a.IntN(400)) }

func (a *author) patch() string {
	var fields []string
	for _, key := range []string{"a", "b", "c", "d"} {
		if a.IntN(3) == 0 {
			value := a.pick("null", "1", "1.50", `"text"`, `[1,{"x":null}]`, `{"x":1}`, `{"x":null,"y":{"z":2}}`, `{"y":{"z":null}}`, fmt.Sprintf("%q", a.pad()))
			fields = append(fields, fmt.Sprintf("%q:%s", key, value))
		}
	}
	return "{" + strings.Join(fields, ",") + "}"
}

// grace is how long a peer that was dropped stays in the roster.
const grace = 5 * time.Second
