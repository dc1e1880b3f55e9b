package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"goop/host/internal/class"
	"goop/host/node"
	"goop/shared/wire"
)

// teacher leads a session of the built-in quiz, as its page does.
type teacher struct {
	t       *testing.T
	p       *class.Pupil // the connection
	code    string
	session json.Number
}

// object is a JSON object.
type object = map[string]any

// startQuiz starts a host with the built-in quiz and its owner, and a session of the code.
func startQuiz(t *testing.T, code string) (*process, *teacher) {
	t.Helper()
	p := &process{t: t, site: "quiz", data: filepath.Join(t.TempDir(), "data")}
	p.start("127.0.0.1:0")
	t.Cleanup(func() {
		if p.cmd.ProcessState == nil {
			p.kill()
		}
	})
	_, secret, ok := strings.Cut(strings.TrimSpace(p.run("owner-link")), "#goop-owner=")
	if !ok {
		t.Fatal("there is no owner link")
	}
	owner := &teacher{t: t, p: connect(t, p, node.QUIC), code: code}
	owner.call(object{"op": "claim", "secret": secret})
	owner.call(object{"op": "group.create", "config": object{"id": code, "type": "persistent", "listed": false,
		"rights": object{"send": []string{}, "state": []string{}, "seeMembers": []string{}}}})
	owner.session = rowID(t, owner.call(object{"op": "insert", "table": "sessions", "values": object{"code": code, "title": "Sums", "questions": 3}}))
	return p, owner
}

// call makes a request that has to succeed.
func (o *teacher) call(request object) []byte {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(o.t.Context(), time.Minute)
	defer cancel()
	answer, err := o.p.Call(ctx, request)
	if err != nil {
		o.t.Fatalf("the teacher's %v: %v", request, err)
	}
	return answer
}

// ask opens a question in so many milliseconds, for so many. Its text is its number, and so is what is right.
func (o *teacher) ask(number int, in, open int64) json.Number {
	o.t.Helper()
	opens := o.p.Now() + in
	answer := o.call(object{"op": "batch", "operations": []object{
		{"op": "insert", "table": "questions", "values": object{
			"session": o.code, "number": number, "text": fmt.Sprint("question ", number), "choices": []string{"a", "b", "c", "d"},
			"right": number % 4, "seconds": 20, "opens_at": opens, "closes_at": opens + open}},
		{"op": "update", "table": "sessions", "row": o.session, "values": object{"asked": number, "next_at": opens}},
	}})
	var results struct{ Results []json.RawMessage }
	if err := json.Unmarshal(answer, &results); err != nil || len(results.Results) != 2 {
		o.t.Fatalf("ask: %s, %v", answer, err)
	}
	return rowID(o.t, results.Results[0])
}

// reveal shows the right answer of a question.
func (o *teacher) reveal(id json.Number) {
	o.t.Helper()
	now := o.p.Now()
	o.call(object{"op": "update", "table": "questions", "row": id, "values": object{"revealed_at": now, "closes_at": now}})
}

// connect returns a new peer that listens to what it is sent.
func connect(t *testing.T, p *process, transport string) *class.Pupil {
	t.Helper()
	pupil, err := class.Connect(p.page, transport)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pupil.Close)
	return pupil
}

// rowID returns the _id of an answer's row.
func rowID(t *testing.T, answer []byte) json.Number {
	t.Helper()
	var a struct {
		Row struct {
			ID json.Number `json:"_id"`
		}
	}
	if err := json.Unmarshal(answer, &a); err != nil || a.Row.ID == "" {
		t.Fatalf("no row in %s: %v", answer, err)
	}
	return a.Row.ID
}

