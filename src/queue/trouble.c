#include "queue/trouble.h"

#include <string.h>

#include "sql/queries.h"

int
trouble_wait(struct db *db, const struct trouble *trouble,
    const struct job *job, int64_t *wait, struct err *err)
{
	struct db_result *r = NULL;

	if (DB_RUN(db, SQL_trouble_wait, &r, err, DB_TEXT(trouble->workspace),
		DB_TEXT(trouble->service), DB_TEXT(trouble->part),
		DB_INT(job->id)) != 0)
		return -1;
	*wait = db_int(r, 0, "wait");
	db_result_free(r);
	return 0;
}

int
trouble_met(struct db *db, const struct trouble *trouble, const char *reason,
    enum trouble_news *news, int64_t *wait, struct err *err)
{
	struct db_result *r = NULL;
	const char *text;

	if (DB_RUN(db, SQL_trouble_met, &r, err, DB_TEXT(trouble->workspace),
		DB_TEXT(trouble->service), DB_TEXT(trouble->part),
		DB_TEXT(reason)) != 0)
		return -1;
	text = db_text(r, 0, "news");
	*news = text == NULL		  ? TROUBLE_KNOWN
	    : strcmp(text, "begins") == 0 ? TROUBLE_BEGINS
					  : TROUBLE_LASTS;
	*wait = db_int(r, 0, "wait");
	db_result_free(r);
	return 0;
}

int
trouble_ended(struct db *db, const struct trouble *trouble, int64_t *seconds,
    struct err *err)
{
	struct db_result *r = NULL;

	if (DB_RUN(db, SQL_trouble_ended, &r, err, DB_TEXT(trouble->workspace),
		DB_TEXT(trouble->service), DB_TEXT(trouble->part)) != 0)
		return -1;
	*seconds = db_rows(r) > 0 && db_bool(r, 0, "told")
	    ? db_int(r, 0, "seconds")
	    : -1;
	db_result_free(r);
	return 0;
}
