package dataserve_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"goop/host/dataserve"
	"goop/shared/data"
	"goop/shared/group"
	"goop/shared/link"
	"goop/shared/wire"
)

// tables is a Tables of which a test says what its reads do. Nothing in these tests writes.
type tables struct {
	dataserve.Tables
	query   func(ctx context.Context) ([]data.Row, error)
	changes chan []data.Row // of watches, each for whichever takes it; made by bubble
}

func (f *tables) Query(ctx context.Context, _ group.Caller, _ *data.Query) (data.Page, error) {
	rows, err := f.query(ctx)
	return data.Page{Rows: rows}, err
}

func (f *tables) Watch(ctx context.Context, _ func() (group.Caller, *data.Query, error), emit func(*data.Result) error) error {
	result := data.NewResult(nil, nil)
	for {
		if err := emit(result); err != nil {
			return err
		}
		select {
		case rows, ok := <-f.changes:
			if !ok {
				return errors.New("the disk is on fire")
			}
			if len(rows) > 0 && rows[0].ID == "panic" {
				panic("a fault of the host")
			}
			result = data.NewResult(rows, result)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

type nobody struct{}

func (nobody) IsOwner(wire.PeerID) bool                         { return false }
func (nobody) Claim(context.Context, wire.PeerID, string) error { return wire.E(wire.InviteInvalid) }

// bubble serves one stream of a fake world inside a synctest bubble.
func bubble(t *testing.T, f *tables, pipe int, run func(c *client, done <-chan struct{})) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f.changes = make(chan []data.Row)
		server := dataserve.New(dataserve.Options{Site: site(t, notes), Tables: f, Owners: nobody{}, Limits: wire.DefaultLimits()})
		near, far := link.Pipe(pipe)
		done := make(chan struct{})
		go func() {
			defer close(done)
			server.Serve(t.Context(), "anna", far)
		}()
		run(&client{t, near, link.NewReader(near, wire.MaxLine)}, done)
		_ = near.Reset()
		<-done
	})
}

func rows(n, size int) []data.Row {
	out := make([]data.Row, n)
	for i := range out {
		id := fmt.Sprint(i + 1)
		out[i] = data.Row{ID: id, JSON: []byte(`{"_id":` + id + `,"text":"` + strings.Repeat("x", size) + `"}`)}
	}
	return out
}

func TestTimeDoesNotWaitForQueries(t *testing.T) {
	t.Parallel()
	f := &tables{query: func(ctx context.Context) ([]data.Row, error) {
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}}
	bubble(t, f, 0, func(c *client, _ <-chan struct{}) {
		for i := range 50 {
			c.send(fmt.Sprintf(`{"id":%d,"op":"query","table":"notes"}`, i))
		}
		begin := time.Now()
		want := fmt.Sprintf(`{"id":99,"time":%d}`, begin.UnixMilli())
		if got := c.ask(`{"id":99,"op":"time"}`); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if took := time.Since(begin); took != 0 {
			t.Errorf("the answer took %v", took)
		}
	})
}

// A fault in one request is that request's alone: the stream goes on, and so does the host.
func TestRequestThatPanics(t *testing.T) {
	t.Parallel()
	f := &tables{query: func(context.Context) ([]data.Row, error) { panic("a fault of the host") }}
	bubble(t, f, 0, func(c *client, _ <-chan struct{}) {
		got := c.ask(`{"id":1,"op":"query","table":"notes"}`)
		if !strings.HasPrefix(got, `{"id":1,"error":{"code":"internal"`) || strings.Contains(got, "fault of the host") {
			t.Errorf("got %s", got)
		}
		if got := c.ask(`{"id":2,"op":"time"}`); !strings.HasPrefix(got, `{"id":2,"time":`) {
			t.Errorf("after it: got %s", got)
		}
	})
}

func TestFatalLines(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ line, code string }{
		"not JSON":  {`{"id":1,`, "bad_message"},
		"no object": {`7`, "bad_message"},
		"too long":  {`{"id":1,"op":"query","table":"` + strings.Repeat("x", 300<<10) + `"}`, "too_large"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &tables{query: func(ctx context.Context) ([]data.Row, error) {
				<-ctx.Done()
				return nil, context.Cause(ctx)
			}}
			bubble(t, f, 0, func(c *client, done <-chan struct{}) {
				c.send(`{"id":1,"op":"query","table":"notes"}`) // is under way, and does not hold up the end
				var writing sync.WaitGroup
				writing.Go(func() {
					for range 3 { // what follows is thrown away
						if _, err := c.st.Write([]byte(tt.line + "\n")); err != nil {
							return
						}
					}
				})
				got := c.recv()
				if !strings.HasPrefix(got, `{"id":null,"error":{"code":"`+tt.code+`"`) || !strings.Contains(got, `"fatal":true`) {
					t.Errorf("got %s", got)
				}
				c.wantEnd()
				select {
				case <-done:
					t.Error("the host has closed the stream before the member ended its half")
				default:
				}
				writing.Wait()
				begin := time.Now()
				_ = c.st.CloseWrite()
				<-done
				if took := time.Since(begin); took != 0 {
					t.Errorf("the host took %v after the member had ended its half", took)
				}
			})
		})
	}
}

