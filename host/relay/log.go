package relay

import (
	"context"

	"goop/shared/group"
	"goop/shared/wire"
)

// Log is an engine that keeps the logs and the states of groups: one in memory (MemLog), one in SQLite
// (package store), later a distributed one. It decides the order: it gives each accepted draft the
// next number, in the order of the slice.
//
// Calls for different groups may come at once. For one group, the relay makes one call of Open, Append,
// Trim and Drop at a time; Read and Before may come at any time, from many goroutines, also during an
// Append.
// Each error that a draft can get is in its Result; the call itself fails only as a whole, and then
// nothing of it has happened, now or before: when there are repeats among drafts that cannot be appended,
// they are answered all the same, and the others have the error in their Results.
type Log interface {
	// Open makes the log of a group ready and returns where it stands. A group that is new to the
	// engine begins with a fresh epoch at 0. Open of a group that is open already puts another
	// configuration of it in force (of which the seats, the record table and what is retained matter to an
	// engine).
	Open(ctx context.Context, cfg group.Config) (group.Head, error)

	// Append checks each draft (known id, ifSeq, seats, size of the state, the row of a record table)
	// and appends those that pass, all in one transaction with a savepoint for each. A draft sees those
	// before it in the slice, so an id that stands in it twice is appended once. When Append returns,
	// the entries are as durable as the engine promises. Nobody changes the bytes of a draft later, so
	// an engine may keep them as they are.
	//
	// What a draft has With it is done in the same transaction, with the draft's number and time: both
	// happen, or neither does, and then the draft is refused with the error of that. When it was done before, the
	// draft is not appended, and its Result is a Dup with the Seq and Time of that time. An engine that has no
	// such transactions refuses the draft.
	//
	// A draft with Redact erases the content of the message that it names, with its hash and the row that
	// it was recorded as, in the same transaction; when there is no such message, or its content is gone, it
	// is refused with group.ErrNothingToRedact. The id of the erased message is still known.
	Append(ctx context.Context, id wire.GroupID, drafts []group.Draft) ([]group.Result, error)

	// Read returns up to limit entries after a position, oldest first, and none when the position is
	// the head or beyond it. It returns group.ErrForgotten when entries right after the position are no
	// longer kept, or older than what the group retains. What was erased comes as Redacted.
	Read(ctx context.Context, id wire.GroupID, after int64, limit int) ([]group.Entry, error)

	// Before returns up to limit entries before a position, newest first; from the head when before is 0 or
	// less. There are fewer, or none, where what is kept begins.
	Before(ctx context.Context, id wire.GroupID, before int64, limit int) ([]group.Entry, error)

	// Trim lets go of what the group retains no longer. The relay calls it now and then when entries are
	// retained for a time; what is too much by count or bytes an engine lets go of by itself as well.
	Trim(ctx context.Context, id wire.GroupID) error

	// Drop removes the log and the state of a closed group.
	Drop(ctx context.Context, id wire.GroupID) error
}

// Registry remembers, across restarts, which groups there are and what they remember of people. Ephemeral
// groups never reach it. Each call happens as a whole or not at all.
type Registry interface {
	// Groups returns what was saved and not removed, those created first in front.
	Groups(ctx context.Context) ([]group.Saved, error)
	// Save remembers a group, or its configuration as it is now, with what has changed about its people.
	Save(ctx context.Context, cfg group.Config, people group.PeopleChange) error
	// Note remembers what has changed about the people of a group that was saved.
	Note(ctx context.Context, id wire.GroupID, people group.PeopleChange) error
	// Remove forgets a closed group with its people, its durable log and its state, and keeps its last
	// roster.
	Remove(ctx context.Context, id wire.GroupID, roster []group.RosterPeer) error
	// Roster returns the last roster of a group that was removed, and nothing for one that never was.
	Roster(ctx context.Context, id wire.GroupID) ([]group.RosterPeer, error)
}
