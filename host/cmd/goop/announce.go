package main

import (
	"context"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"goop/host/announce"
	"goop/host/control"
	"goop/host/node"
	"goop/shared/door"
	"goop/shared/record"
)

// announce begins to keep the host known at the door of --door.
func (h *running) announce() (err error) {
	if h.opts.door != nil {
		h.known, err = announce.New(announce.Options{Door: h.opts.door, Host: named{h.node, h.opts.public}, Log: h.opts.log, RouterPort: h.opts.routerPort})
	}
	return err
}

// doorTime is how long a host that starts waits to know whether its door has taken it, so that it tells an address at
// which visitors find it.
const doorTime = 3 * time.Second

// awaitDoor waits for that.
func (h *running) awaitDoor(ctx context.Context) {
	if h.known == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, doorTime)
	defer cancel()
	h.known.Wait(ctx)
}

// named is a node whose records have the name in them under which visitors know the host, if that is one with TLS.
type named struct {
	*node.Node
	public *url.URL
}

func (n named) RecordAddrs() []record.Addr {
	addrs := n.Node.RecordAddrs()
	u := n.public
	if u == nil || u.Scheme != "https" {
		return addrs
	}
	if _, err := netip.ParseAddr(u.Hostname()); err == nil {
		return addrs // no name
	}
	port := uint64(443)
	if u.Port() != "" {
		var err error
		if port, err = strconv.ParseUint(u.Port(), 10, 16); err != nil {
			return addrs
		}
	}
	name := record.Addr{Kind: record.WebSocket, Name: strings.ToLower(u.Hostname()), Port: uint16(port), TLS: true}
	if slices.ContainsFunc(addrs, func(a record.Addr) bool { return a.String() == name.String() }) {
		return addrs // the host has that certificate itself
	}
	return append([]record.Addr{name}, addrs...)
}

// atDoor reports whether visitors find the host at its door, as far as is known: while the first announcement is not
// answered it is expected.
func (h *running) atDoor() bool {
	s := h.known.Status()
	return s.Problem == "" || time.Since(time.UnixMilli(s.Last)) < door.Lease
}

// ownerPages returns the pages in the order in which an owner should take them: the one at a door last, because whoever
// runs the door could give the owner's browser another program than ours.
func (h *running) ownerPages() []string {
	pages := h.pages()
	if h.known == nil {
		return pages
	}
	at := slices.Index(pages, h.known.Page())
	if at < 0 {
		return pages
	}
	return append(slices.Delete(pages, at, at+1), h.known.Page())
}

func asDoor(s announce.Status) *control.Door {
	d := &control.Door{URL: s.Door, Page: s.Page, Last: s.Last, Reach: string(s.Reach), Problem: s.Problem, Unrouted: s.Unrouted}
	if s.Router.IsValid() {
		d.Router = s.Router.String()
	}
	return d
}

// atDoor tells how the host is known at its door.
func atDoor(d *control.Door, now int64) string {
	var text string
	switch {
	case d.Last == 0 && d.Problem == "":
		return "not announced yet"
	case d.Last == 0:
		text = "not announced"
	default:
		text = "announced " + elapsed(now-d.Last) + " ago"
		switch announce.Reach(d.Reach) {
		case announce.Everybody:
			text += ", for everybody"
		case announce.OwnNetwork:
			text += ", for visitors in this machine's own network"
		case announce.Nobody:
			text += ", with no address that visitors can use"
		}
		if d.Router != "" {
			text += ", by way of the router's " + d.Router + " (UDP)"
		}
		if d.Unrouted != "" {
			text += "; --router-port leads nowhere: " + plain(d.Unrouted)
		}
	}
	if d.Problem != "" {
		text += "; NOW: " + plain(d.Problem)
	}
	return text
}
