package member

import (
	"context"

	"goop/shared/jsontext"
	"goop/shared/wire"
)

// Reply is the answer to a request, once it has come.
type Reply struct {
	item
	desk *desk
	id   int64
	// strikes counts the streams that the host ended with this request unanswered.
	strikes int
	watch   *watch // set for the request of a watch

	done   chan struct{}
	answer []byte
	err    *wire.Error
}

// Done is closed when the reply is there.
func (r *Reply) Done() <-chan struct{} { return r.done }

// Wait returns the answer: one JSON object, with the id that the member gave. The error is the host's
// refusal, or why there is none. A ctx that ends gives the request up: whether the host has done it, or
// still does, is then unknown.
func (r *Reply) Wait(ctx context.Context) ([]byte, error) {
	select {
	case <-r.done:
	case <-ctx.Done():
		r.desk.settle(r, nil, gaveUp(ctx, "the request had no answer yet when its caller gave up"))
		<-r.done
	}
	if r.err != nil {
		return nil, r.err
	}
	return r.answer, nil
}

// Ask sends one request of the data protocol, a JSON object without an id, and returns at once.
// Requests reach the host in the order of the calls. One that changes something gets a random key when
// it has none, so that it is done once although it is sent again after a lost connection.
func (m *Member) Ask(request []byte) (*Reply, error) {
	r, err := m.desk.ask(request, nil)
	if err != nil {
		return nil, err
	}
	return r, nil
}

// Call is Ask and Wait.
func (m *Member) Call(ctx context.Context, request []byte) (answer []byte, err error) {
	r, err := m.Ask(request)
	if err != nil {
		return nil, err
	}
	return r.Wait(ctx)
}

// Change is one answer of a watch.
type Change struct {
	Answer []byte // the host's line, a JSON object; nil with Err
	// Fresh marks the first answer after each subscription: the whole result. The member subscribes
	// anew after a lost connection.
	Fresh bool
	// Err is set in the last call, when the watch ended although nobody stopped it: the host refused to
	// go on with it, or the member was closed.
	Err *wire.Error
}

// Watch sends a request that goes on to be answered, such as {"op":"watch","table":"moves"}, and
// returns when the first answer has come (fn has had it then). It goes on through lost connections
// until stop is called. fn is called with one change at a time; stop does not wait for a call that runs.
func (m *Member) Watch(ctx context.Context, request []byte, fn func(Change)) (stop func(), err error) {
	w := &watch{fn: fn}
	r, refused := m.desk.ask(request, w)
	if refused != nil {
		return nil, refused
	}
	if _, err := r.Wait(ctx); err != nil {
		m.desk.unwatch(w)
		return nil, err
	}
	return func() { m.desk.unwatch(w) }, nil
}

// compose makes the line of a request: the id and, where it needs one, a key go before what is there.
func (m *Member) compose(id int64, request []byte) ([]byte, *wire.Error) {
	body, err := oneLine(request, jsontext.Object, jsontext.MaxDepth, "the request")
	if err != nil {
		return nil, err
	}
	var op string
	hasKey, empty := false, true
	members := jsontext.MembersOf(body)
	for members.Next() {
		empty = false
		switch string(members.Key) {
		case "id":
			return nil, wire.E(wire.InvalidValue, `the request has an "id"; the member gives it one`)
		case "key":
			hasKey = true
		case "op":
			op, _ = jsontext.Str(members.Value)
		}
	}
	w := jsontext.Writer{B: make([]byte, 0, len(body)+64)}
	w.Begin('{')
	w.Key("id")
	w.Int(id)
	if keyed(op) && !hasKey {
		w.Key("key")
		w.Str(m.newKey())
	}
	if !empty {
		w.B = append(w.B, ',')
	}
	w.B = append(w.B, body[1:]...)
	return append(w.B, '\n'), nil
}

// keyed reports whether an op takes a key: all that change something but claim, which may be repeated.
func keyed(op string) bool {
	switch op {
	case "insert", "insertMany", "update", "updateWhere", "remove", "removeWhere", "upsert", "increment", "batch", "sql",
		"group.create", "group.update", "group.close", "group.invite", "group.revoke",
		"group.kick", "group.ban", "group.unban", "group.setRole":
		return true
	}
	return false
}
