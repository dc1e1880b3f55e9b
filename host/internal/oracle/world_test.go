package oracle_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"goop/host/dataserve"
	"goop/host/store"
	"goop/shared/data"
	"goop/shared/link"
	"goop/shared/wire"
)

// world is the real host, as far as data goes, and the oracle beside it.
type world struct {
	t       *testing.T
	script  *script
	at      *truth
	db      *store.DB
	members *membership
	people  map[string]*person
	ids     map[rowID]string // the real _id of a row, as text
	names   map[string]rowID
	heard   []string // all lines that anybody got, without what is random
	sum     tally
	faults  []string
	keys    int // that requests had
}

// person is somebody with a stream.
type person struct {
	who    string
	stream link.Stream
	asked  int64
	page   map[string]paged // by the query
	watch  []*watched
	events [][]byte // that nobody has looked at

	// mu guards the following.
	mu    sync.Mutex
	lines [][]byte
}

// paged is where a query has come to.
type paged struct {
	cursor string
	last   *row
}

// watched is a live query, and what its follower has.
type watched struct {
	id   int64
	ask  *request
	rows []any
	over string // the code of the error that has ended it
}

// membership is what the relay knows in a real host.
type membership struct {
	dataserve.Groups

	// mu guards the following.
	mu   sync.Mutex
	is   map[string]map[string]member
	subs []func()
}

// Role implements store.Membership.
func (m *membership) Role(peer wire.PeerID, id wire.GroupID) (wire.Role, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	is := m.is[string(id)][string(peer)]
	return wire.Role(is.role), is.in
}

// Subscribe implements store.Membership.
func (m *membership) Subscribe(fn func()) (cancel func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.subs = append(m.subs, fn)
	return func() {}
}

func (m *membership) set(group, who string, is member) {
	m.mu.Lock()
	m.is[group][who] = is
	subs := slices.Clone(m.subs)
	m.mu.Unlock()
	for _, fn := range subs {
		fn()
	}
}

type owners struct{}

// IsOwner implements dataserve.Owners.
func (owners) IsOwner(peer wire.PeerID) bool { return string(peer) == callers[0] }

// Claim implements dataserve.Owners.
func (owners) Claim(context.Context, wire.PeerID, string) error { return wire.E(wire.InviteInvalid) }

// run does the script on some rows and holds every answer against the oracle. It returns what anybody heard, but
// for the answers to what the owner does just before some steps.
func (s *script) run(t *testing.T, rows []given, owner map[int]*request, sum tally) []string {
	w := &world{t: t, script: s, at: s.truth(rows), ids: map[rowID]string{0: "7"}, names: map[string]rowID{"7": 0}, sum: sum}
	w.until(epoch) // a bubble's clock begins long before
	w.members = &membership{is: s.truth(nil).members}
	db, err := store.Open(t.Context(), store.Options{Dir: filepath.Join(t.TempDir(), "data")})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	w.db = db
	ctx, cancel := context.WithCancel(t.Context())
	var serving sync.WaitGroup
	defer serving.Wait()
	defer cancel()

	w.open(ctx, true, &serving)
	for i, g := range rows {
		w.until(givenAt(i))
		if g.missing {
			continue
		}
		q := &request{op: "insert", table: g.table, values: append(object{}, g.values...)}
		line := w.ask(w.people[g.owner], q.fields())
		w.learn(rowID(i+1), line, "row", "_id")
	}
	w.open(ctx, false, &serving)
	w.heard = nil
	for i, st := range s.steps {
		now := int64(begin + i*second)
		w.until(now - aside)
		if q := owner[i]; q != nil {
			heard := w.heard
			w.step(i, step{who: callers[0], ask: q}, now-aside)
			w.heard = heard
		}
		w.until(now)
		switch {
		case st.ask == nil:
			w.at.members[st.group][st.who] = st.is
			w.members.set(st.group, st.who, st.is)
		default:
			w.step(i, st, now)
		}
		w.until(now + second/2)
		w.look(i, now+second/2)
		if len(w.faults) > 0 {
			t.Fatalf("%s%s", s.upTo(i+1), strings.Join(w.faults, "\n"))
		}
	}
	return w.heard
}

func (w *world) fault(format string, args ...any) {
	w.faults = append(w.faults, fmt.Sprintf(format, args...))
}

