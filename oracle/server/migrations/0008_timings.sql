-- How long the parts of a probe took, in microseconds; NULL where there was no such part, and in rows of before.
ALTER TABLE samples ADD COLUMN dns_us INTEGER;
ALTER TABLE samples ADD COLUMN connect_us INTEGER;
ALTER TABLE samples ADD COLUMN tls_us INTEGER;
ALTER TABLE samples ADD COLUMN first_byte_us INTEGER;
ALTER TABLE samples ADD COLUMN total_us INTEGER;
