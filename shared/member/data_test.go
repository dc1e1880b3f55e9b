package member_test

import (
	"context"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"goop/shared/jsontext"
	"goop/shared/member"
)

func TestCall(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		m := h.start(member.Options{})
		answer, err := m.Call(t.Context(), []byte("{\"op\":\"query\",\n\"table\":\"moves\"}"))
		if err != nil || !strings.Contains(string(answer), `"done":true`) {
			t.Errorf("got %s, %v", answer, err)
		}
		if _, err := m.Call(t.Context(), []byte(`{"op":"insert","table":"moves","values":{}}`)); err != nil {
			t.Error(err)
		}
		if _, err := m.Call(t.Context(), []byte(`{"op":"insert","key":"mine","table":"moves","values":{}}`)); err != nil {
			t.Error(err)
		}
		if _, err := m.Call(t.Context(), []byte(` {  } `)); err != nil {
			t.Error(err)
		}
		got := h.takeRequests()
		if field(got[0], "key") != "" || field(got[0], "table") != `"moves"` {
			t.Errorf("a query: got %s, want it without a key", got[0])
		}
		if key := field(got[1], "key"); len(key) != 34 {
			t.Errorf("an insert: got key %s, want 32 digits", key)
		}
		if strings.Count(got[2], `"key"`) != 1 || field(got[2], "key") != `"mine"` {
			t.Errorf("an insert with a key: got %s", got[2])
		}
		if err := jsontext.Check([]byte(got[3])); err != nil {
			t.Errorf("an empty object: got %s: %v", got[3], err)
		}
		for _, tt := range []struct{ request, code string }{
			{`{"op":"query","id":7}`, "invalid_value"},
			{`[]`, "invalid_value"},
			{`{`, "invalid_value"},
			{`{"op":"insert","values":"` + strings.Repeat("x", 300_000) + `"}`, "too_large"},
		} {
			if _, err := m.Call(t.Context(), []byte(tt.request)); err == nil || codeOf(t, err) != tt.code {
				t.Errorf("%.30s: got %v, want %s", tt.request, err, tt.code)
			}
		}
	})
}

// TestKeys: those requests get a key that take one, of all that the data protocol has.
func TestKeys(t *testing.T) {
	t.Parallel()
	golden, err := os.ReadFile("../wire/testdata/data/requests.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	bubble(t, func(t *testing.T, h *host) {
		m := h.start(member.Options{})
		keyed := map[string]bool{}
		for line := range strings.Lines(string(golden)) {
			request := field(line, "line")
			if field(line, "error") != "" || request == "" || field(request, "op") == `"time"` || strings.Contains(field(request, "op"), "watch") {
				continue
			}
			w := jsontext.Writer{}
			w.Begin('{')
			for f := jsontext.MembersOf([]byte(request)); f.Next(); {
				if name := string(f.Key); name != "id" && name != "key" {
					w.Key(name)
					w.Raw(f.Value)
				}
			}
			w.End('}')
			keyed[field(request, "op")] = field(request, "key") != ""
			if _, err := m.Call(t.Context(), w.B); err != nil {
				t.Errorf("%s: %v", request, err)
			}
		}
		got := h.takeRequests()
		if len(got) < 30 || len(keyed) < 20 {
			t.Errorf("got %d requests of %d ops", len(got), len(keyed))
		}
		for _, line := range got {
			if has := field(line, "key") != ""; has != keyed[field(line, "op")] {
				t.Errorf("got %s, which has a key: %v", line, has)
			}
		}
	})
}

func TestRefusedCall(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		m := h.start(member.Options{})
		h.answer = func(d *dataStream, id int64, op, line string) {
			d.say(`{"id":` + strconv.FormatInt(id, 10) + `,"error":{"code":"no_such_table","message":"no table \"x\"","fatal":false}}`)
		}
		answer, err := m.Call(t.Context(), []byte(`{"op":"query","table":"x"}`))
		if err == nil || codeOf(t, err) != "no_such_table" || answer != nil || !strings.Contains(err.Error(), `no table "x"`) {
			t.Errorf("got %s, %v", answer, err)
		}
	})
}

