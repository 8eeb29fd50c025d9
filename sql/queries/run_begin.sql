-- $1 host, $2 pid, $3 boot id and start time, $4 program
INSERT INTO run (host, pid, born, program) VALUES ($1, $2, $3, $4)
RETURNING id
