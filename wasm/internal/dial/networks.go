package dial

import (
	"context"
	"strconv"
	"strings"
	"time"

	"goop/shared/member"
	"goop/shared/wire"
)

const (
	maxNetworks = 16 // that are remembered for a host, the latest ones
	maxNetwork  = 64 // bytes of a network's name
	// deafFor is how long a network is remembered as one that WebTransport does not get through. It is tried there
	// all the same, and forgotten as soon as it works once; only its head start is gone.
	deafFor = 24 * time.Hour
	// recallLimit bounds what the memory may delay a connection by: in some private windows a browser's storage
	// never answers.
	recallLimit = 200 * time.Millisecond
)

// network is one that WebTransport does not get through, until a moment in seconds since 1970.
type network struct {
	name  string
	until int64
}

// networks remembers them for one host, the latest last.
type networks []network

// parseNetworks reads what text has made, and passes over what it could not have made.
func parseNetworks(text string, now time.Time) (n networks) {
	for line := range strings.Lines(text) {
		number, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		until, err := strconv.ParseInt(number, 10, 64)
		if err == nil && until > now.Unix() && until <= now.Add(deafFor).Unix() && name != "" && len(name) <= maxNetwork {
			n = append(n, network{name, until})
		}
	}
	return n[max(0, len(n)-maxNetworks):]
}

func (n networks) text() string {
	var b strings.Builder
	for _, w := range n {
		b.WriteString(strconv.FormatInt(w.until, 10) + " " + w.name + "\n")
	}
	return b.String()
}

// deaf reports whether WebTransport does not get through a network.
func (n networks) deaf(name string, now time.Time) bool {
	for _, w := range n {
		if w.name == name {
			return w.until > now.Unix()
		}
	}
	return false
}

// learn takes in whether WebTransport got through just now.
func (n networks) learn(name string, through bool, now time.Time) networks {
	next := make(networks, 0, len(n)+1)
	for _, w := range n {
		if w.name != name && w.until > now.Unix() {
			next = append(next, w)
		}
	}
	if !through {
		next = append(next, network{name, now.Add(deafFor).Unix()})
	}
	return next[max(0, len(next)-maxNetworks):]
}

// networkOf names the network of a page as well as a browser lets it be known: by what the host sees of it, and by
// what kind of line the browser says it is.
func (d *Dialer) networkOf(desc *wire.Descriptor) string {
	kind := ""
	if d.platform.Network != nil {
		kind = d.platform.Network()
	}
	name := desc.Visitor + "/" + kind
	if len(name) > maxNetwork || strings.ContainsAny(name, " \n") {
		return "/" // of the host's making
	}
	return name
}

// recall reads what is remembered for a host, once.
func (d *Dialer) recall(ctx context.Context, host wire.PeerID) {
	if d.opts.Store == nil || d.recalled == host {
		return
	}
	d.recalled, d.networks = "", nil
	limited, cancel := context.WithTimeout(ctx, recallLimit)
	defer cancel()
	var text string
	err := d.opts.Store.Update(limited, []member.Scan{{Prefix: networksKey(host), Values: true}}, func(found [][]member.Row) []member.Row {
		if len(found[0]) > 0 {
			text = found[0][0].Value
		}
		return nil
	})
	if err != nil && ctx.Err() != nil {
		return // nobody waits any more; the next Dial asks again
	}
	if d.recalled = host; err == nil {
		d.networks = parseNetworks(text, time.Now())
	}
}

// learn takes in whether WebTransport got through a network, and stores what is new in that.
func (d *Dialer) learn(ctx context.Context, host wire.PeerID, name string, through bool) {
	now := time.Now()
	if d.networks.deaf(name, now) != through {
		return
	}
	d.networks = d.networks.learn(name, through, now)
	if d.opts.Store == nil {
		return
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), recallLimit)
	defer cancel()
	row := member.Row{Key: networksKey(host), Value: d.networks.text()}
	// What cannot be stored is known for as long as the page is there.
	_ = d.opts.Store.Update(limited, nil, func([][]member.Row) []member.Row { return []member.Row{row} })
}

func networksKey(host wire.PeerID) string { return string(host) + "/networks" }
