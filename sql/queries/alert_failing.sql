-- $1 workspace: what of it, or of hosts, could not be told, and why
SELECT count(*) AS messages, max(failure) AS failure,
       extract(epoch FROM now() - min(since))::bigint AS seconds
  FROM alert WHERE workspace IN ($1, '') AND failure IS NOT NULL
