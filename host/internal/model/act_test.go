package model_test

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"goop/shared/group"
	"goop/shared/wire"
)

// whispered is a volatile message that was sent.
type whispered struct {
	slot  int
	key   string
	to    wire.PeerID
	sure  bool // the sender was there before and after
	burst int
}

func (w *whispered) isFor(s *slot) bool {
	return w.to == "" || w.to == s.peer || peerOf(w.slot) == s.peer
}

// act does one step of a session. What cannot be done as things have come is passed over.
func (w *world) act(s *slot, st *step, begun time.Time, burst int) {
	r := s.room()
	switch st.verb {
	case join, resume:
		if s.stream != nil {
			return
		}
		token := ""
		if r.people[s.peer] == "" { // whoever has a role has used it
			token = r.token
			w.redeems = true
		}
		s.connect(st.verb == resume, token)
		if s.stream.refusal = r.answerTo(s.peer, token); s.stream.refusal != "" {
			s.stream.end(barred)
			s.ended()
		} else {
			r.come(s.n, begun)
		}
		return
	}
	stream := s.stream
	if stream == nil {
		return
	}
	end := func(how ending) {
		if stream.lenient {
			s.unsure()
		}
		stream.end(how)
		s.ended()
	}
	switch st.verb {
	case ghost:
		if stream.lenient { // it may be gone, and then it is no ghost
			s.unsure()
		}
		stream.end(replaced)
		s.former = append(s.former, stream)
		s.connect(true, "")
		r.come(s.n, begun)
	case leave:
		stream.say(`{"type":"leave"}`)
		end(left)
		if !stream.lenient { // otherwise it may have been dropped long ago
			r.leaves(s.n)
		}
	case cut:
		stream.do(item{wait: time.Duration(st.n) * time.Millisecond, end: func() { _ = stream.link.Reset() }})
		end(lost)
		r.drops(s.n, begun)
	case hangUp:
		stream.do(item{text: st.text, end: func() { _ = stream.link.CloseWrite() }})
		end(hungUp)
		r.drops(s.n, begun)
	case rubbish:
		stream.say(st.text)
		end(refused)
		r.drops(s.n, begun)
	case describe:
		stream.say(st.text)
		if p := r.roster[s.peer]; p != nil {
			p.label = strings.TrimSuffix(strings.SplitAfter(st.text, `"label":"`)[1], `"}}`)
			if stream.lenient { // the host may have given it up before it hears this
				r.doubt(s.peer, grace+patience)
			}
		}
	case pause:
		stream.pause(begun)
	case unpause:
		stream.unpause()
	case whisper:
		if r.roleOf(s.peer) == wire.RoleViewer {
			w.draft(s, st.text)
			break
		}
		f, _ := wire.Decode([]byte(st.text))
		w.whispers[st.n] = whispered{slot: s.n, key: f.Key, to: f.To, sure: stream.old, burst: burst}
		stream.say(st.text)
	case mistake:
		f, err := wire.Decode([]byte(st.text))
		code := wire.BadMessage
		if f.Type == wire.TypeWelcome {
			code = wire.UnsupportedType
		}
		id := f.ID
		if err != nil && f.ID == "" {
			id = strconv.Itoa(st.n)
		}
		stream.owed[id] = append(stream.owed[id], outcome{code: code})
		stream.say(st.text)
	case repeat:
		if line, ok := w.sent[w.key(s, strconv.Itoa(st.n))]; ok {
			w.draft(s, line)
		}
	case flood:
		first, _ := strconv.Atoi(st.text)
		for i := range st.n {
			w.draft(s, fmt.Sprintf(`{"type":"msg","id":"%d","payload":{"n":%d,"pad":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}}`, first+1+i, i))
		}
	case misuse:
		w.draft(s, fmt.Sprintf(`{"type":"msg","id":"%d","payload":"other"}`, st.n))
	case redact:
		w.draft(s, strings.Replace(st.text, "TARGET", strconv.FormatInt(max(1, r.head()-int64(st.n)), 10), 1))
	case patchIf:
		ifSeq := max(0, stream.pos-int64(st.n))
		w.draft(s, strings.Replace(st.text, "IFSEQ", strconv.FormatInt(ifSeq, 10), 1))
	default:
		w.draft(s, st.text)
	}
}

func (w *world) key(s *slot, id string) string {
	return fmt.Sprint(roomOf(s.n), " ", s.peer, " ", id)
}

// draft sends a line that goes to the log.
func (w *world) draft(s *slot, line string) {
	f, err := wire.Decode([]byte(line))
	if err != nil {
		w.t.Fatal(err)
	}
	if role := s.room().roleOf(s.peer); role == wire.RoleViewer || f.Redact > 0 && role != wire.RoleModerator {
		s.stream.owed[f.ID] = append(s.stream.owed[f.ID], outcome{code: wire.Forbidden})
		s.stream.say(line)
		return
	}
	if _, known := w.sent[w.key(s, f.ID)]; f.ID != "" && !known {
		w.sent[w.key(s, f.ID)] = line
	}
	d := group.Draft{ID: f.ID, Kind: f.Type, To: f.To, IfSeq: f.IfSeq, Payload: f.Payload, Patch: f.Patch, Redact: f.Redact}
	s.stream.pending = append(s.stream.pending, d.ID+"|"+contentOf(&d))
	s.stream.say(line)
}
