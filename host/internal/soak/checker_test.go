package soak_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// proper is the evidence of a short run in which all went well: ann, ben and cid in the durable group
// "diary", from which cid is thrown out, and in the group in memory "lobby", which begins anew once.
func proper() *evidence {
	const d, l1, l2 = "D", "L1", "L2"
	msg := func(seq int64, by string, n int, dest string) record {
		return record{Kind: anEntry, Group: "diary", Epoch: d, Seq: seq, Peer: "p" + by, By: by, N: n, Time: 100 + seq, What: "msg " + by + string(rune('0'+n)), Dest: dest}
	}
	one := msg(1, "ann", 1, "")
	two := msg(2, "ben", 1, "")
	two.What, two.Patch = "state ben1", `{"k":{"by":"ben"}}`
	three := msg(3, "ann", 2, "pben")
	four := msg(4, "cid", 1, "")
	five := msg(5, "ann", 3, "")
	five.What, five.Patch = "state ann3", `{"k":null,"j":1}`
	own := func(r record) record { r.Own = true; return r }
	hi := record{Kind: anEntry, Group: "lobby", Epoch: l2, Seq: 1, Peer: "pben", By: "ben", N: 2, Time: 300, What: "msg hi"}
	welcome := func(group, epoch, by string, seq int64, state string) record {
		return record{Kind: aWelcome, Group: group, Epoch: epoch, Peer: "p" + by, Seq: seq, State: state}
	}
	state := func(seq int64, text string) record {
		return record{Kind: aState, Group: "diary", Seq: seq, State: text}
	}
	post := func(group string, n int, what string) record {
		return record{Kind: aPost, Group: group, N: n, What: what}
	}
	ack := func(group string, n int, seq, time int64) record {
		return record{Kind: anAck, Group: group, N: n, Seq: seq, Time: time}
	}
	gap := record{Kind: aGap, Group: "lobby", Seq: 0, To: 0}
	roster := record{Kind: aRoster, Group: "diary", Epoch: d, Seq: 5, State: `{"j":1}`, Peers: []string{"pben", "pann"}, N: 2}
	return &evidence{
		members: []testimony{
			{"ann", []record{
				welcome("diary", d, "ann", 0, "{}"), welcome("lobby", l1, "ann", 0, "{}"),
				post("diary", 1, "msg ann1"), own(one), ack("diary", 1, 1, 101), two, state(2, `{"k":{"by":"ben"}}`),
				post("diary", 2, "msg ann2"), own(three), ack("diary", 2, 3, 103), four,
				{Kind: aMark, Group: "diary", Epoch: d, Peer: "pcid", Seq: 5},
				post("diary", 3, "state ann3"), own(five), ack("diary", 3, 5, 105), state(5, `{"j":1}`),
				gap, welcome("lobby", l2, "ann", 0, "{}"), hi, roster,
			}},
			{"ben", []record{
				welcome("diary", d, "ben", 0, "{}"), welcome("lobby", l1, "ben", 0, "{}"),
				post("diary", 1, "state ben1"), one, own(two), ack("diary", 1, 2, 102),
				{Kind: aWelcome, Group: "diary", Epoch: d, Peer: "pben", Seq: 2, Resumed: true}, three, four, five, state(5, `{"j":1}`),
				post("lobby", 1, "msg lost"), {Kind: aFailure, Group: "lobby", N: 1, Code: "epoch_changed"},
				gap, welcome("lobby", l2, "ben", 0, "{}"),
				post("lobby", 2, "msg hi"), own(hi), ack("lobby", 2, 1, 300), roster,
			}},
			{"cid", []record{
				welcome("diary", d, "cid", 2, `{"k":{"by":"ben"}}`), {Kind: aSkip, Group: "diary", Seq: 3},
				post("diary", 1, "msg cid1"), own(four), ack("diary", 1, 4, 104), {Kind: anEnd, Group: "diary", Code: "banned"},
				post("diary", 2, "msg late"), {Kind: aFailure, Group: "diary", N: 2, Code: "banned"},
			}},
		},
		host:    map[string]hostLog{"diary": {epoch: d, head: 5, state: `{"j":1}`, entries: []record{one, two, three, four, five}}},
		present: map[string][]string{"diary": {"ann", "ben"}},
	}
}

// at returns the nth record of a kind that a member wrote.
func (e *evidence) at(who, kind string, nth int) *record {
	m := &e.members[e.find(who)]
	for i := range m.records {
		if m.records[i].Kind == kind {
			if nth--; nth == 0 {
				return &m.records[i]
			}
		}
	}
	panic("there is no such record")
}

