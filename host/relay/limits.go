package relay

import "time"

// Limits bounds what one host spends on groups, beside what wire.Limits tells members. The zero value of a field means its default.
type Limits struct {
	InFlight   int // entries of one session that wait to be appended; default 64
	Untold     int // appended entries of one session that are not taken up yet for writing to it; default 256
	QueueBytes int // of a group's entries that wait to be appended; default 4 MiB
	BatchSize  int // entries of one append; default 256

	WindowBytes   int // of a group's newest entries, encoded, in memory; default 1 MiB
	WriteBytes    int // taken up for one write to one session, and one line more; default 64 KiB
	VolatileBytes int // of volatile messages that wait for one session; default 64 KiB
	CatchUps      int // sessions that read from an engine at the same time; default 4
	RosterNames   int // peers in one group; above it nobody is told their names; default 1,000

	// A peer that sends more than this, or than wire.Limits.Rate lines a second, is read more slowly.
	LineBurst float64 // at once; default 500
	Bytes     float64 // a second; default 1 MiB
	ByteBurst float64 // at once; default 2 MiB

	// So is a peer of which more lines are refused than accepted. When that goes on, it is dropped.
	Refusals     float64 // a second; default 5
	RefusalBurst float64 // at once; default 50
	Abuse        int     // refused lines, after it was slowed down, until it is dropped; default 200

	JoinWait  time.Duration // for the first line; default 10 s
	WriteWait time.Duration // for one write, then the session is lost; default 20 s
	EndWait   time.Duration // for what is pending when a session is ended; default 3 s
	Coalesce  time.Duration // least between two writes of new messages to the sessions of a group of 50 to 100; default DefaultCoalesce, negative for none
	LastWords time.Duration // for the far end to end its half; default 1 s
	Grace     time.Duration // in the roster without a session; default 5 s
	RosterGap time.Duration // between two roster changes that are sent; default 100 ms
	SkipGap   time.Duration // until a position is told that only moved; default 100 ms
	TellGap   time.Duration // between two errors about volatile messages of one session; default 1 s
	ListGap   time.Duration // between two calls of a subscriber; default 100 ms
}

// Numbers that are part of how the package works rather than of what a host may want to set.
const (
	maxReplies   = 64        // waiting for one session; then its lines are read no further
	fewUntold    = 16        // appended entries of one session; with more it has to be not too far behind
	draftSize    = 200       // bytes that an entry that waits takes beside its payload, about
	windowCrowd  = 100       // sessions for which a window is larger by WindowBytes, up to four of them
	rosterChunk  = 256 << 10 // bytes of one line of a whole roster
	rosterRing   = 64        // roster changes that are kept encoded
	plainRoster  = 200       // peers; above it, members without cap delta get only the count
	readEntries  = 64        // asked of an engine at a time
	historyBytes = 1 << 20   // of a page of history, without what entries take beside their content
	maxDeltaLine = 256 << 10 // bytes; a larger roster change is sent as a whole roster
)

func (l Limits) withDefaults() Limits {
	set(&l.InFlight, 64)
	set(&l.Untold, 256)
	set(&l.QueueBytes, 4<<20)
	set(&l.BatchSize, 256)
	set(&l.WindowBytes, 1<<20)
	set(&l.WriteBytes, 64<<10)
	set(&l.VolatileBytes, 64<<10)
	set(&l.CatchUps, 4)
	set(&l.RosterNames, 1000)
	set(&l.LineBurst, 500)
	set(&l.Bytes, 1<<20)
	set(&l.ByteBurst, 2<<20)
	set(&l.Refusals, 5)
	set(&l.RefusalBurst, 50)
	set(&l.Abuse, 200)
	set(&l.JoinWait, 10*time.Second)
	set(&l.WriteWait, 20*time.Second)
	set(&l.EndWait, 3*time.Second)
	set(&l.Coalesce, DefaultCoalesce)
	set(&l.LastWords, time.Second)
	set(&l.Grace, 5*time.Second)
	set(&l.RosterGap, 100*time.Millisecond)
	set(&l.SkipGap, 100*time.Millisecond)
	set(&l.TellGap, time.Second)
	set(&l.ListGap, 100*time.Millisecond)
	return l
}

func set[T int | float64 | time.Duration](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}
