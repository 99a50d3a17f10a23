-- What the status pages show, kept up in the transaction that writes a slice, so that no page has to read samples of
-- months. All of it follows from samples and slices, and is made again where an older version left none.

-- A service: the events with one target.
CREATE TABLE services (
    id     INTEGER PRIMARY KEY,
    target BLOB NOT NULL UNIQUE,            -- SHA-256 of the canonical target
    slug   TEXT NOT NULL UNIQUE,            -- its name in addresses: a-z, 0-9 and -
    title  TEXT NOT NULL                    -- its name for people
) STRICT;

ALTER TABLE events ADD COLUMN service INTEGER REFERENCES services (id);

CREATE INDEX events_service ON events (service, id);

-- A slice in short. Percentiles are of the answers that came, by nearest rank.
CREATE TABLE slice_notes (
    event     INTEGER NOT NULL REFERENCES events (id),
    slice     INTEGER NOT NULL,
    state     TEXT    NOT NULL,             -- good, bad, unmeasured, excluded
    good      INTEGER NOT NULL,             -- probes
    bad       INTEGER NOT NULL,
    undecided INTEGER NOT NULL,
    p50_ms    INTEGER,                      -- NULL without any answer
    p95_ms    INTEGER,
    PRIMARY KEY (event, slice)
) STRICT, WITHOUT ROWID;

-- How an event's time was spent, by UTC hour and by UTC day. A probe stands for its slot.
CREATE TABLE spans (
    event       INTEGER NOT NULL REFERENCES events (id),
    length_s    INTEGER NOT NULL,           -- 3,600 or 86,400
    start_s     INTEGER NOT NULL,           -- unix seconds, a multiple of the length
    good_ms     INTEGER NOT NULL,
    bad_ms      INTEGER NOT NULL,
    unknown_ms  INTEGER NOT NULL,
    excluded_ms INTEGER NOT NULL,
    PRIMARY KEY (event, length_s, start_s)
) STRICT, WITHOUT ROWID;

-- Runs of bad probes: from the first of them to the first good one after it.
CREATE TABLE incidents (
    event       INTEGER NOT NULL REFERENCES events (id),
    start_ms    INTEGER NOT NULL,           -- when the first bad probe began
    last_bad_ms INTEGER NOT NULL,
    end_ms      INTEGER,                    -- when the first good one began; NULL while there was none
    bad         INTEGER NOT NULL,           -- probes
    undecided   INTEGER NOT NULL,           -- probes in between that could not be decided
    causes      TEXT    NOT NULL,           -- the different causes in their order, JSON
    PRIMARY KEY (event, start_ms)
) STRICT, WITHOUT ROWID;
