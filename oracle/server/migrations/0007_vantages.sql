-- The vantages of an event, fixed when it is announced: JSON [{"name","key"}], the oracle's own first and without a
-- key. NULL in rows of before, which have the oracle's own alone.
ALTER TABLE events ADD COLUMN vantages TEXT;

-- What vantages elsewhere signed, one row for each block of a window. The samples are among all samples.
CREATE TABLE vantage_batches (
    event      INTEGER NOT NULL REFERENCES events (id),
    vantage    TEXT    NOT NULL,
    from_probe INTEGER NOT NULL,
    to_probe   INTEGER NOT NULL,
    signature  BLOB    NOT NULL,
    PRIMARY KEY (event, vantage, from_probe)
) STRICT, WITHOUT ROWID;

-- Blocks that came after their slice's verdict. They count nowhere.
CREATE TABLE vantage_late (
    event      INTEGER NOT NULL REFERENCES events (id),
    vantage    TEXT    NOT NULL,
    from_probe INTEGER NOT NULL,
    PRIMARY KEY (event, vantage, from_probe)
) STRICT, WITHOUT ROWID;
