package relay_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"goop/host/relay"
	"goop/shared/group"
	"goop/shared/jsontext"
	"goop/shared/link"
	"goop/shared/wire"
)

// FuzzServe has a member send any bytes after a join, and end its half. The host never falls over, says
// nothing but frames, and ends the stream; nobody stays in the group with a session.
func FuzzServe(f *testing.F) {
	f.Add([]byte(`{"type":"msg","id":"1","payload":{"a":1}}` + "\n" + `{"type":"msg","id":"1","payload":2}` + "\n"))
	f.Add([]byte(`{"type":"state","patch":{"a":{"b":null},"seats":{"w":"12D3KooWAlice"}},"ifSeq":3}` + "\n" + `{"type":"leave"}` + "\n"))
	f.Add([]byte(`{"type":"join","group":"lobby","meta":{"label":"x"}}` + "\n" + `{"type":"msg","volatile":true,"to":"p","payload":null}` + "\n{"))
	f.Add([]byte("\n\r\n\xff{}\n[1]\n"))
	fast := relay.Limits{LineBurst: 1e9, Bytes: 1e12, ByteBurst: 1e12, LastWords: 50 * time.Millisecond}
	r, err := relay.Open(f.Context(), relay.Options{Limits: fast, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = r.Shutdown(context.Background()) })
	cfg, err := group.ParseConfig([]byte(`{"id":"lobby","type":"open","seats":["w","b"]}`))
	if err != nil {
		f.Fatal(err)
	}
	if _, err := r.Create(f.Context(), group.Caller{Peer: boss, Owner: true}, cfg); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, lines []byte) {
		near, far := link.Pipe(1 << 20)
		served := make(chan struct{})
		go func() {
			defer close(served)
			r.Serve(t.Context(), alice, far)
		}()
		_, _ = near.Write([]byte(`{"type":"join","group":"lobby","session":"s","caps":["delta"]}` + "\n"))
		_, _ = near.Write(lines)
		_ = near.CloseWrite()
		answer, err := io.ReadAll(near)
		if err != nil {
			t.Errorf("the stream ended with %v", err)
		}
		_ = near.Close()
		<-served
		for line := range bytes.Lines(answer) {
			frame, err := wire.Decode(bytes.TrimSuffix(line, []byte("\n")))
			if err != nil || jsontext.Check(line) != nil {
				t.Errorf("the host said %q: %v", line, err)
			}
			if frame.Type == wire.TypeMsg && !frame.Ack && frame.From == "" {
				t.Errorf("a message from nobody: %s", line)
			}
		}
		if n := r.Stats()[0].Sessions; n != 0 {
			t.Errorf("%d sessions are left", n)
		}
	})
}
