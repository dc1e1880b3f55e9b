// Program edge is what the door at Cloudflare (a Worker) does in Go: it decides on announcements, by the rules of
// shared/door, which the native door has too. It is on github.com/syumai/workers' runtime, and entry.mjs is the
// Worker's front.
//
// One instance decides for all requests of an isolate. So it is asked by plain calls, each of which is answered
// before it returns, and does no I/O: what waits in Go (a timer, a promise of another request) would be lost, or
// would be taken for another request's, when the request ends that it came from. The rows, the clock and the
// rates of addresses are the business of the JavaScript around it, which must know nothing of records.
package main

import (
	"crypto/ed25519"
	"net/netip"
	"strconv"
	"strings"
	"syscall/js"
	"time"

	"github.com/syumai/workers"

	"goop/shared/door"
	"goop/wasm/internal/jsx"
)

func main() {
	judge := jsx.Callback(judge)
	defer judge.Release()
	js.Global().Get("context").Get("binding").Set("judge", judge)
	workers.Ready()
	<-workers.Done()
}

// judge is called with a label, the announcer's address, the time in milliseconds, the announcement's bytes and the
// row of the label, null when there is none. It returns {keep: row, room} with the number of rows that there may be,
// {keep: null} when the row that is there says the same already, or {status, retryAfter, body}
// when the announcement is refused.
func judge(args []js.Value) any {
	from, _ := netip.ParseAddr(args[1].String()) // an invalid one is refused with the rest that is nowhere
	body, err := jsx.Bytes(args[3])
	if err != nil {
		return refusal(err)
	}
	have, err := entry(args[4])
	if err != nil {
		return refusal(err)
	}
	next, err := door.Announce(door.Announcement{
		Label: args[0].String(),
		Body:  body,
		From:  from,
		Now:   time.UnixMilli(int64(args[2].Float())),
	}, have, verify)
	switch {
	case err != nil:
		return refusal(err)
	case next == nil:
		return map[string]any{"keep": nil}
	}
	return map[string]any{"room": door.MaxHosts, "keep": map[string]any{
		"seq":       text(next.Seq),
		"public":    bytes(next.Public),
		"local":     bytes(next.Local),
		"network":   next.Network,
		"scope":     int(next.Scope),
		"announced": next.Announced,
		"expires":   next.Expires,
		"pace":      int64(next.Pace),
		"forget":    next.Announced + door.Remember.Milliseconds(),
	}}
}

func verify(public, message, signature []byte) bool {
	return len(public) == ed25519.PublicKeySize && ed25519.Verify(public, message, signature)
}

// entry reads a row. Only what Announce looks at has to be in it.
func entry(row js.Value) (*door.Entry, error) {
	if row.IsNull() {
		return nil, nil
	}
	seq, err := strconv.ParseInt(row.Get("seq").String(), 10, 64)
	if err != nil {
		return nil, err
	}
	e := door.Entry{Seq: seq, Pace: door.Bucket(row.Get("pace").Float())}
	for name, to := range map[string]*[]byte{"public": &e.Public, "local": &e.Local} {
		if v := row.Get(name); !v.IsNull() {
			if *to, err = jsx.Bytes(v); err != nil {
				return nil, err
			}
		}
	}
	return &e, nil
}

// text writes a sequence number with all the digits that one may have: the database compares it as a text.
func text(seq int64) string {
	s := strconv.FormatInt(seq, 10)
	return strings.Repeat("0", 19-len(s)) + s
}

func bytes(b []byte) any {
	if b == nil {
		return nil
	}
	return b
}

func refusal(err error) any {
	return map[string]any{
		"status":     door.Status(err),
		"retryAfter": door.RetryAfter(err),
		"body":       string(door.AppendError(nil, err)),
	}
}
