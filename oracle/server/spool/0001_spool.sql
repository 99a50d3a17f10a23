-- Events that this vantage measures.
CREATE TABLE assignments (
    id          INTEGER PRIMARY KEY,
    oracle      BLOB    NOT NULL,             -- its x-only key
    event_id    TEXT    NOT NULL,
    measurement BLOB    NOT NULL,             -- canonical JSON
    announcement_sha256 BLOB NOT NULL,
    vantage     TEXT    NOT NULL,             -- this vantage's name for that oracle
    seed        BLOB,                         -- jitters the probes; NULL where nothing does
    first_probe INTEGER NOT NULL,             -- what is before it was decided already
    window_end  INTEGER NOT NULL,             -- unix seconds
    UNIQUE (oracle, event_id)
) STRICT;

-- What was seen and is in no batch yet.
CREATE TABLE samples (
    assignment INTEGER NOT NULL REFERENCES assignments (id) ON DELETE CASCADE,
    probe      INTEGER NOT NULL,
    line       TEXT    NOT NULL,              -- the sample as one line of CSV
    cause      TEXT,
    PRIMARY KEY (assignment, probe)
) STRICT, WITHOUT ROWID;

-- Signed batches. They never change; `result` is the oracle's word on them, once there is one.
CREATE TABLE batches (
    assignment INTEGER NOT NULL REFERENCES assignments (id) ON DELETE CASCADE,
    from_probe INTEGER NOT NULL,
    to_probe   INTEGER NOT NULL,
    batch      BLOB    NOT NULL,              -- JSON, as it is handed in
    result     TEXT,
    PRIMARY KEY (assignment, from_probe)
) STRICT;

CREATE INDEX batches_waiting ON batches (assignment, from_probe) WHERE result IS NULL;
