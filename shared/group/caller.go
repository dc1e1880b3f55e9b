package group

import "goop/shared/wire"

// Caller is who asks for something outside of a group's stream.
type Caller struct {
	Peer  wire.PeerID // from the connection's handshake
	Owner bool        // one of the site's owners
}

// Info is what those who may see a group see of it.
type Info struct {
	Config
	Members     int                    // peers in the roster
	SeatHolders map[string]wire.PeerID // the taken seats, by name; nil when there are none
}