// open begins anew with the site as it is, or with all rules open.
func (w *world) open(ctx context.Context, all bool, serving *sync.WaitGroup) {
	site, err := data.ParseSite([]byte(w.script.site.text(all)))
	if err != nil {
		w.t.Fatalf("%s\n%v", w.script.site.text(all), err)
	}
	if err := w.db.OpenTables(ctx, site); err != nil {
		w.t.Fatalf("%s\n%v", w.script.site.text(all), err)
	}
	tables := w.db.Tables(w.members)
	w.t.Cleanup(tables.Close)
	server := dataserve.New(dataserve.Options{Site: site, Tables: tables, Groups: w.members, Owners: owners{}, Limits: wire.DefaultLimits()})
	w.people = map[string]*person{}
	for _, who := range callers {
		near, far := link.Pipe(1 << 20)
		p := &person{who: who, stream: near, page: map[string]paged{}}
		w.people[who] = p
		serving.Go(func() { server.Serve(ctx, wire.PeerID(who), far) })
		serving.Go(func() {
			r := link.NewReader(near, wire.MaxLine)
			for {
				line, err := r.ReadLine()
				if err != nil {
					return
				}
				p.mu.Lock()
				p.lines = append(p.lines, bytes.Clone(line))
				p.mu.Unlock()
			}
		})
	}
}

// until lets time go by.
func (w *world) until(ms int64) {
	time.Sleep(time.Until(time.UnixMilli(ms)))
	synctest.Wait()
}

// take returns the lines that somebody has got.
func (p *person) take() [][]byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	lines := p.lines
	p.lines = nil
	return lines
}

// placeholder stands for a row's _id.
var placeholder = regexp.MustCompile(`"#(\d+)#"`)

// ask makes a request and returns its answer.
func (w *world) ask(p *person, fields object) []byte {
	w.t.Helper()
	p.asked++
	w.keys++
	if op := fields[0].value.(string); (&request{op: op}).writes() {
		fields = append(fields, pair{"key", fmt.Sprintf("key-%016d", w.keys)})
	}
	raw, err := json.Marshal(append(object{{"id", p.asked}}, fields...))
	must(err)
	raw = placeholder.ReplaceAllFunc(raw, func(m []byte) []byte {
		n, err := strconv.Atoi(string(m[2 : len(m)-2]))
		must(err)
		id, ok := w.ids[rowID(n)]
		if !ok { // it never was in this world
			id = strconv.Itoa(600_000_000_000_000 + n)
			w.ids[rowID(n)], w.names[id] = id, rowID(n)
		}
		return []byte(id)
	})
	if _, err := p.stream.Write(append(raw, '\n')); err != nil {
		w.t.Fatal(err)
	}
	synctest.Wait()
	var answer []byte
	for _, line := range p.take() {
		var a struct{ ID int64 }
		must(json.Unmarshal(line, &a))
		if a.ID == p.asked {
			answer = line
		} else {
			p.events = append(p.events, line) // which may tell of rows that only the answer names
		}
	}
	if answer == nil {
		w.t.Fatalf("no answer to %s", raw)
	}
	return answer
}

// learn takes the _id of a row from an answer.
func (w *world) learn(id rowID, line []byte, path ...string) {
	w.t.Helper()
	v := decode(line)
	for _, key := range path {
		o, ok := v.(map[string]any)
		if !ok || o[key] == nil {
			w.t.Fatalf("%s has no %q", line, path)
		}
		v = o[key]
	}
	text := v.(json.Number).String()
	w.ids[id], w.names[text] = text, id
}

// decode reads JSON with its numbers as they stand there.
func decode(raw []byte) any {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	must(d.Decode(&v))
	return v
}

// step makes a request, of the host and of the oracle.
func (w *world) step(i int, st step, now int64) {
	p, q := w.people[st.who], st.ask
	fields := q.fields()
	var last *row
	name := st.String()
	if q.after {
		if page, ok := p.page[name]; ok && page.cursor != "" {
			fields, last = append(fields, pair{"after", page.cursor}), page.last
		}
	}
	line := w.ask(p, fields)
	if q.op == "batch" || q.op == "insert" || q.op == "insertMany" || q.op == "upsert" {
		w.learnNew(line)
	}
	w.hear(line)
	got := w.plain(line)
	var want answer
	var next *row
	if q.writes() {
		want = w.at.change(q, st.who, now)
	} else {
		ask := *q
		if ask.op == "watch" {
			ask.op = "query"
		}
		want, next = w.at.read(&ask, st.who, now, last)
	}
	if want.codes == nil && q.op == "watch" {
		delete(want.fields, "cursor")
		rows, _ := got["rows"].([]any)
		p.watch = append(p.watch, &watched{id: p.asked, ask: q, rows: rows})
	}
	if cursor, ok := got["cursor"].(string); ok {
		p.page[name] = paged{cursor, next}
		got["cursor"] = "…"
	} else {
		delete(p.page, name)
	}
	delete(got, "id")
	if want.codes != nil {
		w.sum.add(q.op + " refused")
		if code := codeOf(got); !slices.Contains(want.codes, code) {
			w.fault("step %d: %s\n got %s\nwant one of %v", i, st, line, want.codes)
		}
		return
	}
	w.sum.add(q.op + " ok")
	if a, b := text(got), text(want.fields); a != b {
		w.fault("step %d: %s\n got %s\nwant %s", i, st, a, b)
	}
}

