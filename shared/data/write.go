package data

import (
	"goop/shared/group"
	"goop/shared/wire"
)

// Write is one change that a caller wants, checked against its table: a request of its own, or one
// operation of a batch. What it may not say is checked by the store: the caller's rights, that a reference
// leads to a row that the caller may read, that what is unique is.
type Write struct {
	Op      Op
	Table   *Table    // nil for a send
	Rows    [][]Value // of insert, insertMany, upsert: as the table's Columns stand, with defaults
	Row     Value     // of update, remove, increment: the _id; an integer, or of type Earlier
	Where   *Where    // of updateWhere, removeWhere
	Changes []Change  // of update, updateWhere; of upsert, for a row that exists; of increment: what is added
	On      []int     // of upsert: the columns, unique together, by which the row is known
	Group   wire.GroupID
	Payload []byte // of send
}

// Joined are changes that are made in the transaction that appends a group's message: that of the one
// among them that is a send.
type Joined interface {
	group.Companion
	// Answers returns, after the message has been appended, the fields of the answer to each change as a
	// JSON object.
	Answers() [][]byte
}

// Earlier is the type of a value that stands for the _id of the row that an earlier operation of the same
// batch has inserted: operation N, from 0. In a request it is {"$row": N}, for a column of type integer.
const Earlier Type = "earlier"
