// Package linktest proves that a link.Stream keeps its contract. Every implementation (in memory, over
// libp2p, in the browser) is run through the same cases. It must not know how a stream is made. Each
// case opens its own pair of streams; the cases run in parallel.
package linktest

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"goop/shared/link"
)

const (
	// patience bounds every wait for something that has to happen.
	patience = 20 * time.Second
	// moment is a deadline that is meant to pass.
	moment = 50 * time.Millisecond
	// flood is more than any implementation holds on the way.
	flood = 64 << 20
)

// Run runs all cases. open returns the two ends of a new stream; the far end may come into being only
// when near has written, so the first line below is always near's. Both are closed by the cases.
func Run(t *testing.T, open func(t *testing.T) (near, far link.Stream)) {
	for _, tt := range []struct {
		name string
		run  func(t *testing.T, near, far link.Stream)
	}{
		{"both ways in order", inOrder},
		{"more than fits on the way", large},
		{"CloseWrite ends one half", closeWrite},
		{"Close lets the far end read the rest", closeRest},
		{"calls after Close", afterClose},
		{"Close unblocks a read", closeUnblocksRead},
		{"Close unblocks a write", closeUnblocksWrite},
		{"Reset reaches both ends", reset},
		{"read deadline", readDeadline},
		{"read deadline set while reading", readDeadlineLater},
		{"write deadline", writeDeadline},
		{"last words", lastWords},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			near, far := open(t)
			t.Cleanup(func() {
				_ = near.Reset()
				_ = far.Reset()
			})
			for _, s := range []link.Stream{near, far} {
				must(t, s.SetReadDeadline(time.Now().Add(patience)))
				must(t, s.SetWriteDeadline(time.Now().Add(patience)))
			}
			write(t, near, "hello\n")
			if got := read(t, far, len("hello\n")); got != "hello\n" {
				t.Fatalf("first line: got %q, want %q", got, "hello\n")
			}
			tt.run(t, near, far)
		})
	}
}

func inOrder(t *testing.T, near, far link.Stream) {
	for _, way := range [][2]link.Stream{{near, far}, {far, near}} {
		write(t, way[0], "one\n")
		write(t, way[0], "two\nthr")
		write(t, way[0], "ee\n")
		r := link.NewReader(way[1], 100)
		for _, want := range []string{"one", "two", "three"} {
			line, err := r.ReadLine()
			if err != nil || string(line) != want {
				t.Fatalf("got %q, %v, want %q", line, err, want)
			}
		}
	}
}

func large(t *testing.T, near, far link.Stream) {
	const size = 3 << 20
	pattern := bytes.Repeat([]byte("0123456789abcde"), size/15+1)[:size]
	var wg sync.WaitGroup
	for _, s := range []link.Stream{near, far} {
		wg.Go(func() {
			if n, err := s.Write(pattern); n != size || err != nil {
				t.Errorf("write: got %d, %v, want %d", n, err, size)
			}
			if err := s.CloseWrite(); err != nil {
				t.Errorf("CloseWrite: %v", err)
			}
		})
		wg.Go(func() {
			got, err := io.ReadAll(s)
			if err != nil || !bytes.Equal(got, pattern) {
				t.Errorf("read %d bytes, %v, want the %d that were written", len(got), err, size)
			}
		})
	}
	wg.Wait()
}

func closeWrite(t *testing.T, near, far link.Stream) {
	write(t, near, "bye\n")
	must(t, near.CloseWrite())
	must(t, near.CloseWrite()) // does nothing
	if got, err := io.ReadAll(far); string(got) != "bye\n" || err != nil {
		t.Fatalf("far end read %q, %v, want %q and the end", got, err, "bye\n")
	}
	if _, err := near.Write([]byte("x")); err == nil {
		t.Error("a write after CloseWrite: got no error")
	}
	write(t, far, "still here\n")
	if got := read(t, near, len("still here\n")); got != "still here\n" {
		t.Errorf("got %q after CloseWrite, want what the far end wrote", got)
	}
	must(t, far.CloseWrite())
	expectEOF(t, near)
}

func closeRest(t *testing.T, near, far link.Stream) {
	write(t, near, "the rest\n")
	must(t, near.Close())
	must(t, near.Close()) // does nothing
	if got, err := io.ReadAll(far); string(got) != "the rest\n" || err != nil {
		t.Fatalf("got %q, %v, want %q and the end", got, err, "the rest\n")
	}
}

func afterClose(t *testing.T, near, far link.Stream) {
	write(t, far, "unread\n")
	must(t, near.Close())
	if _, err := near.Write([]byte("x")); err == nil {
		t.Error("a write after Close: got no error")
	}
	if _, err := near.Read(make([]byte, 1)); err == nil || err == io.EOF {
		t.Errorf("a read after Close: got %v, want an error that is not the end", err)
	}
}