// learnNew takes in the rows that an answer says are new: they are numbered in their order.
func (w *world) learnNew(line []byte) {
	n := w.at.last
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			for _, key := range []string{"results", "rows", "row"} {
				if v[key] != nil {
					walk(v[key])
				}
			}
			id, ok := v["_id"].(json.Number)
			if !ok {
				return
			}
			if _, known := w.names[id.String()]; !known {
				n++
				w.ids[n], w.names[id.String()] = id.String(), n
			}
		}
	}
	walk(decode(line))
}

// plain reads an answer, with "#7#" for row 7.
func (w *world) plain(line []byte) map[string]any {
	var walk func(v any) any
	walk = func(v any) any {
		switch v := v.(type) {
		case []any:
			for i := range v {
				v[i] = walk(v[i])
			}
		case map[string]any:
			for key := range v {
				v[key] = walk(v[key])
			}
		case json.Number:
			if id, ok := w.names[v.String()]; ok && len(v) > 10 {
				return fmt.Sprintf("#%d#", id)
			}
		}
		return v
	}
	return walk(decode(line)).(map[string]any)
}

// text is JSON with sorted keys.
func text(v any) string {
	raw, err := json.Marshal(v)
	must(err)
	return string(raw)
}

func codeOf(answer map[string]any) string {
	e, _ := answer["error"].(map[string]any)
	code, _ := e["code"].(string)
	return code
}

var (
	longNumber = regexp.MustCompile(`\d{11,}`)
	cursor     = regexp.MustCompile(`"cursor":"[^"]*"`)
)

// hear keeps a line as somebody heard it, with names for what differs from world to world.
func (w *world) hear(line []byte) {
	s := cursor.ReplaceAllString(string(line), `"cursor":"…"`)
	w.heard = append(w.heard, longNumber.ReplaceAllStringFunc(s, func(n string) string {
		if id, ok := w.names[n]; ok {
			return fmt.Sprintf("#%d#", id)
		}
		if len(n) > 13 { // of a row that did not stay
			return "#gone#"
		}
		return n
	}))
}

// event follows a live query.
func (w *world) event(p *person, line []byte) {
	w.hear(line)
	e := w.plain(line)
	i := slices.IndexFunc(p.watch, func(v *watched) bool { return v.id == watchOf(line) })
	if i < 0 {
		w.fault("%s of no watch", line)
		return
	}
	v := p.watch[i]
	if code := codeOf(e); code != "" {
		v.over = code
		return
	}
	if fresh, ok := e["rows"].([]any); ok {
		v.rows = fresh
		return
	}
	list := func(key string) []any { l, _ := e[key].([]any); return l }
	of := func(row any) any { return row.(map[string]any)["_id"] }
	v.rows = slices.DeleteFunc(slices.Clone(v.rows), func(row any) bool { return slices.Contains(list("removed"), of(row)) })
	for _, row := range list("changed") {
		j := slices.IndexFunc(v.rows, func(old any) bool { return of(old) == of(row) })
		if j < 0 {
			w.fault("%s changes a row that is not there", line)
			return
		}
		v.rows[j] = row
	}
	v.rows = append(v.rows, list("added")...)
	places := list("places")
	var placed []any
	for _, place := range places {
		j := slices.IndexFunc(v.rows, func(row any) bool { return of(row) == place.([]any)[0] })
		placed = append(placed, v.rows[j])
		v.rows = slices.Delete(v.rows, j, j+1)
	}
	for j, place := range places {
		at, err := place.([]any)[1].(json.Number).Int64()
		must(err)
		v.rows = slices.Insert(v.rows, int(at), placed[j])
	}
	if order := list("order"); order != nil {
		slices.SortStableFunc(v.rows, func(a, b any) int { return slices.Index(order, of(a)) - slices.Index(order, of(b)) })
	}
}

// watchOf returns the live query that an event is of.
func watchOf(line []byte) int64 {
	var e struct{ Watch int64 }
	must(json.Unmarshal(line, &e))
	return e.Watch
}

// look holds all live queries against the oracle.
func (w *world) look(i int, now int64) {
	for _, who := range callers {
		p := w.people[who]
		events := append(p.events, p.take()...)
		p.events = nil
		// Those of one live query are in order; which of two is told first may differ from run to run.
		slices.SortStableFunc(events, func(a, b []byte) int { return cmp.Compare(watchOf(a), watchOf(b)) })
		for _, line := range events {
			w.event(p, line)
		}
		for _, v := range p.watch {
			ask := *v.ask
			ask.op = "query"
			want, _ := w.at.read(&ask, who, now, nil)
			if want.codes != nil || v.over != "" {
				if !slices.Contains(want.codes, v.over) {
					w.fault("step %d: %s %s has ended with %q, want %v", i, who, text(v.ask.fields()), v.over, want.codes)
				}
				continue
			}
			if a, b := text(v.rows), text(want.fields["rows"]); a != b {
				w.fault("after step %d: what %s sees by %s\n got %s\nwant %s", i, who, strings.TrimSpace(text(v.ask.fields())), a, b)
			}
		}
	}
}
