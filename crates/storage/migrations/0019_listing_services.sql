-- The services that good listings name, so that nobody who asks for one makes the directory look through all.
CREATE TABLE listing_services (
    service TEXT NOT NULL,
    key     TEXT NOT NULL REFERENCES listings (key) ON DELETE CASCADE,
    PRIMARY KEY (service, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX listing_services_by_key ON listing_services (key);

INSERT INTO listing_services (service, key)
    SELECT DISTINCT named.value, listings.key FROM listings, json_each(listings.services) AS named
    WHERE listings.withdrawn = 0;
