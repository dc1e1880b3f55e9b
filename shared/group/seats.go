package group

import (
	"slices"

	"goop/shared/jsonstate"
	"goop/shared/jsontext"
	"goop/shared/wire"
)

// SeatsKey is the top-level key of the state that holds who sits where, in a group with seats:
//
//	{"seats": {"white": "12D3Koo…", "black": "12D3Koo…"}}
//
// A patch may set a free seat to its sender's own peer id, and a seat to null when its sender holds it
// or is owner or moderator. A peer other than the owner holds one seat at most. Nothing else may be
// done to this key. Without seats, it is a key as any other.
const SeatsKey = "seats"

// checkSeats judges what a patch does to the seats; before and after are the states around it.
func (c *Config) checkSeats(d *Draft, before, after jsonstate.State) error {
	if len(c.Seats) == 0 {
		return nil
	}
	var wanted []byte
	for m := jsontext.MembersOf(d.Patch); m.Next(); {
		if string(m.Key) == SeatsKey {
			wanted = m.Value
		}
	}
	if wanted == nil {
		return nil
	}
	if jsontext.KindOf(wanted) != jsontext.Object {
		return wire.E(wire.Forbidden, `"seats" is an object such as {"`, c.Seats[0], `": <your peer id>} or {"`, c.Seats[0], `": null}`)
	}
	host := d.Role == wire.RoleOwner || d.Role == wire.RoleModerator
	for m := jsontext.MembersOf(wanted); m.Next(); {
		seat := string(m.Key)
		if !slices.Contains(c.Seats, seat) {
			return wire.E(wire.Forbidden, `this group has no such seat; there are `, quoted(c.Seats))
		}
		holder := holder(before, seat)
		if jsontext.KindOf(m.Value) == jsontext.Null {
			if holder != "" && holder != d.From && !host {
				return wire.E(wire.Forbidden, `only who holds seat "`, seat, `", a moderator or the owner may free it`)
			}
			continue
		}
		if who, err := jsontext.Str(m.Value); err != nil || wire.PeerID(who) != d.From {
			return wire.E(wire.Forbidden, `a seat is set to your own peer id, or to null`)
		}
		if holder != "" && holder != d.From {
			return wire.E(wire.Conflict, `seat "`, seat, `" is taken`)
		}
	}
	held := 0
	for _, seat := range c.Seats {
		if holder(after, seat) == d.From {
			held++
		}
	}
	if held > 1 && d.Role != wire.RoleOwner {
		return wire.E(wire.Forbidden, `a peer holds one seat at a time; free the other one in the same patch`)
	}
	return nil
}

// holder returns who sits on a seat, "" for nobody.
func holder(s jsonstate.State, seat string) wire.PeerID {
	raw, ok := s.Lookup(SeatsKey, seat)
	if !ok {
		return ""
	}
	who, err := jsontext.Str(raw)
	if err != nil {
		return ""
	}
	return wire.PeerID(who)
}

// Seated reports whether a peer holds one of the group's seats.
func (c *Config) Seated(s jsonstate.State, peer wire.PeerID) bool {
	return peer != "" && slices.ContainsFunc(c.Seats, func(seat string) bool { return holder(s, seat) == peer })
}

// SeatHolders returns the taken seats, nil when there are none.
func (c *Config) SeatHolders(s jsonstate.State) map[string]wire.PeerID {
	var holders map[string]wire.PeerID
	for _, seat := range c.Seats {
		if who := holder(s, seat); who != "" {
			if holders == nil {
				holders = make(map[string]wire.PeerID, len(c.Seats))
			}
			holders[seat] = who
		}
	}
	return holders
}

func quoted(names []string) string {
	var b []byte
	for i, name := range names {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = jsontext.AppendString(b, name)
	}
	return string(b)
}
