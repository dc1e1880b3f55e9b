package data

import (
	"goop/shared/group"
	"goop/shared/jsontext"
	"goop/shared/wire"
)

// Names of the tables that show the people of groups.
const (
	InvitesTable = "_invites"
	PeersTable   = "_peers"
)

// Invites is the shape of _invites. Its _id is the invite's id.
var Invites = newTable(&Table{
	Name: InvitesTable,
	Columns: []Column{
		{Name: IDColumn, Type: Text, ReadOnly: true},
		{Name: "group", Type: Text, ReadOnly: true},
		{Name: "role", Type: Text, ReadOnly: true},
		{Name: "uses", Type: Integer, ReadOnly: true}, // peers that it lets in
		{Name: "used", Type: Integer, ReadOnly: true}, // those that it has let in
		{Name: "expires", Type: Time, ReadOnly: true},
		{Name: "creator", Type: Text, ReadOnly: true}, // null for the host's operator
		{Name: "created_at", Type: Time, ReadOnly: true},
	},
	// The right invite of each group decides about read and remove; everybody may ask.
	Access: Access{Read: Rule{Who: Everybody}, Insert: Rule{Who: Nobody}, Update: Rule{Who: Nobody}, Remove: Rule{Who: Everybody}},
})

// Peers is the shape of _peers. Its _id is the group's id, "/" and the peer.
var Peers = newTable(&Table{
	Name: PeersTable,
	Columns: []Column{
		{Name: IDColumn, Type: Text, ReadOnly: true},
		{Name: "group", Type: Text, ReadOnly: true},
		{Name: "peer", Type: Text, ReadOnly: true},
		{Name: "label", Type: Text, ReadOnly: true}, // "" for one that is not there
		{Name: "role", Type: Text, Enum: []Value{ // that can be given
			TextValue(string(wire.RoleModerator)), TextValue(string(wire.RoleMember)), TextValue(string(wire.RoleViewer))}},
		{Name: "sessions", Type: Integer, ReadOnly: true},
		{Name: "joined", Type: Time, ReadOnly: true}, // null for one that is not there
		{Name: "banned", Type: Boolean, ReadOnly: true},
	},
	// The rights of each group decide; everybody may ask.
	Access: Access{Read: Rule{Who: Everybody}, Insert: Rule{Who: Nobody}, Update: Rule{Who: Everybody}, Remove: Rule{Who: Everybody}},
})

// InviteRow returns an invite's row, with its values as the columns of Invites stand.
func InviteRow(i *group.InviteInfo) []Value {
	return []Value{
		TextValue(string(i.ID)), TextValue(string(i.Group)), TextValue(string(i.Role)), IntegerValue(int64(i.Uses)),
		IntegerValue(int64(i.Used)), TimeValue(i.Expires), textUnlessEmpty(string(i.By)), TimeValue(i.Created),
	}
}

// PersonRow returns a peer's row, with its values as the columns of Peers stand.
func PersonRow(p *group.PersonInfo) []Value {
	joined := Value{}
	if p.Joined != 0 {
		joined = TimeValue(p.Joined)
	}
	return []Value{
		TextValue(PersonID(p.Group, p.Peer)), TextValue(string(p.Group)), TextValue(string(p.Peer)), TextValue(p.Label),
		textUnlessEmpty(string(p.Role)), IntegerValue(int64(p.Sessions)), joined, BooleanValue(p.Banned),
	}
}

// PersonID returns the _id of a row of Peers. A group's id has no "/".
func PersonID(id wire.GroupID, peer wire.PeerID) string { return string(id) + "/" + string(peer) }

// RoleChange reads new values for a row of Peers. The error is a *wire.Error.
func RoleChange(values []byte) (wire.Role, error) {
	changes, err := Peers.Changes(values)
	switch {
	case err != nil:
		return "", err
	case len(changes) == 0 || changes[0].Value.IsNull():
		return "", wire.E(wire.InvalidValue, `of a row of _peers "role" can be changed, to "moderator", "member" or "viewer"`)
	}
	return wire.Role(changes[0].Value.S), nil
}

func textUnlessEmpty(s string) Value {
	if s == "" {
		return Value{}
	}
	return TextValue(s)
}

// InviteAnswer returns the JSON of a new invite, with the token that is told this once.
func InviteAnswer(i *group.Invite, token, url string) []byte {
	w := jsontext.Writer{}
	w.Begin('{')
	w.Key("id")
	w.Str(string(i.ID))
	w.Key("token")
	w.Str(token)
	w.Key("url")
	w.Str(url)
	w.Key("role")
	w.Str(string(i.Role))
	w.Key("uses")
	w.Int(int64(i.Uses))
	w.Key("expires")
	w.Int(i.Expires)
	w.End('}')
	return w.B
}

// AdmitAnswer returns the JSON of an invite of a peer, which needs no token.
func AdmitAnswer(peer wire.PeerID, role wire.Role, url string) []byte {
	w := jsontext.Writer{}
	w.Begin('{')
	w.Key("url")
	w.Str(url)
	w.Key("role")
	w.Str(string(role))
	w.Key("peer")
	w.Str(string(peer))
	w.End('}')
	return w.B
}

// AppendHistory appends the line of an answer to "group.history": the entries, the oldest first, without
// the oldest ones where they would be more than an answer holds.
func AppendHistory(dst []byte, id int64, entries []group.Entry) []byte {
	size, from := 0, len(entries)
	for from > 0 {
		e := &entries[from-1]
		if size += entrySize + len(e.Payload) + len(e.Patch); size > MaxResult && from < len(entries) {
			break
		}
		from--
	}
	w := begin(dst, id)
	w.Key("rows")
	w.Begin('[')
	for i := from; i < len(entries); i++ {
		appendEntry(&w, &entries[i])
	}
	w.End(']')
	return end(w)
}

// entrySize is about what an entry takes beside its payload or patch.
const entrySize = 256

func appendEntry(w *jsontext.Writer, e *group.Entry) {
	w.Begin('{')
	w.Key("type")
	w.Str(string(e.Kind))
	w.Key("seq")
	w.Int(e.Seq)
	w.Key("from")
	w.Str(string(e.From))
	w.Key("time")
	w.Int(e.Time)
	w.StrUnlessEmpty("to", string(e.To))
	switch {
	case e.Redacted:
		w.Key("redacted")
		w.Bool(true)
	case e.Redact != 0:
		w.Key("redact")
		w.Int(e.Redact)
	case e.Kind == wire.TypeState:
		w.Key("patch")
		w.Raw(e.Patch)
	default:
		w.Key("payload")
		w.Raw(e.Payload)
	}
	w.End('}')
}
