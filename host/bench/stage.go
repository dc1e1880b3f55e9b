package bench

import (
	"context"
	"errors"
	"fmt"

	"goop/host/bench/load"
	"goop/shared/member"
)

// stage is the members of a run of scenario features, who are connected once and join a group for each turn of a feature.
type stage struct {
	host    *Host
	people  *people
	members []*member.Member
	guests  []*member.Member // who send nothing, and are counted nowhere
}

// open connects the members.
func (s *stage) open(ctx context.Context) error {
	all := *s.host.bench
	all.Members += guests
	s.people = newPeople(&all)
	list := make([]*member.Member, all.Members)
	err := s.people.come(ctx, 0, "connected", func(ctx context.Context, i int) (func() error, error) {
		m, done, err := s.host.Member()
		if err != nil {
			return nil, err
		}
		list[i] = m
		if _, err := m.Call(ctx, []byte(`{"op":"role"}`)); err != nil { // the answer comes over the connection
			return nil, errors.Join(err, done())
		}
		return done, nil
	})
	s.guests, s.members = list[:guests], list[guests:]
	return err
}

func (s *stage) close() error {
	if s.people == nil {
		return nil
	}
	return s.people.close()
}

// play gives a feature one turn.
func (s *stage) play(ctx context.Context, f *feature, p load.Plan) (res load.Result, err error) {
	t := &turn{stage: s, feature: f}
	defer func() {
		if e := t.stop(); err == nil {
			err = e
		}
	}()
	res, err = load.Run(ctx, t, p, s.host.Process(), nil)
	wrong := res.Duplicates + res.OutOfOrder
	if !f.lossy {
		wrong += res.Missing
	}
	if err == nil && (wrong != 0 || res.Refused != 0 || res.Delivered == 0) {
		err = fmt.Errorf("deliveries were wrong: %d of %d missing, %d twice, %d out of order, %d not sent %s",
			res.Missing, res.Expected, res.Duplicates, res.OutOfOrder, res.Refused, res.Why)
	}
	return res, err
}

// turn is one turn of a feature, as a system under load.
type turn struct {
	stage   *stage
	feature *feature
	besides func() error // ends what goes on beside the messages; nil for nothing
}

// Name implements load.System.
func (t *turn) Name() string { return t.feature.name }

// Connect implements load.System. Who is connected joins.
func (t *turn) Connect(ctx context.Context, i int, got func([]byte)) (load.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, joinTime)
	defer cancel()
	s, err := t.stage.members[i].Join(ctx, t.feature.group, member.JoinOptions{Text: reader(got)})
	if err != nil {
		return nil, err
	}
	return &player{session: s, i: i, feature: t.feature}, nil
}

// Phase implements load.Phaser.
func (t *turn) Phase(ctx context.Context, now load.Phase) (err error) {
	switch {
	case now == load.Connected && t.feature.beside != nil:
		t.besides, err = t.feature.beside(ctx, t.stage)
	case now == load.Drained:
		err = t.stop()
	}
	return err
}

// stop ends what goes on beside the messages, if it has not ended.
func (t *turn) stop() error {
	end := t.besides
	if t.besides = nil; end == nil {
		return nil
	}
	return end()
}

// player is one member in a turn.
type player struct {
	session *member.Session
	i       int
	feature *feature
	sent    int
}

// Send implements load.Client.
func (p *player) Send(payload []byte) error {
	p.sent++
	return p.feature.post(p.session, p.i, p.sent, payload)
}

// Close implements load.Client.
func (p *player) Close() error { return p.session.Leave(context.Background()) }
