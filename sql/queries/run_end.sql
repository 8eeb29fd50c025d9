-- $1 run id; it holds no lease any more
DELETE FROM run WHERE id = $1::bigint
