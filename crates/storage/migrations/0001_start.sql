-- What this database belongs to, such as the network.
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The wallet's changes in order; together they are the wallet.
CREATE TABLE wallet_changes (
    seq  INTEGER PRIMARY KEY,
    json TEXT NOT NULL
) STRICT;

-- What happened to each escrow. Append-only.
CREATE TABLE escrow_events (
    escrow TEXT    NOT NULL,
    seq    INTEGER NOT NULL,
    at     INTEGER NOT NULL,
    name   TEXT    NOT NULL,
    json   TEXT    NOT NULL,
    PRIMARY KEY (escrow, seq)
) STRICT, WITHOUT ROWID;

-- A coin belongs to one escrow at most; the primary key makes a double reservation impossible.
CREATE TABLE reservations (
    outpoint   TEXT PRIMARY KEY,
    escrow     TEXT    NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Offers that this node publishes, with the oracles' announcements (hex, one a line).
CREATE TABLE offers (
    id            TEXT PRIMARY KEY,
    json          TEXT    NOT NULL,
    announcements TEXT    NOT NULL,
    expires_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A negotiation with one peer. peer_url is where to send to, known to the side that opened it.
CREATE TABLE sessions (
    id           TEXT PRIMARY KEY,
    counterparty TEXT    NOT NULL,
    peer_url     TEXT,
    offer_id     TEXT    NOT NULL,
    opened_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_time ON sessions (opened_at);

-- Every envelope of a session, both ways. One of ours with delivered = 0 is still to be sent.
CREATE TABLE envelopes (
    session   TEXT    NOT NULL,
    seq       INTEGER NOT NULL,
    id        TEXT    NOT NULL UNIQUE,
    ours      INTEGER NOT NULL,
    delivered INTEGER NOT NULL,
    bytes     BLOB    NOT NULL,
    PRIMARY KEY (session, seq)
) STRICT;
CREATE INDEX envelopes_to_send ON envelopes (delivered) WHERE delivered = 0;

-- The owner's payments, stored before they are broadcast, until they are buried in the chain.
CREATE TABLE payments (
    txid TEXT PRIMARY KEY,
    at   INTEGER NOT NULL,
    tx   BLOB    NOT NULL
) STRICT, WITHOUT ROWID;

-- Answers to the owner's requests, by Idempotency-Key.
CREATE TABLE answers (
    key          TEXT PRIMARY KEY,
    request_hash TEXT    NOT NULL,
    status       INTEGER NOT NULL,
    body         TEXT    NOT NULL,
    at           INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
