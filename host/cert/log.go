package cert

import (
	"context"
	"log/slog"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// zapTo has certmagic's own log go into ours, where all of it is for who debugs: what an operator needs to know,
// Managed says itself.
func zapTo(log *slog.Logger) *zap.Logger { return zap.New(&core{log: log}) }

// core is zap's end of the bridge.
type core struct{ log *slog.Logger }

func (c *core) Enabled(zapcore.Level) bool {
	return c.log.Enabled(context.Background(), slog.LevelDebug)
}

func (c *core) With(fields []zapcore.Field) zapcore.Core {
	return &core{c.log.With(attrs(fields)...)}
}

func (c *core) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return ce.AddCore(e, c)
	}
	return ce
}

func (c *core) Write(e zapcore.Entry, fields []zapcore.Field) error {
	c.log.Debug("certmagic: "+e.Message, append([]any{"part", e.LoggerName, "weight", e.Level.String()}, attrs(fields)...)...)
	return nil
}

func (c *core) Sync() error { return nil }

func attrs(fields []zapcore.Field) []any {
	m := zapcore.NewMapObjectEncoder()
	for _, f := range fields {
		f.AddTo(m)
	}
	list := make([]any, 0, len(m.Fields))
	for k, v := range m.Fields {
		list = append(list, slog.Any(k, v))
	}
	return list
}
