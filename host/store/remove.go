package store

import "goop/shared/data"

func (d *request) remove(s *step) ([]byte, error) {
	id, err := d.value(s.Row)
	if err != nil {
		return nil, err
	}
	if _, _, err := d.find(s, id.N, data.Remove); err != nil {
		return nil, err
	}
	if err := d.tx.removeRow(s.t, id.N, &d.changes); err != nil {
		return nil, err
	}
	return answerCount("removed", 1), nil
}

// removeWhere removes the rows that the caller may read and remove.
func (d *request) removeWhere(s *step) ([]byte, error) {
	rows, err := d.matching(s, data.Remove)
	if err != nil {
		return nil, err
	}
	for _, id := range rows {
		if err := d.tx.removeRow(s.t, id, &d.changes); err != nil {
			return nil, err
		}
	}
	return answerCount("removed", len(rows)), nil
}

// rowAt is a row of a table.
type rowAt struct {
	t  *table
	id int64
}

// removeRow removes a row and does with those that reference it what their columns say, and so on. One that
// is gone already, perhaps with another, is no error.
func (tx *Tx) removeRow(t *table, id int64, changes *budget) error {
	for queue := []rowAt{{t, id}}; len(queue) > 0; queue = queue[1:] {
		t, id := queue[0].t, queue[0].id
		owner, found := "", false
		for row, err := range tx.Query("DELETE FROM "+t.name+" WHERE "+t.columns[0]+" = ? RETURNING "+t.columns[t.wiring.owner], id) {
			if err != nil {
				return err
			}
			owner, found = row.Text(0), true
		}
		if !found {
			continue
		}
		if err := changes.take(); err != nil {
			return err
		}
		tx.Changed(Change{t.Name, id, Removed, owner})
		follow, err := tx.letGo(t, id, changes)
		if err != nil {
			return err
		}
		queue = append(queue, follow...)
	}
	return nil
}

// letGo clears the references to a row that is gone, and returns the rows that are to follow it.
func (tx *Tx) letGo(t *table, id int64, changes *budget) (follow []rowAt, err error) {
	for _, from := range t.wiring.referrers {
		u, column := from.t, from.t.columns[from.column]
		var ids []int64
		for row, err := range tx.Query("SELECT "+u.columns[0]+" FROM "+u.name+" WHERE "+column+" = ? LIMIT ?", id, int(*changes)+1) {
			if err != nil {
				return nil, err
			}
			ids = append(ids, row.Int(0))
		}
		if len(ids) > int(*changes) {
			*changes = 0
			return nil, changes.take()
		}
		for _, id := range ids {
			if from.onRemove == data.Cascade {
				follow = append(follow, rowAt{u, id})
				continue
			}
			if err := changes.take(); err != nil {
				return nil, err
			}
			set, args := column+" = NULL", []any{id}
			if !u.Columns[from.column].Hidden { // else it is no update, see change
				set, args = set+", "+u.columns[u.wiring.updated]+" = ?", []any{tx.now, id}
			}
			if _, err := tx.Exec("UPDATE "+u.name+" SET "+set+" WHERE "+u.columns[0]+" = ?", args...); err != nil {
				return nil, err
			}
			tx.Changed(Change{Table: u.Name, ID: id, Kind: Updated})
		}
	}
	return follow, nil
}
