-- What a directory keeps: each key's newest listing, from where it came, and until when it is remembered. A listing stays
-- until any of its key's older ones would have expired, so that none of them can come back in its place.
CREATE TABLE listings (
    key        TEXT PRIMARY KEY,
    at         INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    keep_until INTEGER NOT NULL,
    -- 1 where the provider has taken it back.
    withdrawn  INTEGER NOT NULL,
    -- An IPv4 address or the first 64 bits of an IPv6 one; NULL for the machine itself.
    address    TEXT,
    -- The services that it names, as a JSON list.
    services   TEXT NOT NULL,
    bytes      BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX listings_by_address ON listings (address) WHERE address IS NOT NULL;
CREATE INDEX listings_by_end ON listings (keep_until);
