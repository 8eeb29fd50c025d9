-- $1 milliseconds: weeks of bodies older than that go; how many
SELECT bodies_expire(now() - $1::bigint * interval '1 millisecond') AS gone
