-- The last beat that was taken of each service, so that none is taken again.
CREATE TABLE last_beats (
    name    TEXT    NOT NULL,
    key     BLOB    NOT NULL,
    unix_ms INTEGER NOT NULL,                -- the beat's own time
    PRIMARY KEY (name, key)
) STRICT, WITHOUT ROWID;
