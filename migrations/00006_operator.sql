-- +goose Up

CREATE TABLE audit (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL DEFAULT now(),
    actor      text        NOT NULL,
    action     text        NOT NULL,
    subject    text        NOT NULL,
    subject_id bigint,
    request_id text        NOT NULL,
    details    jsonb       NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_subject ON audit (subject, subject_id, id);
CREATE INDEX audit_action ON audit (action, id);
CREATE INDEX audit_actor ON audit (actor, id);
CREATE INDEX audit_at ON audit USING brin (at);

COMMENT ON TABLE audit IS
    'One row for each change by an operator, and for each read of personal data in bulk or by search. It is inserted in the transaction of the change and never updated.';
COMMENT ON COLUMN audit.details IS 'What changed. It contains no phone numbers in full.';

CREATE TABLE idempotency_key (
    caller      text        NOT NULL,
    key         text        NOT NULL,
    path        text        NOT NULL,
    body_sha256 bytea       NOT NULL,
    status      int         NOT NULL,
    header      jsonb       NOT NULL,
    body        bytea       NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (caller, key)
);
CREATE INDEX idempotency_key_created_at ON idempotency_key (created_at);

COMMENT ON TABLE idempotency_key IS
    'Responses to requests with an Idempotency-Key, stored in the transaction of the action and returned again when the request is repeated within 24 hours.';

CREATE TABLE operation (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind        text        NOT NULL,
    args        jsonb       NOT NULL,
    actor       text        NOT NULL,
    request_id  text        NOT NULL,
    state       text        NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    cursor      jsonb       NOT NULL DEFAULT '{}',
    chunks      bigint      NOT NULL DEFAULT 0,
    done        bigint      NOT NULL DEFAULT 0,
    total       bigint,
    result      jsonb,
    failure     jsonb,
    created_at  timestamptz NOT NULL DEFAULT now(),
    started_at  timestamptz,
    finished_at timestamptz
);
CREATE INDEX operation_finished_at ON operation (finished_at) WHERE finished_at IS NOT NULL;

COMMENT ON TABLE operation IS
    'Long work of operators. A job of the queue runs it in chunks.';
COMMENT ON COLUMN operation.chunks IS
    'How many chunks are committed. A worker that expects another number does not go on: a second one has taken over the job.';
COMMENT ON COLUMN operation.cursor IS
    'Where the next chunk begins. It is updated in the transaction of the chunk, so that no chunk is repeated after a crash.';

-- +goose StatementBegin
CREATE FUNCTION queue_operation(operation_id bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO river_job (kind, args, max_attempts, queue)
    VALUES ('run_operation', jsonb_build_object('operation_id', operation_id), 10000, 'operations');
    PERFORM pg_notify(current_schema() || '.river_insert', '{"queue": "operations"}');
END
$$;
-- +goose StatementEnd

COMMENT ON FUNCTION queue_operation IS
    'Queues the job that runs an operation, in the transaction of the caller. The queue is separate, so that answers never wait for an operation.';

-- +goose Down
DROP FUNCTION queue_operation;
DROP TABLE operation, idempotency_key, audit;