func (e *evidence) find(who string) int {
	return slices.IndexFunc(e.members, func(m testimony) bool { return m.name == who })
}

// drop takes a record out.
func (e *evidence) drop(who, kind string, nth int) {
	gone := e.at(who, kind, nth)
	m := &e.members[e.find(who)]
	for i := range m.records {
		if &m.records[i] == gone {
			m.records = slices.Delete(m.records, i, i+1)
			return
		}
	}
}

// insert puts a record behind another one.
func (e *evidence) insert(who, kind string, nth int, r record) {
	before := e.at(who, kind, nth)
	m := &e.members[e.find(who)]
	for i := range m.records {
		if &m.records[i] == before {
			m.records = slices.Insert(m.records, i+1, r)
			return
		}
	}
}

func TestCheckFindsNothingWrongInAProperRun(t *testing.T) {
	t.Parallel()
	faults, tally := proper().check()
	for _, f := range faults {
		t.Error(f)
	}
	if tally.entries != 6 || tally.acks != 6 || tally.rosters != 2 || tally.kicks != 1 || tally.gaps != 2 || tally.resumes != 1 {
		t.Errorf("checked %+v", tally)
	}
}

// TestCheckFindsBrokenPromises breaks each promise in each way that there is, and wants it found.
func TestCheckFindsBrokenPromises(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		promise string
		spoil   func(*evidence)
	}{
		{"two members saw different entries", "a", func(e *evidence) { e.at("ben", anEntry, 1).What = "msg other" }},
		{"two members saw other times", "a", func(e *evidence) { e.at("ben", anEntry, 4).Time++ }},
		{"an entry is from somebody else", "a", func(e *evidence) { e.at("ben", anEntry, 1).Peer = "pcid" }},
		{"a name is not that of the peer", "a", func(e *evidence) {
			for _, who := range []string{"ann", "ben"} {
				for i := range e.members[e.find(who)].records {
					if r := &e.members[e.find(who)].records[i]; r.Kind == anEntry && r.Group == "lobby" {
						r.Peer = "pcid"
					}
				}
			}
		}},
		{"the host has something else", "a", func(e *evidence) { e.host["diary"].entries[3].What = "msg other" }},
		{"the own one came as another's", "a", func(e *evidence) { e.at("ann", anEntry, 1).Own = false }},
		{"another's came as the own one", "a", func(e *evidence) { e.at("ann", anEntry, 2).Own = true }},
		{"a direct one reached a third", "a", func(e *evidence) {
			r := e.host["diary"].entries[2]
			*e.at("cid", aSkip, 1) = r
		}},
		{"an entry is missing", "b", func(e *evidence) { e.drop("ben", anEntry, 1) }},
		{"an entry came twice", "b", func(e *evidence) { e.insert("ann", anEntry, 2, *e.at("ann", anEntry, 2)) }},
		{"an entry came again after a resume", "b", func(e *evidence) { e.insert("ben", aWelcome, 3, e.host["diary"].entries[1]) }},
		{"a resume went back", "b", func(e *evidence) { e.at("ben", aWelcome, 3).Seq = 1 }},
		{"a resume went forward", "b", func(e *evidence) { e.at("ben", aWelcome, 3).Seq = 3 }},
		{"a fresh log without a gap", "b", func(e *evidence) { e.drop("ann", aGap, 1) }},
		{"a gap from elsewhere", "b", func(e *evidence) { e.at("ann", aGap, 1).Seq = 7 }},
		{"a whole state without a gap", "b", func(e *evidence) {
			e.insert("ann", anEntry, 2, record{Kind: aSnapshot, Group: "diary", Seq: 2, State: `{"k":{"by":"ben"}}`})
		}},
		{"a durable group in another epoch", "b", func(e *evidence) { e.at("cid", aWelcome, 1).Epoch = "E" }},
		{"passed over what was for it", "b", func(e *evidence) { e.at("cid", aSkip, 1).Seq = 4 }},
		{"moved backwards", "b", func(e *evidence) { e.at("cid", aSkip, 1).Seq = 1 }},
		{"not at the end of the log", "b", func(e *evidence) { e.at("ben", aRoster, 1).Seq = 4 }},
		{"a state from elsewhere", "b", func(e *evidence) { e.at("ann", aState, 1).Seq = 1 }},
		{"the host's log has a hole", "b", func(e *evidence) { e.host["diary"].entries[2].Seq = 9 }},
		{"one sender's messages changed places", "c", func(e *evidence) {
			for _, r := range []*record{e.at("ann", anEntry, 1), e.at("ben", anEntry, 1), &e.host["diary"].entries[0]} {
				r.N = 3
			}
		}},
		{"acknowledged, and beyond the end of the log", "d", func(e *evidence) {
			h := e.host["diary"]
			h.entries, h.head = h.entries[:4], 4
			e.host["diary"] = h
		}},
		{"acknowledged, and somebody else's is there", "d", func(e *evidence) { e.at("ann", anAck, 1).Seq = 2 }},
		{"acknowledged, and another one is there", "d", func(e *evidence) { e.at("ann", anAck, 2).Seq = 1 }},
		{"acknowledged, and with another time", "d", func(e *evidence) { e.at("ann", anAck, 2).Time = 1 }},
		{"acknowledged in memory, and another one is there", "d", func(e *evidence) { e.at("ben", anAck, 2).Seq = 2 }},
		{"acknowledged, and never sent", "d", func(e *evidence) { e.drop("ben", aPost, 1) }},
		{"refused, and there", "d", func(e *evidence) {
			*e.at("ann", anAck, 1) = record{Kind: aFailure, Group: "diary", N: 1, Code: "storage_full"}
		}},
		{"two answers", "e", func(e *evidence) {
			e.insert("ann", anAck, 1, record{Kind: aFailure, Group: "diary", N: 1, Code: "conflict"})
		}},
		{"one number, two entries", "e", func(e *evidence) {
			for _, r := range []*record{e.at("ann", anEntry, 3), e.at("ben", anEntry, 3), &e.host["diary"].entries[2]} {
				r.N = 1
			}
		}},
		{"never sent, and there", "e", func(e *evidence) { e.at("ann", aPost, 3).What = "state other" }},
		{"in two lives of a log", "e", func(e *evidence) {
			first := *e.at("ben", anEntry, 6)
			first.Epoch = "L1"
			e.insert("ben", aWelcome, 2, first)
			e.at("ben", aGap, 1).Seq = 1
		}},
		{"a roster without somebody", "f", func(e *evidence) { e.at("ann", aRoster, 1).Peers = []string{"pann"} }},
		{"a roster with somebody who is gone", "f", func(e *evidence) { e.at("ben", aRoster, 1).Peers = []string{"pann", "pben", "pcid"} }},
		{"a roster with another count", "f", func(e *evidence) { e.at("ben", aRoster, 1).N = 3 }},
		{"something came after the end", "g", func(e *evidence) { e.insert("cid", anEnd, 1, e.host["diary"].entries[4]) }},
		{"thrown out, and heard", "g", func(e *evidence) { e.at("ann", aMark, 1).Seq = 4 }},
		{"thrown out, and it goes on", "g", func(e *evidence) { e.at("ann", aMark, 1).Seq = 3 }},
		{"thrown out, and not told", "g", func(e *evidence) { e.drop("cid", anEnd, 1) }},
		{"a patch that made nothing", "h", func(e *evidence) { e.at("ann", aState, 1).State = "{}" }},
		{"a patch that was not undone", "h", func(e *evidence) { e.at("ben", aState, 1).State = `{"j":1,"k":{"by":"ben"}}` }},
		{"a welcome with another state", "h", func(e *evidence) { e.at("cid", aWelcome, 1).State = "{}" }},
		{"the host has another state", "h", func(e *evidence) {
			h := e.host["diary"]
			h.state = "{}"
			e.host["diary"] = h
		}},
	}
	found := map[string]bool{}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := proper()
			before := text(t, e)
			tt.spoil(e)
			if text(t, e) == before {
				t.Fatal("nothing was spoilt")
			}
			faults, _ := e.check()
			if !slices.ContainsFunc(faults, func(f string) bool { return strings.HasPrefix(f, tt.promise+": ") }) {
				t.Errorf("got %q, want a fault of %s", faults, tt.promise)
			}
		})
		found[tt.promise] = true
	}
	if len(found) != 8 {
		t.Errorf("promises %v are tried, there are 8", found)
	}
}

func text(t *testing.T, e *evidence) string {
	t.Helper()
	var all []any
	for _, m := range e.members {
		all = append(all, m.records)
	}
	h := e.host["diary"]
	b, err := json.Marshal(append(all, h.entries, h.state, h.head))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
