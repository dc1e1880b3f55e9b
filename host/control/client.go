package control

import (
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

// maxAnswer bounds what a Client reads, in bytes.
const maxAnswer = 4 << 20

// NotRunningError tells that no host answers on a data folder.
type NotRunningError struct{ Dir string }

func (e *NotRunningError) Error() string {
	return fmt.Sprintf("no host is running on the data folder %s (start it with: goop serve --data %s)", e.Dir, e.Dir)
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

func (c *Client) do(ctx context.Context, method, path string, result any) error {
	r, err := http.NewRequestWithContext(ctx, method, "http://goop"+path, nil)
	if err != nil {
		return fmt.Errorf("ask the host: %w", err)
	}
	res, err := c.http.Do(r)
	if err != nil {
		op, ok := errors.AsType[*net.OpError](err)
		switch {
		case errors.Is(err, fs.ErrPermission):
			return fmt.Errorf("the host on the data folder %s is another user's", c.dir)
		case ok && op.Op == "dial":
			return &NotRunningError{c.dir}
		}
		return fmt.Errorf("ask the host: %w", err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("read the host's answer: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		var f failure
		if err := json.Unmarshal(b, &f); err != nil || f.Code == "" {
			return fmt.Errorf("the host answered %s; it may be of another version than this command", res.Status)
		}
		return wire.E(f.Code, f.Message)
	}
	if err := json.Unmarshal(b, result); err != nil {
		return fmt.Errorf("read the host's answer: %w", err)
	}
	return nil
}
