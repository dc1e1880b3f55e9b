package relay

import (
	"container/list"

	"goop/shared/group"
	"goop/shared/wire"
)

// pastPeers is how many of those that have left a group are remembered until it is closed.
const pastPeers = 10_000

// past remembers who was in a group and has left, the newest pastPeers of them. The roster that a closed
// group leaves tells who may read what it recorded, and when a group dissolves all have left.
type past struct {
	peers map[wire.PeerID]*list.Element // of order
	order list.List                     // of group.RosterPeer; who left last is last
}

func (p *past) note(m *wire.Member) {
	p.forget(m.Peer)
	if p.peers == nil {
		p.peers = map[wire.PeerID]*list.Element{}
	}
	p.peers[m.Peer] = p.order.PushBack(group.RosterPeer{Peer: m.Peer, Label: m.Label, Role: m.Role, Joined: m.Joined})
	if p.order.Len() > pastPeers {
		p.forget(p.order.Front().Value.(group.RosterPeer).Peer)
	}
}

func (p *past) forget(peer wire.PeerID) {
	if e, ok := p.peers[peer]; ok {
		delete(p.peers, peer)
		p.order.Remove(e)
	}
}

// lastRoster returns who is to have what members of the closed group have: those who are in it, those who
// have left it and might come back, and those who were given a role there. It is called with mu held.
func (h *hub) lastRoster() []group.RosterPeer {
	roster := h.roster.Keep()
	listed := map[wire.PeerID]bool{}
	for i := range roster {
		listed[roster[i].Peer] = true
	}
	add := func(p group.RosterPeer) {
		if p.Role = h.roleOf(p.Peer); p.Role != "" && !listed[p.Peer] {
			listed[p.Peer] = true
			roster = append(roster, p)
		}
	}
	for e := h.past.order.Front(); e != nil; e = e.Next() {
		add(e.Value.(group.RosterPeer))
	}
	for peer, s := range h.people.standings {
		add(group.RosterPeer{Peer: peer, Joined: s.Since})
	}
	return roster
}
