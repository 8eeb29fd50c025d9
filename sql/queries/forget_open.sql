-- $1 workspace: forgettings that were interrupted
SELECT id, redacted, array_to_json(numbers) AS numbers,
       array_to_json(contacts) AS contacts
  FROM forgetting WHERE workspace = $1 AND finished_at IS NULL ORDER BY id
