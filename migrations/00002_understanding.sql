-- +goose Up

-- What a message has besides words. A file stays with Meta, which keeps it for
-- seven days; it is fetched when the message is answered.
ALTER TABLE message
    ADD COLUMN media_id     text NOT NULL DEFAULT '',
    ADD COLUMN media_type   text NOT NULL DEFAULT '', -- MIME
    ADD COLUMN media_sha256 text NOT NULL DEFAULT '', -- as Meta writes it: base64
    ADD COLUMN quotes       text NOT NULL DEFAULT '', -- wamid of the message it replies to
    ADD COLUMN revoked      boolean NOT NULL DEFAULT false;

-- What holds an answer back, and what was said once and need not be repeated.
ALTER TABLE person
    ADD COLUMN opted_out_at  timestamptz,          -- STOP; START clears it
    ADD COLUMN paused_until  timestamptz,          -- somebody of ours talks to them, or they are a machine
    ADD COLUMN hinted_at     timestamptz;          -- when they were last told what can be read

-- Meta vouches for a number that writes.
ALTER TABLE waiting_list
    ADD COLUMN verified_at timestamptz;

-- +goose Down
ALTER TABLE waiting_list DROP COLUMN verified_at;
ALTER TABLE person DROP COLUMN opted_out_at, DROP COLUMN paused_until, DROP COLUMN hinted_at;
ALTER TABLE message DROP COLUMN media_id, DROP COLUMN media_type, DROP COLUMN media_sha256,
    DROP COLUMN quotes, DROP COLUMN revoked;
