#include "queue/job.h"

#include <stdlib.h>
#include <string.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "sql/queries.h"

enum {
	RETRY_BASE_MS = 2000,
	RETRY_CAP_MS = 30 * 60 * 1000,
	OPERATOR_MS = 5 * 60 * 1000,
	WAIT_MIN_MS = 100
};

/* The jobs of a batch that are done, to be finished. */
struct done {
	int64_t ids[JOB_MANY], generations[JOB_MANY];
	size_t n;
};

static void
list_done(const struct job_batch *batch, struct done *ret)
{
	ret->n = 0;
	for (size_t i = 0; i < batch->n; i++) {
		if (!batch->jobs[i].done)
			continue;
		ret->ids[ret->n] = batch->jobs[i].id;
		ret->generations[ret->n++] = batch->jobs[i].generation;
	}
	if (ret->n > 0)
		FAILPOINT("job.finishing");
}

void
job_batch_clear(struct job_batch *batch)
{
	db_result_free(batch->rows);
	batch->rows = NULL;
	batch->n = 0;
}

static void
take_rows(struct job_batch *batch, struct db_result *r, const char *workspace,
    int64_t run)
{
	job_batch_clear(batch);
	batch->rows = r;
	batch->n = (size_t)db_rows(r);
	for (int i = 0; i < db_rows(r); i++)
		batch->jobs[i] = (struct job){
			.id = db_int(r, i, "id"),
			.run = run,
			.workspace = workspace,
			.kind = db_text(r, i, "kind"),
			.resource_id = db_text(r, i, "resource_id"),
			.generation = db_int(r, i, "generation"),
			.attempt = db_int(r, i, "attempts"),
			.deaths = db_int(r, i, "deaths"),
			.priority = db_int(r, i, "priority"),
			.run_at = db_text(r, i, "run_at"),
		};
}

int
job_next(struct db *db, const char *workspace, int64_t run, int64_t lease_ms,
    struct job_batch *batch, struct err *err)
{
	const struct job *last =
	    batch->n == 0 ? NULL : &batch->jobs[batch->n - 1];
	/* where there were as many quick ones as asked for, there are more */
	bool many = last != NULL && last->priority <= JOB_QUICK &&
	    batch->n == batch->wanted;
	int64_t wanted = many ? JOB_MANY : 1;
	struct db_result *r = NULL;
	struct done done;

	list_done(batch, &done);
	if (DB_RUN(db, SQL_job_next, &r, err, DB_INT(run),
		DB_INT((lease_ms + 999) / 1000), DB_TEXT(workspace),
		DB_INTS(done.ids, done.n), DB_INTS(done.generations, done.n),
		DB_INT(wanted), DB_INT(many ? JOB_QUICK : INT16_MAX),
		DB_INT(many ? last->priority : INT16_MIN),
		DB_TEXT(many ? last->run_at : "-infinity"),
		DB_INT(many ? last->id : 0)) != 0)
		return -1;
	if (done.n > 0)
		FAILPOINT("job.finished");
	take_rows(batch, r, workspace, run);
	batch->wanted = (size_t)wanted;
	if (batch->n == 0)
		return 0;
	FAILPOINT("job.claimed");
	return 1;
}

int
job_finish(struct db *db, struct job_batch *batch, struct err *err)
{
	struct done done;

	list_done(batch, &done);
	if (done.n == 0)
		return 0;
	if (DB_RUN(db, SQL_job_finish, NULL, err, DB_INT(batch->jobs[0].run),
		DB_INTS(done.ids, done.n),
		DB_INTS(done.generations, done.n)) != 0)
		return -1;
	FAILPOINT("job.finished");
	for (size_t i = 0; i < batch->n; i++)
		batch->jobs[i].done = false;
	return 0;
}

int
job_give_back(struct db *db, const struct job_batch *batch, struct err *err)
{
	int64_t ids[JOB_MANY];

	if (batch->n == 0)
		return 0;
	for (size_t i = 0; i < batch->n; i++)
		ids[i] = batch->jobs[i].id;
	return DB_RUN(db, SQL_job_give_back, NULL, err, DB_INTS(ids, batch->n),
	    DB_INT(batch->jobs[0].run));
}

