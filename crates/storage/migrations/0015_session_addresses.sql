-- From which address a session was opened at our door: an IPv4 address or the first 64 bits of an IPv6 one. NULL for those
-- that we opened, and for the machine itself.
ALTER TABLE sessions ADD COLUMN address TEXT;
CREATE INDEX sessions_by_address ON sessions (address, opened_at) WHERE address IS NOT NULL;
