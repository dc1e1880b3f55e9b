package dataserve_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"goop/host/dataserve"
	"goop/host/relay"
	"goop/shared/data"
	"goop/shared/group"
	"goop/shared/wire"
)

// matchSite has a table, a group whose log is on the disk, one of moderators alone, and one in memory.
const matchSite = `{
 "tables": {"moves": {"columns": {"ply": {"type": "integer", "unique": true}, "game": {"type": "integer", "references": "moves"}},
   "access": {"read": "open", "insert": "open", "update": "author", "remove": "none"}}},
 "groups": [{"id": "match", "type": "persistent"}, {"id": "stage", "type": "persistent", "rights": {"send": ["moderator"]}}, {"id": "flock", "type": "open"}]}`

// cutting is a relay whose Send does its work and then has what between says happen, before it returns.
type cutting struct {
	*relay.Relay

	// mu guards the following.
	mu      sync.Mutex
	between func()
	sends   int
}

func (c *cutting) Send(ctx context.Context, caller group.Caller, id wire.GroupID, d group.Draft) (group.Result, error) {
	res, err := c.Relay.Send(ctx, caller, id, d)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sends++
	if c.between != nil {
		c.between()
		c.between = nil
	}
	return res, err
}

func match(t *testing.T) (*host, *cutting) {
	t.Helper()
	s, err := data.ParseSite([]byte(matchSite))
	if err != nil {
		t.Fatal(err)
	}
	c := &cutting{}
	return newHostWith(t, s, func(r *relay.Relay) dataserve.Groups {
		c.Relay = r
		return c
	}), c
}

// moveAndTell is a batch that inserts a move and tells of it.
func moveAndTell(id, ply int, key string) string {
	return fmt.Sprintf(`{"id":%d,"op":"batch","operations":[{"op":"insert","table":"moves","values":{"ply":%d}},{"op":"send","group":"match","payload":%d}],"key":"match-%s-00000000001"}`, id, ply, ply, key)
}

// told wants so many rows and messages.
func (c *client) told(rows, messages int) {
	c.t.Helper()
	c.want(`{"id":900,"op":"count","table":"moves"}`, fmt.Sprintf(`{"id":900,"count":%d}`, rows))
	if got := c.ask(`{"id":901,"op":"group.history","group":"match","limit":500}`); strings.Count(got, `"type":"msg"`) != messages {
		c.t.Errorf("got %s, want %d messages", got, messages)
	}
}

func TestRowAndMessageBothOrNeither(t *testing.T) {
	t.Parallel()
	h, _ := match(t)
	c := h.connect("anna")
	c.want(moveAndTell(1, 1, "a"), `{"id":1,"results":[{"row":{"_id":`, `"ply":1`, `{"seq":1,"time":`)
	c.told(1, 1)
	for _, tt := range []struct{ operations, says string }{
		{`{"op":"insert","table":"moves","values":{"ply":2}},{"op":"send","group":"match","payload":2},{"op":"insert","table":"moves","values":{"ply":1}}`,
			`"code":"conflict","message":"operation 2: `},
		{`{"op":"send","group":"match","payload":2},{"op":"remove","table":"moves","row":7}`, `"message":"operation 1: `},
		{`{"op":"insert","table":"moves","values":{"ply":2}},{"op":"send","group":"stage","payload":2}`, `"code":"forbidden","message":"operation 1: `},
		{`{"op":"insert","table":"moves","values":{"ply":2}},{"op":"send","group":"flock","payload":2}`, `"code":"not_supported","message":"operation 1: a batch can only send to a durable group`},
		{`{"op":"insert","table":"moves","values":{"ply":2}},{"op":"send","group":"nowhere","payload":2}`, `"code":"no_such_group","message":"operation 1: `},
		{`{"op":"send","group":"nowhere","payload":2}`, `"code":"no_such_group","message":"operation 0: `},
		{`{"op":"remove","table":"moves","row":7}`, `"message":"operation 0: `},
	} {
		c.want(`{"id":2,"op":"batch","operations":[`+tt.operations+`],"key":"match-refused-0000001"}`, tt.says)
	}
	c.told(1, 1)
	// A row may name one that the same batch inserts.
	c.want(`{"id":3,"op":"batch","operations":[{"op":"insert","table":"moves","values":{"ply":2}},{"op":"insert","table":"moves","values":{"ply":3,"game":{"$row":0}}},`+
		`{"op":"update","table":"moves","row":{"$row":1},"values":{"ply":4}},{"op":"send","group":"match","payload":3}],"key":"match-rows-000000001"}`, `"ply":3,"game":`, `{"seq":2,`)
	c.told(3, 2)
	_ = c.st.CloseWrite()
}

