-- +goose Up

-- What every message writes to lies close together, however much is kept.

-- Wamids are told apart by the hour now and no more by the day: the smaller the
-- place that random names go to, the more of them share a page before the next
-- checkpoint.
ALTER TABLE message DROP CONSTRAINT message_wamid_key;
ALTER TABLE message ALTER COLUMN sent_on DROP DEFAULT;
ALTER TABLE message ALTER COLUMN sent_on TYPE timestamptz
    USING CASE WHEN sent_on = 'epoch' THEN 'epoch' ELSE date_bin('1 hour', sent_at, 'epoch') END;
ALTER TABLE message RENAME COLUMN sent_on TO sent_hour; -- as Meta told it; epoch where it told none
ALTER TABLE message ALTER COLUMN sent_hour SET DEFAULT 'epoch';
ALTER TABLE message ADD CONSTRAINT message_wamid_key UNIQUE (sent_hour, wamid);

-- A status brings our own id of the part. This is for one that does not.
ALTER TABLE part DROP CONSTRAINT part_wamid_key;
CREATE INDEX part_wamid ON part (date_bin('1 hour', attempted_at, 'epoch'), wamid) WHERE wamid IS NOT NULL;

-- How much a person was sent matters for minutes, so it is not kept with what
-- is known of them for ever. No row is as good as one whose time is past, and
-- those are deleted.
CREATE TABLE quota (
    person_id bigint      PRIMARY KEY,
    full_at   timestamptz NOT NULL -- when all of it is free again
);
INSERT INTO quota (person_id, full_at) SELECT id, quota_full_at FROM person WHERE quota_full_at > now();
ALTER TABLE person DROP COLUMN quota_full_at;

-- +goose Down
ALTER TABLE person ADD COLUMN quota_full_at timestamptz;
UPDATE person SET quota_full_at = full_at FROM quota WHERE person_id = id;
DROP TABLE quota;
DROP INDEX part_wamid;
ALTER TABLE part ADD CONSTRAINT part_wamid_key UNIQUE (wamid);
ALTER TABLE message DROP CONSTRAINT message_wamid_key;
ALTER TABLE message ALTER COLUMN sent_hour DROP DEFAULT;
ALTER TABLE message ALTER COLUMN sent_hour TYPE date USING (sent_hour AT TIME ZONE 'UTC')::date;
ALTER TABLE message RENAME COLUMN sent_hour TO sent_on;
ALTER TABLE message ALTER COLUMN sent_on SET DEFAULT 'epoch';
ALTER TABLE message ADD CONSTRAINT message_wamid_key UNIQUE (sent_on, wamid);
