-- How this node answers counters to an offer of its own by itself (JSON; its owner's secret). No row: its owner answers.
CREATE TABLE offer_plans (
    offer TEXT PRIMARY KEY,
    plan  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- A session that began with an rfq: the offer that it is about (JSON), our own plan (JSON; the owner's secret), and why
-- it ended, where it ended without an escrow. All else about it is in its envelopes.
CREATE TABLE negotiations (
    session TEXT PRIMARY KEY,
    offer   TEXT NOT NULL,
    plan    TEXT,
    ended   TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX negotiations_open ON negotiations (ended) WHERE ended IS NULL;