// Requests that have no answer when the connection is lost are sent again, with their keys and in order.
func TestCallsGoThroughALoss(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		h.answer = func(*dataStream, int64, string, string) {}
		m := h.start(member.Options{})
		var rs []*member.Reply
		ask := func(n int) {
			r, err := m.Ask([]byte(`{"op":"insert","table":"t","values":{"n":` + strconv.Itoa(n) + `}}`))
			if err != nil {
				t.Fatal(err)
			}
			rs = append(rs, r)
		}
		ask(0)
		ask(1)
		synctest.Wait()
		before := h.takeRequests()
		h.net.Cut()
		ask(2)
		h.set(func(h *host) { h.answer = nil })
		for _, r := range rs {
			if _, err := r.Wait(t.Context()); err != nil {
				t.Error(err)
			}
		}
		after := h.takeRequests()
		if len(before) != 2 || len(after) != 3 || !slices.Equal(after[:2], before) {
			t.Errorf("got %q and then %q, want the first two again, unchanged", before, after)
		}
		if field(after[2], "values") != `{"n":2}` || field(after[2], "key") == field(after[1], "key") {
			t.Errorf("the third: got %s", after[2])
		}
	})
}

func TestCallIsGivenUp(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		h.net.Down(errNobody)
		m := h.start(member.Options{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := m.Call(ctx, []byte(`{"op":"insert"}`)); err == nil || codeOf(t, err) != "timeout" {
			t.Errorf("got %v, want timeout", err)
		}
		h.net.Down(nil)
		m.Wake()
		if _, err := m.Call(t.Context(), []byte(`{"op":"role"}`)); err != nil {
			t.Error(err)
		}
		if got := h.takeRequests(); len(got) != 1 {
			t.Errorf("got %q, want what was given up not to be sent", got)
		}
	})
}

func TestCallsAreBounded(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		h.net.Down(errNobody)
		m := h.start(member.Options{Outbox: member.OutboxLimits{Count: 3}})
		for i := range 4 {
			_, err := m.Ask([]byte(`{"op":"role"}`))
			if got := err == nil; got != (i < 3) {
				t.Errorf("request %d: got %v", i, err)
			}
			if i == 3 && codeOf(t, err) != "outbox_full" {
				t.Errorf("got %v, want outbox_full", err)
			}
		}
	})
}

// A request that brings the host to end the stream each time must not be repeated for ever.
func TestPoisonousRequest(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		h.answer = func(d *dataStream, id int64, op, line string) {
			if op == "poison" {
				d.Close()
			} else {
				d.say(`{"id":` + strconv.FormatInt(id, 10) + `}`)
			}
		}
		m := h.start(member.Options{})
		if _, err := m.Call(t.Context(), []byte(`{"op":"poison"}`)); err == nil || codeOf(t, err) != "internal" {
			t.Errorf("got %v, want internal", err)
		}
		// An end that is noticed first by a write does not count: it might have been the network's.
		if n := len(h.takeRequests()); n < 3 || n > 10 {
			t.Errorf("it was sent %d times, want 3 or a little more", n)
		}
		if _, err := m.Call(t.Context(), []byte(`{"op":"role"}`)); err != nil {
			t.Error(err)
		}
	})
}

func TestFaultyAnswersDropTheConnection(t *testing.T) {
	t.Parallel()
	for _, line := range []string{`{"id":`, `[]`, `{"id":"1"}`, `{"id":null,"error":{"code":"bad_message","message":"?","fatal":true}}`} {
		bubble(t, func(t *testing.T, h *host) {
			first := true
			h.answer = func(d *dataStream, id int64, op, _ string) {
				if first {
					first = false
					d.say(line)
					return
				}
				d.say(`{"id":` + strconv.FormatInt(id, 10) + `}`)
			}
			m := h.start(member.Options{})
			if _, err := m.Call(t.Context(), []byte(`{"op":"role"}`)); err != nil {
				t.Errorf("%s: %v", line, err)
			}
			if dials, _ := h.net.Dials(); len(dials) != 2 {
				t.Errorf("%s: got %d connections, want 2", line, len(dials))
			}
		})
	}
}

// changes keeps what a watch gave.
type changes struct {
	mu  sync.Mutex
	all []string
}

func (c *changes) add(ch member.Change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := field(string(ch.Answer), "rows") + field(string(ch.Answer), "added")
	if ch.Fresh {
		s = "fresh " + s
	}
	if ch.Err != nil {
		s = string(ch.Err.Code)
	}
	c.all = append(c.all, s)
}

