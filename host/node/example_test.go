package node_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"

	"goop/host/dataserve"
	"goop/host/node"
	"goop/host/relay"
	"goop/host/store"
	"goop/shared/data"
	"goop/shared/member"
	"goop/shared/wire"
)

// A bot: a native member joins a group, sends a message, and asks for rows. docs/terminal.md shows it.
func Example_member() {
	err := withHost(func(ctx context.Context, page string) error { return bot(ctx, page, node.Key{}) })
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// entry 1
	// 0 moves
}

func bot(ctx context.Context, page string, key node.Key) error {
	dialer, err := node.NewDialer(node.DialerOptions{
		Descriptor: node.FetchDescriptor(page), // such as "http://192.168.1.5:7780"; asked before each connection
		Key:        key,                        // of node.LoadOrCreateKey; the zero Key is a new one
	})
	if err != nil {
		return err
	}
	defer dialer.Close()
	m := member.New(member.Options{Dialer: dialer})
	defer m.Close()
	m.Start() // connects, and again after each loss

	s, err := m.Join(ctx, "lobby", member.JoinOptions{
		Meta: []byte(`{"label":"Bot"}`),
		Handler: member.HandlerFunc(func(batch []member.Event) { // in order, each once
			for _, e := range batch {
				if e.Frame.Type == wire.TypeMsg && !e.Own {
					fmt.Println(e.Frame.From, string(e.Frame.Payload))
				}
			}
		}),
	})
	if err != nil {
		return err
	}
	receipt, err := s.Send(ctx, []byte(`{"move":"e2e4"}`), member.SendOptions{})
	if err != nil {
		return err
	}
	fmt.Println("entry", receipt.Seq)
	answer, err := m.Call(ctx, []byte(`{"op":"query","table":"moves","columns":["san"]}`))
	if err != nil {
		return err
	}
	var found struct{ Rows []struct{ San string } }
	if err := json.Unmarshal(answer, &found); err != nil {
		return err
	}
	fmt.Println(len(found.Rows), "moves")
	return s.Leave(ctx)
}

// withHost runs a small host: as package main of host/cmd/goop, without a site.
func withHost(fn func(ctx context.Context, page string) error) (err error) {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "goop-example")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	site, err := data.ParseSite([]byte(`{
		"tables": {"moves": {"columns": {"san": {"type": "text"}}, "access": {"read": "open", "insert": "open", "update": "none", "remove": "none"}}},
		"groups": [{"id": "lobby", "type": "open"}]}`))
	if err != nil {
		return err
	}
	db, err := store.Open(ctx, store.Options{Dir: dir})
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.OpenTables(ctx, site); err != nil {
		return err
	}
	r, err := relay.Open(ctx, relay.Options{Durable: db.Log(), Registry: db.Registry(), IsOwner: db.IsOwner})
	if err != nil {
		return err
	}
	defer r.Shutdown(ctx)
	for _, g := range site.Groups {
		if err := r.Ensure(ctx, g); err != nil {
			return err
		}
	}
	tables := db.Tables(r)
	defer tables.Close()
	requests := dataserve.New(dataserve.Options{Site: site, Tables: tables, Groups: r, Owners: db})

	key, err := node.NewKey()
	if err != nil {
		return err
	}
	n, err := node.Open(ctx, node.Options{Key: key, Listen: "127.0.0.1:0"})
	if err != nil {
		return err
	}
	defer n.Close()
	n.Handle(wire.GroupProtocol, r.Serve)
	n.Handle(wire.DataProtocol, requests.Serve)
	n.HandleHTTP(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		d := n.Descriptor(req.Host, false)
		_, _ = w.Write(d.Append(nil))
	}))
	if err := n.Listen(ctx); err != nil {
		return err
	}
	return fn(ctx, n.Origins()[0])
}
