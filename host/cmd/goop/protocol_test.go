package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"goop/host/node"
	"goop/shared/link"
	"goop/shared/member"
	"goop/shared/wire"
)

// TestProtocolErrors breaks the protocol in every way that it names, over each transport: the error
// arrives, and a fatal one ends the stream in good order.
func TestProtocolErrors(t *testing.T) {
	p := startHost(t)
	const join = `{"type":"join","group":"lobby","session":"s1"}` + "\n"
	for _, tt := range []struct {
		name  string
		lines string
		code  wire.Code
		about string // stands in the message
		fatal bool
		id    string
	}{
		{"an unknown group", `{"type":"join","group":"nowhere"}` + "\n", wire.NoSuchGroup, "no such group", true, ""},
		{"a frame before the join", `{"type":"msg","id":"m1","payload":1}` + "\n", wire.BadMessage, "join", true, ""},
		{"no JSON at first", "hello\n", wire.BadMessage, "JSON", true, ""},
		{"no JSON", join + "hello\n", wire.BadMessage, "JSON", true, ""},
		{"no object", join + "[1]\n", wire.BadMessage, "object", true, ""},
		{"too long", join + `{"type":"msg","payload":"` + strings.Repeat("x", 128<<10) + `"}` + "\n", wire.TooLarge, `"line"`, true, ""},
		{"too long at first", strings.Repeat("x", 256<<10), wire.TooLarge, `"line"`, true, ""},
		{"an unknown type", join + `{"type":"shout","id":"m2","payload":1}` + "\n", wire.UnsupportedType, "join, msg, state and leave", false, "m2"},
		{"a type of the host", join + `{"type":"welcome","id":"m3"}` + "\n", wire.UnsupportedType, "host alone", false, "m3"},
		{"no payload", join + `{"type":"msg","id":"m4"}` + "\n", wire.BadMessage, `"payload"`, false, "m4"},
		{"a large payload", join + `{"type":"msg","id":"m5","payload":"` + strings.Repeat("x", 64<<10) + `"}` + "\n", wire.TooLarge, `"payload"`, false, "m5"},
		{"another group", join + `{"type":"msg","group":"kept","id":"m6","payload":1}` + "\n", wire.BadMessage, "another group", false, "m6"},
	} {
		for _, transport := range transports {
			t.Run(tt.name+" over "+transport, func(t *testing.T) {
				t.Parallel()
				p := &process{t: t, page: p.page}
				stream := open(t, p.dial(transport), wire.GroupProtocol)
				// The host may stop reading in the middle of a line that is too long.
				go io.WriteString(stream, tt.lines)
				lines := link.NewReader(stream, wire.MaxLine)
				f := until(t, lines, wire.TypeError)
				e, err := wire.ParseError(f.Payload)
				if err != nil {
					t.Fatal(err)
				}
				if e.Code != tt.code || !strings.Contains(e.Message, tt.about) || e.Fatal != tt.fatal || e.ID != tt.id {
					t.Errorf("got %s, want code %s, fatal %v, id %q, and a message with %q", f.Payload, tt.code, tt.fatal, tt.id, tt.about)
				}
				if tt.fatal {
					if line, err := lines.ReadLine(); err != io.EOF {
						t.Errorf("after a fatal error: got %q, %v, want the end of the stream", line, err)
					}
					return
				}
				// The stream goes on.
				io.WriteString(stream, `{"type":"msg","id":"after","payload":1}`+"\n")
				f = until(t, lines, wire.TypeMsg)
				for !f.Ack { // what the other tests say here
					f = until(t, lines, wire.TypeMsg)
				}
				if f.ID != "after" {
					t.Errorf("after the error: got the acknowledgement of %q", f.ID)
				}
			})
		}
	}
}

// open opens a stream that is given up after a while.
func open(t *testing.T, c member.Conn, protocol string) link.Stream {
	t.Helper()
	stream, err := c.Open(t.Context(), protocol)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stream.Reset() })
	if err := stream.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return stream
}

// until reads up to the first frame of a type.
func until(t *testing.T, lines *link.Reader, want wire.Type) wire.Frame {
	t.Helper()
	for {
		line, err := lines.ReadLine()
		if err != nil {
			t.Fatalf("waiting for %q: %v", want, err)
		}
		f, err := wire.Decode([]byte(string(line)))
		if err != nil {
			t.Fatal(err)
		}
		if f.Type == want {
			return f
		}
	}
}

// TestSiteOverStream reads the site over each transport, as another origin's service worker does.
func TestSiteOverStream(t *testing.T) {
	p := startHost(t)
	for _, transport := range transports {
		c := p.dial(transport)
		for path, want := range map[string]string{"/": "<title>Test</title>", "/goop/host.json": string(c.Host()), "/none": "nothing here"} {
			stream := open(t, c, wire.SiteProtocol)
			fmt.Fprintf(stream, "GET %s HTTP/1.1\r\nHost: goop\r\n\r\n", path)
			if err := stream.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			res, err := http.ReadResponse(bufio.NewReader(stream), nil)
			if err != nil {
				t.Fatalf("%s of %s: %v", transport, path, err)
			}
			body, err := io.ReadAll(res.Body)
			if err != nil || !strings.Contains(string(body), want) {
				t.Errorf("%s of %s: got %s %q, %v, want %q", transport, path, res.Status, body, err, want)
			}
		}
	}
}

