package dataserve

import (
	"errors"
	"slices"
	"strings"

	"goop/shared/data"
	"goop/shared/group"
	"goop/shared/wire"
)

// change makes one change of a table, once, and returns the line of its answer.
func (c *conn) change(r *data.Request) ([]byte, error) {
	caller := c.caller()
	writes, err := c.s.Site.Writes(r, caller)
	if err != nil {
		return nil, err
	}
	answers, err := c.s.Tables.Do(c.ctx, caller, r.WriteKey(), writes)
	if err != nil {
		return nil, err
	}
	return data.AppendFields(nil, r.ID, answers[0]), nil
}

// batch makes all changes of a batch, or none.
func (c *conn) batch(r *data.Request) ([]byte, error) {
	caller := c.caller()
	writes, err := c.s.Site.Writes(r, caller)
	if err != nil {
		return nil, err
	}
	var answers [][]byte
	if i := slices.IndexFunc(writes, func(w data.Write) bool { return w.Op == data.OpSend }); i >= 0 {
		answers, err = c.batchWithSend(r, caller, writes, i)
	} else if answers, err = c.s.Tables.Do(c.ctx, caller, r.WriteKey(), writes); len(writes) == 1 {
		err = inOperation(0, err)
	}
	if err != nil {
		return nil, err
	}
	return data.AppendResults(nil, r.ID, answers), nil
}

// batchWithSend makes the changes in the transaction that appends the message of one of them.
func (c *conn) batchWithSend(r *data.Request, caller group.Caller, writes []data.Write, i int) ([][]byte, error) {
	joined, err := c.s.Tables.Join(c.ctx, caller, r.WriteKey(), writes)
	if err != nil {
		return nil, err
	}
	if answers := joined.Answers(); answers != nil { // they were made before: the group need not be there any more
		return answers, nil
	}
	send := &writes[i]
	if _, err := c.s.Groups.Send(c.ctx, caller, send.Group, group.Draft{Payload: send.Payload, With: joined}); err != nil {
		return nil, inOperation(i, err)
	}
	return joined.Answers(), nil
}

// inOperation says in an error which operation of a batch it is about, unless it says so already or is
// about all of them.
func inOperation(i int, err error) error {
	e, ok := errors.AsType[*wire.Error](err)
	if !ok || strings.HasPrefix(e.Message, "operation ") {
		return err
	}
	switch e.Code {
	case wire.IDConflict, wire.Timeout, wire.StorageFull, wire.Closed, wire.Internal:
		return err
	}
	return data.InOperation(i, e)
}

// sql runs a statement of the site's owner.
func (c *conn) sql(r *data.Request) ([]byte, error) {
	caller := c.caller()
	if !caller.Owner {
		return nil, wire.E(wire.Forbidden, `"sql" is for the site's owner`)
	}
	answer, err := c.s.Tables.SQL(c.ctx, caller, r.WriteKey(), r.Text, r.Params)
	if err != nil {
		return nil, err
	}
	return data.AppendFields(nil, r.ID, answer), nil
}
