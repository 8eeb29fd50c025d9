-- $1 what, $2 host, $3 what was found there (see alert_look)
SELECT alert_look('', $1, $2, $3)
