-- +goose Up

CREATE TYPE waitlist_status AS ENUM ('waiting', 'invited', 'joined', 'removed');

ALTER TABLE waitlist_entry
    ALTER phone_number TYPE text COLLATE "C", -- so that LIKE '+25471%' can use the index
    ADD status     waitlist_status NOT NULL DEFAULT 'waiting',
    ADD source     text,
    ADD note       text,
    ADD invited_at timestamptz,
    ADD joined_at  timestamptz,
    ADD removed_at timestamptz,
    ADD rank_id    bigint,
    ADD rank_seq   bigint,
    ADD CHECK ((rank_id IS NULL) = (rank_seq IS NULL));

COMMENT ON COLUMN waitlist_entry.rank_id IS
    'With rank_seq and id, the order of the list: (coalesce(rank_id, id), coalesce(rank_seq, 0), id). NULL: the entry never moved. An entry that returns to the list gets the highest id so far, and a rank_seq that is higher than all before.';

CREATE SEQUENCE waitlist_rank_seq;

-- A plain sign-up writes to none of these indexes.
CREATE INDEX waitlist_entry_status ON waitlist_entry (status, id) WHERE status <> 'waiting';
CREATE INDEX waitlist_entry_verified ON waitlist_entry (id) WHERE verified_at IS NOT NULL;
CREATE INDEX waitlist_entry_source ON waitlist_entry (source, id) WHERE source IS NOT NULL;
CREATE INDEX waitlist_entry_rank ON waitlist_entry (rank_id, rank_seq, id) WHERE rank_id IS NOT NULL;

CREATE TABLE waitlist_event (
    id          bigint          GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    entry_id    bigint          NOT NULL REFERENCES waitlist_entry,
    at          timestamptz     NOT NULL DEFAULT now(),
    from_status waitlist_status NOT NULL,
    to_status   waitlist_status NOT NULL,
    actor       text            NOT NULL,
    reason      text
);
CREATE INDEX waitlist_event_entry ON waitlist_event (entry_id, id);

COMMENT ON TABLE waitlist_event IS 'Every change of an entry''s status.';

-- Counts, statistics and search. A sign-up writes nothing here: a background pass
-- adds the entries, in the order of their ids. Later changes of a counted entry
-- are applied by the trigger below.

CREATE TABLE waitlist_counted (
    only_row   bool   PRIMARY KEY DEFAULT true CHECK (only_row),
    counted_to bigint NOT NULL
);
INSERT INTO waitlist_counted (counted_to) VALUES (0);

COMMENT ON TABLE waitlist_counted IS
    'Entries up to the id counted_to are in waitlist_block, waitlist_stat and waitlist_search. A transaction that updates entries holds the advisory lock (7, 0) in share mode, and one that moves counted_to holds it exclusively.';

CREATE TABLE waitlist_block (
    block   bigint PRIMARY KEY,
    waiting bigint NOT NULL
);

COMMENT ON TABLE waitlist_block IS
    'How many counted entries wait, for each block of 1,024 values of coalesce(rank_id, id).';

CREATE TABLE waitlist_stat (
    day    date            NOT NULL,
    source text            NOT NULL,
    status waitlist_status NOT NULL,
    n      bigint          NOT NULL,
    PRIMARY KEY (day, source, status)
);

COMMENT ON TABLE waitlist_stat IS
    'How many counted entries there are, by the day of the sign-up in Nairobi. The source is empty where an entry has none.';

CREATE TABLE waitlist_search (
    entry_id bigint PRIMARY KEY,
    words    text   NOT NULL COLLATE "C"
);

COMMENT ON COLUMN waitlist_search.entry_id IS
    'No foreign key: its check would lock, and so write, the row of every entry that is added. Entries are never deleted.';
COMMENT ON COLUMN waitlist_search.words IS
    'waitlist_search_words of the entry: its folded name, a space, and the digits of its number.';

CREATE TABLE waitlist_search_pending (
    entry_id bigint PRIMARY KEY
);

COMMENT ON TABLE waitlist_search_pending IS 'Entries whose name or number has changed since the last pass. The next pass updates their rows in waitlist_search.';

