// Command gohub is the plain hub beside which `./build.sh bench` measures Goop: what people write on
// coder/websocket in an afternoon. A message is encoded once and written to each member by a goroutine of the
// member's own, one write for each message. With ?roster=1 a newcomer gets the list of those who are there, and
// they get the newcomer.
//
// It says on a line where it is, and answers GET /heap with the bytes of its heap after a collection.
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"sync"

	"github.com/coder/websocket"
)

// person is a member as the others see it.
type person struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// message is what the hub sends.
type message struct {
	Type    string          `json:"type"`
	From    string          `json:"from,omitempty"`
	Data    json.RawMessage `json:"data,omitempty"`
	Member  *person         `json:"member,omitempty"`
	Members []person        `json:"members,omitempty"`
}

// client is a member. What waits for it is not bounded: a hub that drops members, or messages, under load could not be
// compared with one that delivers all.
type client struct {
	person
	ready chan struct{} // has room for one

	mu      sync.Mutex
	waiting [][]byte
}

func (c *client) queue(text []byte) {
	c.mu.Lock()
	c.waiting = append(c.waiting, text)
	c.mu.Unlock()
	select {
	case c.ready <- struct{}{}:
	default:
	}
}

func (c *client) write(ctx context.Context, conn *websocket.Conn) {
	for {
		select {
		case <-c.ready:
		case <-ctx.Done():
			return
		}
		c.mu.Lock()
		texts := c.waiting
		c.waiting = nil
		c.mu.Unlock()
		for _, text := range texts {
			if conn.Write(ctx, websocket.MessageText, text) != nil {
				return
			}
		}
	}
}

// hub is one group.
type hub struct {
	mu      sync.Mutex
	members map[*client]bool
}

// publish encodes a message once and queues it for all but one. The lock is held.
func (h *hub) publish(m message, except *client) {
	text, err := json.Marshal(m)
	if err != nil {
		return // somebody sent what is not JSON
	}
	for c := range h.members {
		if c != except {
			c.queue(text)
		}
	}
}

func (h *hub) join(c *client, roster bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.members[c] = true
	if !roster {
		return
	}
	all := message{Type: "roster"}
	for m := range h.members {
		all.Members = append(all.Members, m.person)
	}
	if text, err := json.Marshal(all); err == nil {
		c.queue(text)
	}
	h.publish(message{Type: "join", Member: &c.person}, c)
}

func (h *hub) leave(c *client, roster bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.members, c)
	if roster {
		h.publish(message{Type: "leave", From: c.ID}, nil)
	}
}

func (h *hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // Accept has answered
	}
	defer conn.CloseNow()
	id := rand.Text()
	c := &client{person: person{id, "Member " + id}, ready: make(chan struct{}, 1)}
	roster := r.URL.Query().Has("roster")
	h.join(c, roster)
	defer h.leave(c, roster)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	go c.write(ctx, conn)
	for {
		_, text, err := conn.Read(ctx)
		if err != nil {
			return
		}
		h.mu.Lock()
		h.publish(message{Type: "msg", From: c.ID, Data: text}, c)
		h.mu.Unlock()
	}
}

func heap(w http.ResponseWriter, _ *http.Request) {
	runtime.GC()
	runtime.GC() // what the first has put into pools
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	fmt.Fprint(w, stats.HeapAlloc)
}

func main() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("Page http://%s/\n", l.Addr())
	http.HandleFunc("GET /heap", heap)
	http.Handle("/ws", &hub{members: map[*client]bool{}})
	fmt.Fprintln(os.Stderr, http.Serve(l, nil))
	os.Exit(1)
}
