-- $1 workspace
SELECT count(*) AS resources FROM v_ignored WHERE workspace = $1