func closeUnblocksRead(t *testing.T, near, _ link.Stream) {
	got := make(chan error, 1)
	go func() { got <- readOne(near) }()
	must(t, near.Close())
	if err := within(t, got); err == nil {
		t.Error("got no error from the read")
	}
}

func closeUnblocksWrite(t *testing.T, near, _ link.Stream) {
	got := make(chan error, 1)
	begun := make(chan struct{})
	go func() {
		close(begun)
		got <- writeUntilError(near)
	}()
	<-begun
	must(t, near.Reset()) // Close may let what was written first go out, Reset does not
	if err := within(t, got); err == nil {
		t.Error("got no error from the write")
	}
}

func reset(t *testing.T, near, far link.Stream) {
	blocked := make(chan error, 2)
	go func() { blocked <- readOne(near) }()
	go func() { blocked <- readOne(far) }()
	must(t, near.Reset())
	for range 2 {
		if err := within(t, blocked); err == nil || err == io.EOF {
			t.Errorf("a read: got %v, want an error that is not the end", err)
		}
	}
	if _, err := near.Write([]byte("x")); err == nil {
		t.Error("a write after Reset: got no error")
	}
	if err := writeUntilError(far); err == nil {
		t.Error("the far end's writes: got no error")
	}
}

func readDeadline(t *testing.T, near, far link.Stream) {
	must(t, near.SetReadDeadline(time.Now().Add(moment)))
	expectTimeout(t, readOne(near))
	expectTimeout(t, readOne(near)) // it stays passed
	must(t, near.SetReadDeadline(time.Time{}))
	write(t, far, "late\n")
	if got := read(t, near, len("late\n")); got != "late\n" {
		t.Errorf("after the deadline was removed: got %q", got)
	}
}

func readDeadlineLater(t *testing.T, near, _ link.Stream) {
	must(t, near.SetReadDeadline(time.Time{}))
	got := make(chan error, 1)
	go func() { got <- readOne(near) }()
	must(t, near.SetReadDeadline(time.Now().Add(moment)))
	expectTimeout(t, within(t, got))
}

func writeDeadline(t *testing.T, near, far link.Stream) {
	must(t, near.SetWriteDeadline(time.Now().Add(moment)))
	expectTimeout(t, writeUntilError(near))
	write(t, far, "other way\n") // the other direction is not touched
	if got := read(t, near, len("other way\n")); got != "other way\n" {
		t.Errorf("got %q", got)
	}
}

func lastWords(t *testing.T, near, far link.Stream) {
	words := strings.Repeat("last words ", 4000) + "\n"
	done := make(chan error, 1)
	go func() { done <- link.LastWords(near, []byte(words), patience) }()
	line, err := link.NewReader(far, len(words)).ReadLine()
	if err != nil || string(line)+"\n" != words {
		t.Fatalf("got %d bytes, %v, want %d", len(line), err, len(words))
	}
	expectEOF(t, far)
	must(t, far.Close())
	if err := within(t, done); err != nil {
		t.Errorf("LastWords: %v", err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, s link.Stream, text string) {
	t.Helper()
	if n, err := s.Write([]byte(text)); n != len(text) || err != nil {
		t.Fatalf("write %q: got %d, %v", text, n, err)
	}
}

func read(t *testing.T, s link.Stream, n int) string {
	t.Helper()
	buf := make([]byte, n)
	if _, err := io.ReadFull(s, buf); err != nil {
		t.Fatalf("read: %v", err)
	}
	return string(buf)
}

func readOne(s link.Stream) error {
	_, err := s.Read(make([]byte, 1))
	return err
}

// writeUntilError writes until that fails, which it does at the latest when nobody reads.
func writeUntilError(s link.Stream) error {
	chunk := make([]byte, 256<<10)
	for range flood / len(chunk) {
		if _, err := s.Write(chunk); err != nil {
			return err
		}
	}
	return nil
}

func expectEOF(t *testing.T, s link.Stream) {
	t.Helper()
	if n, err := s.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("got %d bytes and %v, want the end", n, err)
	}
}

func expectTimeout(t *testing.T, err error) {
	t.Helper()
	timeout, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	if !ok || !timeout.Timeout() {
		t.Errorf("got %v, want an exceeded deadline", err)
	}
}

func within(t *testing.T, c <-chan error) error {
	t.Helper()
	select {
	case err := <-c:
		return err
	case <-time.After(patience):
		t.Fatal("nothing unblocked the call")
		return nil
	}
}
