package class

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"goop/host/node"
	"goop/shared/member"
	"goop/shared/wire"
)

// Pupil is one student. It may be used by many goroutines.
type Pupil struct {
	Nickname string
	Heard    *Heard // what the host has sent

	member    *member.Member
	dialer    *node.Dialer
	code      string
	player    int64
	questions *view
	reveals   *view
	board     *view
}

// Question is what a student is asked.
type Question struct {
	ID       int64           `json:"_id"`
	Number   int             `json:"number"`
	Text     string          `json:"text"`
	Choices  []string        `json:"choices"`
	Seconds  int64           `json:"seconds"`
	OpensAt  int64           `json:"opens_at"`  // milliseconds by the host's clock
	ClosesAt int64           `json:"closes_at"` // milliseconds by the host's clock
	Row      json.RawMessage `json:"-"`
}

// Place is a line of the leaderboard.
type Place struct {
	ID       int64  `json:"_id"`
	Nickname string `json:"nickname"`
	Points   int64  `json:"points"`
	Correct  int64  `json:"correct"`
	Gained   int64  `json:"gained"`
}

// Connect is a new peer at the host of that page, over one of package node's transports. It is in no quiz yet.
func Connect(page, transport string) (*Pupil, error) {
	d, err := node.NewDialer(node.DialerOptions{Descriptor: node.FetchDescriptor(page), Transport: transport})
	if err != nil {
		return nil, err
	}
	p := &Pupil{dialer: d, Heard: &Heard{}}
	p.member = member.New(member.Options{Dialer: listening{d, p.Heard}})
	p.member.Start()
	return p, nil
}

// Enter joins the session of that code under a nickname, and follows it.
func (p *Pupil) Enter(ctx context.Context, code, nickname string) error {
	if err := p.Join(ctx, code); err != nil {
		return err
	}
	p.Nickname = nickname
	answer, err := p.Call(ctx, map[string]any{"op": "insert", "table": "players", "values": map[string]any{"session": code, "nickname": nickname}})
	if err != nil {
		return fmt.Errorf("insert %s: %w", nickname, err)
	}
	var inserted struct {
		Row struct {
			ID int64 `json:"_id"`
		}
	}
	if err := json.Unmarshal(answer, &inserted); err != nil {
		return err
	}
	p.player = inserted.Row.ID
	return p.Follow(ctx)
}

// Join only joins the session's group.
func (p *Pupil) Join(ctx context.Context, code string) error {
	p.code = code
	if _, err := p.member.Join(ctx, wire.GroupID(code), member.JoinOptions{Handler: member.HandlerFunc(func([]member.Event) {})}); err != nil {
		return fmt.Errorf("join %s: %w", code, err)
	}
	return nil
}

// Follow begins the live queries of a student's page.
func (p *Pupil) Follow(ctx context.Context) error {
	here := map[string]any{"session": p.code}
	var err error
	if p.questions, err = p.watch(ctx, map[string]any{"op": "watch", "table": "questions", "where": here, "order": []string{"-number"}, "limit": 1}); err != nil {
		return err
	}
	if p.reveals, err = p.watch(ctx, map[string]any{"op": "watch", "table": "reveal", "where": here, "order": []string{"-number"}, "limit": 1}); err != nil {
		return err
	}
	if _, err = p.watch(ctx, map[string]any{"op": "watch", "table": "distribution", "where": here, "order": []string{"-question", "choice"}, "limit": 6}); err != nil {
		return err
	}
	p.board, err = p.watch(ctx, map[string]any{"op": "watch", "table": "leaderboard", "where": here, "order": []string{"-points", "nickname"}, "limit": 1000})
	return err
}

// Close ends the pupil.
func (p *Pupil) Close() {
	p.member.Close()
	p.dialer.Close()
}

// Call makes a data request.
func (p *Pupil) Call(ctx context.Context, request map[string]any) ([]byte, error) {
	text, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	return p.member.Call(ctx, text)
}

// Now returns the host's clock in milliseconds, as this member knows it.
func (p *Pupil) Now() int64 {
	ms, _ := p.member.Now()
	return ms
}

