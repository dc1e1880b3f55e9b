package member

import (
	"context"

	"goop/shared/link"
	"goop/shared/wire"
)

// Dialer makes connections to one host. The browser's tries WebTransport and then WebSocket; native
// ones use libp2p. Dial is called again, one call at a time, after each loss; it asks for a fresh
// descriptor by itself. An error with code wire.WrongHost ends the trying.
type Dialer interface {
	Dial(ctx context.Context) (Conn, error)
}

// Climber is a Dialer that knows better and worse ways to its host.
type Climber interface {
	Dialer
	// Climb tries for a connection over a better way than that of now, which goes on meanwhile and is closed
	// once there is a better one. It is called after growing pauses, never while Dial runs. An error with code
	// wire.NotSupported tells that there is nothing better than now, and that it need not be asked again for it.
	Climb(ctx context.Context, now Conn) (Conn, error)
}

// Conn is one authenticated connection to the host. One that has datagrams also implements
// link.Datagrammer.
type Conn interface {
	// Open opens a stream for a protocol of package wire and has it negotiated.
	Open(ctx context.Context, protocol string) (link.Stream, error)
	// Self is this member's own peer id, Host the one that the host proved.
	Self() wire.PeerID
	Host() wire.PeerID
	// Transport names what carries the connection: "webtransport", "websocket", "quic" or "tcp".
	Transport() string
	// Done is closed when the connection is lost or closed.
	Done() <-chan struct{}
	// Close ends the connection and its streams.
	Close() error
}
