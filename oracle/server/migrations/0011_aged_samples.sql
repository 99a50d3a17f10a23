-- Samples of events that were attested long ago, in blocks. A probe's samples are here or in `samples`, never in both.
CREATE TABLE aged_samples (
    event      INTEGER NOT NULL REFERENCES events (id),
    from_probe INTEGER NOT NULL,
    to_probe   INTEGER NOT NULL,             -- the index after the last
    block      BLOB    NOT NULL,             -- store/aged/block.rs says how it is read
    PRIMARY KEY (event, from_probe)
) STRICT, WITHOUT ROWID;
