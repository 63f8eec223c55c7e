-- +goose Up

-- Wamids are told apart by the hour now and no more by the day: the smaller the
-- place that random names go to, the more of them share a page before the next
-- checkpoint. Where Meta's time was unusable nobody knows the hour any more.
ALTER TABLE message DROP CONSTRAINT message_wamid_key;
ALTER TABLE message ALTER COLUMN sent_on DROP DEFAULT;
ALTER TABLE message ALTER COLUMN sent_on TYPE timestamptz
    USING CASE WHEN sent_on = 'epoch' THEN 'epoch'
               WHEN (sent_at AT TIME ZONE 'UTC')::date = sent_on THEN date_bin('1 hour', sent_at, 'epoch')
               ELSE sent_on::timestamp AT TIME ZONE 'UTC' END;
ALTER TABLE message RENAME COLUMN sent_on TO sent_hour; -- as Meta told it; epoch where it told none
ALTER TABLE message ALTER COLUMN sent_hour SET DEFAULT 'epoch';
ALTER TABLE message ADD CONSTRAINT message_wamid_key UNIQUE (sent_hour, wamid);

-- +goose Down
ALTER TABLE message DROP CONSTRAINT message_wamid_key;
ALTER TABLE message ALTER COLUMN sent_hour DROP DEFAULT;
ALTER TABLE message ALTER COLUMN sent_hour TYPE date USING (sent_hour AT TIME ZONE 'UTC')::date;
ALTER TABLE message RENAME COLUMN sent_hour TO sent_on;
ALTER TABLE message ALTER COLUMN sent_on SET DEFAULT 'epoch';
ALTER TABLE message ADD CONSTRAINT message_wamid_key UNIQUE (sent_on, wamid);
