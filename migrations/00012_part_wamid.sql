-- +goose Up

-- A status brings our own id of the part. One that does not brings the
-- recipient, and the part is among what they were last sent. In an index of them
-- wamids stand at random, and it is as large as all that is kept.
ALTER TABLE part DROP CONSTRAINT part_wamid_key;

-- +goose Down
ALTER TABLE part ADD CONSTRAINT part_wamid_key UNIQUE (wamid);
