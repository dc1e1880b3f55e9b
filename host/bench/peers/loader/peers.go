package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"goop/host/bench/load"
)

// peer is a system that is measured: how its server is started, and how a client of it speaks.
type peer struct {
	name    string
	version string
	command func(folders) []string
	// address is where its WebSocket is, at a server whose page is known.
	address func(ctx context.Context, page string) (string, error)
	roster  bool // tells who is there
	speak   func(s *socket, got func(event)) client
}

// folders are where the servers are: their sources, and what was built of them.
type folders struct{ peers, bin string }

// event is what a client got: a message's payload, or how many members it has been told of.
type event struct {
	payload []byte // good until the callback returns
	joined  int    // members that the roster has told of, or that came after it
}

// client is one member of the group. It reads until its socket is closed.
type client interface {
	load.Client
	// begin comes into the group, and returns when what others send from now on comes here.
	begin() error
	// read hands over what comes, until the end.
	read() error
}

var all = []*peer{
	{
		name: "bun", version: "1.4.5", roster: true,
		command: func(f folders) []string { return []string{bun(f.peers), f.peers + "/bun/server.ts"} },
		address: at("ws"),
		speak:   func(s *socket, got func(event)) client { return &plain{socket: s, got: got} },
	},
	{
		name: "gohub", version: "coder/websocket 1.8.15", roster: true,
		command: func(f folders) []string { return []string{f.bin + "/bench-gohub"} },
		address: at("ws"),
		speak:   func(s *socket, got func(event)) client { return &plain{socket: s, got: got, wrapped: true} },
	},
	{
		name: "nats", version: "2.15.2",
		command: func(f folders) []string { return []string{f.bin + "/bench-nats"} },
		address: func(ctx context.Context, page string) (string, error) {
			text, err := get(ctx, page+"address")
			return string(text), err
		},
		speak: func(s *socket, got func(event)) client {
			return &natsClient{socket: s, in: bufio.NewReaderSize(s, readSize), got: got}
		},
	},
	{
		name: "socketio", version: "4.8.4", roster: true,
		command: func(f folders) []string { return []string{"node", "--expose-gc", f.peers + "/socketio/server.mjs"} },
		address: at("socket.io/?EIO=4&transport=websocket"),
		speak:   func(s *socket, got func(event)) client { return &socketIO{socket: s, got: got} },
	},
}

// bun is the program that npm has chosen for this machine. The package's own name for it works only after a script, and npm runs none here.
func bun(peers string) string {
	found, _ := filepath.Glob(peers + "/bun/node_modules/@oven/*/bin/bun") // the pattern is a good one
	if len(found) == 0 {
		return "bun"
	}
	return found[0]
}

// at is the address of a WebSocket that is under the page.
func at(path string) func(context.Context, string) (string, error) {
	return func(_ context.Context, page string) (string, error) {
		return "ws" + strings.TrimPrefix(page, "http") + path, nil
	}
}

// get returns what a server's page says.
func get(ctx context.Context, address string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", address, res.Status)
	}
	return io.ReadAll(res.Body)
}

// system is a peer whose server runs, as load knows it.
type system struct {
	*peer
	address string

	mu     sync.Mutex
	failed []error // of clients whose connection ended by itself
}

func (s *system) Name() string { return s.name }

func (s *system) Connect(ctx context.Context, _ int, got func(payload []byte)) (load.Client, error) {
	return s.connect(ctx, s.address, func(e event) {
		if e.payload != nil {
			got(e.payload)
		}
	})
}

func (s *system) connect(ctx context.Context, address string, got func(event)) (load.Client, error) {
	socket, err := dial(ctx, address)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { socket.close() })
	c := s.speak(socket, got)
	if err := c.begin(); err != nil {
		return nil, errors.Join(err, context.Cause(ctx), socket.close())
	}
	stop()
	m := &running{client: c}
	m.done.Go(func() {
		if err := c.read(); err != nil {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.failed = append(s.failed, err)
		}
	})
	return m, nil
}

// running is a client that reads.
type running struct {
	client
	done sync.WaitGroup
}

func (r *running) Close() error {
	err := r.client.Close()
	r.done.Wait()
	return err
}

// plain is a client of bun and of gohub, to which each message is one of WebSocket.
type plain struct {
	*socket
	got     func(event)
	wrapped bool // messages come in an object that says from whom
	joined  int
}

func (c *plain) begin() error { return nil }

func (c *plain) Send(payload []byte) error { return c.send(opText, payload) }

func (c *plain) Close() error { return c.close() }

// What the servers' messages begin with: both write the type first.
var (
	typeMsg    = []byte(`{"type":"msg"`)
	typeRoster = []byte(`{"type":"roster"`)
	typeJoin   = []byte(`{"type":"join"`)
	keyData    = []byte(`"data":`)
)

