-- Whether the moments of an event's probes follow from its seed, as it was when the event was announced. NULL where an older
-- version announced it: then as configured.
ALTER TABLE events ADD COLUMN jitter INTEGER;
