-- $1 workspace, $2 service, $3 part; no row: there was no trouble
SELECT seconds, told FROM trouble_ended($1, $2, $3)
