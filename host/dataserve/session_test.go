package dataserve_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"goop/host/dataserve"
	"goop/host/relay"
	"goop/host/store"
	"goop/shared/data"
	"goop/shared/link"
	"goop/shared/wire"
)

// host is a Server over the real store and the real relay.
type host struct {
	t      testing.TB
	dir    string // with its files
	db     *store.DB
	relay  *relay.Relay
	server *dataserve.Server
	wg     sync.WaitGroup
}

func newHost(t testing.TB, site *data.Site) *host {
	return newHostWith(t, site, func(r *relay.Relay) dataserve.Groups { return r })
}

// newHostWith has the server ask something that stands before the relay.
func newHostWith(t testing.TB, site *data.Site, groups func(*relay.Relay) dataserve.Groups) *host {
	t.Helper()
	dir := t.TempDir()
	db, err := store.Open(t.Context(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.OpenTables(t.Context(), site); err != nil {
		t.Fatal(err)
	}
	r, err := relay.Open(t.Context(), relay.Options{
		Durable: db.Log(), Registry: db.Registry(), IsOwner: db.IsOwner, Templates: site.Templates,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, cfg := range site.Groups {
		if err := r.Ensure(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
	}
	tables := db.Tables(r)
	h := &host{t: t, dir: dir, db: db, relay: r, server: dataserve.New(dataserve.Options{
		Site: site, Tables: tables, Groups: groups(r), Owners: db, Limits: wire.DefaultLimits(),
		InviteURL: func(id wire.GroupID, token string) string {
			if token == "" {
				return "https://goop.example/"
			}
			return "https://goop.example/#goop-invite=" + string(id) + "." + token
		},
		Reach: func() []data.Link {
			return []data.Link{
				{URL: "http://192.168.1.5:7780/", Kind: "wifi", Network: "Wi-Fi wlan0", HandOut: true},
				{URL: "http://localhost:7780/", Kind: data.LinkLocal, Network: "this machine alone", Secure: true},
			}
		},
	})}
	t.Cleanup(func() {
		h.wg.Wait() // each test ends its streams
		tables.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := r.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// client is a member's end of a data stream.
type client struct {
	t  testing.TB
	st link.Stream
	r  *link.Reader
}

func (h *host) connect(peer wire.PeerID) *client {
	near, far := link.Pipe(0)
	h.wg.Go(func() { h.server.Serve(context.Background(), peer, far) })
	h.t.Cleanup(func() { _ = near.Close() })
	return &client{h.t, near, link.NewReader(near, wire.MaxLine)}
}

func (c *client) send(line string) {
	c.t.Helper()
	if _, err := c.st.Write([]byte(line + "\n")); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) recv() string {
	c.t.Helper()
	_ = c.st.SetReadDeadline(time.Now().Add(20 * time.Second))
	line, err := c.r.ReadLine()
	if err != nil {
		c.t.Fatalf("no line: %v", err)
	}
	return string(line)
}

func (c *client) ask(line string) string {
	c.t.Helper()
	c.send(line)
	return c.recv()
}

// wantEnd checks that the host ends its half.
func (c *client) wantEnd() {
	c.t.Helper()
	_ = c.st.SetReadDeadline(time.Now().Add(20 * time.Second))
	if line, err := c.r.ReadLine(); !errors.Is(err, io.EOF) {
		c.t.Errorf("got %s, %v, want the end", line, err)
	}
}

// vars are the values of names such as "$n1".
type vars map[string]any

// match compares an answer with what is wanted; a name that is new takes the value that it meets.
func (v vars) match(want, got any) bool {
	switch w := want.(type) {
	case string:
		if w == "$any" {
			return true
		}
		if !strings.HasPrefix(w, "$") {
			return want == got
		}
		if known, ok := v[w]; ok {
			return known == got
		}
		v[w] = got
		return true
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return false
		}
		for i := range w {
			if !v.match(w[i], g[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok || len(g) != len(w) {
			return false
		}
		for key := range w {
			if x, ok := g[key]; !ok || !v.match(w[key], x) {
				return false
			}
		}
		return true
	}
	return reflect.DeepEqual(want, got)
}

func (v vars) fill(line string) string {
	for name, value := range v {
		b, _ := json.Marshal(value)
		line = strings.ReplaceAll(line, `"`+name+`"`, string(b))
	}
	return line
}

func decode(t *testing.T, line string) (v any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(line))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v in %s", err, line)
	}
	return v
}

// The session that the docs quote, line by line against a whole host.
func TestGoldenSession(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../../shared/wire/testdata/data/session.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var h *host
	clients := map[wire.PeerID]*client{}
	v := vars{}
	number := 0
	for line := range strings.Lines(string(b)) {
		number++
		var step struct {
			Site       json.RawMessage
			Peer       wire.PeerID
			Send, Recv json.RawMessage
			Text       string
			Say        []json.RawMessage // lines of a whole session in a group
			End        bool
		}
		if err := json.Unmarshal([]byte(line), &step); err != nil {
			t.Fatalf("line %d: %v", number, err)
		}
		if step.Site != nil {
			site, err := data.ParseSite(step.Site)
			if err != nil {
				t.Fatal(err)
			}
			h = newHost(t, site)
			secret, err := h.db.CreateOwnerLink(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			v["$secret"] = secret
			continue
		}
		if step.Say != nil {
			h.say(step.Peer, step.Say)
			continue
		}
		c := clients[step.Peer]
		if c == nil {
			c = h.connect(step.Peer)
			clients[step.Peer] = c
		}
		if step.Send != nil {
			step.Text = v.fill(string(step.Send))
		}
		if step.Text != "" {
			c.send(step.Text)
		}
		got := c.recv()
		if !v.match(decode(t, string(step.Recv)), decode(t, got)) {
			t.Fatalf("line %d: got  %s\nwant %s", number, got, v.fill(string(step.Recv)))
		}
		if step.End {
			c.wantEnd()
		}
	}
	for _, c := range clients {
		_ = c.st.CloseWrite()
	}
}

// say sends the lines of a group session, from a join to a leave, and waits for its end.
func (h *host) say(peer wire.PeerID, lines []json.RawMessage) {
	h.t.Helper()
	near, far := link.Pipe(1 << 20)
	h.wg.Go(func() { h.relay.Serve(context.Background(), peer, far) })
	c := &client{h.t, near, link.NewReader(near, wire.MaxLine)}
	for _, line := range lines {
		c.send(string(line))
	}
	for {
		_ = c.st.SetReadDeadline(time.Now().Add(20 * time.Second))
		line, err := c.r.ReadLine()
		if err != nil {
			break
		}
		if strings.Contains(string(line), `"type":"error"`) {
			h.t.Errorf("got %s", line)
		}
	}
	_ = c.st.Close()
}

func site(t testing.TB, tables string) *data.Site {
	t.Helper()
	s, err := data.ParseSite([]byte(`{"tables":{` + tables + `}}`))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const notes = `"notes":{"columns":{"n":{"type":"integer"},"text":{"type":"text"}},"indexes":[["n"]],
	"access":{"read":"open","insert":"open","update":"author","remove":"author"}}`

func TestPipelinedWritesKeepTheirOrder(t *testing.T) {
	t.Parallel()
	h := newHost(t, site(t, notes))
	c := h.connect("anna")
	const n = 300 // more than may be under way
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range n {
			c.send(fmt.Sprintf(`{"id":%d,"op":"insert","table":"notes","values":{"n":%d},"key":"key-%013d"}`, i, i, i))
		}
	})
	for i := range n {
		if got := c.recv(); !strings.HasPrefix(got, fmt.Sprintf(`{"id":%d,"row":{"_id":`, i)) {
			t.Fatalf("answer %d is %s", i, got)
		}
	}
	wg.Wait()
	got := c.ask(`{"id":1,"op":"query","table":"notes","limit":1000,"columns":["n"]}`)
	last := -1
	for part := range strings.SplitSeq(got, `"n":`) {
		var k int
		if _, err := fmt.Sscanf(part, "%d", &k); err != nil {
			continue
		}
		if k != last+1 {
			t.Fatalf("got %d after %d", k, last)
		}
		last = k
	}
	if last != n-1 {
		t.Errorf("the last one is %d", last)
	}
	_ = c.st.CloseWrite()
	c.wantEnd()
}

func TestAnswersArriveAfterTheMembersEnd(t *testing.T) {
	t.Parallel()
	h := newHost(t, site(t, notes))
	c := h.connect("anna")
	for i := range 10 {
		c.send(fmt.Sprintf(`{"id":%d,"op":"insert","table":"notes","values":{"n":1},"key":"key-%013d"}`, i, i))
	}
	c.send(`{"id":10,"op":"watch","table":"_groups"}`)
	if err := c.st.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for {
		line, err := c.r.ReadLine()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(line), `"row":`) {
			seen++
		}
	}
	if seen != 10 {
		t.Errorf("got %d answers of 10", seen)
	}
}

func TestOneKeyOnTwoStreamsMakesOneGroup(t *testing.T) {
	t.Parallel()
	h := newHost(t, site(t, notes))
	secret, err := h.db.CreateOwnerLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := h.db.Claim(t.Context(), "olga", secret); err != nil {
		t.Fatal(err)
	}
	for _, typ := range []string{"ephemeral", "persistent"} {
		line := `{"id":1,"op":"group.create","config":{"type":"` + typ + `"},"key":"create-` + typ + `-0001"}`
		answers := make([]string, 8)
		var wg sync.WaitGroup
		for i := range answers {
			c := h.connect("olga")
			wg.Go(func() {
				answers[i] = c.ask(line)
				_ = c.st.CloseWrite()
			})
		}
		wg.Wait()
		for _, a := range answers {
			if !strings.Contains(a, `"group":{"_id":`) || a != answers[0] {
				t.Errorf("got %s and %s", answers[0], a)
			}
		}
	}
	c := h.connect("olga")
	if got := c.ask(`{"id":1,"op":"count","table":"_groups"}`); got != `{"id":1,"count":2}` {
		t.Errorf("got %s", got)
	}
	_ = c.st.CloseWrite()
}

// A visitor who may not insert into a table must not get there by a group that records into it.
func TestRecordingNeedsTheRight(t *testing.T) {
	t.Parallel()
	s := site(t, `"open":{"columns":{"v":{"type":"text"}},"access":{"insert":"open"}},"shut":{"columns":{"v":{"type":"text"}},"access":{"insert":"none"}}`)
	h := newHost(t, s)
	c := h.connect("anna")
	got := c.ask(`{"id":1,"op":"group.create","config":{"type":"persistent","record":"shut"},"key":"0123456789abcdef"}`)
	if !strings.Contains(got, `"code":"forbidden"`) || !strings.Contains(got, `the insert rule of table \"shut\" is \"none\"`) {
		t.Errorf("got %s", got)
	}
	_ = c.st.CloseWrite()
}

// Who becomes an owner of the site while watching gets what is hidden, in an event like any other.
func TestWatchOfWhoBecomesAnOwner(t *testing.T) {
	t.Parallel()
	h := newHost(t, site(t, `"q":{"columns":{"text":{"type":"text"},"right":{"type":"integer","hidden":true,"default":3}},"access":{"read":"open","insert":"open"}}`))
	h.db.OnOwner(func(wire.PeerID, bool) { h.relay.OwnersChanged() })
	secret, err := h.db.CreateOwnerLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := h.connect("anna")
	c.ask(`{"id":1,"op":"insert","table":"q","values":{"text":"?"},"key":"0123456789abcdef"}`)
	if got := c.ask(`{"id":2,"op":"watch","table":"q"}`); strings.Contains(got, "right") || !strings.Contains(got, `"text":"?"`) {
		t.Errorf("a member got %s", got)
	}
	if got := c.ask(`{"id":3,"op":"watch","table":"q","where":{"right":3}}`); !strings.Contains(got, "no_such_column") {
		t.Errorf("a member got %s", got)
	}
	c.send(`{"id":4,"op":"claim","secret":"` + secret + `"}`)
	lines := []string{c.recv(), c.recv()}
	slices.Sort(lines)
	if !strings.HasPrefix(lines[1], `{"watch":2,"changed":[{`) || !strings.Contains(lines[1], `"right":3`) {
		t.Errorf("the owner got %s", lines)
	}
	if err := h.db.RemoveOwner(t.Context(), "anna"); err != nil {
		t.Fatal(err)
	}
	if got := c.recv(); strings.Contains(got, "right") || !strings.HasPrefix(got, `{"watch":2,"changed":[{`) {
		t.Errorf("who is an owner no longer got %s", got)
	}
	_ = c.st.CloseWrite()
	c.wantEnd()
}
