-- What people say against provisional outcomes. Rows are never deleted, and an answer is given once.
CREATE TABLE objections (
    id          INTEGER PRIMARY KEY,
    event       INTEGER NOT NULL REFERENCES events (id),
    at_s        INTEGER NOT NULL,            -- unix seconds
    text        TEXT    NOT NULL,
    key         BLOB,                        -- x-only, where the objector signed
    signature   BLOB,
    sender      BLOB    NOT NULL,            -- stands for an address, and is good for counting only
    answer      TEXT,
    answered_at INTEGER
) STRICT;

CREATE INDEX objections_event ON objections (event, id);

-- The operator withholds the attestation, for good. An event has an outcome to sign, or this, and never both.
ALTER TABLE events ADD COLUMN withheld TEXT;        -- why
ALTER TABLE events ADD COLUMN withheld_at INTEGER;  -- unix seconds
