-- $1 forgetting, $2 kind, $3 id, $4 way: an item of its list
INSERT INTO forgetting_item (forgetting, kind, resource_id, way)
VALUES ($1::bigint, $2, $3, $4)