func (c *plain) read() error {
	var text []byte
	for {
		var err error
		if text, err = c.message(text); err != nil {
			return nil
		}
		switch {
		case bytes.HasPrefix(text, typeRoster):
			var roster struct{ Members []json.RawMessage }
			if err := json.Unmarshal(text, &roster); err != nil {
				return err
			}
			c.joined += len(roster.Members)
			c.got(event{joined: c.joined})
		case bytes.HasPrefix(text, typeJoin):
			c.joined++
			c.got(event{joined: c.joined})
		case !c.wrapped:
			c.got(event{payload: text})
		case bytes.HasPrefix(text, typeMsg):
			i := bytes.Index(text, keyData)
			if i < 0 {
				return fmt.Errorf("a message without data: %.100s", text)
			}
			c.got(event{payload: text[i+len(keyData) : len(text)-1]})
		}
	}
}

// socketIO is a client of Socket.IO over WebSocket alone: Engine.IO 4 with the framing of socket.io-parser.
type socketIO struct {
	*socket
	got    func(event)
	text   []byte
	joined int
}

// begin waits for the server's answer to CONNECT, with which the socket is in the room.
func (c *socketIO) begin() (err error) {
	for _, want := range []string{"0", "40"} {
		if want == "40" {
			if err := c.send(opText, []byte("40")); err != nil {
				return err
			}
		}
		if c.text, err = c.message(c.text); err != nil {
			return err
		}
		if !bytes.HasPrefix(c.text, []byte(want)) {
			return fmt.Errorf("the server says %.100q", c.text)
		}
	}
	return nil
}

var eventMsg, eventRoster, eventJoin = []byte(`42["msg",`), []byte(`42["roster",`), []byte(`42["join",`)

func (c *socketIO) Send(payload []byte) error { return c.send(opText, eventMsg, payload, []byte("]")) }

func (c *socketIO) Close() error { return c.close() }

func (c *socketIO) read() (err error) {
	for {
		if c.text, err = c.message(c.text); err != nil {
			return nil
		}
		switch text := c.text; {
		case string(text) == "2": // a ping of Engine.IO
			if c.send(opText, []byte("3")) != nil {
				return nil // the end: of what has not come, the load knows
			}
		case bytes.HasPrefix(text, eventMsg):
			c.got(event{payload: text[len(eventMsg) : len(text)-1]})
		case bytes.HasPrefix(text, eventRoster):
			var members []json.RawMessage
			if err := json.Unmarshal(text[len(eventRoster):len(text)-1], &members); err != nil {
				return err
			}
			c.joined += len(members)
			c.got(event{joined: c.joined})
		case bytes.HasPrefix(text, eventJoin):
			c.joined++
			c.got(event{joined: c.joined})
		}
	}
}

// natsClient speaks the protocol of NATS, in which a message of WebSocket means nothing.
type natsClient struct {
	*socket
	in      *bufio.Reader
	got     func(event)
	payload []byte
}

// begin subscribes, and waits for the answer to a ping that was sent after that.
func (c *natsClient) begin() error {
	const hello = `CONNECT {"verbose":false,"pedantic":false,"echo":false,"lang":"goop","version":"1","protocol":1}` + "\r\nSUB bench 1\r\nPING\r\n"
	if err := c.send(opBinary, []byte(hello)); err != nil {
		return err
	}
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		switch {
		case bytes.HasPrefix(line, []byte("PONG")):
			return nil
		case bytes.HasPrefix(line, []byte("-ERR")):
			return fmt.Errorf("the server says %.100q", line)
		}
	}
}

func (c *natsClient) Send(payload []byte) error {
	var head [32]byte
	line := strconv.AppendInt(append(head[:0], "PUB bench "...), int64(len(payload)), 10)
	return c.send(opBinary, append(line, "\r\n"...), payload, []byte("\r\n"))
}

func (c *natsClient) Close() error { return c.close() }

func (c *natsClient) read() error {
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return nil
		}
		switch {
		case bytes.HasPrefix(line, []byte("MSG ")):
			line = bytes.TrimRight(line, "\r\n")
			size, err := strconv.Atoi(string(line[bytes.LastIndexByte(line, ' ')+1:]))
			if err != nil {
				return err
			}
			if cap(c.payload) < size {
				c.payload = make([]byte, size)
			}
			if _, err := io.ReadFull(c.in, c.payload[:size]); err != nil {
				return nil
			}
			if _, err := c.in.Discard(len("\r\n")); err != nil {
				return nil
			}
			c.got(event{payload: c.payload[:size]})
		case bytes.HasPrefix(line, []byte("PING")):
			if c.send(opBinary, []byte("PONG\r\n")) != nil {
				return nil
			}
		case bytes.HasPrefix(line, []byte("-ERR")):
			return fmt.Errorf("nats: %.100q", line)
		}
	}
}