// What a batch answers with is bounded, since it is kept for a day: rows that are much larger than what is
// said of them cannot be had a hundred at a time.
func TestAnswersOfABatchAreBounded(t *testing.T) {
	t.Parallel()
	h := newHost(t, site(t, notes))
	c := h.connect("anna")
	c.want(`{"id":1,"op":"insert","table":"notes","values":{"text":"`+strings.Repeat("x", 200_000)+`"},"key":"0123456789abcdef"}`, `"row"`)
	list := c.ask(`{"id":2,"op":"query","table":"notes","columns":["_id"]}`)
	row := strings.TrimSuffix(strings.TrimPrefix(list, `{"id":2,"rows":[{"_id":`), `}]}`)
	ops := func(n int) string {
		op := `{"op":"update","table":"notes","row":` + row + `,"values":{"n":` + fmt.Sprint(n) + `}}`
		return strings.TrimSuffix(strings.Repeat(op+",", n), ",")
	}
	c.want(`{"id":3,"op":"batch","operations":[`+ops(5)+`],"key":"0123456789abcde3"}`, `"results":[{"row":`)
	c.want(`{"id":4,"op":"batch","operations":[`+ops(6)+`],"key":"0123456789abcde4"}`, `"code":"too_large"`)
	c.want(`{"id":5,"op":"count","table":"notes","where":{"n":5}}`, `"count":1`)
	_ = c.st.CloseWrite()
}

// A page that loses its connection between the commit and the answer gets the answer on its return, whatever
// has become of the group by then; nothing is there twice.
func TestBatchOfALostConnection(t *testing.T) {
	t.Parallel()
	h, groups := match(t)
	c := h.connect("anna")
	lost := make(chan struct{})
	groups.between = func() {
		_ = c.st.Reset()
		close(lost)
	}
	c.send(moveAndTell(1, 1, "a"))
	<-lost
	again := h.connect("anna")
	answer := again.want(moveAndTell(1, 1, "a"), `{"id":1,"results":[{"row":{"_id":`, `{"seq":1,"time":`)
	again.told(1, 1)
	again.want(moveAndTell(2, 2, "a"), `"code":"id_conflict","message":"this key`)
	olga := h.owner(t, "olga")
	olga.want(`{"id":1,"op":"group.close","group":"match","key":"0123456789abcdef"}`, `"closed":"match"`)
	if got := again.ask(moveAndTell(1, 1, "a")); got != answer {
		t.Errorf("after the end of the group: got %s, want %s", got, answer)
	}
	again.want(moveAndTell(3, 3, "b"), `"code":"no_such_group"`)
	if groups.sends != 2 {
		t.Errorf("the group was asked %d times, want twice", groups.sends)
	}
	_ = again.st.CloseWrite()
	_ = olga.st.CloseWrite()
}

// The same request on many streams at once is done once.
func TestOneBatchOnManyStreams(t *testing.T) {
	t.Parallel()
	h, _ := match(t)
	answers := make([]string, 8)
	var wg sync.WaitGroup
	for i := range answers {
		c := h.connect("anna")
		wg.Go(func() {
			for ply := range 20 {
				answers[i] += c.ask(moveAndTell(ply, ply, fmt.Sprintf("many-%02d", ply)))
			}
			_ = c.st.CloseWrite()
		})
	}
	wg.Wait()
	for _, a := range answers {
		if a != answers[0] || strings.Count(a, `"results"`) != 20 {
			t.Fatalf("got %s and %s", a, answers[0])
		}
	}
	c := h.connect("ben")
	c.told(20, 20)
	_ = c.st.CloseWrite()
}
