-- +goose Up

-- What an answer answers stands beside it, so that a conversation is read from
-- one table: of a person who comes back after weeks, each row that is read may
-- have to come from the disk.
ALTER TABLE answer ADD COLUMN said text NOT NULL DEFAULT ''; -- the words of its messages, a line each
UPDATE answer
SET said = message.said
FROM (SELECT answer_id, string_agg(body, E'\n' ORDER BY id) AS said
      FROM message WHERE answer_id IS NOT NULL AND body <> '' GROUP BY answer_id) AS message
WHERE message.answer_id = answer.id;

-- +goose Down
ALTER TABLE answer DROP COLUMN said;
