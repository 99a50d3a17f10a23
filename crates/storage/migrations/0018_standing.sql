-- A buyer's standing orders: what is bought window after window (JSON), in whose name, and why it ended, where it has.
CREATE TABLE orders (
    id         TEXT PRIMARY KEY,
    json       TEXT    NOT NULL,
    key        TEXT,
    created_at INTEGER NOT NULL,
    ended      TEXT
) STRICT, WITHOUT ROWID;

-- What came of each window of an order (JSON), by the window's beginning.
CREATE TABLE order_windows (
    parent TEXT    NOT NULL,
    start  INTEGER NOT NULL,
    json   TEXT    NOT NULL,
    PRIMARY KEY (parent, start)
) STRICT, WITHOUT ROWID;

-- A provider's standing offers, and the offer of each window, by the window's beginning.
CREATE TABLE standing_offers (
    id         TEXT PRIMARY KEY,
    json       TEXT    NOT NULL,
    key        TEXT,
    created_at INTEGER NOT NULL,
    ended      TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE standing_offer_windows (
    parent TEXT    NOT NULL,
    start  INTEGER NOT NULL,
    json   TEXT    NOT NULL,
    PRIMARY KEY (parent, start)
) STRICT, WITHOUT ROWID;
