package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"goop/shared/data"
	"goop/shared/group"
	"goop/shared/wire"
)

// pupil is one of many callers.
func pupil(i int) group.Caller { return group.Caller{Peer: wire.PeerID(fmt.Sprint("pupil", i))} }

// lines waits for a number of rows.
func (f *follower) lines(n int) {
	f.w.t.Helper()
	f.until(func(rows string) bool { return strings.Count(rows, "\n") == n })
}

// told returns how often the follower was told something.
func (f *follower) told() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

const answers = `"answers":{"columns":{"question":{"type":"integer"},"text":{"type":"text"}},
	"access":{"read":"author","insert":"open","update":"author","remove":"author"}}`

// A commit to rows that are their authors' alone concerns those authors alone.
func TestAuthorsWatchTheirOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, answers)
	n := 1000
	if testing.Short() {
		n = 100
	}
	all := make([]*follower, n)
	for i := range all {
		all[i] = w.follow(pupil(i), "answers", `"order":["-_id"],"limit":5`, nil)
	}
	for _, f := range all {
		f.lines(0)
	}
	begin := w.tables.hub.evaluated.Load()
	for i := range 10 {
		w.mustInsert(pupil(i), "answers", `{"text":"a"}`)
		all[i].lines(1)
	}
	id := w.mustInsert(owner, "answers", `{"text":"a"}`) // who watches nothing
	if err := w.remove(owner, "answers", id); err != nil {
		t.Fatal(err)
	}
	if got := w.tables.hub.evaluated.Load() - begin; got != 10 {
		t.Errorf("%d evaluations after ten commits that each concern one of %d, want 10", got, n)
	}
	for i, f := range all {
		want := 1
		if i < 10 {
			want = 2
		}
		if got := f.told(); got != want {
			t.Fatalf("pupil %d was told %d results, want %d", i, got, want)
		}
	}
}

const quiz = `"questions":{"columns":{"session":{"type":"text","required":true},"text":{"type":"text"},"right":{"type":"integer","hidden":true},"opens_at":{"type":"time"}},
		"memberOf":"session","access":{"read":{"who":"member","if":{"opens_at":{"<=":"$now"}}},"insert":"owner"}},
	"answers":{"columns":{"question":{"type":"integer","references":"questions"},"choice":{"type":"integer"},"shown":{"type":"boolean"},"to":{"type":"text"}},
		"access":{"read":{"who":"open","if":{"or":[{"_owner":"$me"},{"to":"$me"},{"shown":true}]}},"insert":"open","update":"open","remove":"open"}},
	"boards":{"columns":{"session":{"type":"text","required":true},"shown":{"type":"boolean"},"until":{"type":"time"}},"memberOf":"session",
		"access":{"read":{"who":"member","if":{"or":[{"_owner":"$me","until":{">":"$now"}},{"shown":true}]}},"insert":"open","update":"open","remove":"open"}},
	"remarks":{"columns":{"question":{"type":"integer","references":"questions"},"text":{"type":"text"}},
		"access":{"read":{"who":"open","if":{"question.session":{"null":false}}},"insert":"open"}}`

// The caller's part of a rule is looked at row by row, so that there is one evaluation for all.
func TestRulesAboutTheCallerShareOneEvaluation(t *testing.T) {
	t.Parallel()
	w := newWorld(t, quiz)
	var all []*follower
	for i := range 20 {
		all = append(all, w.follow(pupil(i), "answers", ``, nil))
	}
	for _, f := range all {
		f.lines(0)
	}
	id := w.mustInsert(pupil(0), "answers", `{"to":"pupil1"}`)
	all[0].lines(1)
	all[1].lines(1)
	if _, err := w.update(pupil(0), "answers", id, `{"to":"pupil2"}`); err != nil {
		t.Fatal(err)
	}
	all[0].until(func(rows string) bool { return strings.Contains(rows, "pupil2") })
	all[1].lines(0)
	all[2].lines(1)
	if _, err := w.update(pupil(0), "answers", id, `{"shown":true}`); err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		f.lines(1)
	}
	if got := w.tables.hub.evaluated.Load(); got != 4 {
		t.Errorf("%d evaluations for 20 watchers and three commits, want 4", got)
	}
}

