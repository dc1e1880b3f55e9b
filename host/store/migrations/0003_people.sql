-- What a group remembers of a peer, in its roster or not: the role that it was given there, or that it is
-- banned. given_by is '' for the host's operator.
CREATE TABLE _group_standing (
	id       TEXT NOT NULL,
	peer     TEXT NOT NULL,
	role     TEXT NOT NULL,
	banned   INTEGER NOT NULL,
	given_by TEXT NOT NULL,
	since    INTEGER NOT NULL,
	PRIMARY KEY (id, peer)
) STRICT, WITHOUT ROWID;

-- The invites of a group. Of the token only its SHA-256 is kept; invite is what it is named by.
CREATE TABLE _group_invite (
	id      TEXT NOT NULL,
	invite  TEXT NOT NULL,
	hash    BLOB NOT NULL,
	role    TEXT NOT NULL,
	uses    INTEGER NOT NULL,
	used    INTEGER NOT NULL,
	expires INTEGER NOT NULL,
	made_by TEXT NOT NULL,
	created INTEGER NOT NULL,
	PRIMARY KEY (id, invite)
) STRICT, WITHOUT ROWID;
