-- The newest checkpoint of each oracle's public log that went on from the one before. JSON, with the keys that signed it.
CREATE TABLE oracle_logs (
    oracle  TEXT PRIMARY KEY,               -- the oracle's key, hex
    log_key TEXT    NOT NULL,               -- as C2SP's signed-note has it; several keys of an oracle share a log
    json    TEXT    NOT NULL,
    at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What did not go on from the one that was kept: the first that proves itself, and the first that does not.
CREATE TABLE log_contradictions (
    oracle TEXT    NOT NULL,
    proven INTEGER NOT NULL,
    json   TEXT    NOT NULL,
    at     INTEGER NOT NULL,
    PRIMARY KEY (oracle, proven)
) STRICT, WITHOUT ROWID;
