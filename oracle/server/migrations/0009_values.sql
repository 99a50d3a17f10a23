-- What a good answer read, where the measurement is of a metric: an exact decimal.
ALTER TABLE samples ADD COLUMN value TEXT;
