package relay

import (
	"sync/atomic"

	"goop/shared/wire"
)

// Counters are what a relay has done since it was opened. They only ever rise.
type Counters struct {
	Joins           int64 // sessions that were taken in, returns included
	Appended        int64 // entries of all groups
	Deliveries      int64 // of entries to sessions, acknowledgements included
	BytesOut        int64 // that streams took
	Resyncs         int64 // sessions that got a whole state because their log had forgotten
	TooSlow         int64 // sessions that were ended because they did not read
	DatagramsIn     int64
	DatagramsOut    int64
	VolatileDropped int64 // unreliable messages too: over the rate, stale, or pushed out by newer ones

	Refused map[wire.Code]int64 // frames and joins, by the code that they were refused with
}

// counters is Counters as it is counted.
type counters struct {
	joins, appended, deliveries, bytesOut, resyncs, tooSlow atomic.Int64
	datagramsIn, datagramsOut, volatileDropped              atomic.Int64

	refused map[wire.Code]*atomic.Int64 // a number for each code; the map is never changed
}

func (c *counters) init() {
	c.refused = map[wire.Code]*atomic.Int64{}
	for _, code := range wire.Codes {
		c.refused[code] = new(atomic.Int64)
	}
}

func (c *counters) refuse(code wire.Code) {
	if n := c.refused[code]; n != nil {
		n.Add(1)
	}
}

// Counters returns the numbers as they are now. Codes that were never used are left out of Refused.
func (r *Relay) Counters() Counters {
	c := &r.count
	now := Counters{
		Joins: c.joins.Load(), Appended: c.appended.Load(), Deliveries: c.deliveries.Load(),
		BytesOut: c.bytesOut.Load(), Resyncs: c.resyncs.Load(), TooSlow: c.tooSlow.Load(),
		DatagramsIn: c.datagramsIn.Load(), DatagramsOut: c.datagramsOut.Load(),
		VolatileDropped: c.volatileDropped.Load(), Refused: map[wire.Code]int64{},
	}
	for code, n := range c.refused {
		if v := n.Load(); v > 0 {
			now.Refused[code] = v
		}
	}
	return now
}
