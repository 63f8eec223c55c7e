-- +goose Up

-- A conversation is read as far back as it still matters, by time. So of who has
-- not been here lately the index tells that there is nothing to read.
CREATE INDEX answer_lately ON answer (person_id, created_at);
DROP INDEX answer_of_person;

-- +goose Down
CREATE INDEX answer_of_person ON answer (person_id, id);
DROP INDEX answer_lately;
