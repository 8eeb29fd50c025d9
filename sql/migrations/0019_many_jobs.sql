-- Room on each page for the leases of all of its rows: the update of one is
-- then HOT, which writes to no index.
ALTER TABLE job SET (fillfactor = 40);

DROP FUNCTION job_finish(bigint, bigint, integer);

-- Finish what a worker has done and claim what is due next: one round trip and
-- one commit. The settings keep the plans as they must be, whatever the
-- statistics say of a table that is empty now and has a million rows in a minute.
-- Nor is job joined with anything: which of the two is gone through would be the
-- planner's to choose.

-- Two statements, so that the second sees what was committed while the first
-- waited for a row: an event that came in meanwhile.
CREATE FUNCTION job_finish(p_run bigint, p_ids bigint[],
	p_generations bigint[])
RETURNS void LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET jit = off SET enable_seqscan = off
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
	finished integer;
BEGIN
	WITH done AS (
		DELETE FROM job
		 WHERE id = ANY (p_ids) AND lease_by = p_run
		   AND generation = p_generations[array_position(p_ids, id)]
		RETURNING workspace, kind, resource_id, attempts, created_at
	)
	INSERT INTO job_done (workspace, kind, resource_id, attempts, due_at)
	SELECT * FROM done;
	GET DIAGNOSTICS finished = ROW_COUNT;
	IF finished < cardinality(p_ids) THEN
		UPDATE job
		   SET lease_until = NULL, lease_by = NULL, attempts = 0,
		       last_error = NULL, error_kind = NULL
		 WHERE id = ANY (p_ids) AND lease_by = p_run;
	END IF;
END
$$;
COMMENT ON FUNCTION job_finish IS 'a run''s jobs are done, or due again if an event came in meanwhile; what is no longer its own is left alone';

-- MATERIALIZED: an inlined subquery could be run again and lock more rows than
-- the limit. A lease that has run out is one attempt of a worker that died;
-- attempts start anew together with the deaths among them. Whether pages cannot
-- be written now is found out once, not for each job; OpenPhone's pauses keep
-- no page waiting.
CREATE FUNCTION job_next(p_run bigint, p_lease interval, p_workspace text,
	p_ids bigint[], p_generations bigint[], p_n integer, p_priority integer,
	p_after_priority integer, p_after_at timestamptz, p_after_id bigint)
RETURNS TABLE (id bigint, kind text, resource_id text, generation integer,
	attempts smallint, deaths smallint, priority smallint, run_at timestamptz)
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET jit = off SET enable_seqscan = off
SET enable_bitmapscan = off SET enable_sort = off
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
BEGIN
	IF p_ids <> '{}' THEN
		PERFORM job_finish(p_run, p_ids, p_generations);
	END IF;
	RETURN QUERY WITH next AS MATERIALIZED (
		SELECT id, lease_by FROM job
		 WHERE NOT dead AND workspace = p_workspace
		   AND priority <= p_priority AND run_at <= now()
		   AND (priority, run_at, id)
		       > (p_after_priority, p_after_at, p_after_id)
		   AND (lease_until IS NULL OR lease_until < now())
		   AND NOT EXISTS (SELECT FROM bucket
			WHERE workspace = p_workspace AND service = 'notion'
			  AND greatest(paused_until, full_until) > now())
		   AND NOT EXISTS (SELECT FROM trouble
			WHERE workspace = p_workspace AND service = 'notion'
			  AND part = '' AND ended_at IS NULL AND next_at > now())
		   AND kind <> ALL (ARRAY(SELECT part FROM trouble
			WHERE workspace = p_workspace AND service = 'notion'
			  AND ended_at IS NULL AND next_at > now()))
		   AND (priority <= 0 OR NOT EXISTS (SELECT FROM bucket
			WHERE workspace = p_workspace AND service = 'notion'
			  AND background_at > now() + interval '1 second'))
		 ORDER BY priority, run_at, id
		 LIMIT p_n
		 FOR UPDATE SKIP LOCKED
	), died AS (
		INSERT INTO attempt (workspace, kind, resource_id, attempt, took,
			error_kind, error, host, run)
		SELECT workspace, kind, resource_id, attempts, now() - claimed_at,
		       'died',
		       'the lease ran out: the worker or its host is gone',
		       (SELECT split_part(host, ' ', 1) FROM run
			 WHERE run.id = lease_by), lease_by
		  FROM job
		 WHERE id = ANY (ARRAY(SELECT id FROM next
			WHERE lease_by IS NOT NULL))
	), claimed AS (
		UPDATE job
		   SET attempts = attempts + 1, lease_by = p_run,
		       lease_until = now() + p_lease, claimed_at = now(),
		       deaths = CASE WHEN attempts = 0 THEN 0 ELSE deaths END
		                + CASE WHEN lease_by IS NULL THEN 0 ELSE 1 END
		 WHERE id = ANY (ARRAY(SELECT id FROM next))
		RETURNING *
	)
	SELECT id, kind, resource_id, generation, attempts, deaths, priority, run_at
	  FROM claimed
	 ORDER BY priority, run_at, id;
END
$$;
COMMENT ON FUNCTION job_next IS 'finishes a run''s jobs and claims at most so many that are due, up to a priority, after a place in their order';

COMMENT ON COLUMN job.priority IS 'lower goes first: -10 what needs no service, 0 live events, 10 re-checks, 20 history';
COMMENT ON COLUMN v_jobs.priority IS '-10 what needs no service, 0 live events, 10 re-checks, 20 history';
