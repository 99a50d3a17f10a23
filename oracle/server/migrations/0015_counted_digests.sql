-- Digests say from now on what probes count as. They are made of samples and verdicts, and are made again at the next start.
DELETE FROM slice_notes;
DELETE FROM spans;
DELETE FROM incidents;
