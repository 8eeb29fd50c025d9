-- $1 forgetting, $2 workspace: what is on its list
WITH item AS (
	SELECT * FROM forgetting_item WHERE forgetting = $1::bigint
)
SELECT count(*) FILTER (WHERE kind = 'call') AS calls,
       count(*) FILTER (WHERE kind = 'message') AS messages,
       count(*) FILTER (WHERE kind = 'contact') AS contacts,
       count(*) FILTER (WHERE way = 'part') AS shared,
       (SELECT count(*) FROM media m JOIN item i
	    ON (i.kind, i.resource_id) = (m.kind, m.resource_id)
	 WHERE m.workspace = $2 AND m.key IS NOT NULL
	   AND (i.way <> 'part' OR i.kind = 'call')) AS files,
       (SELECT count(*) FROM page p JOIN item i
	    ON (i.kind, i.resource_id) = (p.kind, p.resource_id)
	 WHERE p.workspace = $2 AND p.page_id IS NOT NULL) AS pages,
       (SELECT count(*) FROM event e JOIN item i
	    ON (i.kind, i.resource_id) = (e.kind, e.resource_id)
	 WHERE e.workspace = $2)
	+ count(*) FILTER (WHERE kind = 'event') AS events
  FROM item
