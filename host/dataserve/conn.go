package dataserve

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime/debug"
	"strconv"
	"sync"

	"goop/shared/data"
	"goop/shared/group"
	"goop/shared/link"
	"goop/shared/wire"
)

// errEnd ends what goes on for a stream whose member has ended its half, or has made a fatal mistake.
var errEnd = errors.New("dataserve: the stream is at its end")

// conn is one stream.
type conn struct {
	s       *Server
	peer    wire.PeerID
	paces   *paces // of the peer
	st      link.Stream
	ctx     context.Context // of all requests; ends with the stream
	cancel  context.CancelCauseFunc
	out     *outbox
	pending *budget

	requests sync.WaitGroup // those under way, waiting writes included
	watching sync.WaitGroup

	// mu guards the following.
	mu      sync.Mutex
	writes  []request // that wait, in their order; the budget bounds them
	writing bool      // a goroutine does them
	watches map[int64]*watch
	watched int // bytes of the rows of all watches
}

// request is a request under way, and the bytes that it takes from the budget.
type request struct {
	*data.Request
	size int
}

// serve reads until the stream ends, and ends it. All that it began has then ended.
func (c *conn) serve() {
	last, err := c.read()
	if err == nil && last == nil {
		// The member has said all that it had to say, and gets its answers.
		c.requests.Wait()
	}
	c.cancel(errEnd)
	c.requests.Wait()
	c.watching.Wait()
	c.out.close(last)
	if err != nil {
		c.s.Logger.Debug("data stream lost", "peer", c.peer, "err", err)
		_ = c.st.Reset()
		return
	}
	_ = c.st.CloseWrite() // what fails here has been lost, which the member notices
	if last != nil {
		link.AwaitEnd(c.st, farewell)
	}
	_ = c.st.Close()
}

// read takes in requests until the stream ends. The line that it returns is a fatal error, the last one
// that the member gets; the error is that of a stream that was lost.
func (c *conn) read() (last []byte, err error) {
	r := link.NewReader(c.st, c.s.line)
	for {
		line, err := r.ReadLine()
		switch {
		case err == nil:
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF): // half a line is no request
			return nil, nil
		case errors.Is(err, link.ErrLineTooLong):
			return data.AppendError(nil, 0, false, &wire.Error{Code: wire.TooLarge, Fatal: true,
				Message: "a line is at most " + strconv.Itoa(c.s.line) + " bytes long"}), nil
		default:
			return nil, err
		}
		if id, ok := data.TimeRequest(line); ok {
			err = c.out.time(c.ctx, id)
		} else {
			last, err = c.take(line)
		}
		if last != nil || err != nil {
			return last, err
		}
	}
}

// take takes in one line, and returns what read returns when it is the last one. It is not part of read because a
// request is large: read's frame lies below every wait for a line, and its size decides how large a stack a silent
// member holds.
//
//go:noinline
func (c *conn) take(line []byte) (last []byte, err error) {
	line = bytes.Clone(line) // the reader's memory is used again
	req, err := data.DecodeRequest(line)
	if err == nil {
		return nil, c.start(request{&req, len(line)})
	}
	e := c.s.refusal(err, "request", c.peer)
	answer := data.AppendError(nil, req.ID, req.HasID, e)
	if e.Fatal {
		return answer, nil
	}
	return nil, c.out.put(c.ctx, answer)
}

// start begins what a request asks for. It waits while too much is under way; an error is that of a
// stream that is lost.
func (c *conn) start(r request) error {
	if r.Op == data.OpTime {
		return c.out.time(c.ctx, r.ID)
	}
	if err := c.pending.spend(c.ctx, r.size); err != nil {
		return err
	}
	switch {
	case r.Waits():
		c.queue(r)
	case r.Op == data.OpWatch:
		c.watch(r)
	default:
		c.requests.Go(func() {
			select {
			case c.paces.slots <- struct{}{}:
				defer func() { <-c.paces.slots }()
			case <-c.ctx.Done():
			}
			c.paces.wait(c.ctx, r.Request)
			c.answer(r)
		})
	}
	return nil
}

// queue has a write done after those that came before it, by a goroutine that is there only while there are some: most
// members write seldom, and many are there.
func (c *conn) queue(r request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writes = append(c.writes, r)
	if !c.writing {
		c.writing = true
		c.requests.Go(c.doWrites)
	}
}

func (c *conn) doWrites() {
	for {
		c.mu.Lock()
		if len(c.writes) == 0 {
			c.writes, c.writing = nil, false
			c.mu.Unlock()
			return
		}
		r := c.writes[0]
		c.writes[0] = request{}
		c.writes = c.writes[1:]
		c.mu.Unlock()
		c.paces.wait(c.ctx, r.Request)
		c.answer(r)
	}
}

// answer does a request and puts its answer.
func (c *conn) answer(r request) {
	defer c.pending.free(r.size)
	if c.ctx.Err() != nil {
		return
	}
	line, err := c.guarded(r.Request)
	if c.ctx.Err() != nil {
		return // nobody is there any more
	}
	if err != nil {
		line = data.AppendError(nil, r.ID, true, c.s.refusal(err, string(r.Op), c.peer))
	}
	_ = c.out.put(c.ctx, line) // fails only when the stream is lost
}

// guarded does a request, and makes an error of a panic: one request must not end the host for all.
func (c *conn) guarded(r *data.Request) (line []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			c.s.Logger.Error("a request panicked", "op", r.Op, "peer", c.peer, "panic", p, "stack", string(debug.Stack()))
			line, err = nil, wire.E(wire.Internal, "the host failed; its log has the details")
		}
	}()
	return c.do(r)
}

func (c *conn) caller() group.Caller { return c.s.caller(c.peer) }
