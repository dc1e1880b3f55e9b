package store

import (
	"strconv"

	"goop/shared/data"
	"goop/shared/wire"
)

// wiring is how a table hangs together with the others, and where its host's columns are.
type wiring struct {
	owner, created, updated int
	integers                []int          // the author's columns of type integer, in which {"$row": N} may stand
	references              map[int]*table // by column
	referrers               []referrer     // the columns that reference the table, but those that stay as they are
}

// referrer is a column of another table, or of the same, that references a table.
type referrer struct {
	t        *table
	column   int
	onRemove data.OnRemove
}

// connectTables connects the tables of a site.
func connectTables(m map[string]*table) {
	for _, t := range m {
		t.wiring.owner, t.wiring.created, t.wiring.updated = t.Lookup(data.OwnerColumn), t.Lookup(data.CreatedColumn), t.Lookup(data.UpdatedColumn)
		t.wiring.references = make(map[int]*table)
		for i, c := range t.Columns {
			if c.Type == data.Integer && !c.ReadOnly {
				t.wiring.integers = append(t.wiring.integers, i)
			}
			to := m[c.References]
			if to == nil {
				continue
			}
			t.wiring.references[i] = to
			if c.OnRemove != data.Keep {
				to.wiring.referrers = append(to.wiring.referrers, referrer{t, i, c.OnRemove})
			}
		}
	}
}

// checkReferences checks those of a new row. given has what the request says, row what that stands for.
func (d *request) checkReferences(s *step, given, row []data.Value) error {
	if len(s.t.wiring.references) == 0 {
		return nil
	}
	for _, i := range s.t.wiring.integers {
		if err := d.checkReference(s.t, i, given[i], row[i]); err != nil {
			return err
		}
	}
	return nil
}

// checkReference checks that a reference leads to a row that the caller may read, or that he has inserted
// by the same request. It does not tell whether there is one that he may not read.
func (d *request) checkReference(t *table, column int, given, v data.Value) error {
	to := t.wiring.references[column]
	switch {
	case to == nil || v.IsNull():
		return nil
	case given.Type != data.Earlier:
	case d.steps[given.N].t == to: // it may have been removed again
		n, err := d.tx.Number("SELECT count(*) FROM "+to.name+" WHERE "+to.columns[0]+" = ?", v.N)
		if err == nil && n == 0 {
			err = dangling(t, column, to, v.N)
		}
		return err
	default: // no two rows of any tables have the same _id
		return dangling(t, column, to, v.N)
	}
	p, read := d.targets[to], false
	for row, err := range p.rows(d.tx, v.N) {
		if err != nil {
			return err
		}
		if !d.rights.asked(to, row.Text(0)) {
			return errMoved
		}
		read = row.Int(1) != 0
	}
	if !read {
		return dangling(t, column, to, v.N)
	}
	return nil
}

// checkRecorded checks the references of a row that the host makes of a message. Whether its sender may read the
// row is not known here, in the log's transaction: what not everybody may read is not looked for, so that a
// refusal tells nothing of it, and the reference may lead nowhere.
func (t *table) checkRecorded(tx *Tx, row []data.Value) error {
	for i, to := range t.wiring.references {
		if read := to.Access.Read; row[i].IsNull() || read.Who != data.Everybody || read.If != nil {
			continue
		}
		n, err := tx.Number("SELECT count(*) FROM "+to.name+" WHERE "+to.columns[0]+" = ?", row[i].N)
		if err == nil && n == 0 {
			err = dangling(t, i, to, row[i].N)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func dangling(t *table, column int, to *table, id int64) error {
	return wire.E(wire.InvalidValue, `column "`, t.Columns[column].Name, `": table "`, to.Name, `" has no row `, strconv.FormatInt(id, 10), " that you may see")
}
