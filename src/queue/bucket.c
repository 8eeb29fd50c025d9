#include "queue/bucket.h"

#include "sql/queries.h"

int
bucket_take(struct db *db, const struct bucket *bucket, const struct job *job,
    int64_t *wait, int64_t *trouble, struct err *err)
{
	struct db_result *r = NULL;

	if (DB_RUN(db, SQL_bucket_take, &r, err, DB_TEXT(bucket->workspace),
		DB_TEXT(bucket->service), DB_INT(bucket->limit),
		DB_INT(bucket->window_ms),
		DB_BOOL(job != NULL && job->priority > JOB_LIVE),
		DB_TEXT(job == NULL ? NULL : job->kind),
		job == NULL ? DB_TEXT(NULL) : DB_INT(job->id)) != 0)
		return -1;
	*wait = db_int(r, 0, "wait");
	*trouble = db_int(r, 0, "trouble");
	db_result_free(r);
	return 0;
}

int
bucket_pause(struct db *db, const struct bucket *bucket, int64_t ms,
    const char *reason, bool refused, int64_t *learned, struct err *err)
{
	struct db_result *r = NULL;

	if (DB_RUN(db, SQL_bucket_pause, &r, err, DB_TEXT(bucket->workspace),
		DB_TEXT(bucket->service), DB_INT(bucket->limit),
		DB_INT(bucket->window_ms), DB_INT(ms), DB_TEXT(reason),
		DB_BOOL(refused)) != 0)
		return -1;
	*learned =
	    db_text(r, 0, "learned") == NULL ? 0 : db_int(r, 0, "learned");
	db_result_free(r);
	return 0;
}
