-- +goose Up

ALTER TABLE person
    ADD choice_at    timestamptz,
    ADD number_since timestamptz;

-- A person known by number alone has no identifier left when the number passes
-- to another person.
ALTER TABLE person DROP CONSTRAINT person_bsuid_or_wa_id_check;

ALTER TABLE answer_part ADD confirms_opt_out boolean NOT NULL DEFAULT false;

-- What waits to be sent to a person since they opted out confirms that.
UPDATE answer_part SET confirms_opt_out = true
FROM answer JOIN person ON person.id = answer.person_id
WHERE open AND answer.id = answer_id AND answer.created_at >= opted_out_at;

-- Webhooks spell the same user id in different letter case. Rows of one person are
-- merged into the first one. An opt-out of any of them counts.
-- +goose StatementBegin
DO $$
DECLARE
    one record;
BEGIN
    FOR one IN
        SELECT id, wa_id, opted_out_at, paused_until, first_id
        FROM (SELECT *, min(id) OVER (PARTITION BY lower(bsuid COLLATE "C")) AS first_id FROM person WHERE bsuid IS NOT NULL) AS same
        WHERE id <> first_id
        ORDER BY id
    LOOP
        UPDATE message SET person_id = one.first_id WHERE person_id = one.id AND answer_id IS NULL;
        UPDATE message SET person_id = one.first_id WHERE answer_id IN (SELECT id FROM answer WHERE person_id = one.id);
        UPDATE answer_part SET person_id = one.first_id WHERE answer_id IN (SELECT id FROM answer WHERE person_id = one.id);
        UPDATE answer SET person_id = one.first_id WHERE person_id = one.id;
        DELETE FROM person WHERE id = one.id;
        UPDATE person
        SET wa_id        = coalesce(wa_id, one.wa_id),
            opted_out_at = coalesce(opted_out_at, one.opted_out_at),
            paused_until = greatest(paused_until, one.paused_until)
        WHERE id = one.first_id;
        PERFORM queue_answers(ARRAY[one.first_id]);
    END LOOP;
END
$$;
-- +goose StatementEnd

ALTER TABLE person DROP CONSTRAINT person_bsuid_key;
CREATE UNIQUE INDEX person_bsuid_key ON person (lower(bsuid COLLATE "C"));

ALTER TABLE pending_change
    ADD bsuid text NOT NULL DEFAULT '',
    ADD wa_id text NOT NULL DEFAULT '',
    DROP CONSTRAINT pending_change_pkey,
    ADD PRIMARY KEY (wamid, bsuid, wa_id);

COMMENT ON TABLE pending_change IS
    'Edits and revocations that arrived before their messages. They are applied when the message is about to be answered, if their sender wrote it.';
COMMENT ON COLUMN pending_change.bsuid IS 'User id of the sender in lower case. Empty for none.';
COMMENT ON COLUMN pending_change.wa_id IS 'Number of the sender. Empty for none.';
COMMENT ON COLUMN person.bsuid IS
    'Meta''s business-scoped user id, as it was spelled first. It never changes. Its letter case does not count.';
COMMENT ON COLUMN person.created_at IS
    'When the person was first seen, by Meta''s clock: a webhook may arrive days later.';
COMMENT ON TABLE person IS
    'People who write to us on WhatsApp. A person without bsuid and wa_id lost their number to another person, and nothing is sent to them.';
COMMENT ON COLUMN person.opted_out_at IS
    'When we stored that the person sent STOP or stopped messages in WhatsApp''s settings. START, or resuming there, sets it to NULL.';
COMMENT ON COLUMN person.choice_at IS
    'When the person made their newest choice to stop or to resume messages, by Meta''s clock. An older choice that arrives later changes nothing. NULL with opted_out_at: an earlier version stored the choice, so opted_out_at counts instead.';
COMMENT ON COLUMN person.number_since IS
    'When the person got wa_id, if another number or none was stored before. NULL: they have it since created_at.';
COMMENT ON COLUMN person.join_offered_at IS
    'When the person was last offered a button to join the waiting list, or was asked whether they want to be on it.';
COMMENT ON COLUMN answer_part.confirms_opt_out IS
    'The part confirms that the person opted out. No other part is sent to a person who opted out.';
COMMENT ON COLUMN waitlist_entry.username IS
    'As typed at the sign-up, until the entry is verified: then the owner''s name on WhatsApp replaces it.';
COMMENT ON COLUMN waitlist_entry.verified_at IS
    'When the owner of the number asked on WhatsApp to join. NULL: the sign-up may be by another person.';

-- +goose Down
COMMENT ON COLUMN person.created_at IS NULL;
COMMENT ON COLUMN person.bsuid IS 'Meta''s business-scoped user id. It never changes.';
COMMENT ON TABLE pending_change IS
    'Edits and revocations that arrived before their messages. They are applied when the message is about to be answered.';
DELETE FROM pending_change AS older USING pending_change AS newer WHERE older.wamid = newer.wamid AND older.ctid < newer.ctid;
ALTER TABLE pending_change
    DROP CONSTRAINT pending_change_pkey,
    DROP bsuid,
    DROP wa_id,
    ADD PRIMARY KEY (wamid);
DROP INDEX person_bsuid_key;
ALTER TABLE person ADD CONSTRAINT person_bsuid_key UNIQUE (bsuid);
COMMENT ON COLUMN waitlist_entry.verified_at IS
    'When Meta first delivered a message from this number after the sign-up, or the person joined on WhatsApp. NULL: nothing shows that the number belongs to the person.';
COMMENT ON COLUMN waitlist_entry.username IS NULL;
COMMENT ON COLUMN person.join_offered_at IS 'When the person was last offered a button to join the waiting list.';
COMMENT ON COLUMN person.opted_out_at IS 'When the person sent STOP or stopped messages in WhatsApp''s settings. START, or resuming there, sets it to NULL.';
COMMENT ON TABLE person IS 'People who write to us on WhatsApp.';
ALTER TABLE answer_part DROP confirms_opt_out;
UPDATE person SET bsuid = 'without identifier ' || id WHERE bsuid IS NULL AND wa_id IS NULL;
ALTER TABLE person ADD CONSTRAINT person_bsuid_or_wa_id_check CHECK (bsuid IS NOT NULL OR wa_id IS NOT NULL);
ALTER TABLE person DROP choice_at, DROP number_since;
