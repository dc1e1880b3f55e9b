package control

import (
	"encoding/json"

	"goop/shared/wire"
)

// Group is a group as it stands in the list of all.
type Group struct {
	ID         wire.GroupID `json:"id"`
	Name       string       `json:"name"`
	Type       string       `json:"type"`
	Access     string       `json:"access"`
	Durable    bool         `json:"durable"`
	Members    int          `json:"members"`    // peers in it now
	MaxMembers int          `json:"maxMembers"` // 0 for the host's own bound
	Sessions   int          `json:"sessions"`   // pages
	Seq        int64        `json:"seq"`        // of its last entry
	Bytes      int          `json:"bytes"`      // that it takes up in memory, about
	Creator    wire.PeerID  `json:"creator,omitempty"`
	Created    int64        `json:"created"` // milliseconds
}

// GroupDetail is all that there is to know about one group, but for what was said in it.
type GroupDetail struct {
	Group
	Epoch     wire.Epoch      `json:"epoch"`
	StateSize int             `json:"stateSize"` // bytes
	Waiting   int             `json:"waiting"`   // bytes that wait for members to take them
	Config    json.RawMessage `json:"config"`    // as in goop.json
	Roster    []Member        `json:"roster"`
	Standings []Standing      `json:"standings"`
	Invites   []Invite        `json:"invites"` // that are good for something
}

// Member is a peer in a group.
type Member struct {
	Peer     wire.PeerID     `json:"peer"`
	Label    string          `json:"label,omitempty"`
	Meta     json.RawMessage `json:"meta,omitempty"`
	Role     wire.Role       `json:"role"`
	Sessions int             `json:"sessions"` // 0 for one that was cut off a moment ago
	Joined   int64           `json:"joined"`   // milliseconds
}

// Entry is one entry of a group's log, or a stretch of it that is no longer kept.
type Entry struct {
	Seq      int64           `json:"seq"`
	Time     int64           `json:"time"` // milliseconds
	Type     wire.Type       `json:"type"` // msg or state
	From     wire.PeerID     `json:"from"`
	To       wire.PeerID     `json:"to,omitempty"` // of a direct message, which has no payload here
	Payload  json.RawMessage `json:"payload,omitempty"`
	Patch    json.RawMessage `json:"patch,omitempty"`
	Redact   int64           `json:"redact,omitempty"`   // the seq of the message that this entry took away
	Redacted bool            `json:"redacted,omitempty"` // a later entry took its payload away
	Missing  int64           `json:"missing,omitempty"`  // entries right before this one that are no longer kept
}
