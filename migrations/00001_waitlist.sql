-- +goose Up

CREATE TABLE waitlist_entry (
    id           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    username     text        NOT NULL,
    phone_number text        NOT NULL UNIQUE CHECK (phone_number ~ '^\+[1-9][0-9]{6,14}$'),
    created_at   timestamptz NOT NULL DEFAULT now(),
    verified_at  timestamptz
);

COMMENT ON TABLE waitlist_entry IS
    'People who signed up for the waiting list. Callers see the ids, so a duplicate sign-up must not use one up.';
COMMENT ON COLUMN waitlist_entry.phone_number IS
    'E.164, with the plus. person.phone_number has the same notation, so the two are compared directly.';
COMMENT ON COLUMN waitlist_entry.verified_at IS
    'When Meta first delivered a message from this number after the sign-up, or the person joined on WhatsApp. NULL: nothing shows that the number belongs to the person.';

-- +goose Down
DROP TABLE waitlist_entry;
