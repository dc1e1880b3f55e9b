//go:build !js

package yamux_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	muxer "github.com/libp2p/go-libp2p/p2p/muxer/yamux"

	"goop/shared/link"
	"goop/shared/link/linktest"
	"goop/shared/wire"
	"goop/wasm/internal/yamux"
)

// tcp returns the two ends of a TCP connection on loopback.
func tcp(t *testing.T) (near, far net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if near, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if far, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	return near, far
}

// connect returns a session, and the host's half of it as go-libp2p has it.
func connect(t *testing.T) (*yamux.Session, network.MuxedConn) {
	t.Helper()
	near, far := tcp(t)
	server, err := muxer.DefaultTransport.NewConn(far, true, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := yamux.Client(near)
	t.Cleanup(func() {
		s.Close()
		server.Close()
	})
	return s, server
}

// echo accepts streams and echoes each until its end.
func echo(t *testing.T, server network.MuxedConn) {
	var wg sync.WaitGroup
	t.Cleanup(wg.Wait)
	wg.Go(func() {
		for {
			st, err := server.AcceptStream()
			if err != nil {
				return
			}
			wg.Go(func() {
				io.Copy(st, st)
				st.Close()
			})
		}
	})
	t.Cleanup(func() { server.Close() })
}

func open(t *testing.T, s *yamux.Session) link.Stream {
	t.Helper()
	st, err := s.OpenStream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func TestLink(t *testing.T) {
	t.Parallel()
	linktest.Run(t, func(t *testing.T) (near, far link.Stream) {
		s, server := connect(t)
		near = open(t, s)
		if _, err := near.Write(nil); err != nil {
			t.Fatal(err)
		}
		return near, &lateStream{accept: sync.OnceValues(server.AcceptStream)}
	})
}

// lateStream is a stream that the far end has once this end has written.
type lateStream struct {
	accept func() (network.MuxedStream, error)

	// mu guards the following: deadlines that were set before the stream was there.
	mu          sync.Mutex
	st          network.MuxedStream
	read, write time.Time
}

func (l *lateStream) get() network.MuxedStream {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.st == nil {
		st, err := l.accept()
		if err != nil {
			panic(err)
		}
		l.st = st
		st.SetReadDeadline(l.read)
		st.SetWriteDeadline(l.write)
	}
	return l.st
}

func (l *lateStream) Read(p []byte) (int, error)  { return l.get().Read(p) }
func (l *lateStream) Write(p []byte) (int, error) { return l.get().Write(p) }
func (l *lateStream) CloseWrite() error           { return l.get().CloseWrite() }
func (l *lateStream) Close() error                { return l.get().Close() }
func (l *lateStream) Reset() error                { return l.get().Reset() }

func (l *lateStream) SetReadDeadline(t time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.read = t; l.st != nil {
		return l.st.SetReadDeadline(t)
	}
	return nil
}

func (l *lateStream) SetWriteDeadline(t time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.write = t; l.st != nil {
		return l.st.SetWriteDeadline(t)
	}
	return nil
}

// Many streams at once carry more than their windows, both ways, and arrive whole.
func TestConcurrentStreams(t *testing.T) {
	t.Parallel()
	s, server := connect(t)
	echo(t, server)
	var wg sync.WaitGroup
	for i := range 40 {
		size := 10_000 * (i + 1)
		if i == 0 {
			size = 10 << 20
		}
		data := make([]byte, size)
		rand.Read(data)
		st := open(t, s)
		wg.Go(func() {
			if n, err := st.Write(data); n != size || err != nil {
				t.Errorf("stream %d: wrote %d of %d, %v", i, n, size, err)
			}
			if err := st.CloseWrite(); err != nil {
				t.Errorf("stream %d: CloseWrite: %v", i, err)
			}
		})
		wg.Go(func() {
			got, err := io.ReadAll(st)
			if err != nil || !bytes.Equal(got, data) {
				t.Errorf("stream %d: %d of %d bytes came back whole, %v", i, len(got), size, err)
			}
		})
	}
	wg.Wait()
}

// A stream that nobody reads stops at its window, and does not stop its neighbours.
func TestUnreadStream(t *testing.T) {
	t.Parallel()
	s, server := connect(t)
	echo(t, server)
	stuck := open(t, s)
	stuck.SetWriteDeadline(time.Now().Add(200 * time.Millisecond))
	n, err := stuck.Write(make([]byte, 40<<20))
	if timeout, ok := err.(interface{ Timeout() bool }); !ok || !timeout.Timeout() {
		t.Fatalf("got %d, %v, want an exceeded deadline", n, err)
	}
	st := open(t, s)
	if _, err := st.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(st, make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
}

// The far end's streams are refused, and the connection goes on; so does what it writes on them.
func TestRefusesStreams(t *testing.T) {
	t.Parallel()
	s, server := connect(t)
	for range 3 {
		st, err := server.OpenStream(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		st.Write([]byte("\x13/multistream/1.0.0\n"))
		if _, err := st.Read(make([]byte, 1)); !errors.Is(err, network.ErrReset) {
			t.Errorf("got %v, want a reset", err)
		}
	}
	echo(t, server)
	st := open(t, s)
	st.Write([]byte("hello"))
	if _, err := io.ReadFull(st, make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
}

func TestStreamsAreReused(t *testing.T) {
	t.Parallel()
	s, server := connect(t)
	echo(t, server)
	for i := range 600 { // many times as many as may be open at once
		st := open(t, s)
		st.Write([]byte("x"))
		st.CloseWrite()
		if got, err := io.ReadAll(st); string(got) != "x" || err != nil {
			t.Fatalf("stream %d: got %q, %v", i, got, err)
		}
		switch i % 3 {
		case 0:
			st.Close()
		case 1:
			st.Reset()
		}
	}
}

func TestOpenWaitsForASlot(t *testing.T) {
	t.Parallel()
	s, server := connect(t)
	echo(t, server)
	var all []link.Stream
	for range 128 {
		all = append(all, open(t, s))
	}
	ctx, cancel := context.WithTimeoutCause(t.Context(), 20*time.Millisecond, wire.Timeout)
	defer cancel()
	if _, err := s.OpenStream(ctx); err != wire.Timeout {
		t.Errorf("the 129th stream: got %v, want the context's cause", err)
	}
	all[7].Reset()
	open(t, s)
}

func TestEnd(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		end  func(s *yamux.Session, server network.MuxedConn)
		want wire.Code
	}{
		{"closed here", func(s *yamux.Session, _ network.MuxedConn) { s.Close(); s.Close() }, wire.Closed},
		{"closed there", func(_ *yamux.Session, server network.MuxedConn) { server.Close() }, wire.Offline},
		{"closed there with a reason", func(_ *yamux.Session, server network.MuxedConn) { server.CloseWithError(7) }, wire.Offline},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, server := connect(t)
			st := open(t, s)
			st.Write([]byte("x"))
			read := make(chan error, 1)
			go func() {
				_, err := st.Read(make([]byte, 1))
				read <- err
			}()
			tt.end(s, server)
			<-s.Done()
			if err := <-read; !errors.Is(err, tt.want) {
				t.Errorf("Read: got %v, want %s", err, tt.want)
			}
			if _, err := st.Write([]byte("x")); err == nil {
				t.Error("Write: got no error")
			}
			if _, err := s.OpenStream(t.Context()); !errors.Is(err, tt.want) || !errors.Is(s.Err(), tt.want) {
				t.Errorf("OpenStream: got %v, want %s", err, tt.want)
			}
		})
	}
}

// What streams have accepted before Close still goes out, with their ends.
func TestCloseSendsTheRest(t *testing.T) {
	t.Parallel()
	s, server := connect(t)
	st := open(t, s)
	if _, err := st.Write(bytes.Repeat([]byte("y"), 60_000)); err != nil {
		t.Fatal(err)
	}
	st.CloseWrite()
	there, err := server.AcceptStream()
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	if got, err := io.ReadAll(there); len(got) != 60_000 || err != nil {
		t.Errorf("got %d bytes, %v, want 60000", len(got), err)
	}
}

// A host that takes nothing does not keep Close from ending.
func TestCloseDoesNotHang(t *testing.T) {
	t.Parallel()
	near, far := net.Pipe()
	defer far.Close()
	s := yamux.Client(near)
	st := open(t, s)
	if _, err := st.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if !errors.Is(s.Err(), wire.Closed) {
		t.Errorf("got %v, want closed", s.Err())
	}
}
