-- How many commits had changes that somebody may be waiting for. Written in the transaction that it
-- counts, so that a reader's snapshot tells which commits it includes.
CREATE TABLE _position (n INTEGER NOT NULL) STRICT;
INSERT INTO _position VALUES (0);

-- The groups that there are. config is JSON, as group.ParseConfig reads it.
CREATE TABLE _group_config (
	id         TEXT PRIMARY KEY,
	config     TEXT NOT NULL,
	creator    TEXT NOT NULL,
	created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The last roster of a closed group: whose access "member" still is.
CREATE TABLE _group_roster (
	id     TEXT NOT NULL,
	peer   TEXT NOT NULL,
	label  TEXT NOT NULL,
	role   TEXT NOT NULL,
	joined INTEGER NOT NULL,
	PRIMARY KEY (id, peer)
) STRICT, WITHOUT ROWID;

-- One row for each durable log. state is the group's state after the state entry saved_seq, and touched
-- what goes with it (group.Touched); later state entries are folded into both when the log is opened.
CREATE TABLE _group_head (
	log       INTEGER PRIMARY KEY AUTOINCREMENT,
	id        TEXT NOT NULL UNIQUE,
	epoch     TEXT NOT NULL,
	state     TEXT NOT NULL,
	saved_seq INTEGER NOT NULL,
	touched   TEXT NOT NULL
) STRICT;

-- The entries. key is log << 36 | seq, so that a group's entries lie together and in order. An entry
-- without a body is no longer given out; it stays to recognise its id.
CREATE TABLE _group_log (
	key     INTEGER PRIMARY KEY,
	log     INTEGER NOT NULL,
	time    INTEGER NOT NULL,
	peer    TEXT NOT NULL,
	session TEXT NOT NULL,
	id      TEXT NOT NULL,
	hash    BLOB,
	kind    TEXT NOT NULL,
	dest    TEXT NOT NULL,
	body    BLOB
) STRICT;
CREATE UNIQUE INDEX _group_log_ids ON _group_log (log, peer, id) WHERE id <> '';

-- Who owns the site.
CREATE TABLE _owner (
	peer  TEXT PRIMARY KEY,
	since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Owner links that were handed out. Of the secret only its SHA-256 is kept.
CREATE TABLE _owner_link (
	hash    BLOB PRIMARY KEY,
	expires INTEGER NOT NULL,
	peer    TEXT
) STRICT, WITHOUT ROWID;

-- Answers to writing requests, by the key that the member chose, so that a repeat is answered and not
-- done twice.
CREATE TABLE _write_keys (
	peer   TEXT NOT NULL,
	key    TEXT NOT NULL,
	hash   BLOB NOT NULL,
	answer BLOB NOT NULL,
	time   INTEGER NOT NULL,
	PRIMARY KEY (peer, key)
) STRICT;
CREATE INDEX _write_keys_time ON _write_keys (time);
