-- Finished escrows that the owner has chosen to present to strangers, as others get them (JSON), by their hash.
CREATE TABLE presented (
    hash   TEXT PRIMARY KEY,
    escrow TEXT NOT NULL UNIQUE,
    file   BLOB NOT NULL
) STRICT;

-- What others presented of a provider and was verified, here and on the chain. Of each funding transaction what was
-- verified last. The blocks are looked up again whenever it is to count: what a reorganisation took back does not.
CREATE TABLE verified_references (
    provider      TEXT    NOT NULL,
    funding_txid  TEXT    NOT NULL,
    hash          TEXT    NOT NULL,
    funding_block TEXT    NOT NULL,
    closing_block TEXT    NOT NULL,
    json          TEXT    NOT NULL,
    at            INTEGER NOT NULL,
    PRIMARY KEY (provider, funding_txid)
) STRICT, WITHOUT ROWID;
