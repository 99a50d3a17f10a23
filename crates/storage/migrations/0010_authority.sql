-- What was committed, in the order in which it was: escrows, what they came to cost more, payments. The ceilings of an
-- hour and of a day count it. at never runs backwards, whatever the clock does. Rows are kept for ever.
CREATE TABLE commitments (
    seq    INTEGER PRIMARY KEY,
    at     INTEGER NOT NULL,
    kind   TEXT    NOT NULL,
    escrow TEXT,
    txid   TEXT,
    sat    INTEGER NOT NULL,
    key    TEXT
) STRICT;
CREATE INDEX commitments_by_time ON commitments (at);

-- Delegated keys. Of the token only its hash is here; limits is a mandate as JSON; scopes are words with spaces between.
CREATE TABLE delegated_keys (
    name       TEXT PRIMARY KEY,
    token_hash TEXT    NOT NULL UNIQUE,
    scopes     TEXT    NOT NULL,
    limits     TEXT,
    life_s     INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT, WITHOUT ROWID;

-- In whose name a session, an escrow or an offer is; one that is not here is the owner's.
CREATE TABLE acting (
    id  TEXT PRIMARY KEY,
    key TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What delegated keys asked that could change something, and the answer's status.
CREATE TABLE key_requests (
    seq    INTEGER PRIMARY KEY,
    at     INTEGER NOT NULL,
    key    TEXT    NOT NULL,
    method TEXT    NOT NULL,
    path   TEXT    NOT NULL,
    status INTEGER NOT NULL
) STRICT;

-- Commitments that a human is asked about, by the hash of their terms.
CREATE TABLE approvals (
    terms_hash TEXT PRIMARY KEY,
    at         INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    state      TEXT    NOT NULL,
    json       TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

-- What the owner should look at that belongs to no escrow.
CREATE TABLE notices (
    seq    INTEGER PRIMARY KEY,
    at     INTEGER NOT NULL,
    kind   TEXT    NOT NULL,
    detail TEXT    NOT NULL
) STRICT;
