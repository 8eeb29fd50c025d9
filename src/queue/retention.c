#include "queue/retention.h"

#include "sql/queries.h"

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

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (kinds[i].ms > 0 &&
		    DB_RUN(db, kinds[i].sql, NULL, err, DB_INT(kinds[i].ms)) !=
			0)
			return -1;
	return 0;
}
