-- +goose Up

CREATE TABLE person (
    id              bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    bsuid           text        UNIQUE,
    wa_id           text        UNIQUE CHECK (wa_id ~ '^[0-9]{5,20}$'),
    phone_number    text        GENERATED ALWAYS AS ('+' || wa_id) STORED,
    name            text        NOT NULL DEFAULT '',
    created_at      timestamptz NOT NULL DEFAULT now(),
    opted_out_at    timestamptz,
    paused_until    timestamptz,
    hinted_at       timestamptz,
    join_offered_at timestamptz,
    CONSTRAINT person_bsuid_or_wa_id_check CHECK (bsuid IS NOT NULL OR wa_id IS NOT NULL)
);

COMMENT ON TABLE person IS 'People who write to us on WhatsApp.';
COMMENT ON COLUMN person.bsuid IS 'Meta''s business-scoped user id. It never changes.';
COMMENT ON COLUMN person.wa_id IS 'Digits of the phone number without a plus, as Meta sends it. It may be absent or change.';
COMMENT ON COLUMN person.phone_number IS
    'wa_id as E.164. It links a person to waitlist_entry.phone_number; neither a sign-up nor a webhook has to store the link.';
COMMENT ON COLUMN person.opted_out_at IS 'When the person sent STOP or stopped messages in WhatsApp''s settings. START, or resuming there, sets it to NULL.';
COMMENT ON COLUMN person.paused_until IS 'The assistant is silent until then: an employee talks to the person, or the person is a machine.';
COMMENT ON COLUMN person.hinted_at IS 'When the person was last told which messages can be read.';
COMMENT ON COLUMN person.join_offered_at IS 'When the person was last offered a button to join the waiting list.';

CREATE TABLE answer (
    id              bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_id       bigint      NOT NULL,
    phone_number_id text        NOT NULL,
    body            text        NOT NULL,
    model           text        NOT NULL,
    prompt_tokens   integer     NOT NULL CHECK (prompt_tokens >= 0),
    response_tokens integer     NOT NULL CHECK (response_tokens >= 0),
    created_at      timestamptz NOT NULL DEFAULT now(),
    question        text        NOT NULL DEFAULT ''
);

CREATE INDEX answer_person_id_created_at_idx ON answer (person_id, created_at);

COMMENT ON TABLE answer IS 'One answer to one or more messages of a person.';
COMMENT ON COLUMN answer.person_id IS
    'No foreign key: its check locks the row of the person, which writes one more page for every answer. The advisory lock of all persons protects it instead.';
COMMENT ON COLUMN answer.phone_number_id IS 'Meta''s id of our number that the answer is sent from.';
COMMENT ON COLUMN answer.body IS 'The completion, before it is formatted and split into parts.';
COMMENT ON COLUMN answer.model IS 'Empty where the answer is a fixed sentence.';
COMMENT ON COLUMN answer.question IS
    'The texts of the answered messages, one a line. They are repeated here so that a conversation is read from one table: each row of a person who comes back after weeks may have to be read from disk.';
COMMENT ON INDEX answer_person_id_created_at_idx IS
    'History is read by time, so for a person who was not here recently the index alone shows that there is nothing to read.';

CREATE TABLE message (
    id              bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    wamid           text        NOT NULL,
    person_id       bigint      NOT NULL,
    phone_number_id text        NOT NULL,
    type            text        NOT NULL,
    body            text        NOT NULL,
    sent_at         timestamptz NOT NULL,
    received_at     timestamptz NOT NULL DEFAULT now(),
    answer_id       bigint      REFERENCES answer,
    media_id        text        NOT NULL DEFAULT '',
    media_type      text        NOT NULL DEFAULT '',
    media_sha256    text        NOT NULL DEFAULT '',
    quoted_wamid    text        NOT NULL DEFAULT '',
    revoked         boolean     NOT NULL DEFAULT false,
    media_name      text        NOT NULL DEFAULT '',
    sent_hour       timestamptz NOT NULL DEFAULT 'epoch',
    UNIQUE (sent_hour, wamid)
);

CREATE INDEX message_person_id_id_unanswered_idx ON message (person_id, id) WHERE answer_id IS NULL;
CREATE INDEX message_answer_id_idx ON message (answer_id) WHERE answer_id IS NOT NULL;

