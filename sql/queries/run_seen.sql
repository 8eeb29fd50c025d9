-- $1 workspaces, $2 host: the last one there is still at work for them
UPDATE last_run SET seen_at = now()
 WHERE workspace = ANY ($1::text[]) AND host = split_part($2, ' ', 1)
