package member_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"goop/shared/member"
	"goop/shared/member/membertest"
	"goop/shared/wire"
)

func TestStoreThatFails(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		fail func(*membertest.Page)
	}{
		{"refuses", func(p *membertest.Page) { p.Fail(wire.E(wire.StorageFull, "no room")) }},
		{"never answers", func(p *membertest.Page) { p.Stick(true) }},
	} {
		for _, from := range []string{"the beginning", "later"} {
			t.Run(tt.name+" from "+from, func(t *testing.T) {
				t.Parallel()
				bubble(t, func(t *testing.T, h *host) {
					var store membertest.Store
					one := &tab{h: h, store: store.Page()}
					if from == "the beginning" {
						tt.fail(one.store)
					}
					one.Member = h.start(member.Options{Store: one.store, OnWarn: one.warn})
					one.s, one.g = h.join(one.Member, &one.got, "e1", 0, durable)
					synctest.Wait()
					tt.fail(one.store)
					one.offline()
					a, b := post(t, one.s, `"a"`), post(t, one.s, `"b"`)
					time.Sleep(5 * time.Second)
					h.net.Down(nil)
					g := h.joined()
					g.welcome("e1", 0, durable, resumed)
					for i, p := range []*member.Pending{a, b} {
						g.ack(g.next(), int64(i+1))
						if o := outcome(t, p); o != strconv.Itoa(i+1) {
							t.Errorf("got %s, want %d", o, i+1)
						}
					}
					if n := one.warned(); n != 1 {
						t.Errorf("got %d warnings, want one: %q", n, one.warnings)
					}
				})
			})
		}
	}
}

// A store that somebody empties is filled again.
func TestStoreIsEmptied(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		var store membertest.Store
		one := h.tab(&store, "e1", 0)
		one.offline()
		post(t, one.s, `"a"`)
		synctest.Wait()
		store.Set(nil)
		time.Sleep(5 * time.Second)
		if n := store.Entries(); n != 1 {
			t.Errorf("got %d entries stored, want 1", n)
		}
	})
}

// A browser stores so much for one host and no more; the rest waits in memory, and is sent all the same.
func TestStoreIsBounded(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		var store membertest.Store
		one := h.tab(&store, "e1", 0)
		other := map[string]string{}
		for i := range 4 { // what waits in other groups
			other["host/outbox/ann/g"+strconv.Itoa(i)+"/o/0946684800000000/m/4190000"] = "some"
		}
		one.offline()
		store.Set(other)
		h.net.Down(nil)
		g := h.joined()
		g.welcome("e1", 0, durable, resumed)
		synctest.Wait()
		one.offline()
		for range 60 {
			post(t, one.s, `"`+strings.Repeat("x", 1000)+`"`)
		}
		synctest.Wait()
		n := store.Entries() - 4
		if n < 10 || n > 20 || one.warned() != 1 {
			t.Errorf("got %d entries stored and %d warnings, want those that fit, and one", n, one.warned())
		}
		h.net.Down(nil)
		g = h.joined()
		g.welcome("e1", 0, durable, resumed)
		for i := range int64(60) {
			g.ack(g.next(), i+1)
		}
		time.Sleep(time.Second)
		if n := store.Entries() - 4; n != 0 {
			t.Errorf("still stored: %d", n)
		}
	})
}

// What cannot be read, or is too old, is taken away, and somebody who looks into it can see that.
func TestStoreIsSwept(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		var store membertest.Store
		one := h.tab(&store, "e1", 0)
		one.offline()
		post(t, one.s, `"a"`)
		synctest.Wait()
		one.leave()
		now := strconv.FormatInt(time.Now().UnixMicro(), 10)
		rows := store.Rows()
		rows["host/outbox/ann/g/o/0"+now+"/m/9"] = "no JSON"
		rows["host/outbox/ann/g/what is this"] = "?"
		rows["host/outbox/ann/elsewhere/o/0"+now+"/m/9"] = "not looked at"
		rows["host/outbox/ann/elsewhere/o/0900000000000000/m/9"] = "two years old"
		rows["host/lease/ann/g/o"] = "L1"
		rows["host/key"] = "another's"
		rows["other/outbox/ann/g/o/0900000000000000/m/9"] = "another host's"
		store.Set(rows)
		h.net.Down(nil)
		two := h.tab(&store, "e1", 0)
		two.g.ack(two.g.next(), 1)
		time.Sleep(time.Second)
		if n := two.warned(); n != 1 {
			t.Errorf("got %d warnings: %q", n, two.warnings)
		}
		var left []string
		for _, value := range store.Rows() {
			if !strings.HasPrefix(value, "T") {
				left = append(left, value)
			}
		}
		slices.Sort(left)
		if want := []string{"another host's", "another's", "not looked at"}; !slices.Equal(left, want) {
			t.Errorf("left: got %q, want %q", left, want)
		}
	})
}

// Several pages that crashed have left something: it goes out in the order in which it was posted.
func TestManyOwners(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		var store membertest.Store
		var want []string
		for i := range 5 {
			p := h.tab(&store, "e1", 0)
			p.offline()
			for j := range 3 {
				text := strconv.Itoa(10*i + j)
				post(t, p.s, text)
				want = append(want, text)
				time.Sleep(time.Millisecond)
			}
			p.kill()
			h.net.Down(nil)
		}
		last := h.tab(&store, "e1", 0)
		post(t, last.s, "99")
		want = append(want, "99")
		if got, _ := last.g.payloads(len(want)); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}
