-- $1 workspace, $2 contact id, $3 all its telephone numbers
WITH gone AS (
	DELETE FROM contact_number
	 WHERE workspace = $1 AND contact_id = $2 AND number <> ALL ($3::text[])
	RETURNING number
), new AS (
	INSERT INTO contact_number (workspace, number, contact_id)
	SELECT DISTINCT $1, number, $2 FROM unnest($3::text[]) AS number
	ON CONFLICT DO NOTHING
	RETURNING number
)
UPDATE directory SET changed_at = now()
 WHERE workspace = $1 AND kind = 'contact' AND id = $2
   AND (EXISTS (SELECT FROM gone) OR EXISTS (SELECT FROM new))