// Asked waits for the question of that number.
func (p *Pupil) Asked(ctx context.Context, number int) (Question, error) {
	var q Question
	err := p.questions.await(ctx, func(rows []json.RawMessage) bool {
		q = Question{}
		return len(rows) > 0 && json.Unmarshal(rows[0], &q) == nil && q.Number == number
	})
	if err != nil {
		return q, fmt.Errorf("%s waits for question %d: %w", p.Nickname, number, err)
	}
	return q, nil
}

// Answer answers a question.
func (p *Pupil) Answer(ctx context.Context, q Question, choice int) error {
	_, err := p.Call(ctx, map[string]any{"op": "insert", "table": "answers", "values": map[string]any{"question": q.ID, "choice": choice}})
	return err
}

// Revealed waits until the right answer of a question is told.
func (p *Pupil) Revealed(ctx context.Context, q Question) (right int, err error) {
	var r struct {
		ID    int64 `json:"_id"`
		Right int   `json:"right"`
	}
	err = p.reveals.await(ctx, func(rows []json.RawMessage) bool {
		return len(rows) > 0 && json.Unmarshal(rows[0], &r) == nil && r.ID == q.ID
	})
	return r.Right, err
}

// Board waits until the leaderboard is as ok wants it, and returns it.
func (p *Pupil) Board(ctx context.Context, ok func([]Place) bool) ([]Place, error) {
	var places []Place
	err := p.board.await(ctx, func(rows []json.RawMessage) bool {
		places = make([]Place, len(rows))
		for i, row := range rows {
			if json.Unmarshal(row, &places[i]) != nil {
				return false
			}
		}
		return ok(places)
	})
	if err != nil {
		return places, fmt.Errorf("%s waits for the leaderboard: %w", p.Nickname, err)
	}
	return places, nil
}

func (p *Pupil) watch(ctx context.Context, request map[string]any) (*view, error) {
	text, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	v := &view{changed: make(chan struct{})}
	if _, err := p.member.Watch(ctx, text, v.take); err != nil {
		return nil, fmt.Errorf("%s: %w", text, err)
	}
	return v, nil
}

// view is the result of a live query.
type view struct {
	// mu guards the following.
	mu      sync.Mutex
	rows    map[string]json.RawMessage // by _id
	order   []string
	err     error
	changed chan struct{} // closed and made anew with each change
}

// take takes in an answer.
func (v *view) take(c member.Change) {
	var answer struct {
		Rows, Added, Changed []json.RawMessage
		Removed, Order       []json.RawMessage
		Places               [][2]json.RawMessage // an id, and where it stands
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	defer func() {
		close(v.changed)
		v.changed = make(chan struct{})
	}()
	if c.Err != nil {
		v.err = c.Err
		return
	}
	if err := json.Unmarshal(c.Answer, &answer); err != nil {
		v.err = err
		return
	}
	if c.Fresh {
		v.rows, v.order = map[string]json.RawMessage{}, nil
	}
	for _, id := range answer.Removed {
		delete(v.rows, string(id))
		v.order = slices.DeleteFunc(v.order, func(known string) bool { return known == string(id) })
	}
	for _, list := range [][]json.RawMessage{answer.Rows, answer.Added, answer.Changed} {
		for _, row := range list {
			var r struct {
				ID json.RawMessage `json:"_id"`
			}
			if err := json.Unmarshal(row, &r); err != nil {
				v.err = err
				return
			}
			if _, known := v.rows[string(r.ID)]; !known {
				v.order = append(v.order, string(r.ID))
			}
			v.rows[string(r.ID)] = row
		}
	}
	for _, place := range answer.Places {
		v.order = slices.DeleteFunc(v.order, func(known string) bool { return known == string(place[0]) })
	}
	for _, place := range answer.Places {
		var at int
		if v.err = json.Unmarshal(place[1], &at); v.err != nil || at > len(v.order) {
			return
		}
		v.order = slices.Insert(v.order, at, string(place[0]))
	}
	if answer.Order != nil {
		v.order = v.order[:0]
		for _, id := range answer.Order {
			v.order = append(v.order, string(id))
		}
	}
}

// await waits until the rows are as ok wants them.
func (v *view) await(ctx context.Context, ok func(rows []json.RawMessage) bool) error {
	for {
		v.mu.Lock()
		rows := make([]json.RawMessage, len(v.order))
		for i, id := range v.order {
			rows[i] = v.rows[id]
		}
		changed, err := v.changed, v.err
		v.mu.Unlock()
		switch {
		case err != nil:
			return err
		case ok(rows):
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
