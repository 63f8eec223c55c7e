-- +goose Up

-- Whether a part is still to be sent, or may have to be. The index asks for this
-- and not for the delivery, because PostgreSQL writes to every index of a row
-- when a column changes that one of them looks at: sent, delivered and read
-- now change none. They need room beside the row for that.
ALTER TABLE part SET (fillfactor = 70);
ALTER TABLE part ADD COLUMN open boolean NOT NULL GENERATED ALWAYS AS (delivery IN ('unsent', 'sending')) STORED;
DROP INDEX part_to_send;
CREATE INDEX part_open ON part (person_id, answer_id, position) WHERE open;

-- +goose Down
ALTER TABLE part RESET (fillfactor);
DROP INDEX part_open;
CREATE INDEX part_to_send ON part (person_id, answer_id, position) WHERE delivery IN ('unsent', 'sending');
ALTER TABLE part DROP COLUMN open;
