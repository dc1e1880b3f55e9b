package store

import (
	"goop/shared/data"
	"goop/shared/wire"
)

// recordRow makes a group's message a row of a table, in the transaction that appends it. The table's
// insert rule is not asked, and what the row references has to be there. A message that does not fit is a *wire.Error.
func (db *DB) recordRow(tx *Tx, name string, id wire.GroupID, from wire.PeerID, seq, time int64, payload []byte) error {
	t := db.users.get(name)
	if t == nil {
		return wire.E(wire.NoSuchTable, `the group records its messages in table "`, name, `", which the site does not have`)
	}
	row, err := t.Recorded(id, payload)
	if err != nil {
		return err
	}
	row[t.Lookup(data.OwnerColumn)] = data.TextValue(string(from))
	row[t.Lookup(data.CreatedColumn)] = data.TimeValue(time)
	row[t.Lookup(data.UpdatedColumn)] = data.TimeValue(time)
	row[t.Lookup(data.SeqColumn)] = data.IntegerValue(seq)
	if err := t.checkRecorded(tx, row); err != nil {
		return err
	}
	return t.add(tx, row)
}