COMMENT ON TABLE message IS 'Messages that people sent to our numbers.';
COMMENT ON COLUMN message.wamid IS 'Meta''s message id.';
COMMENT ON COLUMN message.person_id IS
    'No foreign key: it would look up the person for each row of a webhook. The advisory lock of all persons protects it instead.';
COMMENT ON COLUMN message.phone_number_id IS 'Meta''s id of our number that received the message.';
COMMENT ON COLUMN message.type IS 'Meta''s name of the type: text, image, …';
COMMENT ON COLUMN message.sent_at IS 'Meta''s timestamp, or the time of receipt where that is implausible.';
COMMENT ON COLUMN message.answer_id IS 'NULL: the message is not answered yet.';
COMMENT ON COLUMN message.media_id IS 'File stored by Meta for seven days, which is downloaded when the message is answered. Empty for none.';
COMMENT ON COLUMN message.media_type IS 'MIME type.';
COMMENT ON COLUMN message.media_sha256 IS 'In base64, as Meta sends it.';
COMMENT ON COLUMN message.media_name IS 'File name. It is not part of body: a message that is only an unreadable file has no text.';
COMMENT ON COLUMN message.quoted_wamid IS 'The message that this one replies to. Empty for none.';
COMMENT ON COLUMN message.revoked IS 'The sender deleted the message.';
COMMENT ON COLUMN message.sent_hour IS 'Hour of Meta''s timestamp as it was sent, the same in every copy of a message; the epoch where there is none.';
COMMENT ON CONSTRAINT message_sent_hour_wamid_key ON message IS
    'Leading with the hour keeps inserts of random wamids on a few hot index pages: fewer full-page images per checkpoint.';

CREATE TYPE delivery AS ENUM ('unsent', 'sending', 'accepted', 'sent', 'failed', 'delivered', 'read');

COMMENT ON TYPE delivery IS
    'How far an answer part has come. It moves forward in this order and never back, except that a send which failed temporarily becomes unsent. failed comes before delivered, because Meta can report a delivery after a failure.';

CREATE TABLE answer_part (
    id           uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
    answer_id    bigint      NOT NULL REFERENCES answer,
    person_id    bigint      NOT NULL,
    position     integer     NOT NULL CHECK (position >= 0),
    body         text        NOT NULL,
    quoted_wamid text        NOT NULL,
    delivery     delivery    NOT NULL DEFAULT 'unsent',
    wamid        text,
    attempts     integer     NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    attempted_at timestamptz,
    error_code   integer,
    error        text,
    not_before   timestamptz,
    refusals     integer     NOT NULL DEFAULT 0 CHECK (refusals >= 0),
    button       text        NOT NULL DEFAULT '',
    open         boolean     NOT NULL GENERATED ALWAYS AS (delivery IN ('unsent', 'sending')) STORED,
    UNIQUE (answer_id, position)
) WITH (fillfactor = 70);

CREATE INDEX answer_part_person_id_answer_id_position_open_idx ON answer_part (person_id, answer_id, position) WHERE open;

COMMENT ON TABLE answer_part IS
    'The outbox: one WhatsApp message of an answer, stored before it is sent. The fill factor leaves room for the statuses, which then change no index.';
COMMENT ON COLUMN answer_part.id IS 'Sent as biz_opaque_callback_data, which Meta returns in the statuses.';
COMMENT ON COLUMN answer_part.person_id IS 'The person of the answer, repeated for the index. No foreign key, as for answer.person_id.';
COMMENT ON COLUMN answer_part.position IS 'Within the answer, from 0.';
COMMENT ON COLUMN answer_part.body IS 'The text as it is sent.';
COMMENT ON COLUMN answer_part.wamid IS
    'Meta''s id of the latest send, once known. No index: random ids would write to one more page for each part, and a status brings our own id.';
COMMENT ON COLUMN answer_part.attempts IS 'Sends that began.';
COMMENT ON COLUMN answer_part.attempted_at IS 'When the latest send began.';
COMMENT ON COLUMN answer_part.error_code IS 'Meta''s code of the latest refusal or failure.';
COMMENT ON COLUMN answer_part.error IS 'Why the part was given up, for the operator.';
COMMENT ON COLUMN answer_part.not_before IS 'End of the back-off.';
COMMENT ON COLUMN answer_part.refusals IS 'Refusals and temporary failures of this part alone. They lengthen its back-off, and limit its retries after an unclear error or a failed status.';
COMMENT ON COLUMN answer_part.button IS 'Title of the reply button. Empty for none.';
COMMENT ON COLUMN answer_part.open IS
    'The part may still have to be sent. Its index uses this column and not delivery: PostgreSQL writes to every index of a row when a column of one of them changes, and so sent, delivered and read change none.';

