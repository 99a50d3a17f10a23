-- One signature by each announced nonce, hex in a JSON array. Written with the row; none in rows of before.
ALTER TABLE events ADD COLUMN nonce_proofs TEXT;
