-- +goose Up

-- Edits and revocations of messages that we do not have yet: webhooks overtake
-- each other. They are taken up when the message is about to be answered.
CREATE TABLE early_change (
    wamid       text        PRIMARY KEY,
    body        text        NOT NULL, -- what the message says now; empty where it was revoked
    revoked     boolean     NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now()
);

-- Who is not on the waiting list is offered a button to join it, once in a
-- while.
ALTER TABLE person
    ADD COLUMN invited_at timestamptz;

-- The reply button under a part; empty for none.
ALTER TABLE part
    ADD COLUMN button text NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE part DROP COLUMN button;
ALTER TABLE person DROP COLUMN invited_at;
DROP TABLE early_change;
