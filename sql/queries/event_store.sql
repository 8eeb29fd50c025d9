-- parallel arrays, an element a delivery (see the function's definition)
SELECT event_store($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) AS stored
