package store

import "math/rand/v2"

// Row ids are integers within what JavaScript holds exactly (2⁵³−1): 41 bits of milliseconds since the
// start of 2020, enough until 2089, and below them 12 random bits. Later rows have greater ids, also
// within one millisecond, so that ordering by _id is ordering by age; and since each step is random, an
// id tells nothing about how many rows there are that one may not see.
const (
	idEpoch    = 1577836800000 // 2020-01-01, in milliseconds since 1970
	idRandom   = 12            // bits
	idStep     = 16            // the greatest step within one millisecond
	idAttempts = 8
)

// NewID returns a new row id, greater than all that this process has given out. After the host's clock
// was set back, a table may have a row with that id already: use InsertWithID.
func (tx *Tx) NewID() int64 {
	id := (tx.now-idEpoch)<<idRandom | rand.Int64N(1<<idRandom)
	if last := tx.db.lastID; id <= last {
		id = last + 1 + rand.Int64N(idStep)
	}
	tx.db.lastID = id
	return id
}

// InsertWithID calls insert, which runs one INSERT, with new ids until it meets one that is free. Other
// errors, also that of another unique column, are returned as they are.
func (tx *Tx) InsertWithID(insert func(id int64) error) (id int64, err error) {
	for range idAttempts {
		id = tx.NewID()
		if err = insert(id); !isIDTaken(err) {
			break
		}
	}
	return id, err
}
