package link_test

import (
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"goop/shared/link"
	"goop/shared/link/linktest"
)

func TestPipe(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1 << 10} {
		t.Run(fmt.Sprintf("%d bytes", size), func(t *testing.T) {
			t.Parallel()
			linktest.Run(t, func(*testing.T) (near, far link.Stream) { return link.Pipe(size) })
		})
	}
}

func TestPipeFollowsTheClockOfABubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, _ := link.Pipe(8)
		begin := time.Now()
		a.SetReadDeadline(begin.Add(time.Hour))
		if _, err := a.Read(make([]byte, 1)); !errors.Is(err, link.ErrDeadline) {
			t.Errorf("read: got %v, want an exceeded deadline", err)
		}
		a.SetWriteDeadline(begin.Add(3 * time.Hour))
		if n, err := a.Write(make([]byte, 10)); n != 8 || !errors.Is(err, link.ErrDeadline) {
			t.Errorf("write: got %d, %v, want 8 bytes and an exceeded deadline", n, err)
		}
		if got := time.Since(begin); got != 3*time.Hour {
			t.Errorf("that took %v of the bubble's time, want 3h", got)
		}
	})
}

func TestPipeClosedEndStopsTheWriter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, far := link.Pipe(4)
		blocked := make(chan error, 1)
		go func() {
			_, err := near.Write(make([]byte, 5))
			blocked <- err
		}()
		synctest.Wait()
		far.Close()
		if err := <-blocked; !errors.Is(err, link.ErrReset) {
			t.Errorf("got %v, want %v", err, link.ErrReset)
		}
	})
}

func TestLastWordsDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, tt := range []struct {
			name string
			size int
			err  error
			took time.Duration
		}{
			{"the far end reads nothing", 2, link.ErrDeadline, time.Second},
			{"the far end does not end its half", 100, nil, time.Second},
		} {
			near, far := link.Pipe(tt.size)
			begin := time.Now()
			if err := link.LastWords(near, []byte("bye\n"), time.Second); !errors.Is(err, tt.err) {
				t.Errorf("%s: got %v, want %v", tt.name, err, tt.err)
			}
			if got := time.Since(begin); got != tt.took {
				t.Errorf("%s: took %v, want %v", tt.name, got, tt.took)
			}
			if _, err := near.Write([]byte("x")); err == nil {
				t.Errorf("%s: the stream is still open", tt.name)
			}
			far.Close()
		}
	})
}

func ExamplePipe() {
	near, far := link.Pipe(0)
	near.Write([]byte("{\"type\":\"leave\"}\n"))
	near.Close()
	r := link.NewReader(far, 1024)
	for {
		line, err := r.ReadLine()
		if err == io.EOF {
			break
		}
		fmt.Println(string(line))
	}
	// Output: {"type":"leave"}
}
