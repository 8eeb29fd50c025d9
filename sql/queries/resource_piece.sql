-- $1 workspace, $2 kind, $3 id, $4 from which byte on (the first is 1), $5 how
-- many: a piece of its facts
SELECT substring(convert_to(facts::text, 'UTF8')
	FROM $4::int FOR $5::int) AS piece
  FROM resource WHERE workspace = $1 AND kind = $2 AND id = $3
