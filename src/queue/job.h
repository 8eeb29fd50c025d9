/*
 * job.h - the job table: one row a resource that is due.
 *
 * A claim is a lease: if the worker dies, the job falls due again. Only the
 * run that holds the lease can finish or fail the job; a worker that comes
 * too late changes nothing.
 */
#ifndef QUEUE_JOB_H
#define QUEUE_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "ext/db.h"

struct job {
	int64_t id;
	int64_t run; /* who holds the lease */
	const char *workspace, *kind, *resource_id;
	const char *run_at; /* as the database writes it */
	int64_t generation;
	int64_t attempt; /* 1 on the first */
	int64_t deaths;	 /* how many of them the worker did not survive */
	int64_t priority;
	bool done; /* set by who has worked on it: it can be finished */
};

/* Priorities: lower goes first. JOB_QUICK is for what needs no service, and
 * many of which are claimed at a time. JOB_LISTED is what a backfill has
 * listed: it is written before more is. */
enum {
	JOB_QUICK = -10,
	JOB_LIVE = 0,
	JOB_RECHECK = 10,
	JOB_LISTED = 10,
	JOB_HISTORY = 20
};

/* The kind of a job that only shows that jobs are done. */
#define JOB_PROBE "probe"

enum { JOB_MANY = 200 };

/* What a worker has claimed, in the order in which it is to be worked on:
 * { 0 } at first. The jobs' strings belong to it, but for the workspace. */
struct job_batch {
	struct job jobs[JOB_MANY];
	size_t n;
	size_t wanted; /* as many were asked for */
	struct db_result *rows;
};

/* In one round trip: finish those of the batch that are done, and claim what is
 * due next in the workspace, whose name must outlive the batch: 1, 0 when
 * nothing is due, or -1, and the batch is as it was. A job that an event came
 * in for meanwhile is due again. */
int job_next(struct db *db, const char *workspace, int64_t run,
    int64_t lease_ms, struct job_batch *batch, struct err *err);
/* The same without a claim. */
int job_finish(struct db *db, struct job_batch *batch, struct err *err);
/* Those that were not begun are due again at once. */
int job_give_back(
    struct db *db, const struct job_batch *batch, struct err *err);
void job_batch_clear(struct job_batch *batch);

/* Give the job back with what went wrong. It is tried again after the wait
 * that the failure asks for (see backoff_ms()), or is dead: permanently
 * refused, or out of attempts. *dead tells; not if an event came in
 * meanwhile. The attempt is remembered in the table of that name. */
int job_fail(struct db *db, const struct job *job, const struct err *why,
    int64_t max_attempts, bool *dead, struct err *err);

/* Keep the lease while a long job goes on: 0, or -1 (also when it was lost). */
int job_extend(
    struct db *db, const struct job *job, int64_t lease_ms, struct err *err);

/* The result, which is freed, of a statement that changes something only while
 * the lease is held, and then has a row: 0, or -1 when the lease was lost. A
 * worker that slept too long must not write over what another has done since.
 */
int job_held(struct db_result *r, struct err *err);

/* Milliseconds until the workspace has something to do, or to wait for that is
 * worth waiting for (a service's rate limit); -1: nothing, -2: error. */
int64_t job_next_ms(struct db *db, const char *workspace, struct err *err);

/* Make a resource due, whether or not it has a job already. */
int job_make_due(struct db *db, const char *workspace, const char *kind,
    const char *resource_id, int priority, struct err *err);

/* Within a transaction that changes resources and then makes them due: before
 * the first of them is changed. */
int job_hold(struct db *db, const char *workspace, const char *kind,
    const struct db_bytes *resource_ids, size_t n, struct err *err);

/* Does a live job of the workspace wait for a worker? 1, 0 or -1. */
int job_live_is_due(struct db *db, const char *workspace, struct err *err);

/* Resources whose re-check time has come become due. */
int job_recheck(struct db *db, struct err *err);

/* How long to wait before attempt + 1, in milliseconds. roll (0 to 1) is the
 * jitter's dice: capped exponential with full jitter for ERR_RETRY, and not
 * before a time that was named; that time for the others. Without one: none for
 * ERR_WAIT, 5 s, 30 s, 2 min (Notion may still be at it) for ERR_UNKNOWN,
 * minutes for ERR_OPERATOR. */
int64_t backoff_ms(const struct err *why, int64_t attempt, double roll);

#endif
