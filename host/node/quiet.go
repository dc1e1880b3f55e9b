package node

import (
	"context"
	"log/slog"
	"os"
	"sync"

	"github.com/libp2p/go-libp2p/core/transport"
	"github.com/libp2p/go-libp2p/gologshim"
)

var quietOnce sync.Once

// quiet keeps the libraries below from writing to the operator's terminal by themselves. go-libp2p's
// messages go to log; it has one destination for the whole process, so the first node's counts.
// quic-go prints when the system grants it smaller UDP buffers than it asks for, which no visitor of
// a small host ever notices. Who has set their environment variables is left alone.
func quiet(log *slog.Logger) {
	quietOnce.Do(func() {
		if _, ok := os.LookupEnv("GOLOG_LOG_LEVEL"); !ok {
			gologshim.SetDefaultHandler(demoted{log.Handler()})
		}
		const buffers = "QUIC_GO_DISABLE_RECEIVE_BUFFER_WARNING"
		if _, ok := os.LookupEnv(buffers); !ok {
			_ = os.Setenv(buffers, "true")
		}
	})
}

// demoted takes go-libp2p's messages lower: what it calls an error is a warning to an operator, and the
// rest is about strangers' mistakes.
type demoted struct{ slog.Handler }

func (d demoted) Enabled(ctx context.Context, l slog.Level) bool {
	return d.Handler.Enabled(ctx, demote(l))
}

func (d demoted) Handle(ctx context.Context, r slog.Record) error {
	r.Level = demote(r.Level)
	switch r.Message {
	case "error when shutting down listener": // which its WebSocket transport closes twice
		r.Level = slog.LevelDebug
	case "swarm listener accept error":
		if saysClosed(r) { // by us, in other words than those that it looks for
			r.Level = slog.LevelDebug
		}
	}
	if !d.Handler.Enabled(ctx, r.Level) {
		return nil
	}
	return d.Handler.Handle(ctx, r)
}

// saysClosed reports whether the error of a message is that a listener was closed.
func saysClosed(r slog.Record) (closed bool) {
	r.Attrs(func(a slog.Attr) bool {
		err, ok := a.Value.Any().(error)
		closed = ok && err.Error() == transport.ErrListenerClosed.Error()
		return !closed
	})
	return closed
}

func demote(l slog.Level) slog.Level {
	if l >= slog.LevelError {
		return slog.LevelWarn
	}
	return slog.LevelDebug
}

func (d demoted) WithAttrs(a []slog.Attr) slog.Handler { return demoted{d.Handler.WithAttrs(a)} }
func (d demoted) WithGroup(name string) slog.Handler   { return demoted{d.Handler.WithGroup(name)} }
