package main

import (
	"context"
	"sync"

	"goop/host/node"
	"goop/shared/link"
	"goop/shared/wire"
)

// online counts the peers that are here. Every member keeps a data stream for as long as it is
// connected, and a peer may have several, one for each tab.
type online struct {
	// mu guards the following.
	mu      sync.Mutex
	streams map[wire.PeerID]int
}

// counted is a handler of data streams that counts their peers.
func (o *online) counted(serve node.Handler) node.Handler {
	return func(ctx context.Context, peer wire.PeerID, s link.Stream) {
		o.add(peer, 1)
		defer o.add(peer, -1)
		serve(ctx, peer, s)
	}
}

func (o *online) add(peer wire.PeerID, n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.streams == nil {
		o.streams = map[wire.PeerID]int{}
	}
	if o.streams[peer] += n; o.streams[peer] == 0 {
		delete(o.streams, peer)
	}
}

// peers returns how many peers are here.
func (o *online) peers() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.streams)
}
