package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// pocketBase is the other host: see host/bench/peers/pocketbase.
type pocketBase struct {
	binary string
	page   string
}

func (b *pocketBase) name() string { return "PocketBase" }

func (b *pocketBase) id() string { return "pocketbase" }

func (b *pocketBase) version() string { return "0.39.11" }

func (b *pocketBase) start(ctx context.Context, dir string) (*process, error) {
	p, err := launch(ctx, b.binary, dir)
	if err != nil {
		return nil, err
	}
	b.page = p.page
	// It says where it is just before it listens.
	for {
		res, err := http.Get(p.page + "api/health")
		if err == nil {
			return p, res.Body.Close()
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (b *pocketBase) client(context.Context) (client, error) {
	// A connection of its own, as a page has it.
	return &httpClient{&http.Client{Transport: &http.Transport{DisableCompression: true}}, b.page + "api/"}, nil
}

// httpClient is a page of PocketBase.
type httpClient struct {
	http *http.Client
	api  string
}

func (c *httpClient) close() { c.http.CloseIdleConnections() }

// do makes a request and returns the body of its answer.
func (c *httpClient) do(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.api+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s: %s: %s", method, path, res.Status, answer)
	}
	return answer, err
}

func (c *httpClient) insert(ctx context.Context, r row) (string, error) {
	answer, err := c.do(ctx, http.MethodPost, "collections/moves/records", fmt.Appendf(nil, `{"game":%q,"ply":%d,"san":%q}`, r.game, r.ply, san))
	if err != nil {
		return "", err
	}
	return strconv.Unquote(string(field(answer, "id")))
}

func (c *httpClient) get(ctx context.Context, id string) error {
	_, err := c.do(ctx, http.MethodGet, "collections/moves/records/"+id, nil)
	return err
}

func (c *httpClient) query(ctx context.Context, game string) error {
	// Without the total, which Goop does not count either.
	v := url.Values{"filter": {"game='" + game + "'"}, "sort": {"ply"}, "perPage": {strconv.Itoa(rowsOfGame)}, "skipTotal": {"1"}}
	answer, err := c.do(ctx, http.MethodGet, "collections/moves/records?"+v.Encode(), nil)
	if err != nil {
		return err
	}
	return wantRows(field(answer, "items"))
}

// watch subscribes to all that happens to the collection, which costs PocketBase less than a filter would;
// rows of other games are passed over here.
func (c *httpClient) watch(ctx context.Context, game string, seen func(int)) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.api+"realtime", nil)
	if err != nil {
		return err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return err
	}
	events := bufio.NewReaderSize(res.Body, 64<<10)
	hello, err := event(events)
	if err != nil {
		res.Body.Close()
		return err
	}
	subscribe := fmt.Appendf(nil, `{"clientId":%s,"subscriptions":["moves/*"]}`, field(hello, "clientId"))
	if _, err := c.do(ctx, http.MethodPost, "realtime", subscribe); err != nil {
		res.Body.Close()
		return err
	}
	quoted := strconv.Quote(game)
	go func() { // ends with ctx, of which the request is
		defer res.Body.Close()
		for {
			data, err := event(events)
			if err != nil {
				return
			}
			record := field(data, "record")
			if ply, err := strconv.Atoi(string(field(record, "ply"))); err == nil && string(field(record, "game")) == quoted {
				seen(ply)
			}
		}
	}()
	return nil
}

// event returns the data of the next event of a stream.
func event(r *bufio.Reader) (data []byte, err error) {
	for {
		line, err := r.ReadBytes('\n')
		if err != nil {
			return nil, err
		}
		if line = bytes.TrimRight(line, "\r\n"); len(line) == 0 {
			if data != nil {
				return data, nil
			}
		} else if rest, ok := bytes.CutPrefix(line, []byte("data:")); ok {
			data = bytes.TrimSpace(rest)
		}
	}
}
