-- Which event is which window of a service that the operator configured.
CREATE TABLE service_windows (
    service      TEXT    NOT NULL,           -- its name in the configuration
    window_start INTEGER NOT NULL,           -- unix seconds
    event        INTEGER NOT NULL REFERENCES events (id),
    PRIMARY KEY (service, window_start)
) STRICT, WITHOUT ROWID;

CREATE INDEX service_windows_event ON service_windows (event);
