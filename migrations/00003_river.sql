-- River's own migrations create its tables before this file is applied.

-- +goose Up

-- Nothing searches jobs by their arguments or metadata, and every insert would
-- write to both indexes.
DROP INDEX river_job_args_index, river_job_metadata_index;

-- +goose StatementBegin
CREATE FUNCTION queue_answers(person_ids bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO river_job (kind, args, max_attempts)
    SELECT DISTINCT 'answer_person', jsonb_build_object('person_id', person_id), 10000
    FROM unnest(person_ids) AS person_id;
    IF FOUND THEN
        PERFORM pg_notify(current_schema() || '.river_insert', '{"queue": "default"}');
    END IF;
END
$$;
-- +goose StatementEnd

COMMENT ON FUNCTION queue_answers IS
    'Queues a job to answer each of the persons and wakes the workers, in the transaction of the caller and without a round trip of its own. It inserts what River''s Go client would insert.';

-- +goose Down
DROP FUNCTION queue_answers;
CREATE INDEX river_job_metadata_index ON river_job USING gin (metadata);
CREATE INDEX river_job_args_index ON river_job USING gin (args);