// What is too much to be shared each watcher asks for on its own.
func TestTooManyRowsToShare(t *testing.T) {
	t.Parallel()
	w := newWorld(t, quiz)
	one, two := w.follow(pupil(1), "answers", `"limit":1000`, nil), w.follow(pupil(2), "answers", ``, nil)
	id := w.mustInsert(pupil(1), "answers", `{"choice":1}`)
	one.lines(1)
	row, err := w.table("answers").NewRow([]byte(`{"choice":2}`))
	if err != nil {
		t.Fatal(err)
	}
	many := data.Write{Op: data.OpInsertMany, Table: w.table("answers")}
	for range 500 {
		many.Rows = append(many.Rows, row)
	}
	for range 4 {
		if _, err := w.do(pupil(3), w.key(), many); err != nil {
			t.Fatal(err)
		}
	}
	w.mustInsert(pupil(1), "answers", `{"choice":3}`)
	one.lines(2)
	if err := w.remove(pupil(1), "answers", id); err != nil {
		t.Fatal(err)
	}
	one.lines(1)
	w.mustInsert(pupil(2), "answers", `{"choice":4}`)
	two.lines(1)
	late := w.follow(pupil(3), "answers", `"limit":1000,"offset":1500`, nil)
	late.lines(500)
}

// Another role makes another question, of which the rows that were known before say nothing.
func TestSharedQuestionFollowsRights(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `"boards":{"columns":{"session":{"type":"text"},"shown":{"type":"boolean"}},"memberOf":"session",
		"access":{"read":{"who":"member","if":{"or":[{"_owner":"$me"},{"shown":true}]}},"insert":"open"}}`)
	for _, session := range []string{"a", "b", "b"} {
		w.mustInsert(owner, "boards", `{"session":"`+session+`","shown":true}`)
	}
	f := w.follow(anna, "boards", ``, nil)
	f.lines(0)
	w.members.set("anna", "a", wire.RoleMember, true)
	f.lines(1)
	w.members.set("anna", "b", wire.RoleMember, true)
	f.lines(3)
	w.members.set("anna", "a", "", false)
	f.lines(2)
}

func TestWatchFollowsReferences(t *testing.T) {
	t.Parallel()
	w := newWorld(t, quiz)
	q := w.mustInsert(owner, "questions", `{"session":"s","text":"?","opens_at":5}`)
	w.mustInsert(owner, "remarks", fmt.Sprintf(`{"question":%d,"text":"hm"}`, q))
	f := w.follow(ben, "remarks", ``, nil)
	f.lines(0) // the question is nobody's but the members'
	w.members.set("ben", "s", wire.RoleViewer, true)
	f.lines(1)
	if _, err := w.update(owner, "questions", q, `{"session":"t"}`); err != nil {
		t.Fatal(err)
	}
	f.lines(0)
	w.members.set("ben", "t", "", true)
	f.lines(1)
	if err := w.remove(owner, "questions", q); err != nil {
		t.Fatal(err)
	}
	f.lines(0)
}

// A row appears at the very millisecond that a rule speaks of, without any commit.
func TestWatchFollowsTheClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, quiz)
		w.members.set("anna", "s", wire.RoleMember, true)
		begin := time.Now()
		for _, after := range []time.Duration{time.Second, time.Hour, 30 * time.Hour} {
			w.mustInsert(owner, "questions", fmt.Sprintf(`{"session":"s","text":"?","opens_at":%d}`, begin.Add(after).UnixMilli()))
		}
		q := w.query("questions", ``)
		results := make(chan int)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			_ = w.tables.Watch(ctx, func() (group.Caller, *data.Query, error) { return anna, q, nil }, func(r *data.Result) error {
				results <- len(r.Rows)
				return nil
			})
		})
		for n, want := range []time.Duration{0, time.Second, time.Hour, 30 * time.Hour} {
			if got := <-results; got != n {
				t.Errorf("got %d rows, want %d", got, n)
			}
			if at := time.Since(begin).Truncate(100 * time.Millisecond); at != want {
				t.Errorf("%d rows after %v, want %v", n, at, want)
			}
		}
		if got := w.tables.hub.evaluated.Load(); got > 12 {
			t.Errorf("%d evaluations for three moments", got)
		}
		cancel()
		wg.Wait()
		synctest.Wait()
		for _, f := range w.tables.hub.feeds {
			if len(f.evals) > 0 {
				t.Error("an evaluation is left without watchers")
			}
		}
	})
}