int64_t
backoff_ms(const struct err *why, int64_t attempt, double roll)
{
	static const int64_t unknown_ms[] = { 5000, 30000, 120000 };
	int64_t step, i = attempt < 1 ? 0 : attempt - 1;
	int64_t named = why->retry_after_ms;

	switch (why->kind) {
	case ERR_WAIT:
		return named < WAIT_MIN_MS ? WAIT_MIN_MS : named;
	case ERR_UNKNOWN:
		return named > 0 ? named : unknown_ms[i > 2 ? 2 : i];
	case ERR_OPERATOR:
	case ERR_CONFIG:
		return named > 0 ? named : OPERATOR_MS;
	default:
		step = i > 20 ? RETRY_CAP_MS : RETRY_BASE_MS << i;
		if (step > RETRY_CAP_MS)
			step = RETRY_CAP_MS;
		/* never less than a tenth: an immediate retry meets the
		 * same trouble */
		step = (int64_t)((double)step * (0.1 + 0.9 * roll));
		return step < named ? named : step;
	}
}

/* A wait that the service asked for, or a fault that only a person can mend,
 * is not the job's failure: it never dies of it. */
static bool
counts(const struct err *why)
{
	return why->kind != ERR_WAIT && why->kind != ERR_OPERATOR &&
	    why->kind != ERR_CONFIG;
}

int
job_fail(struct db *db, const struct job *job, const struct err *why,
    int64_t max_attempts, bool *dead, struct err *err)
{
	struct db_result *r = NULL;
	bool give_up = why->kind == ERR_PERMANENT ||
	    (counts(why) && job->attempt >= max_attempts);
	double roll = (double)arc4random() / UINT32_MAX;
	char text[sizeof(why->text)];

	FAILPOINT("job.failing");
	memcpy(text, why->text, sizeof(text));
	log_mask(text);
	if (DB_RUN(db, SQL_job_fail, &r, err, DB_INT(job->id), DB_INT(job->run),
		DB_INT(backoff_ms(why, job->attempt, roll)), DB_TEXT(text),
		DB_TEXT(err_kind_name(why->kind)), DB_BOOL(give_up),
		DB_BOOL(counts(why)), DB_INT(job->generation)) != 0)
		return -1;
	FAILPOINT("job.failed");
	*dead = db_rows(r) > 0 && db_bool(r, 0, "dead");
	db_result_free(r);
	return 0;
}

int
job_extend(
    struct db *db, const struct job *job, int64_t lease_ms, struct err *err)
{
	struct db_result *r = NULL;

	if (DB_RUN(db, SQL_job_extend, &r, err, DB_INT(job->id),
		DB_INT(job->run), DB_INT((lease_ms + 999) / 1000)) != 0)
		return -1;
	FAILPOINT("job.extended");
	return job_held(r, err);
}

int
job_held(struct db_result *r, struct err *err)
{
	bool held = db_rows(r) > 0;

	db_result_free(r);
	if (held)
		return 0;
	err_set(
	    err, ERR_RETRY, "the lease ran out, another worker has the job");
	return -1;
}

int64_t
job_next_ms(struct db *db, const char *workspace, struct err *err)
{
	struct db_result *r = NULL;
	int64_t ms;

	if (DB_RUN(db, SQL_job_next_at, &r, err, DB_TEXT(workspace)) != 0)
		return -2;
	ms = db_text(r, 0, "ms") == NULL ? -1 : db_int(r, 0, "ms");
	db_result_free(r);
	return ms;
}

int
job_make_due(struct db *db, const char *workspace, const char *kind,
    const char *resource_id, int priority, struct err *err)
{
	return DB_RUN(db, SQL_job_due, NULL, err, DB_TEXT(workspace),
	    DB_TEXT(kind), DB_TEXT(resource_id), DB_INT(priority));
}

int
job_recheck(struct db *db, struct err *err)
{
	return DB_RUN(db, SQL_recheck_due, NULL, err);
}

int
job_hold(struct db *db, const char *workspace, const char *kind,
    const struct db_bytes *resource_ids, size_t n, struct err *err)
{
	return DB_RUN(db, SQL_jobs_hold, NULL, err, DB_TEXT(workspace),
	    DB_TEXT(kind), DB_TEXTS(resource_ids, n));
}

int
job_live_is_due(struct db *db, const char *workspace, struct err *err)
{
	struct db_result *r = NULL;
	int due;

	if (DB_RUN(db, SQL_job_live_due, &r, err, DB_TEXT(workspace)) != 0)
		return -1;
	due = db_bool(r, 0, "due");
	db_result_free(r);
	return due;
}
