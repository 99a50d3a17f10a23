-- The public log: its entries in order. An entry of a slice is made of the slice's own row; of the others the bytes
-- stand here.
CREATE TABLE log_entries (
    idx   INTEGER PRIMARY KEY,              -- from 0, without a gap
    event INTEGER NOT NULL REFERENCES events (id),
    slice INTEGER,                          -- the slice's index, where the entry is a slice's
    entry BLOB,                             -- the leaf's bytes, where it is not
    CHECK ((slice IS NULL) <> (entry IS NULL))
) STRICT;

-- Where the entry of an event's closed window stands.
CREATE INDEX log_entries_event ON log_entries (event, idx) WHERE entry IS NOT NULL;

-- Hashes of complete subtrees, by their positions in the log's linear order.
CREATE TABLE log_hashes (
    position INTEGER PRIMARY KEY,
    hash     BLOB NOT NULL
) STRICT;
