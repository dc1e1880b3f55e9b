package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"goop/shared/jsontext"
	"goop/shared/member"
	"goop/shared/wire"
)

var liveSeed = flag.Uint64("live.seed", 0, "the seed of TestLiveQueries; 0 for a new one")

// liveSite has rules of every kind: of groups, of authors, of the caller and the clock, and along references.
const liveSite = `{
  "name": "Live",
  "tables": {
    "rooms": {"columns": {"room": {"type": "text"}, "state": {"type": "text", "default": "open"}, "secret": {"type": "integer", "hidden": true}},
      "memberOf": "room",
      "access": {"read": {"who": "open", "if": {"or": [{"state": "open"}, {"$role": {"in": ["owner", "moderator"]}}]}}, "insert": "open", "update": "open", "remove": "author"}},
    "notes": {"columns": {"room": {"type": "text"}, "n": {"type": "integer", "default": 0}, "text": {"type": "text"}}, "memberOf": "room", "search": ["text"],
      "access": {"read": "member", "insert": "open", "update": "member", "remove": "author"}},
    "mine": {"columns": {"n": {"type": "integer"}, "shared": {"type": "boolean", "default": false}},
      "access": {"read": {"who": "open", "if": {"or": [{"_owner": "$me"}, {"shared": true}]}}, "insert": "open", "update": "author", "remove": "author"}},
    "later": {"columns": {"at": {"type": "time", "required": true}, "in": {"type": "integer", "references": "rooms", "onRemove": "cascade"}},
      "access": {"read": {"who": "open", "if": {"at": {"<=": "$now"}, "in.state": "open"}}, "insert": "open", "remove": "open"}}
  },
  "views": {
    "sums": {"sql": "SELECT room AS _id, count(*) AS notes, sum(n) AS n FROM notes WHERE room IS NOT NULL GROUP BY room", "id": "text",
      "columns": {"notes": {"type": "integer"}, "n": {"type": "integer"}}, "read": "open"}
  },
  "groups": [{"id": "a", "name": "A", "type": "open"}, {"id": "b", "name": "B", "type": "open"}, {"id": "c", "name": "C", "type": "open"}]
}`

// liveQueries are what is watched.
var liveQueries = []string{
	`"table":"rooms","order":["state","-_id"]`,
	`"table":"rooms","where":{"room":"a"},"limit":5`,
	`"table":"notes","order":["-n","text"],"limit":20`,
	`"table":"notes","where":{"room":{"in":["a","b"]},"n":{">":1}}`,
	`"table":"notes","where":{"_search":"re"},"order":["-_id"],"limit":10,"offset":1`,
	`"table":"mine","order":["n"]`,
	`"table":"mine","where":{"shared":true},"columns":["n"],"limit":7`,
	`"table":"later","order":["-at"]`,
	`"table":"later","where":{"in":{"null":false}}`,
	`"table":"sums","order":["-n"]`,
}

// cutter is a dialer whose connections can be cut.
type cutter struct {
	member.Dialer

	// mu guards the following.
	mu   sync.Mutex
	conn member.Conn
	cuts int
}

