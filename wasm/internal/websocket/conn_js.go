package websocket

import (
	"context"
	"io"
	"sync"
	"syscall/js"
	"time"

	"goop/shared/wire"
	"goop/wasm/internal/deadline"
	"goop/wasm/internal/jsx"
)

const (
	maxUnread = 48 << 20              // bytes that have arrived and are not read; above what the muxer admits
	maxUnsent = 256 << 10             // bytes in the browser's hands above which Write waits
	look      = 10 * time.Millisecond // between two looks at the browser's buffer
)

// Conn is one WebSocket.
type Conn struct {
	socket js.Value
	unhook func() // removes the listeners
	open   chan struct{}
	done   chan struct{}

	// mu guards the following. Callbacks take it too, so nobody who holds it waits for one.
	mu       sync.Mutex
	readable *deadline.Cond
	unread   [][]byte
	size     int   // bytes in unread
	err      error // why the connection has ended
}

var _ io.ReadWriteCloser = (*Conn)(nil)

// Dial opens a WebSocket.
func Dial(ctx context.Context, url string) (*Conn, error) {
	socket, err := jsx.Try(func() js.Value { return js.Global().Get("WebSocket").New(url) })
	if err != nil {
		return nil, &wire.Error{Code: wire.Offline, Message: "the browser refuses " + url, Err: err}
	}
	c := &Conn{socket: socket, open: make(chan struct{}), done: make(chan struct{})}
	c.readable = deadline.New(&c.mu)
	socket.Set("binaryType", "arraybuffer")
	hooks := []func(){
		jsx.Listen(socket, "open", func(js.Value) { close(c.open) }),
		jsx.Listen(socket, "message", c.message),
		jsx.Listen(socket, "error", func(js.Value) { c.end(wire.E(wire.Offline, "the WebSocket failed")) }),
		jsx.Listen(socket, "close", c.closed),
	}
	c.unhook = func() {
		for _, remove := range hooks {
			remove()
		}
	}
	select {
	case <-c.open:
		return c, nil
	case <-c.done:
		err = c.reason()
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	c.Close()
	return nil, err
}

// message takes in one message.
func (c *Conn) message(event js.Value) {
	b, err := jsx.Bytes(event.Get("data"))
	if err != nil {
		c.end(wire.E(wire.Offline, "the host sent text where only bytes may stand"))
		return
	}
	c.mu.Lock()
	over := c.size+len(b) > maxUnread
	if !over && len(b) > 0 {
		c.size += len(b)
		c.unread = append(c.unread, b)
		c.readable.Wake()
	}
	c.mu.Unlock()
	if over {
		c.end(wire.E(wire.Offline, "the host sent more than it may"))
	}
}

// closed takes note of the far end's close.
func (c *Conn) closed(event js.Value) {
	if event.Get("wasClean").Truthy() {
		c.end(io.EOF)
		return
	}
	c.end(wire.E(wire.Offline, "the connection was lost"))
}

// end marks the connection as ended; only the first call counts.
func (c *Conn) end(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return
	}
	c.err = err
	close(c.done)
	c.readable.Wake()
}

func (c *Conn) reason() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Read implements io.Reader. What has arrived before the end can still be read.
func (c *Conn) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.unread) == 0 {
		if c.err != nil {
			return 0, c.err
		}
		if err := c.readable.Wait(); err != nil {
			return 0, err
		}
	}
	n := copy(p, c.unread[0])
	c.size -= n
	if c.unread[0] = c.unread[0][n:]; len(c.unread[0]) == 0 {
		c.unread[0] = nil
		c.unread = c.unread[1:]
	}
	return n, nil
}

// Write implements io.Writer: p becomes one message.
func (c *Conn) Write(p []byte) (int, error) {
	for c.socket.Get("bufferedAmount").Int() > maxUnsent {
		timer := time.NewTimer(look)
		select {
		case <-timer.C:
		case <-c.done:
			timer.Stop()
		}
		if err := c.reason(); err != nil {
			return 0, err
		}
	}
	if err := c.reason(); err != nil {
		return 0, err
	}
	if _, err := jsx.Try(func() js.Value { return c.socket.Call("send", jsx.Uint8Array(p)) }); err != nil {
		return 0, &wire.Error{Code: wire.Offline, Message: "the connection was lost", Err: err}
	}
	return len(p), nil
}

// Close ends the connection; the browser still sends what was written.
func (c *Conn) Close() error {
	c.end(wire.E(wire.Closed, "the connection was closed"))
	c.unhook()
	c.socket.Call("close")
	return nil
}
