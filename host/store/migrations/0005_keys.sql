-- The answers to writing requests lie in the order of time, so that the oldest are found by their number, and
-- what is new lies together. Keys that begin with the time, as those of members do, lie together in the index too.
ALTER TABLE _write_keys RENAME TO _old_write_keys;
CREATE TABLE _write_keys (
	n      INTEGER PRIMARY KEY,
	key    TEXT NOT NULL,
	peer   TEXT NOT NULL,
	hash   BLOB NOT NULL,
	answer BLOB NOT NULL,
	time   INTEGER NOT NULL
) STRICT;
INSERT INTO _write_keys (key, peer, hash, answer, time) SELECT key, peer, hash, answer, time FROM _old_write_keys ORDER BY time;
CREATE UNIQUE INDEX _write_keys_key ON _write_keys (key, peer);
DROP TABLE _old_write_keys;
