-- $1 milliseconds, of each new session: a statement that nobody waits for any
-- more must not go on in the server
SELECT set_config('statement_timeout', $1, false)
