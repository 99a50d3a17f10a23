-- The signature over the root of an event's evidence, kept when the key that makes it is retired.
ALTER TABLE events ADD COLUMN root_signature TEXT;