CREATE FUNCTION waitlist_fold(name text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN lower(regexp_replace(regexp_replace(
    normalize(translate(name, '''’‘ʼ´`', ''), NFKD), '[\u0300-\u036f]+', '', 'g'), '\s+', ' ', 'g'));

COMMENT ON FUNCTION waitlist_fold IS
    'The name without letter case, accents and apostrophes. The accents go first: in some locales lower changes only the letters of ASCII.';

CREATE FUNCTION waitlist_search_words(name text, phone_number text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN waitlist_fold(name) || ' ' || ltrim(phone_number, '+');

-- +goose StatementBegin
DO $$
DECLARE
    part_of_name text := $sql$'%' || $sql$;
BEGIN
    BEGIN
        CREATE EXTENSION IF NOT EXISTS pg_trgm;
        CREATE INDEX waitlist_search_words_trgm ON waitlist_search USING gin (words gin_trgm_ops);
    EXCEPTION
        WHEN insufficient_privilege OR undefined_file OR feature_not_supported THEN
            RAISE NOTICE 'the extension pg_trgm cannot be created: names are searched by their beginning';
            CREATE INDEX waitlist_search_words_prefix ON waitlist_search (words, entry_id);
            part_of_name := '';
    END;
    EXECUTE $sql$
        CREATE FUNCTION waitlist_name_pattern(name text) RETURNS text
        LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
        RETURN $sql$ || part_of_name || $sql$regexp_replace(waitlist_fold(name), '([\\%_])', '\\\1', 'g') || '% %'$sql$;
END
$$;
-- +goose StatementEnd

COMMENT ON FUNCTION waitlist_name_pattern IS
    'The pattern of LIKE for waitlist_search.words in which the name contains the given text, or begins with it where pg_trgm is missing. The last word, which is the number, is not part of the name.';

-- +goose StatementBegin
CREATE FUNCTION waitlist_id_at(at timestamptz) RETURNS bigint
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE AS $$
DECLARE
    low    bigint := 0;
    high   bigint := (SELECT max(id) FROM waitlist_entry);
    middle bigint;
BEGIN
    -- Reading some thousand entries takes no longer than further steps.
    WHILE high - low > 4096 LOOP
        middle := (low + high) / 2;
        IF (SELECT created_at < at FROM waitlist_entry WHERE id >= middle ORDER BY id LIMIT 1) THEN
            low := middle;
        ELSE
            high := middle;
        END IF;
    END LOOP;
    RETURN low;
END
$$;
-- +goose StatementEnd

COMMENT ON FUNCTION waitlist_id_at IS
    'An id of entries that were created about then: at most 4,096 below the first one. The entries are created in the order of their ids, but for the seconds that a transaction takes.';

-- +goose StatementBegin
CREATE FUNCTION waitlist_lock_counts() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7, 0);
    RETURN NULL;
END
$$;
-- +goose StatementEnd

COMMENT ON FUNCTION waitlist_lock_counts IS
    'Keeps the pass from moving counted_to until the transaction ends. It runs before the update locks rows: a transaction that waited for the pass with locked rows could block another one that the pass waits for.';

CREATE TRIGGER waitlist_entry_lock_counts
    BEFORE UPDATE ON waitlist_entry
    FOR EACH STATEMENT EXECUTE FUNCTION waitlist_lock_counts();

-- +goose StatementBegin
CREATE FUNCTION waitlist_apply_changes() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    limit_id bigint;
BEGIN
    SELECT counted_to INTO limit_id FROM waitlist_counted;

    INSERT INTO waitlist_block AS counts (block, waiting)
    SELECT block, sum(n)
    FROM (SELECT coalesce(rank_id, id) >> 10 AS block, -1 AS n FROM old_rows WHERE id <= limit_id AND status = 'waiting'
          UNION ALL
          SELECT coalesce(rank_id, id) >> 10, 1 FROM new_rows WHERE id <= limit_id AND status = 'waiting') AS change
    GROUP BY block
    HAVING sum(n) <> 0
    ORDER BY block -- all transactions lock the rows in the same order
    ON CONFLICT (block) DO UPDATE SET waiting = counts.waiting + excluded.waiting;

    INSERT INTO waitlist_stat AS counts (day, source, status, n)
    SELECT day, source, status, sum(n)
    FROM (SELECT (created_at AT TIME ZONE 'Africa/Nairobi')::date AS day, coalesce(source, '') AS source, status, -1 AS n
          FROM old_rows WHERE id <= limit_id
          UNION ALL
          SELECT (created_at AT TIME ZONE 'Africa/Nairobi')::date, coalesce(source, ''), status, 1
          FROM new_rows WHERE id <= limit_id) AS change
    GROUP BY day, source, status
    HAVING sum(n) <> 0
    ORDER BY day, source, status
    ON CONFLICT (day, source, status) DO UPDATE SET n = counts.n + excluded.n;
    RETURN NULL;
END
$$;
-- +goose StatementEnd

COMMENT ON FUNCTION waitlist_apply_changes IS
    'Applies an update of counted entries to their counts. It does not join old_rows and new_rows: a plan that was made for one row and is used again for thousands would compare each with each.';

CREATE TRIGGER waitlist_entry_changed
    AFTER UPDATE ON waitlist_entry
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION waitlist_apply_changes();

-- +goose StatementBegin
CREATE FUNCTION waitlist_queue_search() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO waitlist_search_pending (entry_id) VALUES (NEW.id) ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
-- +goose StatementEnd

CREATE TRIGGER waitlist_entry_renamed
    AFTER UPDATE OF username, phone_number ON waitlist_entry
    FOR EACH ROW WHEN ((OLD.username, OLD.phone_number) IS DISTINCT FROM (NEW.username, NEW.phone_number))
    EXECUTE FUNCTION waitlist_queue_search();

-- Referrals

CREATE TABLE referral_key (
    only_row bool  PRIMARY KEY DEFAULT true CHECK (only_row),
    key      bytea NOT NULL
);
INSERT INTO referral_key (key)
VALUES (decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'));

COMMENT ON TABLE referral_key IS 'The secret from which referral codes are computed. A new one would make all codes invalid.';

CREATE TABLE referral (
    referee_id  bigint      PRIMARY KEY REFERENCES waitlist_entry,
    referrer_id bigint      NOT NULL REFERENCES waitlist_entry,
    state       text        NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'held', 'credited', 'refused')),
    reason      text,
    created_at  timestamptz NOT NULL DEFAULT now(),
    decided_at  timestamptz,
    CHECK (referee_id <> referrer_id)
);
CREATE INDEX referral_referrer ON referral (referrer_id, referee_id);
CREATE INDEX referral_state ON referral (state, referee_id);
CREATE INDEX referral_credited ON referral (referrer_id, decided_at) WHERE state = 'credited';

COMMENT ON TABLE referral IS
    'Sign-ups that came with the referral code of another entry. A pending one is decided when the number of the referee is verified.';
COMMENT ON COLUMN referral.decided_at IS 'NULL while the referral is pending or held.';

CREATE TABLE consent (
    id           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    entry_id     bigint      NOT NULL REFERENCES waitlist_entry,
    purpose      text        NOT NULL CHECK (purpose IN ('list', 'invitations')),
    given        bool        NOT NULL,
    text_version text,
    channel      text        NOT NULL CHECK (channel IN ('web', 'whatsapp', 'import', 'operator')),
    source       text,
    at           timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX consent_entry ON consent (entry_id, id);

COMMENT ON TABLE consent IS 'What people agreed to or withdrew. Rows are only added; the newest of a purpose counts.';

-- Imports

CREATE TABLE waitlist_import (
    id             bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    operation_id   bigint      REFERENCES operation ON DELETE SET NULL,
    actor          text        NOT NULL,
    dry_run        bool        NOT NULL,
    source         text,
    consent_source text        NOT NULL,
    columns        jsonb       NOT NULL DEFAULT '{}',
    bytes          bigint      NOT NULL DEFAULT 0,
    sha256         bytea,
    upload_error   text,
    added          bigint      NOT NULL DEFAULT 0,
    present        bigint      NOT NULL DEFAULT 0,
    invalid        bigint      NOT NULL DEFAULT 0,
    skipped        bigint      NOT NULL DEFAULT 0,
    created_at     timestamptz NOT NULL DEFAULT now(),
    finished_at    timestamptz
);

COMMENT ON COLUMN waitlist_import.operation_id IS
    'The operation that imports the file. NULL: the upload is in progress or failed, or the operation has expired.';
COMMENT ON COLUMN waitlist_import.sha256 IS 'NULL: the upload is in progress or failed.';
COMMENT ON COLUMN waitlist_import.finished_at IS 'When the whole file was imported.';
CREATE INDEX waitlist_import_operation ON waitlist_import (operation_id);

CREATE TABLE waitlist_import_chunk (
    import_id bigint NOT NULL REFERENCES waitlist_import ON DELETE CASCADE,
    seq       int    NOT NULL,
    data      bytea  NOT NULL,
    PRIMARY KEY (import_id, seq)
);
ALTER TABLE waitlist_import_chunk ALTER data SET STORAGE EXTERNAL; -- compressing costs more than it saves

COMMENT ON TABLE waitlist_import_chunk IS 'The uploaded file, until the import ends.';

CREATE TABLE waitlist_import_problem (
    import_id bigint NOT NULL REFERENCES waitlist_import ON DELETE CASCADE,
    line      bigint NOT NULL,
    field     text   NOT NULL,
    message   text   NOT NULL,
    PRIMARY KEY (import_id, line)
);

COMMENT ON TABLE waitlist_import_problem IS 'Lines of an import that were not taken. It repeats nothing from the file.';

-- +goose Down
DROP TABLE waitlist_import_problem, waitlist_import_chunk, waitlist_import, consent, referral, referral_key;
DROP TRIGGER waitlist_entry_renamed ON waitlist_entry;
DROP TRIGGER waitlist_entry_changed ON waitlist_entry;
DROP TRIGGER waitlist_entry_lock_counts ON waitlist_entry;
DROP FUNCTION waitlist_queue_search, waitlist_apply_changes, waitlist_lock_counts;
DROP TABLE waitlist_search_pending, waitlist_search;
DROP FUNCTION waitlist_id_at, waitlist_name_pattern, waitlist_search_words, waitlist_fold;
DROP TABLE waitlist_stat, waitlist_block, waitlist_counted, waitlist_event;
ALTER TABLE waitlist_entry DROP rank_seq, DROP rank_id, DROP removed_at, DROP joined_at, DROP invited_at, DROP note,
    DROP source, DROP status;
ALTER TABLE waitlist_entry ALTER phone_number TYPE text;
DROP SEQUENCE waitlist_rank_seq;
DROP TYPE waitlist_status;
