-- What the door remembers of each host: door.Entry of shared/door. A row outlives its addresses, because of its
-- sequence number: no older record may come back. Whoever changes the tables adds a file beside this one.
CREATE TABLE host (
  label     TEXT    PRIMARY KEY, -- the host's peer id in base36
  seq       TEXT    NOT NULL,    -- 19 digits: compared as a text, and more than a JavaScript number holds
  public    BLOB,                -- the envelope for everybody
  local     BLOB,                -- the envelope for visitors in the announcer's network
  network   TEXT    NOT NULL,    -- the announcer's
  scope     INTEGER NOT NULL,    -- of the announcer's address
  announced INTEGER NOT NULL,    -- this and the next three in milliseconds since 1970
  expires   INTEGER NOT NULL,
  forget    INTEGER NOT NULL,
  pace      INTEGER NOT NULL
) WITHOUT ROWID;

-- How many rows host has: to count them for each new host would be to read them all.
CREATE TABLE census (
  one   INTEGER PRIMARY KEY CHECK (one = 1),
  hosts INTEGER NOT NULL
);

INSERT INTO census VALUES (1, 0);

CREATE TRIGGER host_comes AFTER INSERT ON host BEGIN UPDATE census SET hosts = hosts + 1; END;

CREATE TRIGGER host_goes AFTER DELETE ON host BEGIN UPDATE census SET hosts = hosts - 1; END;
