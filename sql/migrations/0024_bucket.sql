-- What waits for a person is in the table trouble.
ALTER TABLE bucket DROP COLUMN for_operator;
