package control

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"goop/shared/wire"
)

const (
	// tailPause is how long a tail that follows waits before it looks again.
	tailPause = 200 * time.Millisecond
	// tailBatch is how many entries it looks at together, and the most of a tail that starts before the end.
	tailBatch = 100
	// tailWrite is how long a reader may not read before its tail ends.
	tailWrite = 10 * time.Second
	// tailEnd is the same once the host ends, which waits for it.
	tailEnd = 500 * time.Millisecond
	// MaxTail is the largest N of a tail.
	MaxTail = 10_000
)

// tailLine is one line of the answer to a tail: an entry, or at the end why there are no more.
type tailLine struct {
	*Entry
	Error *failure `json:"error,omitempty"`
}

// tail answers with the last entries of a group's log, and with follow those to come, a JSON object on each
// line. It looks at the log by position, so that the group knows nothing of a reader, however slow.
func (s *Server) tail(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(r.FormValue("n"))
	if err != nil || n < 0 || n > MaxTail {
		answer(s, func(*http.Request) (any, error) {
			return nil, wire.E(wire.InvalidValue, "the number of entries is 0 to ", strconv.Itoa(MaxTail))
		})(w, r)
		return
	}
	out := http.NewResponseController(w)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(s.ctx, func() {
		_ = out.SetWriteDeadline(time.Now().Add(tailEnd))
		cancel()
	})()

	id := groupOf(r)
	entries, next, err := s.host.TailGroup(ctx, id, -1, n)
	if err != nil {
		answer(s, func(*http.Request) (any, error) { return nil, err })(w, r)
		return
	}
	_ = out.SetReadDeadline(time.Time{}) // the one that the request had would end its context
	w.Header().Set("Content-Type", "application/x-ndjson")
	lines := json.NewEncoder(w)
	pause := time.NewTicker(tailPause)
	defer pause.Stop()
	for {
		if _ = out.SetWriteDeadline(time.Now().Add(tailWrite)); s.ctx.Err() != nil {
			_ = out.SetWriteDeadline(time.Now().Add(tailEnd))
		}
		for i := range entries {
			err = errors.Join(err, lines.Encode(tailLine{Entry: &entries[i]}))
		}
		if err = errors.Join(err, out.Flush()); err != nil || r.FormValue("follow") == "" {
			return
		}
		if len(entries) == 0 {
			select {
			case <-pause.C:
			case <-ctx.Done():
			}
		}
		entries, next, err = s.host.TailGroup(ctx, id, next, tailBatch)
		switch {
		case r.Context().Err() != nil:
			return // it has read enough
		case s.ctx.Err() != nil:
			err = wire.E(wire.Closed, "the host is going down")
		}
		if err != nil {
			_ = lines.Encode(tailLine{Error: s.told(r, err)})
			return
		}
	}
}

// TailGroup calls fn with the last n entries of a group's log, oldest first, and with follow with those to
// come, until ctx ends, which is no error, or until the group or the host does.
func (c *Client) TailGroup(ctx context.Context, id wire.GroupID, n int, follow bool, fn func(Entry) error) error {
	path := groupPath(id, "/log") + "&n=" + strconv.Itoa(n)
	if follow {
		path += "&follow=1"
	}
	endless := *c.http
	endless.Timeout = 0
	res, err := c.send(ctx, &endless, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	lines := json.NewDecoder(res.Body)
	for {
		var e Entry
		line := tailLine{Entry: &e}
		switch err := lines.Decode(&line); {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, io.EOF) && !follow:
			return nil
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return errors.New("the host has ended")
		case err != nil:
			return badAnswer(err)
		case line.Error != nil:
			return wire.E(line.Error.Code, line.Error.Message)
		}
		if err := fn(e); err != nil {
			return err
		}
	}
}
