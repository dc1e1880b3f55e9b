-- The users' tables as goop.json declared them when the host started last: definition is a JSON list of
-- columns. What SQLite itself remembers does not tell a time from an integer, or json from text.
CREATE TABLE _tables (
	name       TEXT PRIMARY KEY,
	definition TEXT NOT NULL
) STRICT, WITHOUT ROWID;
