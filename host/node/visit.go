package node

import (
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"

	"goop/shared/link"
)

// looksIdle is how often a connection is looked at within the time that it may be idle.
const looksIdle = 8

// visit is one connection while it stands, from when the member has proved who it is.
type visit struct {
	conn network.Conn
	// datagrams begins, when it is called first, to read and write those of the connection. It returns nil
	// when there are none, or the node is about to end.
	datagrams func() link.Datagrams

	// The node's mu guards the following.
	streams int       // that handlers work on
	idle    time.Time // since when there was none
	closing bool
}

// visits has the node know its connections. A connection is there before its first stream.
func (n *Node) visits() network.Notifiee {
	return &network.NotifyBundle{
		ConnectedF: func(_ network.Network, c network.Conn) {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.visiting[c] = &visit{conn: c, idle: time.Now(), datagrams: sync.OnceValue(func() link.Datagrams {
				n.mu.Lock()
				defer n.mu.Unlock()
				if n.stopping { // Close may be waiting for wg already
					return nil
				}
				return startPackets(packetConnOf(c), &n.wg)
			})}
		},
		DisconnectedF: func(_ network.Network, c network.Conn) {
			n.mu.Lock()
			defer n.mu.Unlock()
			delete(n.visiting, c)
		},
	}
}

// arrive notes that a handler works on a stream of a connection; depart must follow. It returns nil for a
// connection that has ended.
func (n *Node) arrive(c network.Conn) *visit {
	n.mu.Lock()
	defer n.mu.Unlock()
	v := n.visiting[c]
	if v != nil {
		v.streams++
	}
	return v
}

func (n *Node) depart(v *visit) {
	if v == nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if v.streams--; v.streams == 0 {
		v.idle = time.Now()
	}
}

// showOut closes connections that have been idle for too long, until the node closes.
func (n *Node) showOut() {
	tick := time.NewTicker(max(n.opts.Limits.Idle/looksIdle, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-n.ctx.Done():
			return
		}
		for _, v := range n.idlers() {
			n.log.Debug("closing an idle connection", "peer", v.conn.RemotePeer())
			n.wg.Go(func() { _ = v.conn.Close() }) // which may wait for the far end a little
		}
	}
}

func (n *Node) idlers() (idlers []*visit) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, v := range n.visiting {
		if v.streams == 0 && !v.closing && time.Since(v.idle) >= n.opts.Limits.Idle {
			v.closing = true
			idlers = append(idlers, v)
		}
	}
	return idlers
}
