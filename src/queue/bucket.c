#include "queue/bucket.h"

#include "sql/queries.h"

int64_t
bucket_take(struct db *db, const char *workspace, const char *service,
    int64_t limit, int64_t window_ms, struct err *err)
{
	struct db_result *r = NULL;
	int64_t wait;

	if (DB_RUN(db, SQL_bucket_take, &r, err, DB_TEXT(workspace),
		DB_TEXT(service), DB_INT(limit), DB_INT(window_ms)) != 0)
		return -1;
	wait = db_int(r, 0, "wait");
	db_result_free(r);
	return wait;
}

int
bucket_pause(struct db *db, const char *workspace, const char *service,
    int64_t ms, const char *reason, bool for_operator, struct err *err)
{
	return DB_RUN(db, SQL_bucket_pause, NULL, err, DB_TEXT(workspace),
	    DB_TEXT(service), DB_INT(ms), DB_TEXT(reason),
	    DB_BOOL(for_operator));
}
