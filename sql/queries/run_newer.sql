-- $1 run id, $2 host: has a later start taken over?
SELECT EXISTS (SELECT FROM run
	WHERE host = $2 AND program = 'lingering' AND id > $1::bigint) AS newer
