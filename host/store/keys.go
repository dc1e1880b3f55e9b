package store

import (
	"bytes"
	"crypto/sha256"

	"goop/shared/wire"
)

const (
	keyAge  = 24 * 60 * 60 * 1000 // milliseconds that an answer is kept
	keyStep = 32                  // old answers that one new one clears away
)

// Once runs do unless the peer has had the same request answered under this key within 24 hours; then
// it returns that answer. The answer is stored in the transaction, so that it is kept exactly when what
// do did is. An error of do is not kept: the request may be tried again. The same key with another
// request is an error with code id_conflict. Without a key do simply runs.
func (tx *Tx) Once(peer wire.PeerID, key string, request []byte, do func() ([]byte, error)) ([]byte, error) {
	if key == "" {
		return do()
	}
	hash := sha256.Sum256(request)
	for row, err := range tx.Query("SELECT hash, answer FROM _write_keys WHERE peer = ? AND key = ? AND time > ?",
		peer, key, tx.now-keyAge) {
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(row.Raw(0), hash[:]) {
			return nil, wire.E(wire.IDConflict, "this key belongs to another request; make a new random one for each request")
		}
		return row.Bytes(1), nil
	}
	answer, err := do()
	if err != nil {
		return nil, err
	}
	if _, err := tx.Exec("DELETE FROM _write_keys WHERE rowid IN (SELECT rowid FROM _write_keys WHERE time <= ? LIMIT ?)",
		tx.now-keyAge, keyStep); err != nil {
		return nil, err
	}
	if answer == nil {
		answer = []byte{} // NULL is for no answer
	}
	_, err = tx.Exec("INSERT OR REPLACE INTO _write_keys (peer, key, hash, answer, time) VALUES (?, ?, ?, ?, ?)",
		peer, key, hash[:], answer, tx.now)
	return answer, err
}
