-- What the owner is told as it happens, in the order in which it was stored: small rows that say where to look. An id is
-- never used twice. Rows are kept for a month.
CREATE TABLE feed (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    at      INTEGER NOT NULL,
    kind    TEXT    NOT NULL,
    subject TEXT    NOT NULL,
    event   TEXT    NOT NULL,
    seq     INTEGER,
    detail  TEXT    NOT NULL
) STRICT;
CREATE INDEX feed_by_time ON feed (at);
