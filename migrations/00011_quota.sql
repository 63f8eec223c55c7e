-- +goose Up

-- How much a person was sent matters for minutes, so it is not kept with what
-- is known of them for ever. No row is as good as one whose time is past, and
-- those are deleted.
CREATE TABLE quota (
    person_id bigint      PRIMARY KEY,
    full_at   timestamptz NOT NULL -- when all of it is free again
);
INSERT INTO quota (person_id, full_at) SELECT id, quota_full_at FROM person WHERE quota_full_at > now();
ALTER TABLE person DROP COLUMN quota_full_at;

-- A foreign key writes to the row that it points to, to keep it: that is a page
-- of its own for each answer, anywhere among all persons, and PostgreSQL logs each
-- of these pages whole after a checkpoint. A person with a message that waits, or
-- with an answer, is not deleted, and SaveAnswer makes the one of the other: see
-- prunePeople and mergePeople.
ALTER TABLE answer DROP CONSTRAINT answer_person_id_fkey;

-- +goose Down
ALTER TABLE answer ADD CONSTRAINT answer_person_id_fkey FOREIGN KEY (person_id) REFERENCES person;
ALTER TABLE person ADD COLUMN quota_full_at timestamptz;
UPDATE person SET quota_full_at = full_at FROM quota WHERE person_id = id;
DROP TABLE quota;
