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

// removeRow removes a row and does with those that reference it what their columns say, and so on. One that
// is gone already, perhaps with another, is no error.
func (tx *Tx) removeRow(t *table, id int64, changes *budget) error {
	type at struct {
		t  *table
		id int64
	}
	for queue := []at{{t, id}}; len(queue) > 0; queue = queue[1:] {
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
		for _, from := range t.wiring.referrers {
			u, column := from.t, from.t.columns[from.column]
			var ids []int64
			for row, err := range tx.Query("SELECT "+u.columns[0]+" FROM "+u.name+" WHERE "+column+" = ? LIMIT ?", id, int(*changes)+1) {
				if err != nil {
					return err
				}
				ids = append(ids, row.Int(0))
			}
			if len(ids) > int(*changes) {
				*changes = 0
				return changes.take()
			}
			for _, id := range ids {
				if from.onRemove == data.Cascade {
					queue = append(queue, at{u, id})
					continue
				}
				if err := changes.take(); err != nil {
					return err
				}
				set, args := column+" = NULL", []any{id}
				if !u.Columns[from.column].Hidden { // else it is no update, see change
					set, args = set+", "+u.columns[u.wiring.updated]+" = ?", []any{tx.now, id}
				}
				if _, err := tx.Exec("UPDATE "+u.name+" SET "+set+" WHERE "+u.columns[0]+" = ?", args...); err != nil {
					return err
				}
				tx.Changed(Change{Table: u.Name, ID: id, Kind: Updated})
			}
		}
	}
	return nil
}
