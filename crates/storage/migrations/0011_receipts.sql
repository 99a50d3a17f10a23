-- One line for each movement of money, in a chain (crates/receipts), and the signed roots over them. Append-only.
CREATE TABLE receipts (
    seq    INTEGER PRIMARY KEY,
    escrow TEXT,
    txid   TEXT,
    json   TEXT NOT NULL
) STRICT;
CREATE INDEX receipts_by_escrow ON receipts (escrow) WHERE escrow IS NOT NULL;
CREATE INDEX receipts_by_txid ON receipts (txid) WHERE escrow IS NULL;

CREATE TABLE receipt_batches (
    number INTEGER PRIMARY KEY,
    json   TEXT NOT NULL
) STRICT;
