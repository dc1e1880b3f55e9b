package store

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"goop/shared/group"
	"goop/shared/wire"
)

// Registry remembers which groups there are and what they remember of people: the relay's Registry, in
// SQLite. Each of its methods is one transaction: when it fails, all is as it was.
type Registry struct{ db *DB }

// Registry returns the list of groups.
func (db *DB) Registry() *Registry { return &Registry{db} }

// Groups returns all groups that were saved and not removed, those created first in front.
func (r *Registry) Groups(ctx context.Context) ([]group.Saved, error) {
	var list []group.Saved
	err := r.db.Read(ctx, func(tx *ReadTx) error {
		list = nil
		index := map[wire.GroupID]int{}
		for row, err := range tx.Query("SELECT id, config, creator, created_at FROM _group_config ORDER BY created_at, id") {
			if err != nil {
				return err
			}
			cfg, err := group.ParseConfig(row.Raw(1))
			if err != nil {
				return fmt.Errorf("configuration of group %s: %w", row.Text(0), err)
			}
			cfg.Creator, cfg.CreatedAt = wire.PeerID(row.Text(2)), row.Int(3)
			index[cfg.ID] = len(list)
			list = append(list, group.Saved{Config: cfg})
		}
		find := func(id string) *group.Saved {
			if i, ok := index[wire.GroupID(id)]; ok {
				return &list[i]
			}
			return &group.Saved{} // of no group: whatever it was, nobody has a use for it
		}
		return errors.Join(readStandings(tx, find), readInvites(tx, find))
	})
	return list, err
}

func readStandings(tx *ReadTx, find func(id string) *group.Saved) error {
	for row, err := range tx.Query("SELECT id, peer, role, banned, given_by, since FROM _group_standing ORDER BY id, peer") {
		if err != nil {
			return err
		}
		g := find(row.Text(0))
		g.Standings = append(g.Standings, group.Standing{
			Peer: wire.PeerID(row.Text(1)), Role: wire.Role(row.Text(2)), Banned: row.Int(3) != 0,
			By: wire.PeerID(row.Text(4)), Since: row.Int(5),
		})
	}
	return nil
}

func readInvites(tx *ReadTx, find func(id string) *group.Saved) error {
	for row, err := range tx.Query(`SELECT id, invite, hash, role, uses, used, expires, made_by, created FROM _group_invite
		ORDER BY id, created, invite`) {
		if err != nil {
			return err
		}
		inv := group.Invite{
			ID: group.InviteID(row.Text(1)), Role: wire.Role(row.Text(3)), Uses: int(row.Int(4)), Used: int(row.Int(5)),
			Expires: row.Int(6), By: wire.PeerID(row.Text(7)), Created: row.Int(8),
		}
		if copy(inv.Hash[:], row.Raw(2)) != sha256.Size {
			return fmt.Errorf("an invite of group %s has no hash of a token", row.Text(0))
		}
		g := find(row.Text(0))
		g.Invites = append(g.Invites, inv)
	}
	return nil
}

// Save remembers a group, or its configuration as it is now, with what has changed about its people.
func (r *Registry) Save(ctx context.Context, cfg group.Config, people group.PeopleChange) error {
	config := cfg.Append(nil)
	return r.db.Write(ctx, func(tx *Tx) error {
		_, err := tx.Exec("INSERT OR REPLACE INTO _group_config (id, config, creator, created_at) VALUES (?, ?, ?, ?)",
			cfg.ID, Text(config), cfg.Creator, cfg.CreatedAt)
		if err != nil {
			return err
		}
		return notePeople(tx, cfg.ID, &people)
	})
}

// Note remembers what has changed about the people of a group that was saved.
func (r *Registry) Note(ctx context.Context, id wire.GroupID, people group.PeopleChange) error {
	return r.db.Write(ctx, func(tx *Tx) error {
		known, err := tx.Number("SELECT count(*) FROM _group_config WHERE id = ?", id)
		if err != nil {
			return err
		}
		if known == 0 {
			return fmt.Errorf("store: the group %s was not saved", id)
		}
		return notePeople(tx, id, &people)
	})
}

func notePeople(tx *Tx, id wire.GroupID, people *group.PeopleChange) error {
	for i := range people.Standings {
		if err := noteStanding(tx, id, &people.Standings[i]); err != nil {
			return err
		}
	}
	for i := range people.Invites {
		inv := &people.Invites[i]
		if _, err := tx.Exec(`INSERT OR REPLACE INTO _group_invite (id, invite, hash, role, uses, used, expires, made_by, created)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			id, string(inv.ID), inv.Hash[:], inv.Role, inv.Uses, inv.Used, inv.Expires, inv.By, inv.Created); err != nil {
			return err
		}
	}
	for _, invite := range people.Revoked {
		if _, err := tx.Exec("DELETE FROM _group_invite WHERE id = ? AND invite = ?", id, string(invite)); err != nil {
			return err
		}
	}
	return nil
}

func noteStanding(tx *Tx, id wire.GroupID, s *group.Standing) (err error) {
	if s.Empty() {
		_, err = tx.Exec("DELETE FROM _group_standing WHERE id = ? AND peer = ?", id, s.Peer)
		return err
	}
	_, err = tx.Exec("INSERT OR REPLACE INTO _group_standing (id, peer, role, banned, given_by, since) VALUES (?, ?, ?, ?, ?, ?)",
		id, s.Peer, s.Role, s.Banned, s.By, s.Since)
	return err
}

// Remove forgets a closed group with its people, log and state. The rows of its record table stay, and
// since access to such rows goes by who was in the group, its last roster is kept, in place of what was
// kept for this id before.
func (r *Registry) Remove(ctx context.Context, id wire.GroupID, roster []group.RosterPeer) error {
	return r.db.Write(ctx, func(tx *Tx) error {
		for _, table := range []string{"_group_config", "_group_standing", "_group_invite", "_group_roster"} {
			if _, err := tx.Exec("DELETE FROM "+table+" WHERE id = ?", id); err != nil {
				return err
			}
		}
		for i := range roster {
			p := &roster[i]
			if _, err := tx.Exec("INSERT OR REPLACE INTO _group_roster (id, peer, label, role, joined) VALUES (?, ?, ?, ?, ?)",
				id, p.Peer, p.Label, p.Role, p.Joined); err != nil {
				return err
			}
		}
		return r.db.groupLog.drop(tx, id)
	})
}

// Roster returns the last roster of a group that was removed, those who joined first in front.
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
