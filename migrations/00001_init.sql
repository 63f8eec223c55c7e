-- +goose Up

-- People who signed up. A number stands once; ids are given without gaps by
-- duplicates, because callers see them.
CREATE TABLE waiting_list (
    id           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    username     text        NOT NULL,
    phone_number text        NOT NULL UNIQUE, -- E.164
    created_at   timestamptz NOT NULL DEFAULT now()
);

-- People who write on WhatsApp. Meta's business-scoped user id names a person
-- for good; the phone number is an alias that may be absent or change.
CREATE TABLE person (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id    text        UNIQUE,
    phone      text        UNIQUE, -- wa_id: digits without a plus
    name       text        NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    CHECK (user_id IS NOT NULL OR phone IS NOT NULL)
);

-- Our answers. One answers every message that points to it.
CREATE TABLE answer (
    id              bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_id       bigint      NOT NULL REFERENCES person,
    phone_number_id text        NOT NULL, -- ours, that it goes out from
    body            text        NOT NULL, -- as the model wrote it, before it is formatted and split
    model           text        NOT NULL, -- empty where the answer is a fixed sentence
    prompt_tokens   integer     NOT NULL,
    response_tokens integer     NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX answer_of_person ON answer (person_id, id);

-- What people sent. answer_id is the one truth about what still waits.
CREATE TABLE message (
    id              bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    wamid           text        NOT NULL UNIQUE,
    person_id       bigint      NOT NULL REFERENCES person,
    phone_number_id text        NOT NULL, -- ours, that was written to
    kind            text        NOT NULL, -- Meta's name of the type
    body            text        NOT NULL, -- the words in it, if any
    sent_at         timestamptz NOT NULL, -- by Meta's clock
    received_at     timestamptz NOT NULL DEFAULT now(),
    answer_id       bigint      REFERENCES answer
);

CREATE INDEX message_waiting ON message (person_id, id) WHERE answer_id IS NULL;
CREATE INDEX message_answered ON message (answer_id) WHERE answer_id IS NOT NULL;

-- How far a part has come, in order: it moves forward and never back. A part
-- that failed can still turn out to have been delivered, so failed stands
-- before delivered.
CREATE TYPE delivery AS ENUM ('unsent', 'sending', 'accepted', 'sent', 'failed', 'delivered', 'read');

-- The outbox: an answer's parts, each a row before it is sent. The id travels
-- as biz_opaque_callback_data and comes back with Meta's statuses.
CREATE TABLE part (
    id           uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
    answer_id    bigint      NOT NULL REFERENCES answer,
    person_id    bigint      NOT NULL REFERENCES person,
    position     integer     NOT NULL, -- in the answer, from 0
    body         text        NOT NULL, -- as it is sent
    reply_to     text        NOT NULL, -- wamid that it quotes; empty for none
    delivery     delivery    NOT NULL DEFAULT 'unsent',
    wamid        text        UNIQUE,   -- Meta's id, once known
    attempts     integer     NOT NULL DEFAULT 0,
    attempted_at timestamptz,          -- when the last send began
    error_code   integer,              -- Meta's, of the last refusal or failure
    error        text,                 -- why it was given up, for the operator
    UNIQUE (answer_id, position)
);

CREATE INDEX part_to_send ON part (person_id, answer_id, position) WHERE delivery IN ('unsent', 'sending');

-- Items of webhooks that nobody acts on, as they came.
CREATE TABLE kept_item (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    field       text        NOT NULL, -- of the change; empty where it could not be read
    reason      text        NOT NULL,
    raw         bytea       NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now()
);

-- +goose Down
DROP TABLE kept_item, part, message, answer, person, waiting_list;
DROP TYPE delivery;
