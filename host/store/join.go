package store

import (
	"context"
	"errors"
	"runtime/debug"
	"slices"
	"strconv"
	"time"

	"goop/shared/data"
	"goop/shared/group"
	"goop/shared/jsontext"
	"goop/shared/wire"
)

// joint are changes that are made together with a message; the log runs them.
type joint struct {
	*request
	send int // the step that is the send
}

// Join prepares changes, one of which is a send: the draft that has them as its companion is that message.
// They are made in its transaction, and it is appended only if they can be. When they have been made under
// the same key before, what is returned has the answers already; when that is so only later, the message is
// the one of that time.
func (ts *Tables) Join(ctx context.Context, c group.Caller, k data.WriteKey, writes []data.Write) (data.Joined, error) {
	d, err := ts.request(c, k, writes)
	if err != nil {
		return nil, err
	}
	send := slices.IndexFunc(writes, func(w data.Write) bool { return w.Op == data.OpSend })
	if send < 0 {
		return nil, errors.New("store: no send to join")
	}
	found, err := d.before(ctx)
	if err == nil && !found {
		err = d.prepare(ctx)
	}
	if err != nil {
		return nil, err
	}
	return &joint{d, send}, nil
}

// Companion marks what a draft may carry.
func (j *joint) Companion() {}

// Answers returns the answers, once the message has been appended.
func (j *joint) Answers() [][]byte { return j.answers }

// companion returns the changes that a draft carries, nil for none.
func companion(d *group.Draft) (*joint, error) {
	if d.With == nil {
		return nil, nil
	}
	j, ok := d.With.(*joint)
	if !ok {
		return nil, errors.New("store: a draft with changes of another store")
	}
	return j, nil
}

// before finds what became of the same request, if it came before.
func (j *joint) before(tx *Tx) (r group.Result, known bool, err error) {
	answer, known, err := tx.answered(&j.key, tx.now)
	if err != nil || !known {
		return r, false, err
	}
	j.answers = j.split(answer)
	r.Dup = true
	for m := jsontext.MembersOf(j.answers[j.send]); m.Next(); {
		n, err := jsontext.Int(m.Value)
		if err != nil {
			return r, false, err
		}
		switch string(m.Key) {
		case "seq":
			r.Seq = n
		case "time":
			r.Time = n
		}
	}
	return r, true, nil
}

// with makes the changes together with a message. A panic is an error of that message alone: there are others in
// the log's transaction, and nobody above whom a panic would not end.
func (j *joint) with(tx *Tx, seq int64) (err error) {
	defer func() {
		if p := recover(); isNoMemory(p) {
			err = errNoMemory()
		} else if p != nil {
			tx.db.log.Error("changes together with a message panicked", "panic", p, "stack", string(debug.Stack()))
			err = wire.E(wire.Internal, "the host failed; its log has the details")
		}
	}()
	w := jsontext.Writer{}
	w.Begin('{')
	w.Key("seq")
	w.Raw(strconv.AppendInt(nil, seq, 10))
	w.Key("time")
	w.Int(tx.now)
	w.End('}')
	if j.bound(); j.limit == nil { // the log's transaction has no end, for the sake of the messages in it
		j.limit = &limit{Context: context.Background(), end: time.Now().Add(tx.db.limits.WriteTimeout)}
	}
	if err := j.do(tx, w.B); err != nil {
		return settled(err)
	}
	return tx.keep(&j.key, j.request.joined())
}
