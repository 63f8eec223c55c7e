-- +goose Up

-- A wamid is looked for among those of its day, by the timestamp that Meta
-- repeats in every copy of a message. Wamids are random: in an index of them
-- alone each message of a busy day touches a page of its own, anywhere in all
-- that is kept, and after a checkpoint PostgreSQL logs each of these pages
-- whole. So what is written to is as large as a day and not as large as the
-- table.
ALTER TABLE message
    ADD COLUMN sent_on date NOT NULL DEFAULT 'epoch'; -- as Meta told it, in UTC; epoch where it told none
UPDATE message SET sent_on = (sent_at AT TIME ZONE 'UTC')::date;
ALTER TABLE message DROP CONSTRAINT message_wamid_key;
ALTER TABLE message ADD CONSTRAINT message_wamid_key UNIQUE (sent_on, wamid);

-- +goose Down
ALTER TABLE message DROP CONSTRAINT message_wamid_key;
ALTER TABLE message ADD CONSTRAINT message_wamid_key UNIQUE (wamid);
ALTER TABLE message DROP COLUMN sent_on;
