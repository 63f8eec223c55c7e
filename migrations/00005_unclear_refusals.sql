-- +goose Up
ALTER TABLE answer_part ADD COLUMN unclear_refusals integer NOT NULL DEFAULT 0 CHECK (unclear_refusals >= 0);

COMMENT ON COLUMN answer_part.unclear_refusals IS 'How many of the refusals named no cause. They limit the retries after such an error.';
COMMENT ON COLUMN answer_part.refusals IS 'Refusals and temporary failures of this part alone. They lengthen its back-off, and limit its retries after a failed status.';

-- +goose Down
ALTER TABLE answer_part DROP COLUMN unclear_refusals;
