package main

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"goop/host/announce"
	"goop/host/node"
	"goop/host/proxy"
	"goop/shared/data"
	"goop/shared/door"
	"goop/shared/wire"
)

// pages returns the addresses of the first page, the one to show first in front.
func (h *running) pages() []string {
	var list []string
	if h.opts.public != nil {
		list = append(list, h.opts.public.String())
	}
	if h.known != nil && h.atDoor() {
		list = append(list, h.known.Page())
	}
	all := h.certs == nil && everywhere(h.opts.listen) // no certificate is for localhost
	var port string
	var rest []string
	for _, o := range h.node.Origins() {
		u, err := url.Parse(o)
		if err != nil {
			continue
		}
		port = u.Port()
		if a, err := netip.ParseAddr(u.Hostname()); all && err == nil && a.IsLoopback() {
			continue // it is localhost
		}
		rest = append(rest, o+"/")
	}
	if all {
		// The machine itself knows every address as localhost, whatever IP versions it has.
		if port == "" { // some systems do not tell a program their addresses
			_, port, _ = net.SplitHostPort(h.opts.listen)
		}
		list = append(list, "http://"+net.JoinHostPort("localhost", port)+"/")
	}
	return append(list, rest...)
}

// links returns the same with what people and pages want to know of each.
func (h *running) links() []data.Link {
	pages := h.pages()
	best := toHandOut(pages)
	links := make([]data.Link, len(pages))
	for i, p := range pages {
		links[i] = linkOf(p, node.Addresses())
		if h.known != nil && p == h.known.Page() && links[i].Kind == data.LinkInternet && h.known.Status().Reach == announce.OwnNetwork {
			links[i].Network = "this machine's own network, through the door"
		}
		links[i].HandOut = p == best && links[i].Kind != data.LinkLocal
	}
	return links
}

// linkOf tells what an address of a page is, on a machine that has those addresses.
func linkOf(page string, machine []node.Address) data.Link {
	l := data.Link{URL: page, Kind: data.LinkInternet, Network: "the internet", Secure: strings.HasPrefix(page, "https:")}
	u, err := url.Parse(page)
	if err != nil {
		return l
	}
	ip, err := netip.ParseAddr(u.Hostname())
	if ip.IsLoopback() || u.Hostname() == "localhost" || strings.HasSuffix(u.Hostname(), ".localhost") {
		l.Kind, l.Network, l.Secure = data.LinkLocal, "this machine alone", true
		return l
	}
	if err != nil {
		return l
	}
	for _, a := range machine {
		if a.IP == ip {
			l.Kind, l.Network = data.LinkKind(a.Kind), a.Network()
			if ip.Is4() && door.ScopeOf(ip) == door.Global {
				l.Network += ", the internet"
			}
		}
	}
	return l
}

// inviteURL returns the address at which a token of a group is redeemed, or without a token that of the
// first page. The host makes it: a page knows only the address that it came from itself.
func (h *running) inviteURL(id wire.GroupID, token string) string {
	page := toHandOut(h.pages())
	if token == "" {
		return page
	}
	return page + "#goop-invite=" + string(id) + "." + token
}

// invitePages returns inviteURL, and then the same for the host's other addresses.
func (h *running) invitePages(id wire.GroupID, token string) []string {
	list := []string{h.inviteURL(id, token)}
	fragment := strings.TrimPrefix(list[0], toHandOut(h.pages()))
	for _, p := range h.pages() {
		if p+fragment != list[0] {
			list = append(list, p+fragment)
		}
	}
	return list
}

// toHandOut picks the address of a page that is good for somebody else: the first that does not mean the
// machine on which it is opened, if there is one.
func toHandOut(pages []string) string {
	for _, p := range pages {
		u, err := url.Parse(p)
		if err != nil || u.Hostname() == "localhost" || strings.HasSuffix(u.Hostname(), ".localhost") {
			continue
		}
		if a, err := netip.ParseAddr(u.Hostname()); err != nil || !a.IsLoopback() {
			return p
		}
	}
	if len(pages) == 0 {
		return ""
	}
	return pages[0]
}

// everywhere reports whether an address of --listen covers the name localhost.
func everywhere(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return false
	}
	a, err := netip.ParseAddr(host)
	return host == "" || host == "localhost" || err == nil && a.IsUnspecified()
}

// descriptor tells a visitor how the host is reached.
func (h *running) descriptor(r *http.Request) wire.Descriptor {
	d := h.node.Descriptor(r.Host, h.secure(r))
	d.Visitor = networkOf(proxy.ClientAddr(r, h.opts.https.trusted))
	return d
}

// networkOf names the network from which a visitor asks: its IPv4 address, or its half of an IPv6 one; empty for one
// who asked over a connection of libp2p, which has no address here.
func networkOf(addr netip.Addr) string {
	switch {
	case !addr.IsValid():
		return ""
	case addr.Is4():
		return addr.String()
	}
	return netip.PrefixFrom(addr, 64).Masked().String()
}
