package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"

	"goop/shared/data"
	"goop/shared/wire"
)

const (
	keyAge  = 24 * 60 * 60 * 1000 // milliseconds that an answer is kept
	keyStep = 32                  // new answers that come between two looks for old ones
)

// onceKey recognises a repeat of a request.
type onceKey struct {
	peer wire.PeerID
	key  string
	hash [sha256.Size]byte // of the rest of the request
}

// newOnceKey is called outside of transactions, for it takes its time over a long request.
func newOnceKey(peer wire.PeerID, w data.WriteKey) onceKey {
	k := onceKey{peer: peer, key: w.Key}
	if k.key != "" {
		k.hash = sha256.Sum256(w.Request)
	}
	return k
}

// Once runs do unless the peer has had the same request answered under this key within 24 hours; then
// it returns that answer. The answer is stored in the transaction, so that it is kept exactly when what
// do did is. An error of do is not kept: the request may be tried again. The same key with another
// request is an error with code id_conflict. Without a key do simply runs.
func (tx *Tx) Once(peer wire.PeerID, key string, request []byte, do func() ([]byte, error)) ([]byte, error) {
	k := newOnceKey(peer, data.WriteKey{Key: key, Request: request})
	answer, found, err := tx.answered(&k, tx.now)
	if found || err != nil {
		return answer, err
	}
	if answer, err = do(); err != nil {
		return nil, err
	}
	return answer, tx.keep(&k, answer)
}

// answered returns the answer that is kept under a key.
func (tx *ReadTx) answered(k *onceKey, now int64) (answer []byte, found bool, err error) {
	if k.key == "" {
		return nil, false, nil
	}
	for row, err := range tx.Query("SELECT hash, answer FROM _write_keys WHERE key = ? AND peer = ? AND time > ?",
		k.key, k.peer, now-keyAge) {
		if err != nil {
			return nil, false, err
		}
		if !bytes.Equal(row.Raw(0), k.hash[:]) {
			return nil, false, wire.E(wire.IDConflict, "this key belongs to another request; make a new random one for each request")
		}
		answer, found = row.Bytes(1), true
	}
	return answer, found, nil
}

// keep keeps an answer under a key that has none. When tx is bold, it fails if there is one, or one that
// is too old.
func (tx *Tx) keep(k *onceKey, answer []byte) error {
	if k.key == "" {
		return nil
	}
	if tx.db.kept++; tx.db.kept%keyStep == 1 {
		if err := tx.forgetAnswers(); err != nil {
			return err
		}
	}
	if answer == nil {
		answer = []byte{} // NULL is for no answer
	}
	sql := "INSERT OR REPLACE INTO _write_keys (key, peer, hash, answer, time) VALUES (?, ?, ?, ?, ?)"
	if tx.bold {
		sql = "INSERT INTO _write_keys (key, peer, hash, answer, time) VALUES (?, ?, ?, ?, ?)"
	}
	_, err := tx.Exec(sql, k.key, k.peer, k.hash[:], answer, tx.now)
	return err
}

// forgetAnswers clears away old answers: more than come in between two calls.
func (tx *Tx) forgetAnswers() error {
	first, err := tx.Number("SELECT min(n) FROM _write_keys")
	if err == nil {
		_, err = tx.Exec("DELETE FROM _write_keys WHERE n >= ? AND n < ? AND time <= ?", first, first+4*keyStep, tx.now-keyAge)
	}
	return err
}

// errUnanswered tells that nothing is kept under a key.
var errUnanswered = errors.New("store: no answer is kept")

// Answered returns the answer that Keep has kept under a key in the last 24 hours, nil when there is none.
// The same key with another request is an error with code id_conflict.
func (ts *Tables) Answered(ctx context.Context, peer wire.PeerID, w data.WriteKey) (answer []byte, err error) {
	err = ts.db.Write(ctx, func(tx *Tx) (err error) {
		answer, err = tx.Once(peer, w.Key, w.Request, func() ([]byte, error) { return nil, errUnanswered })
		return err
	})
	if errors.Is(err, errUnanswered) {
		return nil, nil
	}
	return answer, err
}

// Keep keeps the answer to a request that was done elsewhere.
func (ts *Tables) Keep(ctx context.Context, peer wire.PeerID, w data.WriteKey, answer []byte) error {
	return ts.db.Write(ctx, func(tx *Tx) error {
		_, err := tx.Once(peer, w.Key, w.Request, func() ([]byte, error) { return answer, nil })
		return err
	})
}
