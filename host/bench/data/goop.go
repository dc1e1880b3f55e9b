package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"goop/host/node"
	"goop/shared/jsontext"
	"goop/shared/member"
)

// site is the goop.json of the host.
const site = `{
  "name": "Benchmark",
  "tables": {"moves": {
    "columns": {"game": {"type": "text", "required": true}, "ply": {"type": "integer"}, "san": {"type": "text"}},
    "indexes": [["game", "ply"]],
    "access": {"read": "open", "insert": "open", "update": "open", "remove": "open"}}}
}`

// goopHost is the host of this repository. Its members are native ones, over the transports that a page
// has.
type goopHost struct {
	binary    string
	transport string
	page      string
}

func (g *goopHost) name() string { return "Goop, " + g.transport }

func (g *goopHost) id() string {
	if g.transport == "websocket" {
		return "goop-ws"
	}
	return "goop-" + g.transport
}

func (g *goopHost) version() string { return "" }

func (g *goopHost) start(ctx context.Context, dir string) (*process, error) {
	folder := filepath.Join(dir, "site")
	if err := os.Mkdir(folder, 0o700); err != nil {
		return nil, err
	}
	for name, text := range map[string]string{"goop.json": site, "index.html": "<!doctype html><title>Benchmark</title>"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	p, err := launch(ctx, g.binary, "serve", folder, "--data", filepath.Join(dir, "data"), "--listen", "127.0.0.1:0",
		"--metrics", "off", "--log-level", "warn", "--limit", "data-reads=100000", "--limit", "data-writes=100000")
	if err == nil {
		g.page = p.page
	}
	return p, err
}

func (g *goopHost) client(ctx context.Context) (client, error) {
	d, err := node.NewDialer(node.DialerOptions{Descriptor: node.FetchDescriptor(g.page), Transport: g.transport})
	if err != nil {
		return nil, err
	}
	c := &goopClient{d: d, m: member.New(member.Options{Dialer: d})}
	c.m.Start()
	if _, err := c.m.Call(ctx, []byte(`{"op":"role"}`)); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// goopClient is a member of the host, as in a page.
type goopClient struct {
	d *node.Dialer
	m *member.Member
}

func (c *goopClient) close() {
	c.m.Close()
	_ = c.d.Close()
}

func (c *goopClient) insert(ctx context.Context, r row) (string, error) {
	answer, err := c.m.Call(ctx, fmt.Appendf(nil, `{"op":"insert","table":"moves","values":{"game":%q,"ply":%d,"san":%q}}`, r.game, r.ply, san))
	if err != nil {
		return "", err
	}
	return string(field(field(answer, "row"), "_id")), nil
}

func (c *goopClient) get(ctx context.Context, id string) error {
	_, err := c.m.Call(ctx, []byte(`{"op":"get","table":"moves","row":`+id+`}`))
	return err
}

func (c *goopClient) query(ctx context.Context, game string) error {
	answer, err := c.m.Call(ctx, fmt.Appendf(nil, `{"op":"query","table":"moves","where":{"game":%q},"order":["ply"],"limit":%d}`, game, rowsOfGame))
	if err != nil {
		return err
	}
	return wantRows(field(answer, "rows"))
}

func (c *goopClient) watch(ctx context.Context, game string, seen func(int)) error {
	request := fmt.Appendf(nil, `{"op":"watch","table":"moves","where":{"game":%q},"order":["ply"],"limit":1000}`, game)
	_, err := c.m.Watch(ctx, request, func(change member.Change) {
		if change.Err != nil {
			return // the host goes down, or rows are missing in the end
		}
		list := "added"
		if change.Fresh {
			list = "rows"
		}
		for e := jsontext.ElementsOf(field(change.Answer, list)); e.Next(); {
			if ply, err := strconv.Atoi(string(field(e.Value, "ply"))); err == nil {
				seen(ply)
			}
		}
	})
	return err
}

// field returns a field of an object of JSON text; nil when there is none.
func field(object []byte, key string) []byte {
	if jsontext.KindOf(object) != jsontext.Object {
		return nil
	}
	for m := jsontext.MembersOf(object); m.Next(); {
		if string(m.Key) == key {
			return m.Value
		}
	}
	return nil
}

// wantRows checks that a query has found its rows.
func wantRows(rows []byte) error {
	n := 0
	if jsontext.KindOf(rows) == jsontext.Array {
		for e := jsontext.ElementsOf(rows); e.Next(); {
			n++
		}
	}
	if n != rowsOfGame {
		return fmt.Errorf("a query has found %d rows, want %d", n, rowsOfGame)
	}
	return nil
}
