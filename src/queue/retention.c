#include "queue/retention.h"

#include "sql/queries.h"

/* an id that OpenPhone did not know a month ago and nobody asked for since */
#define NAMES_MS (30 * 24 * 3600 * INT64_C(1000))

enum { BATCH = 1000 };

int
retention_sweep(struct db *db, const struct conf *conf, struct err *err)
{
	const struct {
		const char *sql;
		int64_t ms; /* 0: for ever */
	} kinds[] = {
		{ SQL_expire_finished, conf->retention.finished_ms },
		{ SQL_expire_attempts, conf->retention.attempts_ms },
		{ SQL_expire_dead, conf->retention.dead_ms },
	};

	int more = 0;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct db_result *r = NULL;

		if (kinds[i].ms == 0)
			continue;
		if (DB_RUN(db, kinds[i].sql, &r, err, DB_INT(kinds[i].ms),
			DB_INT(BATCH)) != 0)
			return -1;
		if (db_int(r, 0, "gone") == BATCH)
			more = 1;
		db_result_free(r);
	}
	return more;
}

/* Batch by batch, until there is none any more. */
static int
expire(const struct chore *chore, const char *sql, int64_t ms, int64_t *rows,
    struct err *err)
{
	int64_t gone = ms > 0 ? 1 : 0;

	while (gone > 0) {
		struct db_result *r = NULL;

		if (chore_keep(chore, err) != 0 ||
		    DB_RUN(chore->db, sql, &r, err, DB_INT(ms)) != 0)
			return -1;
		gone = db_int(r, 0, "gone");
		*rows += gone;
		db_result_free(r);
	}
	return 0;
}

int
retention_maintain(const struct chore *chore, const struct conf *conf,
    int64_t *weeks, int64_t *rows, struct err *err)
{
	const int64_t bodies = conf->retention.bodies_ms;

	*weeks = *rows = 0;
	return expire(chore, SQL_expire_partitions, bodies, weeks, err) == 0 &&
		expire(chore, SQL_expire_bodies, bodies, rows, err) == 0 &&
		expire(chore, SQL_expire_events, conf->retention.events_ms,
		    rows, err) == 0 &&
		expire(chore, SQL_expire_usage, conf->retention.counters_ms,
		    rows, err) == 0 &&
		expire(chore, SQL_expire_names, NAMES_MS, rows, err) == 0
	    ? 0
	    : -1;
}
