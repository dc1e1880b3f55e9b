package model_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"testing"
	"time"

	"goop/shared/group"
	"goop/shared/wire"
)

// room is the model of one group: a list of entries, and what follows from it. It knows nothing of
// windows, cursors, batches and streams.
type room struct {
	t       *testing.T
	id      wire.GroupID
	durable bool
	epoch   wire.Epoch
	entries []entry  // the entry with seq n is entries[n-1]
	states  []string // the state after n entries is states[n]
	state   map[string]any
	touched map[string]int64 // the last entry that touched a top-level key
	ids     map[string]int64 // by peer and id, the seq that it got
	roster  map[wire.PeerID]*person
	people  map[wire.PeerID]wire.Role // who was given a role; "banned" is one
	sentOff map[wire.PeerID]*sentOff  // in this burst
	invited bool                      // only who has a role may come
	token   string                    // of the last invite, "" for none
	invite  group.InviteID            // that one
	revoked map[string]bool           // tokens
	closing bool                      // in this burst, and with it goes the log
	settled int64                     // the head before this burst
	keeps   int                       // entries at least
	age     time.Duration             // of entries that are kept, or 0
}

// entry is one entry of the log.
type entry struct {
	group.Entry
	content string // what has to be the same in a repeat
	gone    int64  // the entry that took this one's content away, or 0
}

// barredRole stands for a ban.
const barredRole wire.Role = "banned"

// roleOf returns what a peer is.
func (r *room) roleOf(peer wire.PeerID) wire.Role {
	if role := r.people[peer]; role != "" || r.invited {
		return role
	}
	return wire.RoleMember
}

// answerTo returns what a join of a peer is refused with, "" when it is not; token is the one that the
// peer brings, which makes it a member.
func (r *room) answerTo(peer wire.PeerID, token string) wire.Code {
	switch {
	case r.people[peer] == barredRole:
		return wire.Banned
	case r.people[peer] != "":
	case token != "" && r.revoked[token]:
		return wire.InviteInvalid
	case token != "":
		r.people[peer] = wire.RoleMember
	case r.invited:
		return wire.NoSuchGroup
	}
	return ""
}

// sentOff is the place in the log at which a peer was kicked or banned.
type sentOff struct {
	before, after int   // calls of Append
	least, most   int64 // entries then; -1 until they are known
}

// reach notes that so many calls of Append are replayed.
func (r *room) reach(calls int) {
	for _, s := range r.sentOff {
		if s.least < 0 && calls >= s.before {
			s.least = r.head()
		}
		if s.most < 0 && calls >= s.after {
			s.most = r.head()
		}
	}
}

// person is one peer of the roster.
type person struct {
	label    string
	sessions map[int]bool // by slot
	until    time.Time    // without a session, when it goes
	unsure   time.Time    // until then it is not known what the host has noticed
}

func newRoom(t *testing.T, cfg group.Config, entries int, epoch wire.Epoch) *room {
	keeps := entries
	if cfg.Retain.Count > 0 {
		keeps = min(keeps, cfg.Retain.Count)
	}
	return &room{
		t: t, id: cfg.ID, durable: cfg.Durable, keeps: keeps, age: cfg.Retain.Age, epoch: epoch, states: []string{"{}"}, state: map[string]any{},
		touched: map[string]int64{}, ids: map[string]int64{}, roster: map[wire.PeerID]*person{},
		people: map[wire.PeerID]wire.Role{}, sentOff: map[wire.PeerID]*sentOff{},
		invited: cfg.Access == group.Invited, revoked: map[string]bool{},
	}
}

func (r *room) head() int64 { return int64(len(r.entries)) }

// oldest returns the oldest entry that is surely kept, if any is.
func (r *room) oldest() int64 {
	seq := max(1, r.head()-int64(r.keeps)+1)
	if r.age > 0 {
		for young := time.Now().Add(3*rest - r.age).UnixMilli(); seq <= r.head() && r.entries[seq-1].Time < young; seq++ {
		}
	}
	return seq
}

// justGone reports whether an entry was taken away in this burst, so that some saw it before.
func (r *room) justGone(e *entry) bool { return e.gone > r.settled }

// outcome is what becomes of a draft.
type outcome struct {
	seq  int64
	dup  bool
	code wire.Code
}

func (o outcome) String() string {
	switch {
	case o.code != "":
		return string(o.code)
	case o.dup:
		return "again as " + strconv.FormatInt(o.seq, 10)
	}
	return strconv.FormatInt(o.seq, 10)
}