// Dial implements member.Dialer.
func (c *cutter) Dial(ctx context.Context) (member.Conn, error) {
	conn, err := c.Dialer.Dial(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conn = conn
	return conn, err
}

func (c *cutter) cut() {
	c.mu.Lock()
	conn := c.conn
	c.conn = nil
	if conn != nil {
		c.cuts++
	}
	c.mu.Unlock()
	if conn != nil {
		_ = conn.Close() // it is lost on purpose
	}
}

// watcher follows one live query.
type watcher struct {
	m       *member.Member
	dialer  *cutter
	query   string
	changed chan struct{} // holds one token

	// mu guards the following.
	mu    sync.Mutex
	rows  []row
	fresh int // whole results
	news  int // events
	err   error
}

// row is a row as a watcher has it.
type row struct{ id, text string }

func rowsOf(list []byte) (out []row) {
	if list == nil {
		return nil
	}
	for e := jsontext.ElementsOf(list); e.Next(); {
		out = append(out, row{string(fieldOf(e.Value, "_id")), string(e.Value)})
	}
	return out
}

// take folds one answer of the watch, as the protocol says.
func (w *watcher) take(c member.Change) {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer func() {
		select {
		case w.changed <- struct{}{}:
		default:
		}
	}()
	if c.Err != nil {
		if c.Err.Code != wire.Closed { // of the member, at the end
			w.err = c.Err
		}
		return
	}
	answer := bytes.Clone(c.Answer)
	if rows := fieldOf(answer, "rows"); rows != nil {
		w.rows = rowsOf(rows)
		w.fresh++
		return
	}
	w.news++
	at := func(id string) int { return slices.IndexFunc(w.rows, func(r row) bool { return r.id == id }) }
	out := func(id string) (r row) {
		if i := at(id); i < 0 {
			w.err = fmt.Errorf("%s is about the row %s, which is not there", answer, id)
		} else {
			r = w.rows[i]
			w.rows = slices.Delete(w.rows, i, i+1)
		}
		return r
	}
	if removed := fieldOf(answer, "removed"); removed != nil {
		for e := jsontext.ElementsOf(removed); e.Next(); {
			out(string(e.Value))
		}
	}
	for _, r := range rowsOf(fieldOf(answer, "changed")) {
		if i := at(r.id); i < 0 {
			w.err = fmt.Errorf("%s changes a row that is not there", answer)
		} else {
			w.rows[i] = r
		}
	}
	for _, r := range rowsOf(fieldOf(answer, "added")) {
		if at(r.id) >= 0 {
			w.err = fmt.Errorf("%s adds a row that is there", answer)
		}
		w.rows = append(w.rows, r)
	}
	type place struct {
		row row
		at  int
	}
	var places []place
	if list := fieldOf(answer, "places"); list != nil {
		for e := jsontext.ElementsOf(list); e.Next(); {
			var pair [][]byte
			for p := jsontext.ElementsOf(e.Value); p.Next(); {
				pair = append(pair, p.Value)
			}
			n, _ := jsontext.Int(pair[1])
			places = append(places, place{out(string(pair[0])), int(n)})
		}
	}
	for _, p := range places {
		w.rows = slices.Insert(w.rows, min(p.at, len(w.rows)), p.row)
	}
	if order := fieldOf(answer, "order"); order != nil {
		var sorted []row
		for e := jsontext.ElementsOf(order); e.Next(); {
			sorted = append(sorted, out(string(e.Value)))
		}
		w.rows = sorted
	}
}

// sees returns what the watcher sees.
func (w *watcher) sees() (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var b strings.Builder
	for _, r := range w.rows {
		b.WriteString(r.text + "\n")
	}
	return b.String(), w.err
}

// liveWriter changes tables at random.
type liveWriter struct {
	m      *member.Member
	random *rand.Rand
	ids    map[string][]string // of rows that it has inserted, by table
}

func (w *liveWriter) run(t *testing.T, ctx context.Context, n int) {
	for range n {
		request := w.request()
		answer, err := w.m.Call(ctx, []byte(request))
		if err != nil { // a row that is gone, or that may not be read now
			if !errors.Is(err, wire.NotFound) && !errors.Is(err, wire.Forbidden) && !errors.Is(err, wire.InvalidValue) {
				t.Errorf("%s: %v", request, err)
			}
			continue
		}
		for table, ids := range w.ids {
			if strings.HasPrefix(request, `{"op":"insert","table":"`+table) {
				w.ids[table] = append(ids, string(fieldOf(fieldOf(answer, "row"), "_id")))
			}
		}
	}
}

func (w *liveWriter) request() string {
	r := w.random
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	table := pick("rooms", "notes", "notes", "mine", "later")
	room := pick("a", "b", "c")
	row := ""
	if ids := w.ids[table]; len(ids) > 0 {
		row = pick(ids...)
	}
	insert := map[string]string{
		"rooms": fmt.Sprintf(`{"room":%q,"state":%q}`, room, pick("open", "open", "shut")),
		"notes": fmt.Sprintf(`{"room":%q,"n":%d,"text":"%s %s"}`, room, r.IntN(5), pick("red", "blue", "Réd"), pick("green", "remote")),
		"mine":  fmt.Sprintf(`{"n":%d,"shared":%v}`, r.IntN(9), r.IntN(3) == 0),
		"later": fmt.Sprintf(`{"at":%d}`, time.Now().UnixMilli()+int64(r.IntN(4000))-1500),
	}
	if ids := w.ids["rooms"]; len(ids) > 0 {
		insert["later"] = fmt.Sprintf(`{"at":%d,"in":%s}`, time.Now().UnixMilli()+int64(r.IntN(4000))-1500, pick(ids...))
	}
	if row == "" || r.IntN(3) == 0 {
		return fmt.Sprintf(`{"op":"insert","table":%q,"values":%s}`, table, insert[table])
	}
	switch r.IntN(6) {
	case 0:
		return fmt.Sprintf(`{"op":"remove","table":%q,"row":%s}`, table, row)
	case 1:
		return fmt.Sprintf(`{"op":"updateWhere","table":"notes","where":{"room":%q,"n":%d},"values":{"n":%d}}`, room, r.IntN(5), r.IntN(5))
	case 2:
		return fmt.Sprintf(`{"op":"batch","operations":[{"op":"insert","table":"mine","values":%s},{"op":"insert","table":"notes","values":%s}]}`, insert["mine"], insert["notes"])
	}
	change := map[string]string{
		"rooms": fmt.Sprintf(`{"state":%q}`, pick("open", "shut")),
		"notes": fmt.Sprintf(`{"n":%d}`, r.IntN(5)),
		"mine":  fmt.Sprintf(`{"n":%d,"shared":%v}`, r.IntN(9), r.IntN(2) == 0),
		"later": `{}`,
	}
	return fmt.Sprintf(`{"op":"update","table":%q,"row":%s,"values":%s}`, table, row, change[table])
}

// TestLiveQueries has 8 members write at random while 50 follow live queries with different rights, over all
// transports, are cut off again and again, and join and leave groups on which their rights depend. In the end
// what each has folded together is what a query gives.
func TestLiveQueries(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	seed := *liveSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-live.seed %d", seed)
	p := startSite(t, liveSite, "--limit", "data-writes=1000")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	const writers, watchers, each = 8, 50, 150

	all := make([]*watcher, watchers)
	for i := range all {
		d := &cutter{Dialer: p.dialer(transports[i%len(transports)])}
		m := member.New(member.Options{Dialer: d})
		t.Cleanup(m.Close)
		m.Start()
		w := &watcher{m: m, dialer: d, query: liveQueries[i%len(liveQueries)], changed: make(chan struct{}, 1)}
		all[i] = w
		if i%13 == 5 { // an owner of the site sees all
			claim(t, p, m)
		}
		for j, id := range []wire.GroupID{"a", "b", "c"} {
			if i>>j&1 == 1 {
				join(t, m, id)
			}
		}
		stop, err := m.Watch(ctx, []byte(`{"op":"watch",`+w.query+`}`), w.take)
		if err != nil {
			t.Fatalf("%s: %v", w.query, err)
		}
		defer stop()
	}

	var writing, trouble sync.WaitGroup
	for i := range writers {
		w := &liveWriter{m: p.member(transports[i%len(transports)]), random: rand.New(rand.NewPCG(seed, uint64(i))),
			ids: map[string][]string{"rooms": nil, "notes": nil, "mine": nil, "later": nil}}
		join(t, w.m, []wire.GroupID{"a", "b", "c"}[i%3])
		writing.Go(func() { w.run(t, ctx, each) })
	}
	done := make(chan struct{})
	trouble.Go(func() {
		r := rand.New(rand.NewPCG(seed, 100))
		visits := map[int]*member.Session{}
		for {
			timer := time.NewTimer(time.Duration(r.IntN(25)) * time.Millisecond)
			select {
			case <-timer.C:
			case <-done:
				return
			}
			i := r.IntN(watchers)
			switch s := visits[i]; {
			case r.IntN(2) == 0:
				all[i].dialer.cut()
			case s != nil:
				_ = s.Leave(ctx) // a lost connection is as good
				delete(visits, i)
			case i>>2&1 == 0: // it is not in c
				if s, err := all[i].m.Join(ctx, "c", member.JoinOptions{Handler: &eventLog{changed: make(chan struct{}, 1)}}); err == nil {
					visits[i] = s
				}
			}
		}
	})
	writing.Wait()
	close(done)
	trouble.Wait()

	cuts, news, fresh := 0, 0, 0
	for i, w := range all {
		w.agree(t, ctx, i)
		w.dialer.mu.Lock()
		cuts += w.dialer.cuts
		w.dialer.mu.Unlock()
		w.mu.Lock()
		news, fresh = news+w.news, fresh+w.fresh
		w.mu.Unlock()
	}
	t.Logf("%d events and %d whole results; %d connections were cut", news, fresh, cuts)
	if !t.Failed() && (cuts == 0 || fresh <= watchers || news < watchers) {
		t.Error("too little happened")
	}
}

// agree waits until what a watcher sees is what a query gives.
func (w *watcher) agree(t *testing.T, ctx context.Context, i int) {
	t.Helper()
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	for {
		answer, err := w.m.Call(ctx, []byte(`{"op":"query",`+w.query+`}`))
		if err != nil {
			t.Fatalf("watcher %d: %s: %v", i, w.query, err)
		}
		var want strings.Builder
		for _, r := range rowsOf(fieldOf(answer, "rows")) {
			want.WriteString(r.text + "\n")
		}
		got, err := w.sees()
		if err != nil {
			t.Errorf("watcher %d: %s: %v", i, w.query, err)
			return
		}
		if got == want.String() {
			return
		}
		again := time.NewTimer(200 * time.Millisecond) // for the clock, of which no event tells when it changes nothing
		select {
		case <-w.changed:
		case <-again.C:
		case <-deadline.C:
			t.Errorf("watcher %d: %s\nsees\n%swant\n%s", i, w.query, got, want.String())
			return
		}
	}
}

// claim makes a member an owner of the site.
func claim(t *testing.T, p *process, m *member.Member) {
	t.Helper()
	links := strings.Fields(p.run("owner-link"))
	_, secret, _ := strings.Cut(links[0], "#goop-owner=")
	call(t, m, fmt.Sprintf(`{"op":"claim","secret":%q}`, secret), "role")
}
