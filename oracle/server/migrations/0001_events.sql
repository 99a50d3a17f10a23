-- One row per event. Rows are never deleted, and no column ever goes from a value to another one.
CREATE TABLE events (
    id           INTEGER PRIMARY KEY,
    event_id     TEXT    NOT NULL UNIQUE,
    measurement  BLOB    NOT NULL,           -- canonical JSON
    window_start INTEGER NOT NULL,           -- unix seconds
    window_end   INTEGER NOT NULL,
    maturity     INTEGER NOT NULL,
    announced_at INTEGER NOT NULL,
    announcement TEXT    NOT NULL,           -- TLV with its header, hex
    commitment   BLOB    NOT NULL,           -- what the signing journal knows the announcement by
    nonces       BLOB    NOT NULL,           -- encrypted
    probe_seed   BLOB    NOT NULL,           -- jitters the probes; revealed after the window
    published    INTEGER NOT NULL DEFAULT 0, -- 1 once the journal holds the announcement
    provisional  TEXT,                       -- what the closed window came to, JSON
    outcome      TEXT,                       -- the strings to sign, JSON; durable before any signature
    attestation  TEXT                        -- TLV with its header, hex
) STRICT;

CREATE INDEX events_open ON events (id) WHERE attestation IS NULL;

-- What was seen, once per probe and vantage. `verdict`: 1 good, 0 bad, NULL undecided.
CREATE TABLE samples (
    event      INTEGER NOT NULL REFERENCES events (id),
    probe      INTEGER NOT NULL,             -- index in the window
    vantage    TEXT    NOT NULL,
    unix_ms    INTEGER NOT NULL,
    verdict    INTEGER,
    latency_ms INTEGER NOT NULL,
    cause      TEXT,                         -- why it is not good, in a few words
    PRIMARY KEY (event, probe, vantage)
) STRICT, WITHOUT ROWID;

-- The oracle's own connectivity, asked for whenever a target's probe failed.
CREATE TABLE reference_samples (
    event      INTEGER NOT NULL REFERENCES events (id),
    probe      INTEGER NOT NULL,
    reference  TEXT    NOT NULL,             -- its URL
    unix_ms    INTEGER NOT NULL,
    ok         INTEGER NOT NULL,
    latency_ms INTEGER NOT NULL,
    PRIMARY KEY (event, probe, reference)
) STRICT, WITHOUT ROWID;

-- Verdicts of slices that have ended, in order.
CREATE TABLE slices (
    event   INTEGER NOT NULL REFERENCES events (id),
    slice   INTEGER NOT NULL,
    verdict TEXT    NOT NULL,                -- JSON
    PRIMARY KEY (event, slice)
) STRICT, WITHOUT ROWID;

-- How often the database was written to. The signing journal knows a value that a restored copy lacks.
CREATE TABLE mark (
    one   INTEGER PRIMARY KEY CHECK (one = 1),
    value INTEGER NOT NULL
) STRICT;

INSERT INTO mark (one, value) VALUES (1, 0);