// Who becomes an owner of the site gets what is hidden, and who is one no longer loses it, in events like
// all others.
func TestWatchFollowsOwnership(t *testing.T) {
	t.Parallel()
	w := newWorld(t, quiz)
	w.members.set("anna", "s", wire.RoleMember, true)
	w.mustInsert(owner, "questions", `{"session":"s","text":"?","right":3,"opens_at":5}`)
	var mu sync.Mutex
	me := anna
	table, queries := w.table("questions"), map[bool]*data.Query{}
	request := data.Request{}
	plan := func() (group.Caller, *data.Query, error) {
		mu.Lock()
		defer mu.Unlock()
		if queries[me.Owner] == nil {
			q, err := table.For(me).Query(&request)
			if err != nil {
				return me, nil, err
			}
			queries[me.Owner] = q
		}
		return me, queries[me.Owner], nil
	}
	texts := make(chan string)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() {
		var seen *data.Seen
		_ = w.tables.Watch(ctx, plan, func(r *data.Result) error {
			select {
			case texts <- string(r.Next(seen)):
			case <-ctx.Done():
			}
			seen = r.Seen()
			return nil
		})
	})
	crown := func(owner bool) {
		mu.Lock()
		me.Owner = owner
		mu.Unlock()
		w.tables.hub.poke()
	}
	if got := <-texts; strings.Contains(got, "right") || !strings.HasPrefix(got, `,"rows":[{`) {
		t.Errorf("a member got %s", got)
	}
	crown(true)
	if got := <-texts; !strings.Contains(got, `"right":3`) || !strings.HasPrefix(got, `,"changed":[{`) {
		t.Errorf("the owner got %s", got)
	}
	crown(false)
	if got := <-texts; strings.Contains(got, "right") || !strings.HasPrefix(got, `,"changed":[{`) {
		t.Errorf("a member got %s", got)
	}
}

