-- $1 host: the processes said to be running on it
SELECT id, pid, born, program FROM run WHERE host = $1
