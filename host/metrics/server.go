package metrics

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Path is where the metrics are read.
const Path = "/metrics"

// Bounds of the listener. Who reads it is the operator's Prometheus, so they are against accidents alone.
const (
	maxHeader   = 16 << 10
	maxScrapes  = 4 // at once
	requestTime = 10 * time.Second
	scrapeTime  = 5 * time.Second
	idleTime    = 2 * time.Minute // longer than most pauses between two scrapes
)

// Server answers scrapes on an address of its own.
type Server struct {
	addr net.Addr
	http *http.Server
	wg   sync.WaitGroup
	once sync.Once
	err  error
}

// Listen starts to answer on a TCP address, such as 127.0.0.1:7781. The error is that of net.Listen.
func (m *Metrics) Listen(ctx context.Context, address string, log *slog.Logger) (*Server, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET "+Path, m.Handler())
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "The metrics of a Goop host are under "+Path+"\n")
	})
	s := &Server{addr: l.Addr(), http: &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: requestTime,
		ReadTimeout:       requestTime,
		WriteTimeout:      2 * requestTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}}
	s.wg.Go(func() {
		if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("the metrics do not answer any more", "error", err)
		}
	})
	return s, nil
}

// URL is where the metrics are read.
func (s *Server) URL() string { return "http://" + s.addr.String() + Path }

// Close lets the scrapes under way finish for as long as ctx allows, and frees the port. A second call
// returns what the first did.
func (s *Server) Close(ctx context.Context) error {
	s.once.Do(func() {
		if err := s.http.Shutdown(ctx); err != nil {
			s.err = errors.Join(fmt.Errorf("finish the scrapes: %w", err), s.http.Close())
		}
		s.wg.Wait()
	})
	return s.err
}