func TestFatalLineOfAMemberThatDoesNotEnd(t *testing.T) {
	t.Parallel()
	bubble(t, &tables{}, 0, func(c *client, done <-chan struct{}) {
		begin := time.Now()
		if got := c.ask(`nonsense`); !strings.Contains(got, `"fatal":true`) {
			t.Errorf("got %s", got)
		}
		<-done
		if took := time.Since(begin); took != time.Second {
			t.Errorf("the host waited for %v, want 1s", took)
		}
	})
}

// A member that sends requests and reads nothing costs a bounded number of answers, and is given up.
func TestMemberThatDoesNotRead(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	f := &tables{query: func(context.Context) ([]data.Row, error) {
		asked.Add(1)
		return rows(10, 1000), nil
	}}
	bubble(t, f, 4096, func(c *client, done <-chan struct{}) {
		begin := time.Now()
		var err error
		sent := 0
		for ; err == nil; sent++ {
			_, err = fmt.Fprintf(c.st, "{\"id\":%d,\"op\":\"query\",\"table\":\"notes\"}\n", sent)
		}
		<-done
		if took := time.Since(begin); took != 30*time.Second {
			t.Errorf("the member was given up after %v, want 30s", took)
		}
		// 256 KiB wait to be written, as much is being written, and four answers are made.
		if n := asked.Load(); n > 70 {
			t.Errorf("%d answers were made for somebody who reads none", n)
		}
		if sent > 500 {
			t.Errorf("%d requests were taken in", sent)
		}
	})
}

func TestLostStreamEndsEverything(t *testing.T) {
	t.Parallel()
	f := &tables{query: func(ctx context.Context) ([]data.Row, error) {
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}}
	bubble(t, f, 0, func(c *client, done <-chan struct{}) {
		c.send(`{"id":1,"op":"query","table":"notes"}`)
		c.send(`{"id":2,"op":"watch","table":"notes"}`)
		synctest.Wait()
		_ = c.st.Reset()
		<-done
	})
}

func TestEndOfTheHostEndsTheStream(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := dataserve.New(dataserve.Options{Site: site(t, notes), Tables: &tables{changes: make(chan []data.Row)}, Owners: nobody{}, Limits: wire.DefaultLimits()})
		near, far := link.Pipe(0)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			server.Serve(ctx, "anna", far)
		}()
		if _, err := near.Write([]byte("{\"id\":2,\"op\":\"watch\",\"table\":\"notes\"}\n")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		cancel()
		<-done
		if _, err := near.Read(make([]byte, 1)); err == nil {
			t.Error("the stream is still open")
		}
	})
}

func TestWatchEvents(t *testing.T) {
	t.Parallel()
	f := &tables{}
	bubble(t, f, 0, func(c *client, _ <-chan struct{}) {
		if got, want := c.ask(`{"id":7,"op":"watch","table":"notes"}`), `{"id":7,"rows":[]}`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		f.changes <- rows(1, 1)
		if got, want := c.recv(), `{"watch":7,"added":[{"_id":1,"text":"x"}]}`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		f.changes <- rows(1, 1) // nothing has changed
		f.changes <- rows(2, 1)
		if got, want := c.recv(), `{"watch":7,"added":[{"_id":2,"text":"x"}]}`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		close(f.changes)
		if got, want := c.recv(), `{"watch":7,"error":{"code":"internal","message":"the host failed; its log has the details","fatal":false}}`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if got, want := c.ask(`{"id":8,"op":"unwatch","watch":7}`), `{"id":8,"unwatched":false}`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		// The id is free again.
		if got := c.ask(`{"id":7,"op":"watch","table":"notes"}`); got != `{"id":7,"rows":[]}` {
			t.Errorf("got %s", got)
		}
	})
}