// Each address has a link of its own: what a browser at one address has used up does not spoil the rest.
func TestOwnerLinkOfEachAddress(t *testing.T) {
	p := startHost(t, "--public-url", "https://chess.example.org")
	links := strings.Fields(p.run("owner-link"))
	if len(links) < 2 {
		t.Fatalf("got links %q, want one for the public address and one for the port", links)
	}
	p.page, _, _ = strings.Cut(links[1], "#") // the members of this test cannot come by the public one
	for _, link := range links[:2] {
		_, secret, _ := strings.Cut(link, "#goop-owner=")
		if role := string(call(t, p.member(node.QUIC), `{"op":"claim","secret":"`+secret+`"}`, "role")); role != `"owner"` {
			t.Errorf("%s: got role %s, want owner", link, role)
		}
	}
}

// TestOwner opens an owner link, uses the rights that it gives, and has them taken away.
func TestOwner(t *testing.T) {
	p := startHost(t)
	_, secret, ok := strings.Cut(strings.TrimSpace(p.run("owner-link")), "#goop-owner=")
	if !ok {
		t.Fatal("the owner link has no secret")
	}
	owner, visitor := p.member(node.QUIC), p.member(node.WebSocket)
	const create = `{"op":"group.create","config":{"id":"match","name":"A match"}}`
	if _, err := visitor.Call(t.Context(), []byte(create)); err == nil {
		t.Error("a visitor could create a group")
	}
	// What the owner alone may see comes and goes with its rights, in a live query that stands already.
	events := make(chan member.Change, 16)
	stop, err := owner.Watch(t.Context(), []byte(`{"op":"watch","table":"_groups"}`), func(c member.Change) { events <- c })
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	if first := <-events; strings.Contains(string(first.Answer), `"hidden"`) {
		t.Errorf("a visitor sees %s", first.Answer)
	}
	// The hidden group shows up in one of the lists of a coming event.
	awaitHidden := func(list string) {
		t.Helper()
		for {
			select {
			case e := <-events:
				if strings.Contains(string(fieldOf(e.Answer, list)), `"hidden"`) {
					return
				}
			case <-time.After(30 * time.Second):
				t.Fatalf("the hidden group is not %s", list)
			}
		}
	}
	claim := `{"op":"claim","secret":"` + secret + `"}`
	for range 2 { // opening the link again in the same browser is harmless
		if role := string(call(t, owner, claim, "role")); role != `"owner"` {
			t.Errorf("claim: got role %s, want owner", role)
		}
	}
	if _, err := visitor.Call(t.Context(), []byte(claim)); err == nil {
		t.Error("the link made a second owner")
	}
	awaitHidden("added")
	call(t, owner, create, "group")
	if rows := string(call(t, visitor, `{"op":"query","table":"_groups"}`, "rows")); !strings.Contains(rows, `"match"`) {
		t.Errorf("a visitor sees the groups %s, want the new one among them", rows)
	}
	if status := p.run("status"); !strings.Contains(status, "2 members connected, 4 groups, 1 owner\n") {
		t.Errorf("status: got %s", status)
	}
	peer := string(owner.Status().Self)
	if list := p.run("owners", "list"); !strings.Contains(list, peer) {
		t.Errorf("owners list: got %s, want %s in it", list, peer)
	}
	p.run("owners", "remove", peer)
	awaitHidden("removed")
	if role := string(call(t, owner, `{"op":"role"}`, "role")); role != `"visitor"` {
		t.Errorf("after the removal: got role %s, want visitor", role)
	}
	if list := p.run("owners", "list"); strings.Contains(list, peer) {
		t.Errorf("owners list after the removal: got %s", list)
	}
}

// TestShutdown ends a host with members in a group and streams of every protocol open: they are told,
// and the host ends in time.
func TestShutdown(t *testing.T) {
	p := startHost(t)
	var streams []*link.Reader
	for _, transport := range transports {
		c := p.dial(transport)
		stream := open(t, c, wire.GroupProtocol)
		io.WriteString(stream, `{"type":"join","group":"lobby"}`+"\n")
		lines := link.NewReader(stream, wire.MaxLine)
		until(t, lines, wire.TypeWelcome)
		streams = append(streams, lines)
		open(t, c, wire.DataProtocol)
		open(t, c, wire.SiteProtocol)
	}
	took := make(chan time.Duration, 1)
	go func() { took <- p.terminate() }()
	for i, lines := range streams {
		f := until(t, lines, wire.TypeClose)
		if !strings.Contains(string(f.Payload), `"shutdown"`) {
			t.Errorf("%s: got %s, want the reason shutdown", transports[i], f.Payload)
		}
	}
	if d := <-took; d > 5*time.Second {
		t.Errorf("SIGTERM took %v, want at most 5s", d)
	}
}

// TestShutdownWithStuckMember ends a host while a member has stopped to read and much is waiting for
// it. The host does not wait for it longer than it may.
func TestShutdownWithStuckMember(t *testing.T) {
	p := startHost(t)
	for _, transport := range transports {
		stuck := open(t, p.dial(transport), wire.GroupProtocol)
		io.WriteString(stuck, `{"type":"join","group":"lobby"}`+"\n")
		until(t, link.NewReader(stuck, wire.MaxLine), wire.TypeWelcome)
	}
	s := gather(t, p, "lobby", 1)[0]
	payload := []byte(`"` + strings.Repeat("x", 60<<10) + `"`)
	for range 40 { // more than any window holds
		if _, err := s.s.Send(t.Context(), payload, member.SendOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if d := p.terminate(); d > 5*time.Second {
		t.Errorf("SIGTERM took %v, want at most 5s", d)
	} else {
		t.Logf("SIGTERM took %v", d)
	}
}
