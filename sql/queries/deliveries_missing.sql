-- $1 workspace, $2 delivery keys: the places, from 1 on, of those that were not
-- stored; an empty key is none, nor is what was forgotten
SELECT given.n
  FROM unnest($2::text[]) WITH ORDINALITY AS given (key, n)
 WHERE given.key <> '' AND NOT is_forgotten($1, 'delivery', given.key)
   AND NOT EXISTS (SELECT FROM event e
	WHERE e.workspace = $1 AND e.delivery_key = given.key)
 ORDER BY given.n