// Who does not read holds up its own watch: what changes meanwhile is kept nowhere, and comes as one event.
func TestWatcherThatDoesNotRead(t *testing.T) {
	t.Parallel()
	f := &tables{}
	bubble(t, f, 4096, func(c *client, _ <-chan struct{}) {
		c.ask(`{"id":7,"op":"watch","table":"notes"}`)
		told := 0
		for n := 1; ; n++ { // each of these events is one of 100 KiB
			synctest.Wait()
			select {
			case f.changes <- rows(1, 100<<10+n):
				told = n
				continue
			default:
			}
			break
		}
		if told < 3 || told > 8 { // 256 KiB wait, and as much is being written
			t.Errorf("%d events were written for somebody who reads none", told)
		}
		for range told {
			c.recv()
		}
		synctest.Wait()
		f.changes <- rows(3, 1)
		if got := c.recv(); !strings.HasPrefix(got, `{"watch":7,"added":[{"_id":2,`) {
			t.Errorf("got %.100s", got)
		}
	})
}

// A fault in one watch is that watch's alone.
func TestWatchThatPanics(t *testing.T) {
	t.Parallel()
	f := &tables{}
	bubble(t, f, 0, func(c *client, _ <-chan struct{}) {
		c.ask(`{"id":7,"op":"watch","table":"notes"}`)
		f.changes <- []data.Row{{ID: "panic"}}
		if got := c.recv(); !strings.HasPrefix(got, `{"watch":7,"error":{"code":"internal"`) {
			t.Errorf("got %s", got)
		}
		if got := c.ask(`{"id":7,"op":"watch","table":"notes"}`); got != `{"id":7,"rows":[]}` {
			t.Errorf("after it: got %s", got)
		}
	})
}

func TestNothingComesAfterUnwatch(t *testing.T) {
	t.Parallel()
	f := &tables{}
	bubble(t, f, 0, func(c *client, _ <-chan struct{}) {
		c.ask(`{"id":7,"op":"watch","table":"notes"}`)
		end := make(chan struct{})
		var writer sync.WaitGroup
		writer.Go(func() {
			for i := 0; ; i++ {
				select {
				case f.changes <- rows(i%2, 1):
				case <-end:
					return
				}
			}
		})
		c.send(`{"id":8,"op":"unwatch","watch":7}`)
		for c.recv() != `{"id":8,"unwatched":true}` {
		}
		close(end)
		writer.Wait()
		if got := c.ask(`{"id":9,"op":"role"}`); got != `{"id":9,"role":"visitor"}` {
			t.Errorf("got %s", got)
		}
	})
}

func TestWatchesAreBounded(t *testing.T) {
	t.Parallel()
	f := &tables{}
	bubble(t, f, 0, func(c *client, _ <-chan struct{}) {
		for i := range data.MaxWatches {
			c.ask(fmt.Sprintf(`{"id":%d,"op":"watch","table":"notes"}`, i))
		}
		if got := c.ask(`{"id":99,"op":"watch","table":"notes"}`); !strings.HasPrefix(got, `{"id":99,"error":{"code":"limit_exceeded"`) {
			t.Errorf("got %s", got)
		}
		if got := c.ask(`{"id":98,"op":"unwatch","watch":3}`); got != `{"id":98,"unwatched":true}` {
			t.Errorf("got %s", got)
		}
		if got := c.ask(`{"id":99,"op":"watch","table":"notes"}`); got != `{"id":99,"rows":[]}` {
			t.Errorf("got %s", got)
		}
		// Their rows are bounded together: 4 MiB.
		ended := 0
		for i := range 30 { // some will go to a watch that has such a row already
			f.changes <- rows(1, 900<<10+i)
			if strings.Contains(c.recv(), `"error":{"code":"limit_exceeded"`) {
				ended++
			}
		}
		if ended == 0 {
			t.Error("30 times 900 KiB were kept for one stream")
		}
	})
}

func TestHalfALineIsNoRequest(t *testing.T) {
	t.Parallel()
	bubble(t, &tables{}, 0, func(c *client, done <-chan struct{}) {
		if _, err := io.WriteString(c.st, `{"id":1,"op":"time"}`); err != nil {
			t.Fatal(err)
		}
		_ = c.st.CloseWrite()
		c.wantEnd()
		<-done
	})
}

func BenchmarkTime(b *testing.B) {
	server := dataserve.New(dataserve.Options{Site: &data.Site{}, Tables: &tables{}, Owners: nobody{}, Limits: wire.DefaultLimits()})
	near, far := link.Pipe(0)
	var wg sync.WaitGroup
	wg.Go(func() { server.Serve(context.Background(), "anna", far) })
	c := &client{b, near, link.NewReader(near, wire.MaxLine)}
	b.ReportAllocs()
	line := []byte("{\"id\":123456,\"op\":\"time\"}\n")
	for b.Loop() {
		if _, err := near.Write(line); err != nil {
			b.Fatal(err)
		}
		if _, err := c.r.ReadLine(); err != nil {
			b.Fatal(err)
		}
	}
	_ = near.Close()
	wg.Wait()
}
