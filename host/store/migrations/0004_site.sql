-- What each column of a user's table allowed at the last start: checks is a JSON object of texts, by column.
-- Rows are read through for a column whose text is another one now.
ALTER TABLE _tables ADD COLUMN checks TEXT NOT NULL DEFAULT '{}';
