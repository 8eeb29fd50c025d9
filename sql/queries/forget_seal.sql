-- $1 forgetting: its list is complete
SELECT forget_seal($1::bigint)
