package dataserve_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"goop/host/dataserve"
	"goop/shared/data"
	"goop/shared/group"
	"goop/shared/link"
	"goop/shared/wire"
)

// writable is a Tables that takes every row.
type writable struct{ tables }

func (*writable) Do(_ context.Context, _ group.Caller, _ data.WriteKey, writes []data.Write) ([][]byte, error) {
	answers := make([][]byte, len(writes))
	for i := range answers {
		answers[i] = []byte(`{"row":{"_id":1}}`)
	}
	return answers, nil
}

func (*writable) Query(context.Context, group.Caller, *data.Query) (data.Page, error) {
	return data.Page{}, nil
}

func (*writable) Count(context.Context, group.Caller, *data.Query) (int64, error) { return 0, nil }

func (*writable) Answered(context.Context, wire.PeerID, data.WriteKey) ([]byte, error) {
	return nil, nil
}

// closed is a Groups in which there is never anything to close.
type closed struct{ dataserve.Groups }

func (closed) History(context.Context, group.Caller, wire.GroupID, int64, int, bool) ([]group.Entry, error) {
	return nil, nil
}

func (closed) Close(context.Context, group.Caller, wire.GroupID) error {
	return wire.E(wire.NoSuchGroup)
}

// A peer that writes much is slowed down, on all its streams together and on new ones too. Nothing is
// refused, others do not notice, and neither do reads.
func TestPaceOfWrites(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := dataserve.New(dataserve.Options{
			Site: site(t, notes), Tables: &writable{}, Groups: closed{}, Owners: nobody{}, Limits: wire.DefaultLimits(),
		})
		var serving sync.WaitGroup
		connect := func(peer wire.PeerID) *client {
			near, far := link.Pipe(0)
			serving.Go(func() { server.Serve(t.Context(), peer, far) })
			return &client{t, near, link.NewReader(near, wire.MaxLine)}
		}
		leave := func(c *client) {
			_ = c.st.CloseWrite()
			c.wantEnd()
			synctest.Wait()
		}
		begin := time.Now()
		took := func() time.Duration {
			d := time.Since(begin)
			begin = time.Now()
			return d.Round(time.Millisecond)
		}
		insert := func(c *client, n int) {
			for i := range n {
				c.ask(fmt.Sprintf(`{"id":%d,"op":"insert","table":"notes","values":{"n":1},"key":"0123456789abcdef"}`, i))
			}
		}
		a, b := connect("anna"), connect("anna")
		insert(a, 250)
		insert(b, 250)
		if d := took(); d != 0 {
			t.Errorf("the burst took %v", d)
		}
		insert(a, 100)
		leave(a)
		leave(b)
		a = connect("anna")
		insert(a, 100)
		if d := took(); d != time.Second {
			t.Errorf("200 more took %v, want 1s", d)
		}
		a.ask(`{"id":1,"op":"role"}`)
		other := connect("bob")
		insert(other, 100)
		if d := took(); d != 0 {
			t.Errorf("reads and other peers took %v", d)
		}
		// Groups are slower.
		manage := func(n int) {
			for i := range n {
				other.ask(fmt.Sprintf(`{"id":%d,"op":"group.close","group":"g","key":"0123456789abcdef"}`, i))
			}
		}
		manage(60)
		if d := took(); d != 0 {
			t.Errorf("the burst took %v", d)
		}
		manage(40)
		if d := took(); d != 2*time.Second {
			t.Errorf("40 more took %v, want 2s", d)
		}
		// So is what makes a group's row anew; and so are pages of what was said.
		ask := func(n int, request string) {
			for i := range n {
				other.ask(fmt.Sprintf(request, i))
			}
		}
		ask(20, `{"id":%d,"op":"remove","table":"_groups","row":"g","key":"0123456789abcdef"}`)
		if d := took(); d != time.Second {
			t.Errorf("20 rows of _groups took %v, want 1s", d)
		}
		ask(100, `{"id":%d,"op":"group.history","group":"g"}`)
		if d := took(); d != 0 {
			t.Errorf("100 pages took %v", d)
		}
		ask(40, `{"id":%d,"op":"group.history","group":"g"}`)
		if d := took(); d != 2*time.Second {
			t.Errorf("40 more pages took %v, want 2s", d)
		}
		// Many rows at once cost less than one by one, and reads have a pace of their own.
		leave(other)
		other = connect("carl")
		many := `{"id":%d,"op":"insertMany","table":"notes","rows":[{"n":1},{"n":1}` + strings.Repeat(`,{"n":2}`, 88) + `],"key":"0123456789abcdef"}`
		ask(50, many)
		if d := took(); d != 0 {
			t.Errorf("50 times 90 rows took %v", d)
		}
		ask(10, many)
		ask(20, `{"id":%d,"op":"batch","operations":[{"op":"insert","table":"notes","values":{}},{"op":"removeWhere","table":"notes","where":{}}`+
			strings.Repeat(`,{"op":"remove","table":"notes","row":1}`, 38)+`],"key":"0123456789abcdef"}`)
		ask(2, `{"id":%d,"op":"removeWhere","table":"notes","where":{},"key":"0123456789abcdef"}`)
		if want := time.Duration(1e9 * (10*10 + 20*(1+3.9+5) + 2*5) / 200); took().Round(10*time.Millisecond) != want {
			t.Errorf("what was beyond that took not %v", want)
		}
		ask(1000, `{"id":%d,"op":"count","table":"notes"}`)
		if d := took(); d != 0 {
			t.Errorf("1,000 reads took %v", d)
		}
		ask(250, `{"id":%d,"op":"query","table":"notes"}`)
		if d := took(); d != 500*time.Millisecond {
			t.Errorf("250 more took %v, want 500ms", d)
		}
		// What has passed is forgotten, and the peer with it.
		leave(a)
		time.Sleep(5 * time.Minute)
		took()
		a = connect("anna")
		insert(a, 500)
		if d := took(); d != 0 {
			t.Errorf("the burst took %v", d)
		}
		leave(a)
		leave(other)
		serving.Wait()
	})
}