CREATE TABLE former_wamid (
    wamid   text PRIMARY KEY,
    part_id uuid NOT NULL REFERENCES answer_part
);

CREATE INDEX former_wamid_part_id_idx ON former_wamid (part_id);

COMMENT ON TABLE former_wamid IS
    'Meta''s ids of earlier sends of a part. A status of an earlier send counts only where it says that the message arrived.';
COMMENT ON INDEX former_wamid_part_id_idx IS 'Without it PostgreSQL reads the whole table whenever a part is deleted.';

CREATE TABLE pending_status (
    wamid       text        PRIMARY KEY,
    delivery    delivery    NOT NULL,
    error_code  integer,
    max_resends integer     NOT NULL CHECK (max_resends >= 0),
    received_at timestamptz NOT NULL DEFAULT now()
);

COMMENT ON TABLE pending_status IS
    'Statuses that name only Meta''s id and arrived before that id was stored. They are applied when it is. One about a message that is not ours is deleted after a day.';
COMMENT ON COLUMN pending_status.max_resends IS 'How often a message with this error code is sent again.';

CREATE TABLE pending_change (
    wamid       text        PRIMARY KEY,
    body        text        NOT NULL,
    revoked     boolean     NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now()
);

COMMENT ON TABLE pending_change IS
    'Edits and revocations that arrived before their messages. They are applied when the message is about to be answered.';
COMMENT ON COLUMN pending_change.body IS 'The new text; empty for a revocation.';

CREATE TABLE unhandled_item (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    field       text        NOT NULL,
    reason      text        NOT NULL,
    raw         bytea       NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now()
);

COMMENT ON TABLE unhandled_item IS 'Webhook items that nothing handles, as they were received.';
COMMENT ON COLUMN unhandled_item.field IS 'Field of the change; empty where it is unreadable.';

CREATE TABLE person_send_quota (
    person_id      bigint      PRIMARY KEY,
    replenished_at timestamptz NOT NULL
);

COMMENT ON TABLE person_send_quota IS
    'Meta lets a person have a burst of messages and then one in a few seconds. No row means the whole burst is available. It is a table of its own because a quota matters for minutes and a person for years.';
COMMENT ON COLUMN person_send_quota.replenished_at IS 'When the whole burst is available again. Each message moves it on.';

CREATE TABLE send_hold (
    phone_number_id text        PRIMARY KEY,
    needs_operator  boolean     NOT NULL,
    error_code      integer     NOT NULL,
    reason          text        NOT NULL,
    holds_in_row    integer     NOT NULL CHECK (holds_in_row > 0),
    began_at        timestamptz NOT NULL,
    retry_at        timestamptz NOT NULL,
    probe_part_id   uuid
);

COMMENT ON TABLE send_hold IS 'Our numbers that nothing is sent from at the moment. A number without a row is not held.';
COMMENT ON COLUMN send_hold.needs_operator IS 'An operator has to repair the cause; otherwise the hold is temporary.';
COMMENT ON COLUMN send_hold.error_code IS 'Meta''s code of the latest refusal.';
COMMENT ON COLUMN send_hold.reason IS 'Text of the latest refusal, for the operator.';
COMMENT ON COLUMN send_hold.began_at IS 'When the first hold in a row began.';
COMMENT ON COLUMN send_hold.retry_at IS 'When one part may be sent as a probe; during a probe, when its lease ends.';
COMMENT ON COLUMN send_hold.probe_part_id IS 'The part that is sent as a probe, while its outcome is unknown.';

-- +goose StatementBegin
CREATE FUNCTION send_hold_next_check(hold send_hold, probe_check interval) RETURNS timestamptz
LANGUAGE sql STABLE
RETURN CASE WHEN hold.probe_part_id IS NULL THEN hold.retry_at
            ELSE least(hold.retry_at, now() + probe_check) END;
-- +goose StatementEnd

COMMENT ON FUNCTION send_hold_next_check IS
    'When a held part should look again: at retry_at, or during a probe after probe_check, because the probe may end the hold.';

-- +goose Down
DROP FUNCTION send_hold_next_check;
DROP TABLE send_hold, person_send_quota, unhandled_item, pending_change, pending_status, former_wamid, answer_part, message, answer, person;
DROP TYPE delivery;
