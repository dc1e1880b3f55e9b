package bench

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"goop/host/bench/load"
	"goop/shared/member"
	"goop/shared/wire"
)

// joinTime is how long one member has to connect and to join.
const joinTime = time.Minute

// crew is the members of a group, as a system under load.
type crew struct {
	host  *Host
	gauge *gauge
	lost  atomic.Int64 // connections
}

// Name implements load.System.
func (c *crew) Name() string { return "goop" }

// Phase implements load.Phaser.
func (c *crew) Phase(ctx context.Context, now load.Phase) error { return c.gauge.phase(ctx, now) }

// Connect implements load.System.
func (c *crew) Connect(ctx context.Context, _ int, got func([]byte)) (load.Client, error) {
	m, done, err := c.host.watched(func(s member.Status) {
		if s.State == member.Offline && s.Self != "" { // it had been connected
			c.lost.Add(1)
		}
	})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, joinTime)
	defer cancel()
	s, err := m.Join(ctx, c.host.Group(), member.JoinOptions{Text: reader(got)})
	if err != nil {
		err = c.explain(err, m.Status())
		return nil, errors.Join(err, done())
	}
	return &mate{s, done}, nil
}

// explain says why a member is not in the group: mostly its connection has the reason.
func (c *crew) explain(err error, s member.Status) error {
	switch {
	case errors.Is(err, wire.NoSuchGroup) && !c.host.Own():
		return fmt.Errorf("the host at %s has no group %q that everybody may join (--group names another one)", c.host.URL, c.host.Group())
	case s.State != member.Online && s.Err != nil:
		return fmt.Errorf("it is not connected: %s", cmp.Or(s.Err.Message, string(s.Err.Code)))
	}
	return err
}

// before stands in front of a payload of the load's in the text of an event, be it a message's or a key of a patch.
var before = []byte(`":{"s":`)

// reader gives the payloads of a session's entries to the load. It looks for them in the events' text, as the load
// has to be cheaper than what it measures, and reads no further than to a payload's stamp: the payload that got is
// called with may have more behind it.
func reader(got func([]byte)) func([]byte) {
	return func(events []byte) {
		for {
			i := bytes.Index(events, before)
			if i < 0 {
				return
			}
			events = events[i+len(before)-len(`{"s":`):]
			got(events)
		}
	}
}

// mate is one member of a crew.
type mate struct {
	session *member.Session
	done    func() error
}

// Send implements load.Client.
func (m *mate) Send(payload []byte) error {
	_, err := m.session.Post(payload, member.SendOptions{})
	return err
}

// Close implements load.Client. It does not wait for the host to let the member go.
func (m *mate) Close() error { return m.done() }
