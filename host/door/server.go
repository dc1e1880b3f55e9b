package door

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Bounds of the listener.
const (
	maxHeader   = 16 << 10
	maxConns    = 4096
	requestTime = 15 * time.Second
	answerTime  = time.Minute // a page's program is some hundred kilobytes, and a visitor may be slow
	idleTime    = 2 * time.Minute
)

// Server answers for a door on an address.
type Server struct {
	addr net.Addr
	http *http.Server
	wg   sync.WaitGroup
}

// Listen starts to answer on a TCP address, with TLS when there is a config for it.
func (d *Door) Listen(ctx context.Context, address string, config *tls.Config) (*Server, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	s := &Server{addr: l.Addr(), http: &http.Server{
		Handler:           d,
		ReadHeaderTimeout: requestTime,
		ReadTimeout:       requestTime,
		WriteTimeout:      answerTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(d.log.Handler(), slog.LevelDebug),
	}}
	l = &bounded{Listener: l, room: make(chan struct{}, maxConns), closed: make(chan struct{})}
	s.wg.Go(func() {
		var err error
		if config == nil {
			err = s.http.Serve(l)
		} else {
			s.http.TLSConfig = config
			err = s.http.ServeTLS(l, "", "")
		}
		if !errors.Is(err, http.ErrServerClosed) {
			d.log.Error("the door does not answer any more", "error", err)
		}
	})
	return s, nil
}

// Addr is where it listens.
func (s *Server) Addr() net.Addr { return s.addr }

// Close lets the requests under way finish for as long as ctx allows, and frees the port.
func (s *Server) Close(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, s.http.Close())
	}
	s.wg.Wait()
	return err
}

// bounded takes no more than so many connections at once; the others wait with the system.
type bounded struct {
	net.Listener
	room   chan struct{}
	once   sync.Once
	closed chan struct{}
}

func (l *bounded) Accept() (net.Conn, error) {
	select {
	case l.room <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.room
		return nil, err
	}
	return &counted{Conn: c, done: sync.OnceFunc(func() { <-l.room })}, nil
}

func (l *bounded) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// counted gives its place back when it ends.
type counted struct {
	net.Conn
	done func()
}

func (c *counted) Close() error {
	c.done()
	return c.Conn.Close()
}
