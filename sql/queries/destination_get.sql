-- $1 workspace, $2 kind
SELECT database_id, data_source_id, style, properties, columns,
       skipped, coalesce(known_in = incarnation(), false) AS known
  FROM destination WHERE workspace = $1 AND kind = $2
