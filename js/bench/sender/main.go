// Command sender sends to a group of a Goop host for `./build.sh bench page`: native members, who have joined
// before it says that it is ready. It reads requests from its standard input, one a line,
//
//	{"count":200000,"size":150}
//
// has its members send that many messages together, as fast as the host takes them, and says when all are
// acknowledged how long that took by its own clock. Message n of member s is
// {"s":s,"n":n,"x":"padding"}.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"strings"
	"sync"
	"time"

	"goop/host/node"
	"goop/shared/member"
	"goop/shared/wire"
)

// window is how many messages of a member may be unacknowledged.
const window = 8192

type request struct {
	Count, Size int
}

type sender struct {
	number  int
	session *member.Session
}

// send posts count messages and waits until the host has ordered all of them.
func (s *sender) send(ctx context.Context, count, size int) error {
	under := make(chan *member.Pending, window)
	failed := make(chan error, 1)
	go func() {
		var first error
		for p := range under {
			if _, err := p.Wait(ctx); err != nil && first == nil {
				first = err
			}
		}
		failed <- first
	}()
	var err error
	for n := range count {
		payload := fmt.Appendf(nil, `{"s":%d,"n":%d,"x":"`, s.number, n)
		payload = append(payload, strings.Repeat("x", max(0, size-len(payload)-2))...)
		var p *member.Pending
		if p, err = s.session.Post(append(payload, '"', '}'), member.SendOptions{}); err != nil {
			break
		}
		under <- p
	}
	close(under)
	if late := <-failed; err == nil {
		err = late
	}
	return err
}

func main() {
	url := flag.String("url", "", "the page of the host")
	group := flag.String("group", "bench", "the group")
	members := flag.Int("members", 1, "how many send")
	transport := flag.String("transport", node.QUIC, "over what")
	flag.Parse()
	ctx := context.Background()

	var senders []*sender
	for i := range *members {
		d, err := node.NewDialer(node.DialerOptions{Descriptor: node.FetchDescriptor(*url), Transport: *transport})
		if err != nil {
			log.Fatal(err)
		}
		m := member.New(member.Options{Dialer: d, Outbox: member.OutboxLimits{Count: 2 * window, Bytes: 64 << 20}})
		m.Start()
		s, err := m.Join(ctx, wire.GroupID(*group), member.JoinOptions{})
		if err != nil {
			log.Fatalf("%s: %v", *group, err)
		}
		senders = append(senders, &sender{number: i + 1, session: s})
	}
	fmt.Println(`{"ready":true}`)

	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var r request
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			log.Fatal(err)
		}
		start := time.Now()
		var wg sync.WaitGroup
		for i, s := range senders {
			count := r.Count / len(senders)
			if i == 0 {
				count += r.Count % len(senders)
			}
			wg.Go(func() {
				if err := s.send(ctx, count, r.Size); err != nil {
					log.Fatal(err)
				}
			})
		}
		wg.Wait()
		fmt.Printf("{\"sent\":%d,\"ms\":%d}\n", r.Count, time.Since(start).Milliseconds())
	}
}