func (c *changes) take() []string {
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.all
	c.all = nil
	return all
}

func TestWatch(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		var mu sync.Mutex // guards the following
		var current *dataStream
		var watch string
		fail := false
		say := func(rest string) { // an event of the latest watch
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			current.say(`{"watch":` + watch + rest)
		}
		h.answer = func(d *dataStream, id int64, op, line string) {
			mu.Lock()
			defer mu.Unlock()
			current = d
			n := strconv.FormatInt(id, 10)
			switch {
			case op == "watch" && fail:
				d.say(`{"id":` + n + `,"error":{"code":"forbidden","message":"not any more","fatal":false}}`)
			case op == "watch":
				watch = n
				d.say(`{"id":` + n + `,"rows":[1]}`)
			default:
				d.say(`{"id":` + n + `}`)
			}
		}
		m := h.start(member.Options{})
		var got changes
		stop, err := m.Watch(t.Context(), []byte(`{"op":"watch","table":"t"}`), got.add)
		if err != nil {
			t.Fatal(err)
		}
		say(`,"added":[2]}`)
		if got, want := got.take(), []string{"fresh [1]", "[2]"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		h.net.Cut()
		time.Sleep(time.Second)
		say(`,"added":[4]}`)
		if got, want := got.take(), []string{"fresh [1]", "[4]"}; !slices.Equal(got, want) {
			t.Errorf("after a loss: got %q, want %q", got, want)
		}
		h.takeRequests()
		stop()
		stop()
		synctest.Wait()
		mu.Lock()
		id := watch
		mu.Unlock()
		if got := h.takeRequests(); len(got) != 1 || field(got[0], "op") != `"unwatch"` || field(got[0], "watch") != id {
			t.Errorf("got %q, want one unwatch of %s", got, id)
		}
		say(`,"added":[5]}`)
		if got := got.take(); len(got) > 0 {
			t.Errorf("after stop: got %q", got)
		}
		h.net.Cut()
		time.Sleep(time.Second)
		if got := h.takeRequests(); len(got) > 0 {
			t.Errorf("a stopped watch subscribed anew: %q", got)
		}

		// A watch that the host ends, or does not give again.
		if _, err := m.Watch(t.Context(), []byte(`{"op":"watch","table":"t"}`), got.add); err != nil {
			t.Fatal(err)
		}
		say(`,"error":{"code":"closed","message":"?","fatal":false}}`)
		say(`,"added":[6]}`)
		if got, want := got.take(), []string{"fresh [1]", "closed"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		if _, err := m.Watch(t.Context(), []byte(`{"op":"watch","table":"t"}`), got.add); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		fail = true
		mu.Unlock()
		h.net.Cut()
		time.Sleep(time.Second)
		if got, want := got.take(), []string{"fresh [1]", "forbidden"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		if _, err := m.Watch(t.Context(), []byte(`{"op":"watch","table":"t"}`), got.add); err == nil || codeOf(t, err) != "forbidden" {
			t.Errorf("got %v, want forbidden", err)
		}
		mu.Lock()
		fail = false
		mu.Unlock()
		if _, err := m.Watch(t.Context(), []byte(`{"op":"watch","table":"t"}`), got.add); err != nil {
			t.Fatal(err)
		}
		m.Close()
		if got, want := got.take(), []string{"fresh [1]", "closed"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestWatchIsGivenUp(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		h.answer = func(*dataStream, int64, string, string) {}
		m := h.start(member.Options{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var got changes
		if _, err := m.Watch(ctx, []byte(`{"op":"watch","table":"t"}`), got.add); err == nil || codeOf(t, err) != "timeout" {
			t.Errorf("got %v, want timeout", err)
		}
		synctest.Wait()
		if rs := h.takeRequests(); len(rs) != 2 || field(rs[1], "op") != `"unwatch"` {
			t.Errorf("got %q, want the watch and an unwatch", rs)
		}
	})
}

// field returns the raw value of a field of a JSON object, "" when it has none.
func field(line, key string) string {
	m := jsontext.MembersOf([]byte(line))
	for m.Next() {
		if string(m.Key) == key {
			return string(m.Value)
		}
	}
	return ""
}
