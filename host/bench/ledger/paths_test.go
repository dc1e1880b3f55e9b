//go:build !race

package ledger

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"goop/host/dataserve"
	"goop/host/relay"
	"goop/host/store"
	"goop/shared/data"
	"goop/shared/group"
	"goop/shared/jsonstate"
	"goop/shared/link"
	"goop/shared/wire"
)

const payload = `{"x":123,"y":456,"text":"a message of usual size, some hundred bytes long as chat and moves are"}`

var usual = []byte(`{"type":"msg","group":"lobby","seq":123456,"from":"12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtf","time":1767225600000,"payload":` + payload + `}`)

var paths = []path{
	{"wire: decode a frame", 0, pure(func() { must(wire.Decode(usual)) })},
	{"wire: decode a message", 0, pure(func() { wire.DecodeMsg(usual) })},
	{"group: merge a state patch", 0, mergePatch},
	{"group: a roster delta of 20 of 1000", 1, rosterDelta},
	{"data: diff of 20 rows", 0, diffRows},
	{"relay: append in memory", 0.05, func(t *testing.T) (func(), int) { return appends(t, relay.NewMemLog(relay.MemLimits{})) }},
	{"store: append, 64 drafts a call", 0.1, func(t *testing.T) (func(), int) { return appends(t, openStore(t).Log()) }},
	{"store: commit", 0.2, commits},
	{"relay: deliver to 300 sessions", 0.001, fanOut},
	{"dataserve: query of 20 rows", 2, queries},
	{"dataserve: insert", 2, inserts},
	{"dataserve: live event, 100 watchers", 0.5, events},
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// pure is a path of one function, which needs nothing.
func pure(fn func()) func(*testing.T) (func(), int) {
	const n = 1000
	return func(*testing.T) (func(), int) {
		return func() {
			for range n {
				fn()
			}
		}, n
	}
}

func mergePatch(t *testing.T) (func(), int) {
	s := must(jsonstate.Parse([]byte(`{"key1":{"x":1},"key2":{"x":2,"y":[1,2,3]},"key3":{"x":3}}`)))
	patch := []byte(`{"key3":{"x":4711}}`)
	return pure(func() { must(s.Merge(patch)) })(t)
}

func rosterDelta(t *testing.T) (func(), int) {
	var r group.Roster
	peers := make([]wire.PeerID, 1000)
	for i := range peers {
		peers[i] = wire.PeerID(fmt.Sprintf("12D3KooWpeer-%04d", i))
		r.Join(peers[i], wire.RoleMember, group.Meta{}, int64(i))
	}
	r.Take()
	var line []byte
	return pure(func() {
		for _, p := range peers[:20] {
			r.Update(p, group.Meta{Label: "Somebody"})
		}
		delta, _ := r.Take()
		line = delta.Append(line[:0])
	})(t)
}

func diffRows(t *testing.T) (func(), int) {
	before := make([]data.Row, 20)
	for id := range before {
		before[id] = data.Row{ID: fmt.Sprint(id), JSON: fmt.Appendf(nil, `{"_id":%d,"text":"some text that is as long as a short note"}`, id)}
	}
	after := append([]data.Row{{ID: "x", JSON: []byte(`{"_id":"x"}`)}}, before[:19]...)
	return pure(func() { data.Diff(before, after) })(t)
}

func openStore(t *testing.T) *store.DB {
	db, err := store.Open(t.Context(), store.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// appends appends to one group, 64 drafts a call.
func appends(t *testing.T, log relay.Log) (func(), int) {
	must(log.Open(t.Context(), group.Config{ID: "g"}))
	const calls, drafts = 20, 64
	ids, n := make([]string, calls*drafts), 0
	batch := make([]group.Draft, drafts)
	for i := range ids {
		ids[i] = fmt.Sprintf("%08d", i)
	}
	peers := []wire.PeerID{}
	for i := range 100 {
		peers = append(peers, wire.PeerID(fmt.Sprintf("12D3KooWpeer-%04d", i)))
	}
	return func() {
		peer := peers[n] // whose ids are new
		n++
		for c := range calls {
			for i := range batch {
				batch[i] = group.Draft{From: peer, Session: "s", ID: ids[c*drafts+i], Kind: wire.TypeMsg, Payload: []byte(payload)}
			}
			if res := must(log.Append(context.Background(), "g", batch)); res[0].Err != nil || res[0].Dup {
				t.Fatal(res[0])
			}
		}
	}, calls * drafts
}

func commits(t *testing.T) (func(), int) {
	db := openStore(t)
	return func() {
		for range 100 {
			if err := db.Write(context.Background(), func(*store.Tx) error { return nil }); err != nil {
				t.Fatal(err)
			}
		}
	}, 100
}

// listener is a stream whose far end reads everything at once and counts the entries.
type listener struct {
	link.Stream
	lines *atomic.Int64
}

var mark = []byte(`"type":"msg"`)

func (c *listener) Write(p []byte) (int, error) {
	c.lines.Add(int64(bytes.Count(p, mark)))
	return len(p), nil
}

// fanOut has one of 300 members send, with up to 64 messages on their way.
func fanOut(t *testing.T) (func(), int) {
	const n, messages, flying = 300, 1000, 64
	r := must(relay.Open(t.Context(), relay.Options{
		Limits: relay.Limits{LineBurst: 1e9, Bytes: 1e12, ByteBurst: 1e12}, Wire: wire.Limits{Rate: 1e9},
	}))
	cfg := must(group.ParseConfig([]byte(`{"id":"lobby","name":"Lobby","type":"open"}`)))
	must(r.Create(t.Context(), group.Caller{Owner: true}, cfg))
	var serving sync.WaitGroup
	var got atomic.Int64
	var ends []link.Stream
	t.Cleanup(func() {
		for _, e := range ends {
			_ = e.Close()
		}
		if err := r.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		serving.Wait()
	})
	join := func(i int, far, near link.Stream) {
		ends = append(ends, near)
		peer := wire.PeerID(fmt.Sprintf("12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLv%04d", i))
		serving.Go(func() { r.Serve(context.Background(), peer, far) })
		must(near.Write([]byte(`{"type":"join","group":"lobby","session":"s","caps":["delta"]}` + "\n")))
	}
	for i := range n {
		near, far := link.Pipe(0)
		join(i, &listener{far, &got}, near)
	}
	near, far := link.Pipe(0)
	join(n, far, near)
	var acked atomic.Int64
	room := make(chan struct{}, 1)
	serving.Go(func() {
		buf := make([]byte, 64<<10)
		rest := 0
		for {
			k, err := near.Read(buf[rest:])
			text := buf[:rest+k]
			end := bytes.LastIndexByte(text, '\n') + 1
			acked.Add(int64(bytes.Count(text[:end], mark)))
			select {
			case room <- struct{}{}:
			default:
			}
			if rest = copy(buf, text[end:]); err != nil {
				return
			}
		}
	})
	for r.Stats()[0].Sessions < n+1 {
		runtime.Gosched()
	}
	sent := int64(0)
	line := make([]byte, 0, 1024)
	return func() {
		for range messages {
			for sent-acked.Load() >= flying {
				<-room
			}
			line = fmt.Appendf(line[:0], `{"type":"msg","id":"%08d","payload":%s}`+"\n", sent, payload)
			must(near.Write(line))
			sent++
		}
		for got.Load() < sent*n || acked.Load() < sent {
			runtime.Gosched()
		}
	}, messages * n
}

const site = `{"name":"S","tables":{"notes":{"columns":{"n":{"type":"integer"},"text":{"type":"text"}},"indexes":[["n"]],
	"access":{"read":"open","insert":"open"}}}}`

// server is a server of the data protocol over the real store.
type server struct {
	t       *testing.T
	s       *dataserve.Server
	serving sync.WaitGroup
	keys    int
}

func openServer(t *testing.T) *server {
	decl := must(data.ParseSite([]byte(site)))
	db := openStore(t)
	if err := db.OpenTables(t.Context(), decl); err != nil {
		t.Fatal(err)
	}
	r := must(relay.Open(t.Context(), relay.Options{Durable: db.Log(), Registry: db.Registry(), IsOwner: db.IsOwner}))
	tables := db.Tables(r)
	s := &server{t: t, s: dataserve.New(dataserve.Options{Site: decl, Tables: tables, Groups: r, Owners: db, Limits: wire.DefaultLimits()})}
	s.s.Rates.Writes, s.s.Rates.Reads = 1e6, 1e6
	t.Cleanup(func() {
		s.serving.Wait()
		tables.Close()
		if err := r.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// client is a member's end of a data stream.
type client struct {
	st link.Stream
	r  *link.Reader
}

func (s *server) connect(peer wire.PeerID) *client {
	near, far := link.Pipe(0)
	s.serving.Go(func() { s.s.Serve(context.Background(), peer, far) })
	s.t.Cleanup(func() { _ = near.Close() })
	_ = near.SetReadDeadline(time.Now().Add(5 * time.Minute)) // rather than for ever
	return &client{near, link.NewReader(near, wire.MaxLine)}
}

// ask writes a request and wants a part of the next line.
func (c *client) ask(line, want string) {
	must(c.st.Write([]byte(line + "\n")))
	c.wants(want)
}

func (c *client) wants(want string) {
	if got := must(c.r.ReadLine()); !bytes.Contains(got, []byte(want)) {
		panic(fmt.Sprintf("got %s, want %s in it", got, want))
	}
}

func (s *server) insert(c *client, n int) {
	s.keys++
	c.ask(fmt.Sprintf(`{"id":1,"op":"insert","table":"notes","values":{"n":%d,"text":"some text that is as long as a short note"},"key":"key-%016d"}`, n, s.keys), `"row":{`)
}

func queries(t *testing.T) (func(), int) {
	s := openServer(t)
	c := s.connect("anna")
	for range 100 {
		s.insert(c, 7)
	}
	return func() {
		for range 100 {
			c.ask(`{"id":1,"op":"query","table":"notes","where":{"n":7},"order":["-_id"],"limit":20}`, `"rows":[{`)
		}
	}, 100
}

func inserts(t *testing.T) (func(), int) {
	s := openServer(t)
	c := s.connect("anna")
	return func() {
		for range 100 {
			s.insert(c, 7)
		}
	}, 100
}

func events(t *testing.T) (func(), int) {
	const n, rows = 100, 20
	s := openServer(t)
	c := s.connect("anna")
	var watchers []*client
	for i := range n {
		w := s.connect(wire.PeerID(fmt.Sprint("peer", i)))
		w.ask(`{"id":7,"op":"watch","table":"notes","order":["-_id"],"limit":20}`, `"rows":[`)
		watchers = append(watchers, w)
	}
	return func() {
		for range rows {
			s.insert(c, 7)
			for _, w := range watchers {
				w.wants(`{"watch":7,"added":[`)
			}
		}
	}, n * rows
}
