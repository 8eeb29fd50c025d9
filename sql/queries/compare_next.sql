-- $1 workspace, $2 kind, $3 after that id, $4 so many: the id with which the
-- next slice of what is to be compared ends; null: there is none
SELECT max(id) AS "end" FROM (
	(SELECT resource_id AS id FROM listing
	  WHERE workspace = $1 AND kind = $2 AND resource_id > $3
	  ORDER BY 1 LIMIT $4::bigint)
	UNION (SELECT resource_id FROM page
	  WHERE workspace = $1 AND kind = $2 AND resource_id > $3
	  ORDER BY 1 LIMIT $4::bigint)
	UNION (SELECT id FROM resource
	  WHERE workspace = $1 AND kind = $2 AND id > $3
	  ORDER BY 1 LIMIT $4::bigint)
	ORDER BY 1 LIMIT $4::bigint) next