// TestQuizOfAClass has a hundred students play a quiz. All see the same questions, none is told what is right before
// its time, who is late is refused by the host's clock, and everybody has the same leaderboard in the end.
func TestQuizOfAClass(t *testing.T) {
	t.Parallel()
	const members, rounds = 100, 3
	p, owner := startQuiz(t, "CLASS7")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	pupils := make([]*class.Pupil, members)
	everybody := func(do func(i int, pupil *class.Pupil) error) {
		t.Helper()
		var wg sync.WaitGroup
		for i, pupil := range pupils {
			wg.Go(func() {
				if err := do(i, pupil); err != nil {
					t.Errorf("pupil %d: %v", i, err)
				}
			})
		}
		wg.Wait()
		if t.Failed() {
			t.FailNow()
		}
	}
	for i := range pupils {
		pupils[i] = connect(t, p, transports[i%len(transports)])
	}
	everybody(func(i int, pupil *class.Pupil) error {
		return pupil.Enter(ctx, owner.code, fmt.Sprintf("pupil %03d", i))
	})

	for number := 1; number <= rounds; number++ {
		begun := time.Now()
		id := owner.ask(number, 300, 20_000)
		questions := make([]class.Question, members)
		everybody(func(i int, pupil *class.Pupil) (err error) {
			if questions[i], err = pupil.Asked(ctx, number); err != nil {
				return err
			}
			if now := pupil.Now(); now < questions[i].OpensAt-int64(time.Second/time.Millisecond) {
				return fmt.Errorf("it sees the question %d ms before its time", questions[i].OpensAt-now)
			}
			if i < 90 { // the others think too long
				return pupil.Answer(ctx, questions[i], (number+i)%4)
			}
			return nil
		})
		asked := time.Since(begun)
		everybody(func(i int, pupil *class.Pupil) error {
			if pupil.Heard.Has(`"right"`) {
				return errors.New("the host has sent it something about what is right")
			}
			if i < 90 && !errors.Is(pupil.Answer(ctx, questions[i], number%4), wire.Conflict) {
				return errors.New("it could answer twice")
			}
			return nil
		})
		owner.reveal(id)
		everybody(func(i int, pupil *class.Pupil) error {
			right, err := pupil.Revealed(ctx, questions[i])
			if err != nil || right != number%4 {
				return fmt.Errorf("question %d: got %d, %v as the right answer", number, right, err)
			}
			pupil.Heard.Forget()
			if err := pupil.Answer(ctx, questions[i], right); i >= 90 && !errors.Is(err, wire.Forbidden) {
				return fmt.Errorf("an answer after the reveal: got %v, want forbidden", err)
			}
			return nil
		})
		t.Logf("question %d: %d answers within %v of asking", number, 90, asked.Round(time.Millisecond))
	}

	// Every fourth of those who answer is right, in each round the same.
	var first []class.Place
	var mu sync.Mutex
	done := func(places []class.Place) bool {
		n := 0
		for _, place := range places {
			if place.Correct == rounds {
				n++
			}
		}
		return len(places) == members && n == 23
	}
	everybody(func(i int, pupil *class.Pupil) error {
		places, err := pupil.Board(ctx, done)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		if first == nil {
			first = places
		}
		if !slices.Equal(first, places) {
			return fmt.Errorf("its leaderboard is another one, beginning with %v, not with %v", places[:3], first[:3])
		}
		return nil
	})
	for i, place := range first {
		if got := place.Points; place.Correct == 0 && got != 0 || place.Correct == rounds && (got < rounds*500 || got > rounds*1000) {
			t.Errorf("%v: %d points for %d right answers", place, got, place.Correct)
		}
		if i > 0 && place.Points > first[i-1].Points {
			t.Errorf("%v stands behind %v", place, first[i-1])
		}
	}
	var stored struct{ Count int }
	if err := json.Unmarshal(owner.call(object{"op": "count", "table": "answers"}), &stored); err != nil || stored.Count != 90*rounds {
		t.Errorf("the teacher has %d answers, %v; want %d", stored.Count, err, 90*rounds)
	}
}

