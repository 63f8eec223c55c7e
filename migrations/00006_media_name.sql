-- +goose Up

-- A file's name is not what its sender says: who sends nothing but a file that
-- cannot be opened is told so.
ALTER TABLE message ADD COLUMN media_name text NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE message DROP COLUMN media_name;
