-- $1 what, $2 host, $3 what was found there (see alert_look)
SELECT alert_look('', $1, split_part($2, ' ', 1), $3)
