-- +goose Up

-- Our numbers that nothing goes out from at the moment. A number that is not
-- here is open, so in good times the table is empty.
CREATE TABLE sending_gate (
    phone_number_id text        PRIMARY KEY,
    stopped         boolean     NOT NULL, -- an operator has to mend it; else it passes by itself
    code            integer     NOT NULL, -- Meta's, of the refusal that closed it last
    reason          text        NOT NULL, -- for the operator
    closings        integer     NOT NULL, -- in a row
    closed_at       timestamptz NOT NULL, -- the first of them
    resume_at       timestamptz NOT NULL, -- when one part is let through to try
    probe           uuid                  -- that part, while its outcome is not known
);

-- Meta lets a person have 45 messages at once and then one in six seconds.
-- Each message moves this six seconds on; null is long ago.
ALTER TABLE person
    ADD COLUMN quota_full_at timestamptz; -- when all of them are free again

ALTER TABLE part
    ADD COLUMN not_before timestamptz,                -- Meta asked to wait with it
    ADD COLUMN refusals   integer NOT NULL DEFAULT 0; -- for a reason of its own; bounds its retries

-- A part that was sent again has had more than one id of Meta's. part.wamid is
-- the one that counts; what is told about the others is believed only where it
-- says that the part arrived.
CREATE TABLE former_wamid (
    wamid   text PRIMARY KEY,
    part_id uuid NOT NULL REFERENCES part
);

-- Statuses that name only Meta's id and came before we knew it. The part takes
-- them up when its id is stored; what nobody takes is removed after a day.
CREATE TABLE early_status (
    wamid       text        PRIMARY KEY,
    delivery    delivery    NOT NULL,
    code        integer,
    retries     integer     NOT NULL, -- see statuses.go
    received_at timestamptz NOT NULL DEFAULT now()
);

-- +goose Down
DROP TABLE early_status, former_wamid, sending_gate;
ALTER TABLE part DROP COLUMN not_before, DROP COLUMN refusals;
ALTER TABLE person DROP COLUMN quota_full_at;
