package store

import (
	"context"
	"fmt"

	"goop/shared/group"
	"goop/shared/wire"
)

// Registry remembers which groups there are: the relay's Registry, in SQLite.
type Registry struct{ db *DB }

// Registry returns the list of groups.
func (db *DB) Registry() *Registry { return &Registry{db} }

// Groups returns the configurations of all groups that were saved and not removed.
func (r *Registry) Groups(ctx context.Context) ([]group.Config, error) {
	var list []group.Config
	err := r.db.Read(ctx, func(tx *ReadTx) error {
		list = nil
		for row, err := range tx.Query("SELECT id, config, creator, created_at FROM _group_config ORDER BY created_at, id") {
			if err != nil {
				return err
			}
			cfg, err := group.ParseConfig(row.Raw(1))
			if err != nil {
				return fmt.Errorf("configuration of group %s: %w", row.Text(0), err)
			}
			cfg.Creator, cfg.CreatedAt = wire.PeerID(row.Text(2)), row.Int(3)
			list = append(list, cfg)
		}
		return nil
	})
	return list, err
}

// Save remembers a group, or its configuration as it is now.
func (r *Registry) Save(ctx context.Context, cfg group.Config) error {
	config := cfg.Append(nil)
	return r.db.Write(ctx, func(tx *Tx) error {
		_, err := tx.Exec("INSERT OR REPLACE INTO _group_config (id, config, creator, created_at) VALUES (?, ?, ?, ?)",
			cfg.ID, Text(config), cfg.Creator, cfg.CreatedAt)
		return err
	})
}

// Remove forgets a closed group with its log and state. The rows of its record table stay, and so does
// the roster that SaveRoster kept, since access to such rows goes by it.
func (r *Registry) Remove(ctx context.Context, id wire.GroupID) error {
	return r.db.Write(ctx, func(tx *Tx) error {
		if _, err := tx.Exec("DELETE FROM _group_config WHERE id = ?", id); err != nil {
			return err
		}
		return r.db.groupLog.drop(tx, id)
	})
}

// SaveRoster keeps who was in a group when it was closed, in place of what was kept for this id before.
func (r *Registry) SaveRoster(ctx context.Context, id wire.GroupID, peers []group.RosterPeer) error {
	return r.db.Write(ctx, func(tx *Tx) error {
		if _, err := tx.Exec("DELETE FROM _group_roster WHERE id = ?", id); err != nil {
			return err
		}
		for _, p := range peers {
			if _, err := tx.Exec("INSERT OR REPLACE INTO _group_roster (id, peer, label, role, joined) VALUES (?, ?, ?, ?, ?)",
				id, p.Peer, p.Label, p.Role, p.Joined); err != nil {
				return err
			}
		}
		return nil
	})
}

// Roster returns what SaveRoster kept, those who joined first in front.
func (r *Registry) Roster(ctx context.Context, id wire.GroupID) ([]group.RosterPeer, error) {
	var list []group.RosterPeer
	err := r.db.Read(ctx, func(tx *ReadTx) error {
		list = nil
		for row, err := range tx.Query("SELECT peer, label, role, joined FROM _group_roster WHERE id = ? ORDER BY joined, peer", id) {
			if err != nil {
				return err
			}
			list = append(list, group.RosterPeer{
				Peer: wire.PeerID(row.Text(0)), Label: row.Text(1), Role: wire.Role(row.Text(2)), Joined: row.Int(3),
			})
		}
		return nil
	})
	return list, err
}
