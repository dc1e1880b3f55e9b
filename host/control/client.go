package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"time"

	"goop/shared/wire"
)

// answerTime is how long a Client waits for an answer: a little more than the host takes at most.
const answerTime = requestTime + 2*time.Second

// maxAnswer bounds what a Client reads of one answer, in bytes: a group of 10,000 with all their names.
const maxAnswer = 32 << 20

// NotRunningError tells that no host answers on a data folder.
type NotRunningError struct{ Dir string }

func (e *NotRunningError) Error() string {
	return fmt.Sprintf("no host is running on the data folder %s (start it with: goop serve --data %s; --data names another folder)", e.Dir, e.Dir)
}

// Client asks the host that runs on one data folder. Its methods return a *NotRunningError when there
// is none, and a *wire.Error when the host says no.
type Client struct {
	dir  string
	http *http.Client
}

// NewClient returns a Client for a data folder. It does not look whether anybody is there.
func NewClient(dir string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		path, err := find(dir)
		if err != nil {
			return nil, err
		}
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}
	return &Client{dir, &http.Client{
		Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true},
		Timeout:   answerTime,
	}}
}

// OwnerLink asks for a new owner link.
func (c *Client) OwnerLink(ctx context.Context) (l OwnerLink, err error) {
	err = c.do(ctx, http.MethodPost, "/owner-link", &l)
	return l, err
}

// Owners asks for the owners of the site, the oldest first.
func (c *Client) Owners(ctx context.Context) (list []Owner, err error) {
	err = c.do(ctx, http.MethodGet, "/owners", &list)
	return list, err
}

// RemoveOwner takes the site from a peer.
func (c *Client) RemoveOwner(ctx context.Context, peer wire.PeerID) error {
	return c.do(ctx, http.MethodDelete, "/owners/"+url.PathEscape(string(peer)), &struct{}{})
}

// Status asks how the host is.
func (c *Client) Status(ctx context.Context) (s Status, err error) {
	err = c.do(ctx, http.MethodGet, "/status", &s)
	return s, err
}

// Groups asks for all groups, those created first in front.
func (c *Client) Groups(ctx context.Context) (list []Group, err error) {
	err = c.do(ctx, http.MethodGet, "/groups", &list)
	return list, err
}

// Group asks for all there is to know about one group.
func (c *Client) Group(ctx context.Context, id wire.GroupID) (g GroupDetail, err error) {
	err = c.do(ctx, http.MethodGet, groupPath(id, ""), &g)
	return g, err
}

// CloseGroup ends a group for everybody.
func (c *Client) CloseGroup(ctx context.Context, id wire.GroupID) error {
	return c.do(ctx, http.MethodDelete, groupPath(id, ""), &struct{}{})
}

// groupPath returns the path and query of a request about a group, or about a part of what it has.
func groupPath(id wire.GroupID, part string) string {
	return "/group" + part + "?" + url.Values{"id": {string(id)}}.Encode()
}

// lasting returns a Client that waits for an answer as long as its context does.
func (c *Client) lasting() *Client {
	endless := *c.http
	endless.Timeout = 0
	return &Client{c.dir, &endless}
}

// do makes a request without a body and reads the answer.
func (c *Client) do(ctx context.Context, method, path string, result any) error {
	return c.ask(ctx, method, path, nil, result)
}

// ask makes a request, with a body when it is not nil, and reads the answer.
func (c *Client) ask(ctx context.Context, method, path string, body, result any) error {
	res, err := c.send(ctx, c.http, method, path, body)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return badAnswer(err)
	}
	if err := json.Unmarshal(b, result); err != nil {
		return badAnswer(err)
	}
	return nil
}

// send makes a request and returns the answer, unless the host said no.
func (c *Client) send(ctx context.Context, with *http.Client, method, path string, body any) (*http.Response, error) {
	text, ok := body.(io.Reader)
	if body != nil && !ok {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("ask the host: %w", err)
		}
		text = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://goop"+path, text)
	if err != nil {
		return nil, fmt.Errorf("ask the host: %w", err)
	}
	res, err := with.Do(r)
	if err != nil {
		op, ok := errors.AsType[*net.OpError](err)
		switch {
		case errors.Is(err, fs.ErrPermission):
			return nil, fmt.Errorf("the host on the data folder %s is another user's", c.dir)
		case ok && op.Op == "dial":
			return nil, &NotRunningError{c.dir}
		}
		return nil, fmt.Errorf("ask the host: %w", err)
	}
	if res.StatusCode == http.StatusOK {
		return res, nil
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, badAnswer(err)
	}
	var f failure
	if err := json.Unmarshal(b, &f); err != nil || f.Code == "" {
		return nil, fmt.Errorf("the host answered %s; it may be of another version than this command", res.Status)
	}
	return nil, wire.E(f.Code, f.Message)
}

func badAnswer(err error) error { return fmt.Errorf("read the host's answer: %w", err) }
