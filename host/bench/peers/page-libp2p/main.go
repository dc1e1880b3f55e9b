// Command page-libp2p is the host that the page of js-libp2p talks to in `./build.sh bench page`: go-libp2p over
// WebTransport, JSON lines on one stream. It says on a line where it is. To a page that has joined it sends what
// it is told on its standard input, {"count":200000,"size":150}, one a line; "queue" asks for an answer as soon as
// all lies in its memory. What a page sends it acknowledges. It batches as well as one can: it
// writes all that there is at once, up to 64 KiB.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/network"
	libp2pwebtransport "github.com/libp2p/go-libp2p/p2p/transport/webtransport"
)

// chunk is how much is written at once.
const chunk = 64 << 10

// page is a page that has joined. What waits for it is not bounded.
type page struct {
	mu      sync.Mutex
	more    *sync.Cond
	waiting []byte
	writing bool
	closed  bool
	idle    *sync.Cond // all is written
}

func newPage() *page {
	p := &page{}
	p.more, p.idle = sync.NewCond(&p.mu), sync.NewCond(&p.mu)
	return p
}

func (p *page) queue(text []byte) {
	p.mu.Lock()
	p.waiting = append(p.waiting, text...)
	p.mu.Unlock()
	p.more.Signal()
}

func (p *page) write(s network.Stream) {
	for {
		p.mu.Lock()
		p.writing = false
		for len(p.waiting) == 0 && !p.closed {
			p.idle.Broadcast()
			p.more.Wait()
		}
		text, closed := p.waiting, p.closed
		p.waiting, p.writing = nil, true
		p.mu.Unlock()
		if closed {
			return
		}
		for len(text) > 0 {
			n, err := s.Write(text[:min(chunk, len(text))])
			if err != nil {
				return
			}
			text = text[n:]
		}
	}
}

func (p *page) read(s network.Stream) {
	defer func() {
		p.mu.Lock()
		p.closed = true
		p.mu.Unlock()
		p.more.Signal()
		p.idle.Broadcast()
	}()
	r := bufio.NewReaderSize(s, chunk)
	var answers bytes.Buffer
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return
		}
		var m struct {
			ID   int64
			Join string
		}
		if err := json.Unmarshal(line, &m); err != nil {
			return
		}
		if m.Join != "" {
			answers.WriteString("{\"welcome\":true}\n")
		} else {
			fmt.Fprintf(&answers, "{\"ack\":%d}\n", m.ID)
		}
		if r.Buffered() == 0 || answers.Len() > chunk {
			p.queue(answers.Bytes())
			answers.Reset()
		}
	}
}

// send queues count messages of size bytes, or sends them.
func (p *page) send(count, size int, queue bool) {
	var text []byte
	for n := range count {
		at := len(text)
		text = fmt.Appendf(text, `{"s":1,"n":%d,"x":"`, n)
		text = append(text, strings.Repeat("x", max(0, size-(len(text)-at)-2))...)
		text = append(text, '"', '}', '\n')
		if len(text) > chunk || n == count-1 {
			p.queue(text)
			text = text[:0]
		}
	}
	if queue {
		return
	}
	p.mu.Lock()
	for (len(p.waiting) > 0 || p.writing) && !p.closed {
		p.idle.Wait()
	}
	p.mu.Unlock()
}

func main() {
	address := flag.String("address", "127.0.0.1", "where to listen")
	flag.Parse()
	h, err := libp2p.New(libp2p.Transport(libp2pwebtransport.New), libp2p.ListenAddrStrings("/ip4/"+*address+"/udp/0/quic-v1/webtransport"))
	if err != nil {
		log.Fatal(err)
	}
	var mu sync.Mutex
	var last *page
	h.SetStreamHandler("/bench/1.0.0", func(s network.Stream) {
		defer func() { _ = s.Reset() }()
		p := newPage()
		mu.Lock()
		last = p
		mu.Unlock()
		go p.write(s)
		p.read(s)
	})
	fmt.Printf("{\"address\":\"%s/p2p/%s\"}\n", h.Addrs()[0], h.ID())

	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var r struct {
			Count, Size int
			Queue       bool
		}
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			log.Fatal(err)
		}
		mu.Lock()
		p := last
		mu.Unlock()
		start := time.Now()
		p.send(r.Count, r.Size, r.Queue)
		fmt.Printf("{\"sent\":%d,\"ms\":%d}\n", r.Count, time.Since(start).Milliseconds())
	}
}
