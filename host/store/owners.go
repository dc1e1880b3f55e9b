package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"maps"
	"sync/atomic"

	"goop/shared/wire"
)

const (
	linkAge  = 24 * 60 * 60 * 1000 // milliseconds that an owner link is good for
	linkKeep = 30 * linkAge        // that a used one is remembered, for who opens it again
)

// owners is who owns the site, kept in memory for IsOwner. The map is replaced, never changed.
type owners struct {
	now  atomic.Pointer[map[wire.PeerID]bool]
	hook atomic.Pointer[func(peer wire.PeerID, owner bool)]
}

func (o *owners) load(c *conn) error {
	m := make(map[wire.PeerID]bool)
	for row, err := range c.query("SELECT peer FROM _owner", nil) {
		if err != nil {
			return err
		}
		m[wire.PeerID(row.Text(0))] = true
	}
	o.now.Store(&m)
	return nil
}

// set is called on the writer's goroutine alone.
func (o *owners) set(peer wire.PeerID, owner bool) {
	m := maps.Clone(*o.now.Load())
	if owner {
		m[peer] = true
	} else {
		delete(m, peer)
	}
	o.now.Store(&m)
	if hook := o.hook.Load(); hook != nil {
		(*hook)(peer, owner)
	}
}

// Owner is one owner of the site.
type Owner struct {
	Peer  wire.PeerID
	Since int64 // milliseconds
}

// IsOwner reports whether the peer owns the site. It takes no lock and reads no disk.
func (db *DB) IsOwner(peer wire.PeerID) bool { return (*db.owners.now.Load())[peer] }

// OnOwner sets the function that is told when a peer becomes an owner or is one no longer. It is called
// on the writer's goroutine: it has to be quick and must not call the store's methods, IsOwner aside.
func (db *DB) OnOwner(fn func(peer wire.PeerID, owner bool)) { db.owners.hook.Store(&fn) }

// CreateOwnerLink returns a new secret of more than 128 random bits, good for one peer and 24 hours.
func (db *DB) CreateOwnerLink(ctx context.Context) (secret string, err error) {
	secret = rand.Text()
	hash := sha256.Sum256([]byte(secret))
	err = db.Write(ctx, func(tx *Tx) error {
		if _, err := tx.Exec("DELETE FROM _owner_link WHERE expires < ?", tx.now-linkKeep); err != nil {
			return err
		}
		_, err := tx.Exec("INSERT INTO _owner_link (hash, expires) VALUES (?, ?)", hash[:], tx.now+linkAge)
		return err
	})
	if err != nil {
		return "", err
	}
	return secret, nil
}

// Claim makes the peer an owner by the secret of an owner link. A peer that claims again with the secret
// that made it an owner changes nothing. Any other secret is an error with code invite_invalid.
func (db *DB) Claim(ctx context.Context, peer wire.PeerID, secret string) error {
	hash := sha256.Sum256([]byte(secret))
	return db.Write(ctx, func(tx *Tx) error {
		invalid := wire.E(wire.InviteInvalid,
			"this owner link is not valid (any more): each works for one browser and for 24 hours; the host's operator can make a new one")
		found, claimed := false, ""
		for row, err := range tx.Query("SELECT expires, peer FROM _owner_link WHERE hash = ?", hash[:]) {
			if err != nil {
				return err
			}
			claimed = row.Text(1)
			found = claimed != "" || row.Int(0) > tx.now
		}
		if !found {
			return invalid
		}
		if claimed != "" {
			// Opening the link again is harmless, and it does not bring back an owner who was removed.
			owner, err := tx.Number("SELECT count(*) FROM _owner WHERE peer = ?", peer)
			if err == nil && (claimed != string(peer) || owner == 0) {
				err = invalid
			}
			return err
		}
		if _, err := tx.Exec("UPDATE _owner_link SET peer = ? WHERE hash = ?", peer, hash[:]); err != nil {
			return err
		}
		n, err := tx.Exec("INSERT OR IGNORE INTO _owner (peer, since) VALUES (?, ?)", peer, tx.now)
		if err != nil {
			return err
		}
		if n > 0 {
			tx.AfterCommit(func() { db.owners.set(peer, true) })
		}
		return nil
	})
}

// Owners lists the owners, the oldest first.
func (db *DB) Owners(ctx context.Context) ([]Owner, error) {
	var list []Owner
	err := db.Read(ctx, func(tx *ReadTx) error {
		list = nil
		for row, err := range tx.Query("SELECT peer, since FROM _owner ORDER BY since, peer") {
			if err != nil {
				return err
			}
			list = append(list, Owner{wire.PeerID(row.Text(0)), row.Int(1)})
		}
		return nil
	})
	return list, err
}

// RemoveOwner takes the site from a peer. One that is no owner is an error with code not_found.
func (db *DB) RemoveOwner(ctx context.Context, peer wire.PeerID) error {
	return db.Write(ctx, func(tx *Tx) error {
		n, err := tx.Exec("DELETE FROM _owner WHERE peer = ?", peer)
		if err != nil {
			return err
		}
		if n == 0 {
			return wire.E(wire.NotFound, "no owner has the peer id ", string(peer))
		}
		tx.AfterCommit(func() { db.owners.set(peer, false) })
		return nil
	})
}
