package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"

	"goop/shared/group"
	"goop/shared/wire"
)

// known returns what became of an earlier draft with the same id.
func (g *groupLog) known(tx *ReadTx, d *group.Draft, hash []byte) (r group.Result, known bool, err error) {
	if d.ID == "" {
		return r, false, nil
	}
	for row, err := range tx.Query("SELECT key - ?, time, hash FROM _group_log WHERE log = ? AND peer = ? AND id = ? AND id <> ''",
		g.base, g.base>>seqBits, d.From, d.ID) {
		if err != nil {
			return r, false, err
		}
		if !row.Null(2) && !bytes.Equal(row.Raw(2), hash) { // of one that was redacted there is no hash
			return r, true, group.ErrIDConflict()
		}
		r, known = group.Result{Seq: row.Int(0), Time: row.Int(1), Dup: true}, true
	}
	return r, known, nil
}

// repeats answers the repeats among drafts of which nothing could be appended, as when the disk is full:
// whoever sends again what is in the log must not be told that it is not. The others have the error, which
// is that of the whole when there are no repeats.
func (l *Log) repeats(ctx context.Context, g *groupLog, drafts []group.Draft, hashes [][sha256.Size]byte, failed error) ([]group.Result, error) {
	results := make([]group.Result, len(drafts))
	some := false
	err := l.db.Read(ctx, func(tx *ReadTx) error {
		for i := range drafts {
			r, known, err := g.known(tx, &drafts[i], hashes[i][:])
			refusal, refused := errors.AsType[*wire.Error](err)
			switch {
			case refused:
				about := *refusal
				about.ID = drafts[i].ID
				r = group.Result{Err: &about}
			case err != nil:
				return err
			case !known:
				r = group.Result{Err: failed}
			}
			some = some || known
			results[i] = r
		}
		return nil
	})
	if err != nil || !some {
		return nil, failed
	}
	return results, nil
}
