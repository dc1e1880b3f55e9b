package store

import (
	"strconv"
	"strings"

	"goop/shared/data"
	"goop/shared/wire"
)

// redactable is a message whose content can be taken away; key is 0 when there is none.
type redactable struct {
	key, time int64
	body      []byte
	from, to  wire.PeerID
}

// target returns the message at a seq, if its content is still kept.
func (a *appender) target(seq int64) (t redactable, err error) {
	for row, err := range a.tx.Query(`SELECT key, time, body, peer, dest FROM _group_log
		WHERE key = ? AND kind = ? AND body IS NOT NULL`, a.g.base+seq, wire.TypeMsg) {
		if err != nil {
			return t, err
		}
		t = redactable{
			key: row.Int(0), time: row.Int(1), body: row.Bytes(2), from: wire.PeerID(row.Text(3)), to: wire.PeerID(row.Text(4)),
		}
	}
	return t, nil
}

// erase takes a message's content away, with the hash that would tell it and the row that it was
// recorded as. The row of the log stays: its number is taken and its id is known.
func (a *appender) erase(t *redactable) (err error) {
	// What SQLite lets go of stays in the file until something else is written there. Not so here.
	if err := a.tx.c.db.Exec("PRAGMA secure_delete = 1"); err != nil {
		return err
	}
	defer func() {
		if off := a.tx.c.db.Exec("PRAGMA secure_delete = 0"); err == nil {
			err = off
		}
	}()
	if _, err := a.tx.Exec("UPDATE _group_log SET kind = ?, body = x'', hash = NULL WHERE key = ?", kindRedacted, t.key); err != nil {
		return err
	}
	if a.g.cfg.Record != "" && t.to == "" {
		if err := a.tx.db.dropRecorded(a.tx, a.g, t); err != nil {
			return err
		}
	}
	a.s.bytes -= int64(len(t.body)) // last, for what fails is undone in the database alone
	return nil
}

// dropRecorded removes the row that recordRow made of a message, unless somebody has removed it already,
// and what hangs on it.
func (db *DB) dropRecorded(tx *Tx, g *groupLog, t *redactable) error {
	u := db.users.get(g.cfg.Record)
	if u == nil {
		return nil
	}
	// Seq alone would not do: a group that was closed had the same numbers and maybe the same id, and its
	// rows stay. Ids rise with the time, so that the search begins where the row is.
	var sql strings.Builder
	sql.WriteString("SELECT " + u.columns[0] + " FROM " + u.name + " WHERE " + u.columns[0] + " >= ?1 AND " + u.column(data.SeqColumn) +
		" = ?2 AND " + u.column(data.OwnerColumn) + " = ?3 AND " + u.column(data.CreatedColumn) + " = ?4")
	args := []any{(t.time - idEpoch) << idRandom, t.key - g.base, t.from, t.time}
	if u.MemberOf != "" {
		sql.WriteString(" AND " + u.column(u.MemberOf) + " = ?5")
		args = append(args, g.cfg.ID)
	}
	// Another group that is recorded into the same table may have one of the same number, sender and
	// instant: then it is the one with this content.
	sql.WriteString(" ORDER BY ")
	if row, err := u.Recorded(g.cfg.ID, t.body); err == nil {
		for i, c := range u.Columns {
			if !strings.HasPrefix(c.Name, "_") {
				args = append(args, arg(row[i]))
				sql.WriteString(u.columns[i] + " IS ?" + strconv.Itoa(len(args)) + " DESC, ")
			}
		}
	}
	id, err := tx.Number(sql.String()+u.columns[0]+" LIMIT 1", args...)
	if err != nil || id == 0 {
		return err
	}
	changes := budget(maxChanged)
	return tx.removeRow(u, id, &changes)
}
