package node

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/quic-go/quic-go"

	"goop/shared/link"
)

// jammed is a connection that sends one datagram for each token, and none of more than most bytes.
type jammed struct {
	ctx    context.Context
	tokens chan struct{}
	most   int
	sent   []string
}

func (j *jammed) Context() context.Context { return j.ctx }

func (j *jammed) SendDatagram(packet []byte) error {
	select {
	case <-j.tokens:
	case <-j.ctx.Done():
		return j.ctx.Err()
	}
	if len(packet) > j.most {
		return &quic.DatagramTooLargeError{}
	}
	j.sent = append(j.sent, string(packet))
	return nil
}

func (j *jammed) ReceiveDatagram(ctx context.Context) ([]byte, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// TestPacketsDoNotWait checks that a connection that sends nothing holds nobody up, and that what waits is
// the newest, in order.
func TestPacketsDoNotWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		j := &jammed{ctx: ctx, tokens: make(chan struct{}, 1000), most: 10}
		var wg sync.WaitGroup
		p := startPackets(j, &wg)
		send := func(text string, want error) {
			t.Helper()
			packet := []byte(text)
			if err := p.Send(packet); err != want {
				t.Errorf("send %q: got %v, want %v", text, err, want)
			}
			clear(packet) // it is the caller's again
		}
		send("first", nil)
		synctest.Wait() // it is in the connection's hands
		var want []string
		for i := range 200 {
			send(strconv.Itoa(i), nil)
			want = append(want, strconv.Itoa(i))
		}
		want = append([]string{"first"}, want[200-maxPackets:]...)
		for range 200 {
			j.tokens <- struct{}{}
		}
		synctest.Wait()
		if !slices.Equal(j.sent, want) {
			t.Errorf("got %q\nwant %q", j.sent, want)
		}

		j.sent = nil
		send("more than ten", nil) // nobody knows yet
		synctest.Wait()
		send("more than ten", link.ErrPacketTooLarge)
		send("fits", nil)
		timeout, done := context.WithTimeout(ctx, largeAgain)
		<-timeout.Done()
		done()
		synctest.Wait()
		j.most = 20 // the path turned out to carry more
		send("more than ten", nil)
		synctest.Wait()
		if want := []string{"fits", "more than ten"}; !slices.Equal(j.sent, want) {
			t.Errorf("got %q, want %q", j.sent, want)
		}

		cancel()
		wg.Wait()
		send("late", link.ErrClosed)
	})
}
