-- What was just filled, maybe all of it: with statistics from before, the
-- comparison would take hours instead of seconds.
ANALYZE listing, page, resource
