// Command sender sends to a group of a Goop host for `./build.sh bench page`: native members, who have joined
// before it says that it is ready. It reads requests from its standard input, one a line,
//
//	{"count":200000,"size":150}
//
// has its members send that many messages together, as fast as the host takes them, and says when all are
// acknowledged how long that took by its own clock. Message n of member s is
// {"s":s,"n":n,"x":"padding"}.
//
// A member of package member would keep an account of each message and look into each line, which costs more than
// what a page does with them, and it would be what is measured. These write whole blocks of lines that were made
// before the clock runs, and of what comes they look for the acknowledgements alone.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"sync"
	"time"

	"goop/host/node"
	"goop/shared/link"
	"goop/shared/wire"
)

const (
	// block is about how much is written at once, in bytes.
	block = 64 << 10
	// joinWait is how long connecting and joining may take.
	joinWait = 30 * time.Second
)

// acknowledged is in each acknowledgement, and in no message of these: their payloads have no such name.
var acknowledged = []byte(`"ack":true`)

type request struct {
	Count, Size int
}

// sender is one member.
type sender struct {
	number int
	stream link.Stream
	posted int        // messages of all requests, from which their ids are made
	acks   chan int   // how many more were acknowledged
	over   chan error // why nothing comes any more
}

// join connects a member and has it join.
func join(ctx context.Context, url, transport string, group wire.GroupID, number int) (*sender, error) {
	d, err := node.NewDialer(node.DialerOptions{Descriptor: node.FetchDescriptor(url), Transport: transport})
	if err != nil {
		return nil, err
	}
	c, err := d.Dial(ctx)
	if err != nil {
		return nil, err
	}
	s := &sender{number: number, acks: make(chan int, 1024), over: make(chan error, 1)}
	if s.stream, err = c.Open(ctx, wire.GroupProtocol); err != nil {
		return nil, err
	}
	f := wire.Frame{Type: wire.TypeJoin, Group: group, Session: "bench-sender", Caps: []string{wire.CapDelta}}
	if _, err := s.stream.Write(f.Append(nil)); err != nil {
		return nil, err
	}
	r := link.NewReader(s.stream, wire.MaxLine)
	r.Ahead(4 * block)
	line, err := r.ReadLine()
	if err != nil {
		return nil, err
	}
	if f, err := wire.Decode(line); err != nil || f.Type != wire.TypeWelcome {
		return nil, fmt.Errorf("no welcome but %s", line)
	}
	go func() { s.over <- s.read(r) }()
	return s, nil
}

// read counts acknowledgements. An error of the host ends it: each message has to be taken.
func (s *sender) read(r *link.Reader) error {
	for n := 0; ; {
		line, err := r.ReadLine()
		switch {
		case err != nil:
			return err
		case bytes.HasPrefix(line, []byte(`{"type":"error"`)), bytes.HasPrefix(line, []byte(`{"type":"close"`)):
			return fmt.Errorf("the host says %s", line)
		case len(line) < 256 && bytes.Contains(line, acknowledged):
			n++
		}
		if n > 0 && !r.Buffered() {
			s.acks <- n
			n = 0
		}
	}
}

// lines makes the blocks of a request.
func (s *sender) lines(count, size int) (blocks [][]byte) {
	padding := bytes.Repeat([]byte("x"), size)
	var now, payload []byte
	for n := range count {
		payload = fmt.Appendf(payload[:0], `{"s":%d,"n":%d,"x":"`, s.number, n)
		payload = append(payload, padding[:max(0, size-len(payload)-2)]...)
		payload = append(payload, '"', '}')
		s.posted++
		f := wire.Frame{Type: wire.TypeMsg, ID: fmt.Sprintf("%08x%014x", s.number, s.posted), Payload: payload}
		if now = f.Append(now); len(now) >= block {
			blocks, now = append(blocks, now), nil
		}
	}
	return append(blocks, now)
}

// send writes the blocks and waits until the host has ordered all messages in them.
func (s *sender) send(blocks [][]byte, count int) error {
	wrote := make(chan error, 1)
	go func() {
		for _, b := range blocks {
			if _, err := s.stream.Write(b); err != nil {
				wrote <- err
				return
			}
		}
		wrote <- nil
	}()
	for count > 0 {
		select {
		case n := <-s.acks:
			count -= n
		case err := <-s.over:
			return err
		}
	}
	return <-wrote
}

func main() {
	url := flag.String("url", "", "the page of the host")
	group := flag.String("group", "bench", "the group")
	members := flag.Int("members", 1, "how many send")
	transport := flag.String("transport", node.QUIC, "over what")
	flag.Parse()

	ctx, cancel := context.WithTimeout(context.Background(), joinWait)
	defer cancel()
	var senders []*sender
	for i := range *members {
		s, err := join(ctx, *url, *transport, wire.GroupID(*group), i+1)
		if err != nil {
			log.Fatalf("%s: %v", *group, err)
		}
		senders = append(senders, s)
	}
	fmt.Println(`{"ready":true}`)

	requests := bufio.NewScanner(os.Stdin)
	for requests.Scan() {
		var r request
		if err := json.Unmarshal(requests.Bytes(), &r); err != nil {
			log.Fatal(err)
		}
		counts, blocks := make([]int, len(senders)), make([][][]byte, len(senders))
		for i, s := range senders {
			counts[i] = r.Count / len(senders)
			if i == 0 {
				counts[i] += r.Count % len(senders)
			}
			blocks[i] = s.lines(counts[i], r.Size)
		}
		start := time.Now()
		var wg sync.WaitGroup
		for i, s := range senders {
			wg.Go(func() {
				if err := s.send(blocks[i], counts[i]); err != nil {
					log.Fatal(err)
				}
			})
		}
		wg.Wait()
		fmt.Printf("{\"sent\":%d,\"ms\":%d}\n", r.Count, time.Since(start).Milliseconds())
	}
}
