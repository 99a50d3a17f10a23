-- Payments that took money out of the wallet, kept for ever: the mandate counts them, and the owner sees what each was
-- for. sat is what left, the fee included.
CREATE TABLE outflows (
    txid TEXT PRIMARY KEY,
    at   INTEGER NOT NULL,
    kind TEXT    NOT NULL,
    sat  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX outflows_by_time ON outflows (at);