// TestQuizClock locks the answers of a question at the second, by the host's clock alone.
func TestQuizClock(t *testing.T) {
	p, owner := startQuiz(t, "CLOCK7")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	punctual, late := connect(t, p, node.QUIC), connect(t, p, node.WebSocket)
	for name, pupil := range map[string]*class.Pupil{"Ann": punctual, "Bob": late} {
		if err := pupil.Enter(ctx, owner.code, name); err != nil {
			t.Fatal(err)
		}
	}
	// A question of the future is not there, and does not look like one: it is refused as one that never was.
	future := owner.ask(1, 60_000, 20_000)
	guess := func(id any) string {
		_, err := punctual.Call(ctx, object{"op": "insert", "table": "answers", "values": object{"question": id, "choice": 0}})
		if err == nil {
			t.Fatalf("an answer to question %v, which is not open, is taken", id)
		}
		return err.Error()
	}
	if there, not := guess(future), guess(future+"7"); strings.ReplaceAll(there, string(future), "N") != strings.ReplaceAll(not, string(future)+"7", "N") {
		t.Errorf("got %q for a question that is not open yet, and %q for one that is not there", there, not)
	}
	// It opens at its time, which nobody has to say, and closes when it was told.
	opens := owner.p.Now() + 400
	owner.call(object{"op": "update", "table": "questions", "row": future, "values": object{"opens_at": opens, "closes_at": opens + 2_000}})
	q, err := late.Asked(ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	if now := late.Now(); now < opens-100 {
		t.Errorf("the question is seen %d ms before its time", opens-now)
	}
	if _, err := punctual.Asked(ctx, 1); err != nil {
		t.Fatal(err)
	}
	if err := punctual.Answer(ctx, q, 1); err != nil {
		t.Errorf("in time: %v", err)
	}
	// The host's clock is that of this machine: by it the time is over to the millisecond.
	for time.Now().UnixMilli() <= opens+2_000 {
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			t.Fatal("time stands still")
		}
	}
	if err := late.Answer(ctx, q, 1); !errors.Is(err, wire.Forbidden) {
		t.Errorf("too late: got %v, want forbidden", err)
	}
}

