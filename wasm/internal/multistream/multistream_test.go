package multistream_test

import (
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	mss "github.com/multiformats/go-multistream"

	"goop/shared/link"
	"goop/shared/wire"
	"goop/wasm/internal/multistream"
)

// echo is the far end: go-multistream's muxer, which speaks /echo alone. It returns how the
// negotiation ended, and then echoes.
func echo(t *testing.T, wg *sync.WaitGroup, far link.Stream) {
	mux := mss.NewMultistreamMuxer[string]()
	mux.AddHandler("/echo", nil)
	wg.Go(func() {
		if _, _, err := mux.Negotiate(far); err != nil {
			far.Reset()
			return
		}
		io.Copy(far, far)
		far.Close()
	})
}

func open(t *testing.T) (near link.Stream, wait func()) {
	t.Helper()
	near, far := link.Pipe(0)
	var wg sync.WaitGroup
	echo(t, &wg, far)
	t.Cleanup(func() { near.Reset(); wg.Wait() })
	return near, wg.Wait
}

func TestSelect(t *testing.T) {
	t.Parallel()
	near, _ := open(t)
	if err := multistream.Select(near, "/echo"); err != nil {
		t.Fatal(err)
	}
	exchange(t, near)

	near, _ = open(t)
	if err := multistream.Select(near, "/other"); !errors.Is(err, wire.NotSupported) {
		t.Errorf("got %v, want not_supported", err)
	}
}

func exchange(t *testing.T, s io.ReadWriter) {
	t.Helper()
	if n, err := s.Write([]byte("hello")); n != 5 || err != nil {
		t.Fatalf("write: got %d, %v", n, err)
	}
	b := make([]byte, 5)
	if _, err := io.ReadFull(s, b); err != nil || string(b) != "hello" {
		t.Fatalf("read: got %q, %v", b, err)
	}
}

func TestStream(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		run  func(t *testing.T, s link.Stream) error
	}{
		{"write first", func(t *testing.T, s link.Stream) error { exchange(t, s); exchange(t, s); return nil }},
		{"read first", func(t *testing.T, s link.Stream) error {
			var wg sync.WaitGroup
			b := make([]byte, 5)
			wg.Go(func() {
				if _, err := io.ReadFull(s, b); err != nil || string(b) != "hello" {
					t.Errorf("read: got %q, %v", b, err)
				}
			})
			s.Write([]byte("hello"))
			wg.Wait()
			return nil
		}},
		{"no bytes at all", func(t *testing.T, s link.Stream) error {
			if err := s.CloseWrite(); err != nil {
				t.Errorf("CloseWrite: %v", err)
			}
			if n, err := s.Read(make([]byte, 1)); n != 0 || err != io.EOF {
				t.Errorf("got %d, %v, want the end", n, err)
			}
			return nil
		}},
		{"a deadline in the middle of the answer", func(t *testing.T, s link.Stream) error {
			s.SetReadDeadline(time.Now().Add(-time.Second))
			if _, err := s.Read(make([]byte, 1)); !errors.Is(err, link.ErrDeadline) {
				t.Errorf("got %v, want an exceeded deadline", err)
			}
			s.SetReadDeadline(time.Time{})
			exchange(t, s)
			return nil
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			near, _ := open(t)
			ended := []error{}
			tt.run(t, multistream.Stream(near, "/echo", func(err error) { ended = append(ended, err) }))
			if len(ended) != 1 || ended[0] != nil {
				t.Errorf("answered was told %v, want nil once", ended)
			}
		})
	}
}

func TestStreamRefused(t *testing.T) {
	t.Parallel()
	near, _ := open(t)
	var told error
	s := multistream.Stream(near, "/other", func(err error) { told = err })
	for range 2 { // it stays refused
		if _, err := s.Read(make([]byte, 1)); !errors.Is(err, wire.NotSupported) {
			t.Errorf("got %v, want not_supported", err)
		}
	}
	if !errors.Is(told, wire.NotSupported) {
		t.Errorf("answered was told %v, want not_supported", told)
	}

	// The far end takes the line for another offer and resets, perhaps before its refusal is read.
	near, wait := open(t)
	s = multistream.Stream(near, "/other", func(err error) { told = err })
	told = nil
	s.Write([]byte("{\"type\":\"join\"}\n" + string(make([]byte, 200))))
	wait()
	if _, err := s.Read(make([]byte, 1)); err == nil || told != err {
		t.Errorf("got %v, and answered was told %v", err, told)
	}
}

func TestConn(t *testing.T) {
	t.Parallel()
	near, _ := open(t)
	c := multistream.Conn(near, "/echo")
	exchange(t, c)
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func TestGarbled(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{
		"", "\x00", "\x01", "\x02a\n", "\xff\xff\xff\xff\xff", "\x90\x4e", "HTTP/1.1 400 Bad Request\r\n",
		"\x13/multistream/1.0.0\n", "\x13/multistream/1.0.0\n\x03naX", "\x13/multistream/1.0.0\n\x07/other\n",
		"\x13/multistream/2.0.0\n\x03na\n",
	} {
		near, far := link.Pipe(0)
		far.Write([]byte(answer))
		far.CloseWrite()
		if err := multistream.Select(near, "/echo"); err == nil || errors.Is(err, wire.NotSupported) {
			t.Errorf("%q: got %v, want another error", answer, err)
		}
	}
}

// Whatever a stranger answers, not a byte behind the answer is taken.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte("\x13/multistream/1.0.0\n\x06/echo\nrest"))
	f.Add([]byte("\x13/multistream/1.0.0\n\x03na\nrest"))
	f.Add([]byte("\x93\x80\x00"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		near, far := link.Pipe(max(64, len(answer)))
		far.Write(answer)
		far.CloseWrite()
		if multistream.Select(near, "/echo") != nil {
			return
		}
		rest, err := io.ReadAll(near)
		if want := len("\x13/multistream/1.0.0\n\x06/echo\n") + len(rest); err != nil || len(answer) != want {
			t.Errorf("%q: %q is left, %v", answer, rest, err)
		}
	})
}
