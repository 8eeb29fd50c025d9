-- $1 forgetting: its list is empty
SELECT forget_finish($1::bigint)
