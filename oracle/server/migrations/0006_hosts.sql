-- What an event measures, for lists: the host in lower case. Filled in at the start where an older version left none.
ALTER TABLE events ADD COLUMN host TEXT;
CREATE INDEX events_host ON events (host, id);
