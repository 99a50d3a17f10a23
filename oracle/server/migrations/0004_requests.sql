-- Nonces of signed requests, for as long as one could come again.
CREATE TABLE request_nonces (
    key   BLOB    NOT NULL,                 -- whose request it was
    nonce BLOB    NOT NULL,
    until INTEGER NOT NULL,                 -- unix seconds; from then on the request is refused for its age
    PRIMARY KEY (key, nonce)
) STRICT, WITHOUT ROWID;

CREATE INDEX request_nonces_until ON request_nonces (until);

-- Who asked for the event, as the policy told requesters apart then; NULL in rows of before.
ALTER TABLE events ADD COLUMN requester TEXT;
CREATE INDEX events_requester ON events (requester, announced_at);