func contentOf(d *group.Draft) string {
	ifSeq := ""
	if d.IfSeq != nil {
		ifSeq = strconv.FormatInt(*d.IfSeq, 10)
	}
	return fmt.Sprintf("%s|%s|%s|%s|%s|%d", d.Kind, d.To, d.Payload, d.Patch, ifSeq, d.Redact)
}

// append takes in one draft, and says what has to become of it. got is what the log has made of it, where
// both is right: a message that may be too old to be redacted.
func (r *room) append(d *group.Draft, time int64, got outcome) outcome {
	content := contentOf(d)
	if seq, known := r.ids[string(d.From)+" "+d.ID]; known && d.ID != "" {
		if r.entries[seq-1].content != content && r.entries[seq-1].gone == 0 {
			return outcome{code: wire.IDConflict}
		}
		return outcome{seq: seq, dup: true}
	}
	seq := r.head() + 1
	if d.Redact > 0 {
		if d.Redact > r.head() {
			return outcome{code: wire.NotFound}
		}
		target := &r.entries[d.Redact-1]
		old := d.Redact < r.oldest()
		if target.Kind != wire.TypeMsg || target.Redact > 0 || target.gone > 0 || old && got.code == wire.NotFound {
			return outcome{code: wire.NotFound}
		}
		target.gone = seq
	}
	if d.Kind == wire.TypeState {
		change := r.object(d.Patch)
		if d.IfSeq != nil {
			for key := range change {
				if r.touched[key] > *d.IfSeq {
					return outcome{code: wire.Conflict}
				}
			}
		}
		for key := range change {
			r.touched[key] = seq
		}
		r.state = merge(r.state, change).(map[string]any)
	}
	r.entries = append(r.entries, entry{
		Entry: group.Entry{
			Seq: seq, Time: time, From: d.From, Session: d.Session, ID: d.ID, Kind: d.Kind, To: d.To,
			Payload: d.Payload, Patch: d.Patch, Redact: d.Redact,
		},
		content: content,
	})
	r.states = append(r.states, r.canonical(r.state))
	if d.ID != "" {
		r.ids[string(d.From)+" "+d.ID] = seq
	}
	return outcome{seq: seq}
}

// merge is the text of RFC 7396, word for word.
func merge(target, patch any) any {
	p, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	t, ok := target.(map[string]any)
	if !ok {
		t = map[string]any{}
	}
	result := map[string]any{}
	maps.Copy(result, t)
	for name, value := range p {
		if value == nil {
			delete(result, name)
		} else {
			result[name] = merge(result[name], value)
		}
	}
	return result
}

func (r *room) object(text []byte) map[string]any {
	r.t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var o map[string]any
	if err := d.Decode(&o); err != nil {
		r.t.Fatalf("%s is no object: %v", text, err)
	}
	return o
}

// canonical returns one text for all that say the same.
func (r *room) canonical(o map[string]any) string {
	r.t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		r.t.Fatal(err)
	}
	return string(text)
}

// sees tells how a session sees an entry.
type sees int

const (
	nothing  sees = iota // it is not for this session, or nobody waits for an answer
	whole                // as everybody does
	withID               // it is from another session of the same peer
	answered             // its own: the acknowledgement stands in its place
)

func (e *entry) seenBy(peer wire.PeerID, session wire.SessionID) sees {
	own := e.From == peer && e.Session == session
	switch {
	case own && e.ID == "":
		return nothing
	case own:
		return answered
	case e.gone > 0:
		return nothing
	case e.To != "" && e.To != peer && e.From != peer:
		return nothing
	case e.From == peer && e.ID != "":
		return withID
	}
	return whole
}

// come, go and drop keep the roster.
func (r *room) come(slot int, now time.Time) {
	peer := peerOf(slot)
	p := r.roster[peer]
	if p == nil || len(p.sessions) == 0 && now.After(p.until) {
		p = &person{sessions: map[int]bool{}}
		r.roster[peer] = p
	}
	if len(p.sessions) == 0 && now.Add(2*rest).After(p.until) { // it may just have gone, and with it what it was called
		p.label = ""
	}
	p.sessions[slot] = true
}

func (r *room) leaves(slot int) {
	peer := peerOf(slot)
	if p := r.roster[peer]; p != nil {
		delete(p.sessions, slot)
		if len(p.sessions) == 0 {
			delete(r.roster, peer)
		}
	}
}

func (r *room) drops(slot int, now time.Time) {
	if p := r.roster[peerOf(slot)]; p != nil {
		delete(p.sessions, slot)
		p.until = now.Add(grace)
	}
}

// doubt notes that for a while it is not known what the host knows of a peer, nor what it calls it.
func (r *room) doubt(peer wire.PeerID, d time.Duration) {
	if p := r.roster[peer]; p != nil {
		p.label, p.unsure = "", time.Now().Add(d)
	}
}
