// Package bare is the least host that the members of goop bench can be on, beside which the real one is measured: what
// it costs is what connections, streams and packets cost, whoever makes use of them.
//
// It is the same node of go-libp2p with the same transports, and speaks the protocol (docs/protocol.md) so far that a
// member cannot tell it from a host. A group on it is one log in memory and, for each member, a cursor in it and a
// goroutine that writes what lies behind the cursor. Each message is decoded, gets a number, is encoded once, and goes
// to everybody; its sender gets the acknowledgement in its place. Messages are gathered for as long as the relay
// gathers them (relay.Spacing), and as much is put into one write, so that the packets are alike. Heartbeats are answered.
//
// That is all. There is no roster, no role and no right, no state, nothing volatile and no datagram; nothing is checked but
// that a line is a frame, no repeat is noticed, nobody comes back to where he was, and nothing reaches a disk; who sends
// too fast or reads too slowly is neither slowed down nor let go.
package bare

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"time"

	"goop/host/control"
	"goop/host/node"
	"goop/shared/wire"
)

// Command is what the goop command is started as to be a bare host.
const Command = "bare-host"

// connections are those that it takes at once, and as many that are in the midst of a handshake.
const connections = 40_000

// Serve is a bare host until ctx ends. It tells its address as goop serve does, and on the socket of a data folder, which
// it makes, what the process spends.
func Serve(ctx context.Context, folder string, out io.Writer) (err error) {
	key, err := node.NewKey()
	if err != nil {
		return err
	}
	n, err := node.Open(ctx, node.Options{
		Key: key, Name: "bare", Listen: "127.0.0.1:0", ListenTCP: "127.0.0.1:0",
		Limits: node.Limits{Idle: time.Hour, Connections: connections, Pending: connections},
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	h := &host{groups: map[wire.GroupID]*group{}}
	n.Handle(wire.GroupProtocol, h.serve)
	n.Handle(wire.DataProtocol, beat)
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+wire.HostPath, func(w http.ResponseWriter, r *http.Request) {
		d := n.Descriptor(r.Host, false)
		_, _ = w.Write(d.Append(nil))
	})
	n.HandleHTTP(mux)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	told, err := control.Listen(folder, gauges{counts: &h.counts}, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, told.Close(context.WithoutCancel(ctx))) }()
	if err := n.Listen(ctx); err != nil {
		return err
	}
	fmt.Fprintln(out, "Page", n.Origins()[0])
	<-ctx.Done()
	return nil
}

// gauges are what goop bench asks a host on its control socket. The rest of what can be asked there, nobody asks a bare host.
type gauges struct {
	control.Host
	counts *counts
}

// Counters implements control.Host.
func (g gauges) Counters(context.Context) (control.Counters, error) {
	return control.Counters{Deliveries: g.counts.deliveries.Load(), BytesOut: g.counts.bytesOut.Load()}, nil
}
