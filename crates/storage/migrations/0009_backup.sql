-- Escrows whose three messages the backup target has acknowledged: their funding signature may leave.
CREATE TABLE backed_up (
    escrow TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
