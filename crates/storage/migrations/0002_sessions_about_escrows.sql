-- A session may also be about an escrow that exists, to close it or to renew it. Such a session has no offer; a
-- renewal's has the oracles' announcements (hex, one a line).
CREATE TABLE sessions_about (
    id            TEXT PRIMARY KEY,
    counterparty  TEXT NOT NULL,
    peer_url      TEXT,
    offer_id      TEXT,
    escrow        TEXT,
    announcements TEXT    NOT NULL,
    opened_at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO sessions_about SELECT id, counterparty, peer_url, offer_id, NULL, '', opened_at FROM sessions;
DROP TABLE sessions;
ALTER TABLE sessions_about RENAME TO sessions;
CREATE INDEX sessions_by_time ON sessions (opened_at);
CREATE INDEX sessions_by_escrow ON sessions (escrow) WHERE escrow IS NOT NULL;
