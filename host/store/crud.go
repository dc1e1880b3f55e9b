package store

import (
	"errors"

	"goop/shared/data"
)

// Tables does what callers ask of the users' tables, within their rights. It is safe for use by many
// goroutines.
type Tables struct {
	db      *DB
	members Membership
	groups  groupLists
	hub     hub
	turns   turns
	cancel  func() // ends the subscription to members
}

// Tables returns the users' tables, after OpenTables. Close ends it.
func (db *DB) Tables(members Membership) *Tables {
	ts := &Tables{db: db, members: members}
	ts.groups.init(db)
	ts.hub.init(db)
	ts.cancel = members.Subscribe(ts.hub.poke)
	return ts
}

// Close ends the subscription to changes of membership. Calls that are under way go on until their contexts end.
func (ts *Tables) Close() { ts.cancel() }

var errNoTable = errors.New("store: a table that the site does not have")

func (ts *Tables) table(t *data.Table) (*table, error) {
	if u := ts.db.users.get(t.Name); u != nil {
		return u, nil
	}
	return nil, errNoTable
}
