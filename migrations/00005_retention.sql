-- +goose Up

-- What has been kept for long enough is deleted: see
-- internal/repository/retention.go. Whenever a part goes, PostgreSQL looks for
-- wamids that still point to it, and without an index it reads their whole
-- table for each part.
CREATE INDEX former_wamid_of_part ON former_wamid (part_id);

-- Messages and parts name their person without a foreign key. It would look
-- that person up for each row of a webhook, and need an index on each of the
-- two large tables, which every message and every step of a delivery would
-- write to. Whoever stores a message holds a lock that keeps persons from being
-- deleted, and whoever deletes one looks for messages under a lock that excludes
-- this one: see keepPeople, mergePeople and prunePeople. A part belongs to the person of its
-- answer, which has a key.
ALTER TABLE message DROP CONSTRAINT message_person_id_fkey;
ALTER TABLE part DROP CONSTRAINT part_person_id_fkey;

-- Nobody searches the queue by the contents of a job, and each of its rows was
-- written to both of these.
DROP INDEX river_job_args_index, river_job_metadata_index;

-- +goose Down
CREATE INDEX river_job_metadata_index ON river_job USING gin (metadata);
CREATE INDEX river_job_args_index ON river_job USING gin (args);
ALTER TABLE part ADD CONSTRAINT part_person_id_fkey FOREIGN KEY (person_id) REFERENCES person;
ALTER TABLE message ADD CONSTRAINT message_person_id_fkey FOREIGN KEY (person_id) REFERENCES person;
DROP INDEX former_wamid_of_part;