// Rows, rules and rights change at random under watchers of all kinds. What each has been told is in the
// end what a query finds.
func TestWatchUnderRules(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	w := newWorld(t, quiz)
	queries := map[string][]string{
		"questions": {``, `"where":{"session":"a"}`, `"order":["-text"],"limit":3,"offset":1`},
		"answers":   {``, `"order":["choice","-_id"],"limit":4`, `"where":{"choice":{"<":5}},"limit":3,"offset":2`, `"columns":["choice"],"order":["to"],"limit":5`},
		"boards":    {``, `"where":{"session":"b"},"order":["-until"],"limit":3`, `"offset":1,"limit":2`},
		"remarks":   {``, `"order":["text"],"limit":2`},
	}
	var followers []*follower
	for table, list := range queries {
		for _, q := range list {
			for i := range 4 {
				followers = append(followers, w.follow(pupil(i), table, q, nil))
			}
			followers = append(followers, w.follow(owner, table, q, nil))
		}
	}
	rounds := 300
	if testing.Short() {
		rounds = 60
	}
	var questions, given, boards []int64
	soon := func() int64 { return time.Now().Add(time.Duration(rng.IntN(400)-100) * time.Millisecond).UnixMilli() }
	for range rounds {
		p := pupil(rng.IntN(4))
		var err error
		switch k := rng.IntN(15); {
		case k < 2 || len(questions) == 0:
			questions = append(questions, w.mustInsert(owner, "questions", fmt.Sprintf(`{"session":"%c","text":"%d","right":1,"opens_at":%d}`, 'a'+rng.IntN(3), rng.IntN(9), soon())))
		case k < 3:
			_, err = w.update(owner, "questions", questions[rng.IntN(len(questions))], fmt.Sprintf(`{"session":"%c"}`, 'a'+rng.IntN(3)))
		case k < 4:
			i := rng.IntN(len(questions))
			err = w.remove(owner, "questions", questions[i])
			questions = append(questions[:i], questions[i+1:]...)
		case k < 5:
			_, err = w.insert(owner, "remarks", fmt.Sprintf(`{"question":%d,"text":"%d"}`, questions[rng.IntN(len(questions))], rng.IntN(9)))
		case k < 8 || len(given) == 0:
			given = append(given, w.mustInsert(p, "answers", fmt.Sprintf(`{"choice":%d,"to":"pupil%d","shown":%v}`, rng.IntN(9), rng.IntN(4), rng.IntN(5) == 0)))
		case k < 9:
			_, err = w.update(owner, "answers", given[rng.IntN(len(given))], fmt.Sprintf(`{"choice":%d,"to":"pupil%d"}`, rng.IntN(9), rng.IntN(4)))
		case k < 10:
			i := rng.IntN(len(given))
			err = w.remove(owner, "answers", given[i])
			given = append(given[:i], given[i+1:]...)
		case k < 12 || len(boards) == 0:
			boards = append(boards, w.mustInsert(p, "boards", fmt.Sprintf(`{"session":"%c","until":%d,"shown":%v}`, 'a'+rng.IntN(3), soon(), rng.IntN(4) == 0)))
		case k < 13:
			_, err = w.update(owner, "boards", boards[rng.IntN(len(boards))], fmt.Sprintf(`{"session":"%c","until":%d}`, 'a'+rng.IntN(3), soon()))
		default:
			w.members.set(p.Peer, wire.GroupID(rune('a'+rng.IntN(3))), wire.RoleMember, rng.IntN(3) > 0)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range followers {
		f.until(func(got string) bool { // the clock goes on while one asks
			page, err := w.tables.Query(t.Context(), f.c, f.q)
			if err != nil {
				t.Fatal(err)
			}
			return got == joined(page.Rows)
		})
	}
}

const leaderboard = `"questions":{"columns":{"shown":{"type":"boolean"}},"access":{"read":"open"}},
	"points":{"columns":{"question":{"type":"integer","references":"questions"},"points":{"type":"integer"}},"access":{"read":"none","insert":"open"}}},
	"views":{
		"board":{"sql":"SELECT p._owner AS _id, sum(p.points) AS points, p._owner = $me AS mine FROM points p JOIN questions q ON q._id = p.question WHERE q.shown GROUP BY 1",
			"columns":{"points":{"type":"integer"},"mine":{"type":"boolean"}},"read":"open"},
		"late":{"sql":"SELECT _id, points FROM points WHERE _created_at < $now - 5000","id":"integer","columns":{"points":{"type":"integer"}},"read":"open"}`

func TestWatchOfAView(t *testing.T) {
	t.Parallel()
	w := newWorld(t, leaderboard)
	one, two := w.mustInsert(owner, "questions", `{}`), w.mustInsert(owner, "questions", `{}`)
	f, g := w.follow(pupil(1), "board", `"order":["-points"],"limit":2`, nil), w.follow(pupil(2), "board", `"where":{"mine":true}`, nil)
	f.lines(0)
	for i := range 4 {
		for _, q := range []int64{one, two} {
			w.mustInsert(pupil(i), "points", fmt.Sprintf(`{"question":%d,"points":%d}`, q, i))
		}
	}
	reveal := func(q int64) {
		if _, err := w.update(owner, "questions", q, `{"shown":true}`); err != nil {
			t.Fatal(err)
		}
	}
	reveal(one)
	is := func(want string) func(string) bool { return func(rows string) bool { return rows == want } }
	f.until(is(`{"_id":"pupil3","points":3,"mine":false}` + "\n" + `{"_id":"pupil2","points":2,"mine":false}` + "\n"))
	g.until(is(`{"_id":"pupil2","points":2,"mine":true}` + "\n"))
	reveal(two)
	f.until(is(`{"_id":"pupil3","points":6,"mine":false}` + "\n" + `{"_id":"pupil2","points":4,"mine":false}` + "\n"))
	g.until(is(`{"_id":"pupil2","points":4,"mine":true}` + "\n"))
}

func TestWatchOfAViewFollowsTheClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, leaderboard)
		q := w.mustInsert(owner, "questions", `{}`)
		begin := time.Now()
		w.mustInsert(pupil(1), "points", fmt.Sprintf(`{"question":%d}`, q))
		w.follow(pupil(2), "late", ``, nil).lines(1)
		if took := time.Since(begin); took < 5*time.Second || took > 6100*time.Millisecond {
			t.Errorf("it came after %v, want 5 s and at most one more", took)
		}
	})
}

// Rows from among which many take theirs do not fill the memory, however many different queries there are.
func TestNoRoomToShare(t *testing.T) {
	t.Parallel()
	w := newWorld(t, quiz)
	for range 20 {
		w.mustInsert(anna, "answers", `{"choice":1,"to":"`+strings.Repeat("x", 100)+`"}`)
	}
	w.mustInsert(ben, "answers", `{"choice":1}`)
	h := &w.tables.hub
	h.mu.Lock()
	h.room = 50_000
	h.mu.Unlock()
	var all []*follower
	for i := range 20 {
		f := w.follow(ben, "answers", fmt.Sprintf(`"where":{"choice":{"!=":%d}}`, 100+i), nil)
		f.lines(1)
		all = append(all, f)
	}
	w.mustInsert(ben, "answers", `{"choice":2}`)
	for _, f := range all {
		f.lines(2)
	}
	h.mu.Lock()
	held := 0
	for _, e := range h.evals {
		held += e.held
	}
	if held == 0 || held > 50_000 || h.room != 50_000-held {
		t.Errorf("%d bytes are held, and there is room for %d more", held, h.room)
	}
	h.mu.Unlock()
	for _, f := range all {
		f.stop()
	}
	if h.room != 50_000 {
		t.Errorf("in the end there is room for %d", h.room)
	}
}
