-- $1 workspace, $2 what, $3 host, $4 part, $5 event: people were told; whatever
-- else waits for that can be told, too. Should it be wrong again, that is news.
WITH over AS (
	DELETE FROM alert
	 WHERE (workspace, what, host, part) = ($1, $2, $3, $4) AND $5 = 'ends'
)
UPDATE alert
   SET told_at = CASE WHEN (what, host, part) = ($2, $3, $4) THEN now()
		ELSE told_at END,
       told_amount = CASE WHEN (what, host, part) = ($2, $3, $4) THEN amount
		ELSE told_amount END,
       tries = 0, next_at = now(), failure = NULL
 WHERE workspace = $1
   AND NOT ($5 = 'ends' AND (what, host, part) = ($2, $3, $4))
