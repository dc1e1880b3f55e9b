package door

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"goop/host/proxy"
)

// Bounds of the listener.
const (
	maxHeader   = 16 << 10
	maxConns    = 4096
	maxOfOne    = 512 // of these from one address, or one IPv6 /64: enough for a school, and no one has them all
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
	l = &bounded{Listener: l, trusted: d.trusted, room: make(chan struct{}, maxConns), closed: make(chan struct{}), from: map[netip.Prefix]int{}}
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

// bounded takes no more than so many connections at once; the others wait with the system. Of one address it takes a part
// of them, and refuses the others, unless that is a proxy's.
type bounded struct {
	net.Listener
	trusted []netip.Prefix
	room    chan struct{}
	once    sync.Once
	closed  chan struct{}

	mu   sync.Mutex // guards from
	from map[netip.Prefix]int
}

func (l *bounded) Accept() (net.Conn, error) {
	select {
	case l.room <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			<-l.room
			return nil, err
		}
		at := l.place(c.RemoteAddr())
		if !l.enter(at) {
			c.Close()
			continue
		}
		return &counted{Conn: c, done: sync.OnceFunc(func() {
			l.leave(at)
			<-l.room
		})}, nil
	}
}

// place returns under what a far end is counted, which is nothing for a proxy.
func (l *bounded) place(a net.Addr) (p netip.Prefix) {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return p
	}
	addr := tcp.AddrPort().Addr().Unmap().WithZone("")
	if proxy.Trusts(l.trusted, addr) {
		return p
	}
	p, _ = addr.Prefix(min(addr.BitLen(), 64))
	return p
}

func (l *bounded) enter(at netip.Prefix) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if at.IsValid() {
		if l.from[at] >= maxOfOne {
			return false
		}
		l.from[at]++
	}
	return true
}

func (l *bounded) leave(at netip.Prefix) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.from[at]--; l.from[at] <= 0 {
		delete(l.from, at)
	}
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
