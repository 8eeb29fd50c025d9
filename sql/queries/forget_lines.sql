-- $1 workspace: our own numbers, as model/names.h has them
SELECT json_build_object('numbers', coalesce(json_object_agg(id,
	json_build_object('number', number)), '{}')) AS names
  FROM directory
 WHERE workspace = $1 AND kind = 'number' AND number IS NOT NULL
