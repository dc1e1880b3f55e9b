package data

import (
	"goop/shared/group"
	"goop/shared/jsontext"
	"goop/shared/wire"
)

// GroupsTable is the name of the table that shows the groups.
const GroupsTable = "_groups"

// Groups is the shape of _groups. Its _id is the group's id. Columns that are not the host's take what
// the key of the same name in a group's configuration takes; seats are names.
var Groups = newTable(&Table{
	Name: GroupsTable,
	Columns: []Column{
		{Name: IDColumn, Type: Text, ReadOnly: true},
		{Name: "id", Type: Text},
		{Name: "name", Type: Text},
		{Name: "type", Type: Text},
		{Name: "durable", Type: Boolean},
		{Name: "access", Type: Text},
		{Name: "listed", Type: Boolean},
		{Name: "members", Type: Integer, ReadOnly: true}, // peers in it now
		{Name: "max_members", Type: Integer},             // 0 for no bound of its own
		{Name: "record", Type: Text},
		{Name: "seats", Type: JSON},                        // ["white","black"]
		{Name: "seat_holders", Type: JSON, ReadOnly: true}, // {"white":peer}, the taken ones
		{Name: "rights", Type: JSON},
		{Name: "dissolve_empty", Type: Integer}, // milliseconds; 0 for never
		{Name: "expires", Type: Time},           // null for never
		{Name: "retain", Type: JSON},            // {"count":100}; null for the host's own bounds
		{Name: "template", Type: Text},          // from which it was made
		{Name: "creator", Type: Text, ReadOnly: true},
		{Name: "created_at", Type: Time, ReadOnly: true},
	},
	// The group's own rights decide about update and remove; everybody may ask.
	Access: Access{Read: Rule{Who: Everybody}, Insert: Rule{Who: Everybody}, Update: Rule{Who: Everybody}, Remove: Rule{Who: Everybody}},
})

// groupKeys names, for each column of _groups that may be written, the key of a group's configuration.
var groupKeys = map[string]string{
	"id": "id", "name": "name", "type": "type", "durable": "durable", "access": "access", "listed": "listed",
	"max_members": "maxMembers", "record": "record", "seats": "seats", "rights": "rights",
	"dissolve_empty": "empty", "expires": "expires", // in dissolve
	"retain": "retain", "template": "template",
}

// GroupRow returns a group's row, with its values as the columns of Groups stand.
func GroupRow(g *group.Info) []Value {
	v := map[string]Value{
		IDColumn:         TextValue(string(g.ID)),
		"id":             TextValue(string(g.ID)),
		"name":           TextValue(g.Name),
		"type":           TextValue(string(g.Type)),
		"durable":        BooleanValue(g.Durable),
		"access":         TextValue(string(g.Access)),
		"listed":         BooleanValue(g.Listed),
		"members":        IntegerValue(int64(g.Members)),
		"max_members":    IntegerValue(int64(g.MaxMembers)),
		"record":         textUnlessEmpty(g.Record),
		"seats":          JSONValue(seatNames(g)),
		"seat_holders":   JSONValue(seatHolders(g)),
		"dissolve_empty": IntegerValue(g.Dissolve.Empty.Milliseconds()),
		"template":       textUnlessEmpty(g.Template),
		"creator":        textUnlessEmpty(string(g.Creator)),
		"created_at":     TimeValue(g.CreatedAt),
	}
	if g.Dissolve.Expires != 0 {
		v["expires"] = TimeValue(g.Dissolve.Expires)
	}
	if len(g.Rights) > 0 {
		v["rights"] = JSONValue(part("rights", &group.Config{Rights: g.Rights}))
	}
	if g.Retain != (group.Retain{}) {
		v["retain"] = JSONValue(part("retain", &group.Config{Retain: g.Retain}))
	}
	row := make([]Value, len(Groups.Columns))
	for i, c := range Groups.Columns {
		row[i] = v[c.Name]
	}
	return row
}

func seatNames(g *group.Info) []byte {
	w := jsontext.Writer{}
	w.Begin('[')
	for _, s := range g.Seats {
		w.Str(s)
	}
	w.End(']')
	return w.B
}

func seatHolders(g *group.Info) []byte {
	w := jsontext.Writer{}
	w.Begin('{')
	for _, s := range g.Seats {
		if peer, ok := g.SeatHolders[s]; ok {
			w.Key(s)
			w.Str(string(peer))
		}
	}
	w.End('}')
	return w.B
}

// part takes one field out of a configuration's JSON form, of which package group is the author.
func part(name string, c *group.Config) []byte {
	for m := jsontext.MembersOf(c.Append(nil)); m.Next(); {
		if string(m.Key) == name {
			return m.Value
		}
	}
	return nil
}

// GroupConfig turns values for columns of _groups into the JSON of a group's configuration, or of a
// change of one. Only their names are checked here. The error is a *wire.Error.
func GroupConfig(values []byte) ([]byte, error) {
	config, dissolve := jsontext.Writer{}, jsontext.Writer{}
	config.Begin('{')
	dissolve.Begin('{')
	ends := false
	var seen names
	for m := jsontext.MembersOf(values); m.Next(); {
		name := string(m.Key)
		i, err := Groups.lookup(name)
		if err != nil {
			return nil, err
		}
		if !seen.add(name) {
			return nil, wire.E(wire.InvalidValue, `column "`, name, `" stands twice`)
		}
		c := &Groups.Columns[i]
		if _, err := c.value(m.Value); err != nil {
			return nil, err
		}
		v := m.Value
		if jsontext.KindOf(v) == jsontext.Null {
			if c.Name != "expires" {
				return nil, wire.E(wire.InvalidValue, `column "`, name, `" of a group cannot be null; leave it out for its default`)
			}
			v = []byte("0")
		}
		if key := groupKeys[name]; key == "empty" || key == "expires" {
			ends = true
			dissolve.Key(key)
			dissolve.Raw(v)
		} else {
			config.Key(key)
			config.Raw(v)
		}
	}
	dissolve.End('}')
	if ends {
		config.Key("dissolve")
		config.Raw(dissolve.B)
	}
	config.End('}')
	return config.B, nil
}