// TestQuizCheat has a student look for what is right, with a second identity that has nothing to lose.
func TestQuizCheat(t *testing.T) {
	p, owner := startQuiz(t, "CHEAT7")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	honest, cheat, second := connect(t, p, node.QUIC), connect(t, p, node.QUIC), connect(t, p, node.WebTransport)
	stranger := connect(t, p, node.QUIC)
	for name, pupil := range map[string]*class.Pupil{"Ann": honest, "Eve": cheat, "Eva": second} {
		if err := pupil.Enter(ctx, owner.code, name); err != nil {
			t.Fatal(err)
		}
	}
	quiz := rowID(t, owner.call(object{"op": "insert", "table": "quizzes", "values": object{"title": "Sums"}}))
	owner.call(object{"op": "insert", "table": "items", "values": object{"quiz": quiz, "position": 1, "text": "question 1", "choices": []string{"a", "b"}, "right": 1, "seconds": 20}})
	id := owner.ask(1, 0, 60_000)
	next := owner.ask(2, 3_600_000, 60_000) // in an hour
	owner.call(object{"op": "update", "table": "sessions", "row": owner.session, "values": object{"asked": 1}})
	q, err := cheat.Asked(ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := honest.Answer(ctx, q, 1); err != nil {
		t.Fatal(err)
	}
	if err := second.Answer(ctx, q, 2); err != nil {
		t.Fatal(err)
	}
	here := object{"session": owner.code}
	mine := rowID(t, owner.call(object{"op": "insert", "table": "players", "values": object{"session": owner.code, "nickname": "Teacher"}}))
	for name, attempt := range map[string]struct {
		request object
		want    wire.Code // "" when it succeeds
		answer  string    // what it brings then, as a part of the answer
	}{
		"where right":      {object{"op": "query", "table": "questions", "where": object{"right": 1}}, wire.NoSuchColumn, ""},
		"order right":      {object{"op": "query", "table": "questions", "order": []string{"right"}}, wire.NoSuchColumn, ""},
		"columns right":    {object{"op": "query", "table": "questions", "columns": []string{"right"}}, wire.NoSuchColumn, ""},
		"count right":      {object{"op": "count", "table": "questions", "where": object{"right": 1}}, wire.NoSuchColumn, ""},
		"max right":        {object{"op": "aggregate", "table": "questions", "compute": object{"n": object{"max": "right"}}}, wire.NoSuchColumn, ""},
		"by right":         {object{"op": "aggregate", "table": "questions", "by": []string{"right"}, "compute": object{"n": "count"}}, wire.NoSuchColumn, ""},
		"watch right":      {object{"op": "watch", "table": "questions", "where": object{"right": 1}}, wire.NoSuchColumn, ""},
		"through":          {object{"op": "query", "table": "answers", "where": object{"question.right": 1}}, wire.BadQuery, ""},
		"all of it":        {object{"op": "query", "table": "questions"}, "", `"number":1`},
		"not yet asked":    {object{"op": "get", "table": "questions", "row": next}, wire.NotFound, ""},
		"how many":         {object{"op": "count", "table": "questions"}, "", `"count":1`},
		"reveal":           {object{"op": "query", "table": "reveal", "where": here}, "", `"rows":[]`},
		"distribution":     {object{"op": "query", "table": "distribution", "where": here}, "", `"rows":[]`},
		"points":           {object{"op": "aggregate", "table": "leaderboard", "where": here, "compute": object{"n": object{"sum": "points"}}}, "", `"n":0`},
		"items":            {object{"op": "query", "table": "items"}, wire.Forbidden, ""},
		"progress":         {object{"op": "query", "table": "progress"}, wire.Forbidden, ""},
		"results":          {object{"op": "query", "table": "results"}, wire.Forbidden, ""},
		"sql":              {object{"op": "sql", "text": "SELECT right FROM questions"}, wire.Forbidden, ""},
		"others' answers":  {object{"op": "query", "table": "answers"}, "", `"rows":[]`},
		"their number":     {object{"op": "count", "table": "answers", "where": object{"question": id}}, "", `"count":0`},
		"by choice":        {object{"op": "aggregate", "table": "answers", "by": []string{"choice"}, "compute": object{"n": "count"}}, "", `"rows":[]`},
		"others' names":    {object{"op": "query", "table": "players", "where": object{"nickname": "Ann"}}, "", `"rows":[]`},
		"another's name":   {object{"op": "update", "table": "players", "row": mine, "values": object{"nickname": "Eve II"}}, wire.NotFound, ""},
		"open it":          {object{"op": "update", "table": "questions", "row": id, "values": object{"closes_at": q.ClosesAt + 1000}}, wire.Forbidden, ""},
		"reveal it":        {object{"op": "updateWhere", "table": "questions", "where": here, "values": object{"revealed_at": q.OpensAt}}, wire.Forbidden, ""},
		"ask":              {object{"op": "insert", "table": "questions", "values": object{"session": owner.code, "number": 9, "text": "?", "choices": []string{}, "seconds": 5, "opens_at": 1, "closes_at": 2}}, wire.Forbidden, ""},
		"as Ann":           {object{"op": "insert", "table": "answers", "values": object{"question": id, "choice": 0, "_owner": "12D3KooW"}}, wire.InvalidValue, ""},
		"back in time":     {object{"op": "insert", "table": "answers", "values": object{"question": id, "choice": 0, "_created_at": q.OpensAt}}, wire.InvalidValue, ""},
		"two and one back": {object{"op": "batch", "operations": []object{{"op": "insert", "table": "answers", "values": object{"question": id, "choice": 0}}, {"op": "insert", "table": "answers", "values": object{"question": id, "choice": 1}}}}, wire.Conflict, ""},
		"say something":    {object{"op": "batch", "operations": []object{{"op": "send", "group": owner.code, "payload": "it is b"}}}, wire.Forbidden, ""},
	} {
		answer, err := cheat.Call(ctx, attempt.request)
		switch {
		case attempt.want != "" && !errors.Is(err, attempt.want):
			t.Errorf("%s: got %s, %v; want %s", name, answer, err, attempt.want)
		case attempt.want == "" && (err != nil || !strings.Contains(string(answer), attempt.answer)):
			t.Errorf("%s: got %s, %v; want %s", name, answer, err, attempt.answer)
		}
	}
	schema, err := cheat.Call(ctx, object{"op": "schema", "table": "questions"})
	if err != nil || strings.Contains(string(schema), "right") {
		t.Errorf("the schema of questions: %s, %v", schema, err)
	}
	if rows, err := stranger.Call(ctx, object{"op": "query", "table": "questions"}); err != nil || !strings.Contains(string(rows), `"rows":[]`) {
		t.Errorf("who does not know the code sees %s, %v", rows, err)
	}
	if _, err := stranger.Call(ctx, object{"op": "insert", "table": "answers", "values": object{"question": id, "choice": 0}}); !errors.Is(err, wire.InvalidValue) {
		t.Errorf("who does not know the code answers: %v", err)
	}

	// After the answer nothing can be changed.
	if err := cheat.Answer(ctx, q, 0); err != nil {
		t.Fatal(err)
	}
	answers, err := cheat.Call(ctx, object{"op": "query", "table": "answers"})
	if err != nil {
		t.Fatal(err)
	}
	var own struct {
		Rows []struct {
			ID json.Number `json:"_id"`
		}
	}
	if err := json.Unmarshal(answers, &own); err != nil || len(own.Rows) != 1 {
		t.Fatalf("its answers: %s, %v", answers, err)
	}
	answer := own.Rows[0].ID
	for name, request := range map[string]object{
		"update":     {"op": "update", "table": "answers", "row": answer, "values": object{"choice": 1}},
		"remove":     {"op": "remove", "table": "answers", "row": answer},
		"increment":  {"op": "increment", "table": "answers", "row": answer, "values": object{"choice": 1}},
		"upsert":     {"op": "upsert", "table": "answers", "values": object{"question": id, "choice": 1}},
		"all":        {"op": "updateWhere", "table": "answers", "where": object{}, "values": object{"choice": 1}},
		"remove all": {"op": "removeWhere", "table": "answers", "where": object{}},
	} {
		if got, err := cheat.Call(ctx, request); !errors.Is(err, wire.Forbidden) {
			t.Errorf("%s of an answer: got %s, %v; want forbidden", name, got, err)
		}
	}

	// What the host has sent to any of them tells nothing: but for what they asked with, and got back in an error,
	// the word is not there.
	for name, pupil := range map[string]*class.Pupil{"Ann": honest, "Eva": second} {
		if pupil.Heard.Has(`"right"`) {
			t.Errorf("the host has sent to %s: %s", name, pupil.Heard.Bytes())
		}
	}
	questions := `"table":"questions"`
	if heard := string(cheat.Heard.Bytes()); strings.Contains(heard, `"right":`) || strings.Contains(heard, questions+`,"right"`) {
		t.Errorf("the host has sent to the cheat: %s", heard)
	}
	owner.reveal(id)
	if right, err := cheat.Revealed(ctx, q); err != nil || right != 1 {
		t.Errorf("the reveal: got %d, %v", right, err)
	}
	places, err := cheat.Board(ctx, func(places []class.Place) bool { return len(places) == 4 && places[0].Points > 0 })
	if err != nil || places[0].Nickname != "Ann" || places[1].Points != 0 {
		t.Errorf("the leaderboard: %v, %v", places, err)
	}
}

// TestQuizPoints counts points by the host's own times: half of them for the right answer, half for being quick.
func TestQuizPoints(t *testing.T) {
	p, owner := startQuiz(t, "POINT7")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	pupil := connect(t, p, node.QUIC)
	if err := pupil.Enter(ctx, owner.code, "Ann"); err != nil {
		t.Fatal(err)
	}
	id := owner.ask(1, -10_000, 20_000) // half of its time is over
	q, err := pupil.Asked(ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := pupil.Answer(ctx, q, 1); err != nil {
		t.Fatal(err)
	}
	places, err := pupil.Board(ctx, func(places []class.Place) bool { return len(places) == 1 })
	if err != nil || places[0].Points != 0 {
		t.Errorf("before the reveal: %v, %v", places, err)
	}
	owner.reveal(id)
	if places, err = pupil.Board(ctx, func(places []class.Place) bool { return places[0].Points != 0 }); err != nil {
		t.Fatal(err)
	}
	var results struct {
		Rows []struct {
			Took, Points int64
			Correct      bool
		}
	}
	raw := owner.call(object{"op": "query", "table": "results", "where": object{"session": owner.code}})
	if err := json.Unmarshal(raw, &results); err != nil || len(results.Rows) != 1 {
		t.Fatalf("results: %s, %v", raw, err)
	}
	r := results.Rows[0]
	if want := 1000 - 500*r.Took/20_000; r.Took < 10_000 || !r.Correct || r.Points != want || places[0].Points != want || places[0].Gained != want {
		t.Errorf("got %+v and %+v, want %d points", r, places[0], want)
	}
	// Whoever the teacher takes off the list is not on the leaderboard, and may come back under another name.
	owner.call(object{"op": "remove", "table": "players", "row": places[0].ID})
	if _, err := pupil.Board(ctx, func(places []class.Place) bool { return len(places) == 0 }); err != nil {
		t.Error(err)
	}
	if _, err := pupil.Call(ctx, object{"op": "insert", "table": "players", "values": object{"session": owner.code, "nickname": "Anna"}}); err != nil {
		t.Error(err)
	}
	if _, err := connect(t, p, node.QUIC).Call(ctx, object{"op": "insert", "table": "players", "values": object{"session": owner.code, "nickname": "Ben"}}); !errors.Is(err, wire.Forbidden) {
		t.Errorf("a name of who is not there: got %v, want forbidden", err)
	}
}
