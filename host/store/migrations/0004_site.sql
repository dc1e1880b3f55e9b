-- What each column of a user's table allowed at the last start: checks is a JSON object of texts, by column.
-- Rows are read through for a column whose text is another one now.
ALTER TABLE _tables ADD COLUMN checks TEXT NOT NULL DEFAULT '{}';

-- The goop.json of the last start, for the commands that work on the data while no host runs.
CREATE TABLE _site (
	one  INTEGER PRIMARY KEY CHECK (one = 1),
	text TEXT NOT NULL
) STRICT;
